//! What users write: a call to something outside that is answered later.

use std::future::Future;
use std::pin::Pin;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::state::Value;
use tidegate_core::time::Timestamp;

/// What a call comes to: the rows that follow from its record, or why there are none.
pub type Answer<Out> = Result<Vec<Out>, BoxError>;

/// A call: answered at once, or by a future.
pub enum Call<Out> {
    /// The answer is known.
    Ready(Answer<Out>),
    /// The answer will come. The future is polled on the thread of its subtask, within its tokio runtime:
    /// it must not block, and may use tokio's network and timers.
    Pending(Pin<Box<dyn Future<Output = Answer<Out>> + Send>>),
}

impl<Out> Call<Out> {
    /// A call whose answer will come.
    pub fn pending(future: impl Future<Output = Answer<Out>> + Send + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }
}

/// A function that asks something outside about each record.
///
/// Its results are exactly once, its calls are not: after a restore the calls for all records under way
/// are made again, and a retry may follow a call that arrived. Ask only what may be asked twice.
pub trait AsyncFunction: Send + 'static {
    /// What it takes. Records under way are part of the state.
    type In: Data + Value;
    /// What it makes.
    type Out: Data;

    /// Begins the call for `input`; `now` is the wall clock.
    fn call(&mut self, input: &Self::In, now: Timestamp) -> Call<Self::Out>;

    /// Whether a call is to be made again, as long as [`super::Retry`] allows: of itself when it failed.
    fn should_retry(&self, answer: Result<&[Self::Out], &BoxError>) -> bool {
        answer.is_err()
    }

    /// The time for `input` is over, retries included.
    ///
    /// # Errors
    /// Of itself an error; rows instead are its result.
    fn timed_out(&mut self, input: &Self::In) -> Answer<Self::Out> {
        let _ = input;
        Err("a call was not answered within its timeout".into())
    }
}

/// An [`AsyncFunction`] that is a closure, which is given each record.
pub struct AsyncFn<In, F> {
    call: F,
    of: std::marker::PhantomData<fn(In)>,
}

impl<In, F> AsyncFn<In, F> {
    /// Calls `call`.
    pub const fn new(call: F) -> Self {
        Self { call, of: std::marker::PhantomData }
    }
}

impl<In, Out, F, Fut> AsyncFunction for AsyncFn<In, F>
where
    In: Data + Value,
    Out: Data,
    F: Fn(In) -> Fut + Send + 'static,
    Fut: Future<Output = Answer<Out>> + Send + 'static,
{
    type In = In;
    type Out = Out;

    fn call(&mut self, input: &In, _: Timestamp) -> Call<Out> {
        Call::pending((self.call)(input.clone()))
    }
}
