//! What is known about keys, for a while.
//!
//! Apart from the lookup join because it decides what is asked at all: a key whose answer is known is not
//! asked for again before its time to live is over, and one that is being asked for is asked once,
//! however many records wait for it. The cache is in no snapshot.

use super::lookup_join::Asked;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use lru::LruCache;
use std::error::Error;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_core::time::Timestamp;

/// An answer that several records wait for.
pub(super) type SharedAnswer<V> = Shared<BoxFuture<'static, Result<Option<V>, SharedError>>>;

/// Why a key could not be looked up, told to each record that waits for it.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct SharedError(Arc<dyn Error + Send + Sync>);

/// How long answers are believed, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupCache {
    entries: NonZeroUsize,
    ttl_ms: i64,
    keeps_missing: bool,
}

impl LookupCache {
    /// Keeps the `entries` keys that were used last, each for `ttl_ms` milliseconds of the wall clock from
    /// when it was asked for.
    #[must_use]
    pub fn new(entries: usize, ttl_ms: i64) -> Self {
        let entries = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
        Self { entries, ttl_ms, keeps_missing: true }
    }

    /// Asks again for a key of which nothing was known.
    #[must_use]
    pub const fn without_missing(mut self) -> Self {
        self.keeps_missing = false;
        self
    }
}

enum Entry<V> {
    Known {
        value: Option<V>,
        until: Timestamp,
    },
    /// The number tells it from a later one for the same key.
    Asked {
        answer: SharedAnswer<V>,
        number: u64,
    },
}

/// What the cache has to say about a key.
pub(super) enum Known<V> {
    Value(Option<V>),
    Coming(SharedAnswer<V>),
}

/// The entries, shared with the futures that bring them.
pub(super) struct Entries<K, V> {
    cache: LookupCache,
    entries: Arc<Mutex<LruCache<K, Entry<V>>>>,
    asked: u64,
}

impl<K, V> Entries<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(cache: LookupCache) -> Self {
        let entries = Arc::new(Mutex::new(LruCache::new(cache.entries)));
        Self { cache, entries, asked: 0 }
    }

    /// What is known about `key` or being asked.
    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<Known<V>> {
        match lock(&self.entries).get(key)? {
            Entry::Known { value, until } if now < *until => Some(Known::Value(value.clone())),
            Entry::Known { .. } => None,
            Entry::Asked { answer, .. } => Some(Known::Coming(answer.clone())),
        }
    }

    /// Notes that `key` is being asked for, and what becomes of the answer.
    pub(super) fn ask(&mut self, key: &K, now: Timestamp, answer: Asked<V>) -> SharedAnswer<V> {
        self.asked += 1;
        let (number, until) = (self.asked, now.plus(self.cache.ttl_ms));
        // The entry holds the future; held the other way too, neither would ever be dropped.
        let (entries, asked_for) = (Arc::downgrade(&self.entries), key.clone());
        let keeps_missing = self.cache.keeps_missing;
        let keep = async move {
            let answer = answer.await.map_err(|error| SharedError(Arc::from(error)));
            let Some(entries) = entries.upgrade() else { return answer };
            let mut entries = lock(&entries);
            let is_ours =
                |entry: &Entry<V>| matches!(entry, Entry::Asked { number: n, .. } if *n == number);
            if entries.peek(&asked_for).is_some_and(is_ours) {
                match &answer {
                    Ok(value) if keeps_missing || value.is_some() => {
                        let entry = Entry::Known { value: value.clone(), until };
                        drop(entries.put(asked_for, entry));
                    }
                    Ok(_) | Err(_) => drop(entries.pop(&asked_for)),
                }
            }
            answer
        };
        let answer = keep.boxed().shared();
        let entry = Entry::Asked { answer: answer.clone(), number };
        drop(lock(&self.entries).put(key.clone(), entry));
        answer
    }

    /// Nobody should wait any longer for what is being asked about `key`.
    pub(super) fn give_up(&self, key: &K) {
        let mut entries = lock(&self.entries);
        if matches!(entries.peek(key), Some(Entry::Asked { .. })) {
            drop(entries.pop(key));
        }
    }
}

fn lock<T>(entries: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held has failed the subtask already.
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
