//! Room for what captures take out of a table: it goes to the upload and comes back.
//!
//! Apart because it is about memory only. A capture of a busy state takes megabytes, once per checkpoint and not for
//! long. Given back to the system in between, they are cleared by it each time before they are written to; that
//! was more work than to copy the rows into them (ADR 0019).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Room that is lent to one capture at a time; a second one finds none and gets its own.
#[derive(Debug)]
pub struct Room<T>(Arc<Mutex<Vec<T>>>);

/// Room for more than so many times what is needed is not kept.
const KEPT_TIMES: usize = 2;

impl<T> Default for Room<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A copy of a state has room of its own.
impl<T> Clone for Room<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> Room<T> {
    /// Lends room for `rows`.
    pub(super) fn lend(&self, rows: usize) -> Lent<T> {
        let mut kept = std::mem::take(&mut *self.lock());
        if kept.capacity() < rows || kept.capacity() > KEPT_TIMES * rows {
            // A little more than is needed, or a state that grows would never fit in what its last capture took.
            kept = Vec::with_capacity(rows + rows / 4);
        }
        Lent { rows: kept, room: Self(Arc::clone(&self.0)) }
    }

    /// A vector is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows in lent room.
#[derive(Debug)]
pub(super) struct Lent<T> {
    pub(super) rows: Vec<T>,
    room: Room<T>,
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        self.rows.clear();
        let mut kept = self.room.lock();
        if kept.capacity() < self.rows.capacity() {
            *kept = std::mem::take(&mut self.rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_unless_it_is_too_small_or_far_too_large() {
        let room = Room::default();
        let place = |lent: &Lent<u64>| lent.rows.as_ptr();
        let mut first = room.lend(100);
        first.rows.extend(0..100);
        let (was, other) = (place(&first), room.lend(100));
        assert_ne!(place(&other), was, "each has its own");
        drop(first);
        drop(other);
        let again = room.lend(110);
        assert_eq!((place(&again), again.rows.len()), (was, 0));
        drop(again);
        assert!(room.lend(1_000).rows.capacity() >= 1_000);
        let small = room.lend(10);
        assert!(
            small.rows.capacity() < 100,
            "what a large capture took is not kept for small ones"
        );
        drop(small);
        assert_eq!(room.lend(0).rows.capacity(), 0);
    }

    #[test]
    fn room_outlives_neither_its_state_nor_its_rows() {
        let row = Arc::new(());
        let room = Room::default();
        let mut lent = room.lend(1);
        lent.rows.push(Arc::clone(&row));
        drop(room);
        assert_eq!(Arc::strong_count(&row), 2);
        drop(lent);
        assert_eq!(Arc::strong_count(&row), 1);
    }
}
