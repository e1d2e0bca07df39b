//! Where the slots of a table lie: small ones in the hash table itself, large ones beside it.
//!
//! Apart because it is about memory only. A hash table doubles: for a moment all of it is there twice over, half of what is
//! new is empty, everything is moved, and nothing else is done meanwhile. Where a slot is small that is the price
//! of finding it at the first look. Where it is large, the table holds only where it is, and the slot lies
//! in a block that is filled to its end and never moved: a second look, which is worth it for what it leaves undone.
//! (A join of four million rows of 136 bytes: ADR 0019.)

use crate::limits::{BLOCK_BYTES, NEAR_SLOT_BYTES};
use hashbrown::hash_table::{Entry, HashTable};

/// Slots that are found by their hash and known by their position, which does not change until another is inserted.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    /// Slots that are small enough to lie in the table.
    near: HashTable<T>,
    /// Where the others are.
    places: HashTable<Place>,
    far: Blocks<T>,
}

/// Where a slot is, and its hash: a table that grows moves places without a look at what they point to.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    position: usize,
}

/// A slot that was found, or put there.
pub(super) struct Found<'a, T> {
    pub(super) slot: &'a mut T,
    pub(super) position: usize,
    pub(super) is_new: bool,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { near: HashTable::new(), places: HashTable::new(), far: Blocks::default() }
    }
}

impl<T> Slots<T> {
    /// Whether slots of this kind lie beside the table.
    const ARE_FAR: bool = size_of::<T>() > NEAR_SLOT_BYTES;

    pub(super) fn len(&self) -> usize {
        if Self::ARE_FAR { self.places.len() } else { self.near.len() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the slots take, empty ones included.
    pub(super) fn bytes(&self) -> usize {
        if Self::ARE_FAR {
            self.places.allocation_size() + self.far.positions() * size_of::<T>()
        } else {
            self.near.allocation_size()
        }
    }

    /// Positions beyond the last slot are not used; there may be empty ones before it.
    pub(super) fn positions(&self) -> usize {
        if Self::ARE_FAR { self.far.positions() } else { self.near.num_buckets() }
    }

    /// Makes room for `additional` slots, as far as they would else be moved.
    pub(super) fn reserve(&mut self, additional: usize, hash_of: impl Fn(&T) -> u64) {
        if Self::ARE_FAR {
            self.places.reserve(additional, |place| place.hash);
        } else {
            self.near.reserve(additional, hash_of);
        }
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, mut wanted: impl FnMut(&T) -> bool) -> Option<&T> {
        if Self::ARE_FAR {
            self.far.get(self.place(hash, wanted)?)
        } else {
            self.near.find(hash, |slot| wanted(slot))
        }
    }

    #[inline]
    pub(super) fn find_mut(
        &mut self,
        hash: u64,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<&mut T> {
        if Self::ARE_FAR {
            let position = self.place(hash, wanted)?;
            self.far.get_mut(position)
        } else {
            self.near.find_mut(hash, |slot| wanted(slot))
        }
    }

    #[inline]
    pub(super) fn position_of(
        &self,
        hash: u64,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<usize> {
        if Self::ARE_FAR {
            self.place(hash, wanted)
        } else {
            self.near.find_bucket_index(hash, |slot| wanted(slot))
        }
    }

    /// The slot that is `wanted`, made by `make` when there is none.
    #[inline]
    pub(super) fn find_or_insert(
        &mut self,
        hash: u64,
        mut wanted: impl FnMut(&T) -> bool,
        hash_of: impl Fn(&T) -> u64,
        make: impl FnOnce() -> T,
    ) -> Found<'_, T> {
        if Self::ARE_FAR {
            let known = self.place(hash, wanted);
            let position = known.unwrap_or_else(|| self.insert_far(hash, make()));
            let slot = self.far.get_mut(position).expect("its place is known");
            return Found { slot, position, is_new: known.is_none() };
        }
        match self.near.entry(hash, |slot| wanted(slot), hash_of) {
            Entry::Occupied(entry) => {
                let position = entry.bucket_index();
                Found { slot: entry.into_mut(), position, is_new: false }
            }
            Entry::Vacant(entry) => {
                let entry = entry.insert(make());
                let position = entry.bucket_index();
                Found { slot: entry.into_mut(), position, is_new: true }
            }
        }
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> Option<&T> {
        if Self::ARE_FAR { self.far.get(position) } else { self.near.get_bucket(position) }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        if Self::ARE_FAR { self.far.get_mut(position) } else { self.near.get_bucket_mut(position) }
    }

    pub(super) fn remove(&mut self, hash: u64, mut wanted: impl FnMut(&T) -> bool) -> Option<T> {
        if Self::ARE_FAR {
            let position = self.place(hash, wanted)?;
            self.remove_far(hash, position)
        } else {
            self.near.find_entry(hash, |slot| wanted(slot)).ok().map(|entry| entry.remove().0)
        }
    }

    pub(super) fn remove_at(&mut self, position: usize, hash_of: impl Fn(&T) -> u64) -> Option<T> {
        if Self::ARE_FAR {
            let hash = hash_of(self.far.get(position)?);
            self.remove_far(hash, position)
        } else {
            self.near.get_bucket_entry(position).ok().map(|entry| entry.remove().0)
        }
    }

    /// Shows every slot to `keep`, which says whether it stays.
    pub(super) fn retain(
        &mut self,
        mut keep: impl FnMut(&mut T) -> bool,
        hash_of: impl Fn(&T) -> u64,
    ) {
        if !Self::ARE_FAR {
            self.near.retain(keep);
            return;
        }
        for position in 0..self.far.positions() {
            let Some(slot) = self.far.get_mut(position) else { continue };
            if !keep(slot) {
                let hash = hash_of(slot);
                drop(self.remove_far(hash, position));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.near.iter().chain(self.far.iter())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.near.iter_mut().chain(self.far.iter_mut())
    }

    /// Where the far slot that is `wanted` is.
    #[inline]
    fn place(&self, hash: u64, mut wanted: impl FnMut(&T) -> bool) -> Option<usize> {
        let is_it = |place: &Place| {
            place.hash == hash && self.far.get(place.position).is_some_and(&mut wanted)
        };
        self.places.find(hash, is_it).map(|place| place.position)
    }

    fn insert_far(&mut self, hash: u64, slot: T) -> usize {
        let position = self.far.insert(slot);
        self.places.insert_unique(hash, Place { hash, position }, |place| place.hash);
        position
    }

    fn remove_far(&mut self, hash: u64, position: usize) -> Option<T> {
        let place = self.places.find_entry(hash, |place| place.position == position).ok()?;
        place.remove();
        self.far.remove(position)
    }
}

/// Large slots in blocks. One that is removed makes room for the next.
#[derive(Clone, Debug)]
struct Blocks<T> {
    /// All but the last are full or were.
    blocks: Vec<Vec<Held<T>>>,
    /// The first of the free positions, each of which knows the next one.
    free: Option<usize>,
}

#[derive(Clone, Debug)]
enum Held<T> {
    Slot(T),
    Free { next: Option<usize> },
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), free: None }
    }
}

impl<T> Blocks<T> {
    /// Slots in a block.
    const SLOTS: usize =
        if size_of::<Held<T>>() < BLOCK_BYTES { BLOCK_BYTES / size_of::<Held<T>>() } else { 1 };

    fn positions(&self) -> usize {
        let before = self.blocks.len().saturating_sub(1) * Self::SLOTS;
        before + self.blocks.last().map_or(0, Vec::len)
    }

    #[inline]
    fn held(&self, position: usize) -> Option<&Held<T>> {
        self.blocks.get(position / Self::SLOTS)?.get(position % Self::SLOTS)
    }

    #[inline]
    fn held_mut(&mut self, position: usize) -> Option<&mut Held<T>> {
        self.blocks.get_mut(position / Self::SLOTS)?.get_mut(position % Self::SLOTS)
    }

    #[inline]
    fn get(&self, position: usize) -> Option<&T> {
        match self.held(position)? {
            Held::Slot(slot) => Some(slot),
            Held::Free { .. } => None,
        }
    }

    #[inline]
    fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        match self.held_mut(position)? {
            Held::Slot(slot) => Some(slot),
            Held::Free { .. } => None,
        }
    }

    fn insert(&mut self, slot: T) -> usize {
        if let Some(position) = self.free {
            let held = self.held_mut(position).expect("a free position is one of ours");
            if let Held::Free { next } = std::mem::replace(held, Held::Slot(slot)) {
                self.free = next;
            }
            return position;
        }
        let position = self.positions();
        if position.is_multiple_of(Self::SLOTS) {
            // The first one grows as it is filled: most tables are small.
            let room = if position == 0 { 0 } else { Self::SLOTS };
            self.blocks.push(Vec::with_capacity(room));
        }
        self.blocks.last_mut().expect("there is one with room").push(Held::Slot(slot));
        position
    }

    fn remove(&mut self, position: usize) -> Option<T> {
        let next = self.free;
        let held = self.held_mut(position)?;
        match std::mem::replace(held, Held::Free { next }) {
            Held::Slot(slot) => {
                self.free = Some(position);
                Some(slot)
            }
            free @ Held::Free { .. } => {
                *held = free;
                None
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flatten().filter_map(|held| match held {
            Held::Slot(slot) => Some(slot),
            Held::Free { .. } => None,
        })
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.blocks.iter_mut().flatten().filter_map(|held| match held {
            Held::Slot(slot) => Some(slot),
            Held::Free { .. } => None,
        })
    }
}
