//! Adds a record to a vector, written once: field by field where it will lie.
//!
//! Apart from [`Vec::push`] because that may have to grow the vector, for which the compiler puts the whole record
//! together on the stack and copies it: a copy that stalls (`framework/docs/adr/0013-records-are-written-once.md`). Here
//! growing is another function's business, and what is left calls nothing.

use crate::element::Record;

/// Adds a record; a vector without any room gets it for `first` records.
#[inline(always)]
pub(crate) fn append<T>(records: &mut Vec<Record<T>>, record: Record<T>, first: usize) {
    if records.len() == records.capacity() {
        return append_growing(records, record, first);
    }
    records.push(record);
}

#[cold]
#[inline(never)]
fn append_growing<T>(records: &mut Vec<Record<T>>, record: Record<T>, first: usize) {
    if records.capacity() == 0 {
        records.reserve_exact(first.max(1));
    }
    records.push(record);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn room_is_made_once_as_asked_for_and_then_as_a_vector_does() {
        let mut records = Vec::new();
        for n in 0..100_u64 {
            append(&mut records, Record { value: n, timestamp: Timestamp(7), key_hash: n }, 40);
            assert!(n >= 40 || records.capacity() == 40, "{}", records.capacity());
        }
        let expected = (0..100).map(|n| Record { value: n, timestamp: Timestamp(7), key_hash: n });
        assert!(records.into_iter().eq(expected));
    }
}
