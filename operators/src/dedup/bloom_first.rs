//! `first_row_by_bloom`: of each key the row that arrives first, as a Bloom filter believes it.
//!
//! The filter may take a new key for one it has seen, and the row is then *dropped*: once as many keys have
//! come as were expected, of so many new ones as the rate of false positives says, of the first ones fewer;
//! beyond what was expected ever more. It never lets a duplicate through.
//!
//! The filter is cut into pages of up to 4 KiB, each a filter of its own: a key's hash names its page, and
//! the stream is partitioned by page ([`BloomFirst::page_of`]). So pages follow their key groups, a record looks into one
//! page, and a snapshot holds the pages that have changed. Pages do not get equally many keys; each has
//! room for some more than its share.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::dedup::BloomFirst;
//!
//! let seen = BloomFirst::sized(1_000_000, 0.001);
//! let record = |id: u64| Record { key_hash: seen.page_of(&id).stable_hash(), ..Record::new(id, Timestamp(5)) };
//! let mut first = seen.into_operator(|id: &u64| *id);
//! let mut ctx = Context::new(16);
//! first.process(&mut Batch::new([7, 9, 7].map(record).to_vec(), vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([7, 9]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use crate::aggregate::SeenValues;
use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor};

/// The most words of a page: 4 KiB.
const PAGE_WORDS: usize = 512;

/// The fewest pages: enough that they spread over subtasks.
const PAGES_MIN: usize = 512;

/// How large a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BloomFirst {
    pages: u32,
    words: usize,
    hashes: u32,
}

impl BloomFirst {
    /// A filter that takes a share of `false_positives` of new keys for known ones when `expected` keys
    /// have come; of all subtasks together.
    ///
    /// # Panics
    /// When `expected` is 0, or `false_positives` does not lie between 0 and 1.
    #[must_use]
    pub fn sized(expected: usize, false_positives: f64) -> Self {
        let (whole, _) = SeenValues::size(expected, false_positives);
        let pages = whole.div_ceil(PAGE_WORDS).max(PAGES_MIN);
        // Twice the standard deviation more than its share.
        let share = expected as f64 / pages as f64;
        let room = (share + 2.0 * share.sqrt()).ceil() as usize;
        let (words, hashes) = SeenValues::size(room, false_positives);
        let pages = u32::try_from(pages).expect("the filter takes less than 16 TiB");
        Self { pages, words, hashes }
    }

    /// The page of a key: what the stream has to be keyed by.
    #[must_use]
    pub fn page_of<K: Key>(&self, key: &K) -> u32 {
        let hash = key.stable_hash();
        // Other bits than those that name a bit within the page.
        let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32;
        ((mixed * u64::from(self.pages)) >> 32) as u32
    }

    /// The most bytes that all pages together take.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.pages as u64 * self.words as u64 * 8
    }

    /// The operator, for a stream that is keyed by the page of `key`.
    pub fn into_operator<T, K, F: Fn(&T) -> K>(self, key: F) -> BloomFirstOperator<T, F> {
        BloomFirstOperator { size: self, key, pages: ValueState::default(), of: PhantomData }
    }
}

/// [`BloomFirst`] as an operator.
pub struct BloomFirstOperator<T, F> {
    size: BloomFirst,
    key: F,
    pages: ValueState<u32, SeenValues>,
    of: PhantomData<fn(T)>,
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Send + 'static> Operator for BloomFirstOperator<T, F> {
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        let BloomFirst { words, hashes, .. } = self.size;
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let key = (self.key)(&record.value);
            let page = self.size.page_of(&key);
            let at = Keyed { key: &page, hash: record.key_hash };
            let hash = key.stable_hash();
            if self.pages.get(at).is_some_and(|seen| seen.contains(hash)) {
                continue;
            }
            self.pages.get_or_insert_with(at, || SeenValues::empty(words, hashes)).insert(hash);
            ctx.emit(record.value, record.timestamp);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("pages", &mut self.pages);
    }
}
