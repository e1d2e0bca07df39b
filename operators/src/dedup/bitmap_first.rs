//! `first_row_by_bitmap`: of each id the row that arrives first, ids being numbers that lie close together.
//!
//! Ids are kept in pages of 4,096: a page with few of them is a sorted list of 16-bit numbers, one with
//! more a bitmap of 512 bytes. A hundred million ids without gaps take 12.5 MB. The stream is partitioned by page
//! ([`BitmapFirst::page_of`]), so that pages follow their key groups; a snapshot holds the pages that have
//! changed. Ids that lie far apart take a page each: use [`super::FirstRow`] for those.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::dedup::BitmapFirst;
//!
//! let record = |id: u64| {
//!     Record { key_hash: BitmapFirst::page_of(id).stable_hash(), ..Record::new(id, Timestamp(5)) }
//! };
//! let mut first = BitmapFirst::by(|id: &u64| *id);
//! let mut ctx = Context::new(16);
//! first.process(&mut Batch::new([7, 9, 7].map(record).to_vec(), vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([7, 9]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data};
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor};

/// A page has `1 << PAGE_BITS` ids.
const PAGE_BITS: u32 = 12;

/// Words of a bitmap.
const WORDS: usize = (1 << PAGE_BITS) / 64;

/// A list of so many ids takes as much as a bitmap.
const LIST_MAX: usize = WORDS * 4;

/// The ids of a page that were seen, without their upper bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Page {
    /// Few, in ascending order.
    List(Vec<u16>),
    /// A bit for each.
    Bitmap(Vec<u64>),
}

impl Page {
    fn contains(&self, id: u16) -> bool {
        match self {
            Self::List(ids) => ids.binary_search(&id).is_ok(),
            Self::Bitmap(words) => words[usize::from(id / 64)] & (1 << (id % 64)) != 0,
        }
    }

    fn insert(&mut self, id: u16) {
        match self {
            Self::List(ids) if ids.len() >= LIST_MAX => {
                let mut words = vec![0; WORDS];
                for id in ids.drain(..).chain([id]) {
                    words[usize::from(id / 64)] |= 1 << (id % 64);
                }
                *self = Self::Bitmap(words);
            }
            Self::List(ids) => {
                let place = ids.partition_point(|other| *other < id);
                ids.insert(place, id);
            }
            Self::Bitmap(words) => words[usize::from(id / 64)] |= 1 << (id % 64),
        }
    }
}

/// The door to [`BitmapFirstOperator`].
#[derive(Clone, Copy, Debug)]
pub struct BitmapFirst;

impl BitmapFirst {
    /// The page of an id: what the stream has to be keyed by.
    #[must_use]
    pub const fn page_of(id: u64) -> u64 {
        id >> PAGE_BITS
    }

    /// The operator, for a stream that is keyed by the page of `id`.
    pub fn by<T, F: Fn(&T) -> u64>(id: F) -> BitmapFirstOperator<T, F> {
        BitmapFirstOperator { id, pages: ValueState::default(), of: PhantomData }
    }
}

/// Lets the first row of each id through.
pub struct BitmapFirstOperator<T, F> {
    id: F,
    pages: ValueState<u64, Page>,
    of: PhantomData<fn(T)>,
}

impl<T: Data, F: Fn(&T) -> u64 + Send + 'static> Operator for BitmapFirstOperator<T, F> {
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let id = (self.id)(&record.value);
            let (page, low) = (BitmapFirst::page_of(id), (id % (1 << PAGE_BITS)) as u16);
            let at = Keyed { key: &page, hash: record.key_hash };
            if self.pages.get(at).is_some_and(|seen| seen.contains(low)) {
                continue;
            }
            self.pages.get_or_insert_with(at, || Page::List(Vec::new())).insert(low);
            ctx.emit(record.value, record.timestamp);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("pages", &mut self.pages);
    }
}
