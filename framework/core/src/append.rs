//! Adds a record to a vector, written once: field by field where it will lie.
//!
//! Apart from [`Vec::push`] because that may have to grow the vector, for which the compiler puts the whole record
//! together on the stack and copies it: a copy that stalls (`framework/docs/adr/0013-records-are-written-once.md`). Here
//! growing is another function's business, and what is left calls nothing.

use crate::element::Record;
use crate::time::Timestamp;

/// Adds a record; a vector without any room gets it for `first` records.
///
/// The fields come one by one: a record that is handed to the function that grows would have to lie in memory for it,
/// also when nothing grows.
#[inline(always)]
pub(crate) fn append<T>(
    records: &mut Vec<Record<T>>,
    (value, timestamp, key_hash): (T, Timestamp, u64),
    first: impl FnOnce() -> usize,
) {
    if records.len() == records.capacity() {
        return append_growing(records, value, timestamp, key_hash, first());
    }
    records.push(Record { value, timestamp, key_hash });
}

#[cold]
#[inline(never)]
fn append_growing<T>(
    records: &mut Vec<Record<T>>,
    value: T,
    timestamp: Timestamp,
    key_hash: u64,
    first: usize,
) {
    if records.capacity() == 0 {
        records.reserve_exact(first.max(1));
    }
    records.push(Record { value, timestamp, key_hash });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_once_as_asked_for_and_then_as_a_vector_does() {
        let mut records = Vec::new();
        for n in 0..100_u64 {
            append(&mut records, (n, Timestamp(7), n), || 40);
            assert!(n >= 40 || records.capacity() == 40, "{}", records.capacity());
        }
        let expected = (0..100).map(|n| Record { value: n, timestamp: Timestamp(7), key_hash: n });
        assert!(records.into_iter().eq(expected));
    }
}
