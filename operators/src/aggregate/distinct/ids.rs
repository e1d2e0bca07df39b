//! A set of 32-bit ids as a slice holds it: a Roaring bitmap, and before it a short list.
//!
//! Inserting one id into a sparse bitmap is two binary searches and a move. A list takes it by a push;
//! when the list is full it is sorted and joins the bitmap as a whole, which is several times cheaper.
//! Most slices never have more ids than the list takes, and never a bitmap.

use roaring::RoaringBitmap;
use std::borrow::Cow;

/// A set of ids.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSet {
    /// Ids that have not joined `joined` yet, in order of arrival and perhaps several times.
    recent: Vec<u32>,
    joined: RoaringBitmap,
}

/// How many ids the list takes.
const RECENT_MAX: usize = 1024;

impl IdSet {
    #[inline]
    pub(super) fn insert(&mut self, id: u32) {
        if self.recent.len() == RECENT_MAX {
            self.settle();
        }
        self.recent.push(id);
    }

    /// Makes room in the list.
    #[cold]
    fn settle(&mut self) {
        self.recent.sort_unstable();
        self.recent.dedup();
        if self.joined.is_empty() && self.recent.len() <= RECENT_MAX / 2 {
            return;
        }
        self.joined |= bitmap(&self.recent);
        self.recent.clear();
    }

    /// Inserts all ids of `other`.
    pub(super) fn union(&mut self, other: &Self) {
        if !other.joined.is_empty() {
            self.joined |= &other.joined;
        }
        other.recent.iter().for_each(|id| self.insert(*id));
    }

    /// Every id at least once; the list's as often as they came.
    pub(super) fn for_each(&self, mut take: impl FnMut(u32)) {
        self.recent.iter().for_each(|id| take(*id));
        self.joined.iter().for_each(take);
    }

    /// How many different ids there are.
    pub(super) fn len(&self) -> u64 {
        if self.recent.is_empty() { self.joined.len() } else { self.whole().len() }
    }

    /// All ids in one bitmap.
    fn whole(&self) -> Cow<'_, RoaringBitmap> {
        if self.recent.is_empty() {
            return Cow::Borrowed(&self.joined);
        }
        let mut sorted = self.recent.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let mut whole = bitmap(&sorted);
        if !self.joined.is_empty() {
            whole |= &self.joined;
        }
        Cow::Owned(whole)
    }

    /// The portable Roaring format.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let whole = self.whole();
        let mut bytes = Vec::with_capacity(whole.serialized_size());
        whole.serialize_into(&mut bytes).expect("a vector takes all bytes");
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let joined = RoaringBitmap::deserialize_from(bytes).map_err(|error| error.to_string())?;
        if joined.len() <= RECENT_MAX as u64 / 2 {
            return Ok(Self { recent: joined.iter().collect(), joined: RoaringBitmap::new() });
        }
        Ok(Self { recent: Vec::new(), joined })
    }
}

fn bitmap(sorted: &[u32]) -> RoaringBitmap {
    RoaringBitmap::from_sorted_iter(sorted.iter().copied()).expect("sorted, and each id once")
}
