//! A sink that drops what comes, for measuring everything but a sink.

use std::marker::PhantomData;
use std::task::Waker;
use tidegate_core::element::{Barrier, Batch, Data};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};

/// Drops every record; how many there were stands in the summary of the run.
pub struct Discard<T>(PhantomData<fn(T)>);

impl<T> Default for Discard<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> Discard<T> {
    /// A sink for anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// One subtask's end.
pub struct DiscardSink<T>(PhantomData<fn(T)>);

impl<T: Data> Sink for DiscardSink<T> {
    type In = T;

    fn write(&mut self, input: &mut Batch<T>, _waker: &Waker) -> Result<(), BoxError> {
        input.take_open().for_each(drop);
        Ok(())
    }

    fn freeze(&mut self, _barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl<T: Data> SinkFactory for Discard<T> {
    type In = T;
    type Sink = DiscardSink<T>;

    fn kind(&self) -> &'static str {
        "discard-sink"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<DiscardSink<T>, BoxError> {
        Ok(DiscardSink(PhantomData))
    }
}
