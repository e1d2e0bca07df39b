//! `lookup_join`: each record beside what a service knows about its key at that moment.
//!
//! The join in processing time: a record that is asked for again, after a failure or by a retry, may find
//! another answer than before. Where the answer must be that of the record's own time, a table as a
//! stream and a temporal join give it.
//!
//! ```
//! use std::task::Waker;
//! use tidegate_core::{element::{Batch, Record}, operator::{BoxError, Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::async_io::{AsyncWait, Asked, Lookup, LookupCache, LookupJoin};
//! use tidegate_operators::join::Joined;
//!
//! /// Names of users; stands for a data base.
//! struct Names;
//!
//! impl Lookup for Names {
//!     type Key = u64;
//!     type Value = String;
//!
//!     fn look_up(&mut self, user: &u64) -> Asked<String> {
//!         let name = (*user == 7).then(|| "Ada".to_owned());
//!         Box::pin(async move { Ok(name) })
//!     }
//! }
//!
//! let join = LookupJoin::new(Names, |click: &(u64, char)| click.0);
//! let join = join.cached(LookupCache::new(10_000, 60_000));
//! let mut join = AsyncWait::unordered(1_000).into_operator(join);
//! let mut ctx = Context::new(16);
//! let clicks = [(7, 'a'), (8, 'b')].map(|click| Record::new(click, Timestamp(1)));
//! join.process(&mut Batch::new(clicks.into(), vec![]), &mut ctx)?;
//! join.poll(Waker::noop(), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| row.value).collect();
//! assert_eq!(rows, [Joined::Both((7, 'a'), "Ada".to_owned()), Joined::Left((8, 'b'))]);
//! # Ok::<(), BoxError>(())
//! ```

use super::function::{Answer, AsyncFunction, Call};
use super::lookup_cache::{Entries, Known, LookupCache};
use crate::join::Joined;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::pin::Pin;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::state::Value;
use tidegate_core::time::Timestamp;

/// What will be known about a key, `None` when nothing is.
pub type Asked<V> = Pin<Box<dyn Future<Output = Result<Option<V>, BoxError>> + Send>>;

/// Something that knows about keys: a service, a data base.
pub trait Lookup: Send + 'static {
    /// What is asked for.
    type Key: Clone + Eq + Hash + Send + 'static;
    /// What is known about it.
    type Value: Data + Sync;

    /// Asks for `key`. The future is polled on the thread of its subtask, within its tokio runtime: it must
    /// not block.
    fn look_up(&mut self, key: &Self::Key) -> Asked<Self::Value>;
}

/// The function that joins records with what a [`Lookup`] knows about their keys.
///
/// A record of whose key nothing is known comes out alone, [`Joined::Left`], unless the join is
/// [inner](LookupJoin::inner).
pub struct LookupJoin<In, L: Lookup, K> {
    lookup: L,
    key: K,
    inner: bool,
    cache: Option<Entries<L::Key, L::Value>>,
    of: PhantomData<fn(In)>,
}

impl<In, L: Lookup, K> LookupJoin<In, L, K> {
    /// Looks up what `key` says about each record.
    pub const fn new(lookup: L, key: K) -> Self
    where
        K: Fn(&In) -> L::Key,
    {
        Self { lookup, key, inner: false, cache: None, of: PhantomData }
    }

    /// Leaves records out of whose key nothing is known.
    #[must_use]
    pub const fn inner(mut self) -> Self {
        self.inner = true;
        self
    }

    /// Keeps answers for a while. Each subtask has a cache of its own, so a stream that is keyed by what is
    /// looked up makes the most of it.
    #[must_use]
    pub fn cached(mut self, cache: LookupCache) -> Self {
        self.cache = Some(Entries::new(cache));
        self
    }
}

/// The row of a record and what was found.
fn row<In, V>(input: In, found: Option<V>, inner: bool) -> Vec<Joined<In, V>> {
    match found {
        Some(value) => vec![Joined::Both(input, value)],
        None if inner => Vec::new(),
        None => vec![Joined::Left(input)],
    }
}

impl<In, L, K> AsyncFunction for LookupJoin<In, L, K>
where
    In: Data + Value,
    L: Lookup,
    K: Fn(&In) -> L::Key + Send + 'static,
{
    type In = In;
    type Out = Joined<In, L::Value>;

    fn call(&mut self, input: &In, now: Timestamp) -> Call<Self::Out> {
        let (key, inner, input) = ((self.key)(input), self.inner, input.clone());
        let Some(cache) = &mut self.cache else {
            let answer = self.lookup.look_up(&key);
            return Call::pending(async move { Ok(row(input, answer.await?, inner)) });
        };
        let answer = match cache.get(&key, now) {
            Some(Known::Value(found)) => return Call::Ready(Ok(row(input, found, inner))),
            Some(Known::Coming(answer)) => answer,
            None => cache.ask(&key, now, self.lookup.look_up(&key)),
        };
        Call::pending(async move { Ok(row(input, answer.await?, inner)) })
    }

    fn timed_out(&mut self, input: &In) -> Answer<Self::Out> {
        if let Some(cache) = &self.cache {
            cache.give_up(&(self.key)(input));
        }
        Err("what was looked up was not answered within its timeout".into())
    }
}
