//! Streams whose records are asked about elsewhere.
//!
//! ```
//! use tidegate::prelude::*;
//! use tidegate::operators::async_io::Asked;
//!
//! /// Stands for a client of a service.
//! struct Names;
//!
//! impl Lookup for Names {
//!     type Key = u64;
//!     type Value = String;
//!
//!     fn look_up(&mut self, user: &u64) -> Asked<String> {
//!         let name = format!("user {user}");
//!         Box::pin(async move { Ok(Some(name)) })
//!     }
//! }
//!
//! const UNANSWERED: OutputTag<Failed<u64>> = OutputTag::new("unanswered");
//!
//! let job = Job::new("names");
//! let users = job.source("users", FromVec::new(vec![1u64, 2]), WatermarkStrategy::none());
//! // Five calls at most, 100 ms after the first and twice as long after each; 2 s for all of them.
//! let wait = AsyncWait::unordered(2_000).capacity(200).retry(Retry::exponential(5, 100, 1_000));
//! let named = users.key_by(|user| *user).async_wait(
//!     wait.side_output_failed(UNANSWERED),
//!     || LookupJoin::new(Names, |user: &u64| *user).cached(LookupCache::new(10_000, 60_000)),
//! );
//! named.side_output(&UNANSWERED).sink("unanswered", Collect::new());
//! named.sink("named", Collect::new());
//! // Any future will do.
//! users
//!     .async_map(AsyncWait::ordered(1_000), |user| async move { Ok(vec![user + 1]) })
//!     .sink("next", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::stream::{KeyedStream, Stream};
use std::future::Future;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_operators::async_io::{Answer, AsyncFn, AsyncFunction, AsyncWait};

impl<T: Data + Value> Stream<T> {
    /// Asks something outside about each record, many at a time. `make` makes the function of a subtask.
    pub fn async_wait<F>(
        &self,
        wait: AsyncWait<T>,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Stream<F::Out>
    where
        F: AsyncFunction<In = T>,
    {
        let make = move || wait.clone().into_operator(make());
        self.operator("async-wait", make).no_chaining()
    }

    /// As [`Stream::async_wait`], with a closure.
    pub fn async_map<U, F, Fut>(&self, wait: AsyncWait<T>, f: F) -> Stream<U>
    where
        U: Data,
        F: Fn(T) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer<U>> + Send + 'static,
    {
        self.async_wait(wait, move || AsyncFn::new(f.clone()))
    }
}

impl<T, K, S> KeyedStream<T, S>
where
    T: Data + Value,
    K: Key,
    S: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// Asks something outside about each record, many at a time. Records under way follow their keys when
    /// parallelism changes, and a cache has every key in one subtask only.
    pub fn async_wait<F>(
        &self,
        wait: AsyncWait<T>,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Stream<F::Out>
    where
        F: AsyncFunction<In = T>,
    {
        let make = move || wait.clone().into_keyed_operator(make());
        self.operator("async-wait", make).no_chaining()
    }

    /// As [`KeyedStream::async_wait`], with a closure.
    pub fn async_map<U, F, Fut>(&self, wait: AsyncWait<T>, f: F) -> Stream<U>
    where
        U: Data,
        F: Fn(T) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer<U>> + Send + 'static,
    {
        self.async_wait(wait, move || AsyncFn::new(f.clone()))
    }
}
