//! Looking ahead: the entries of the records that come next are read before they are needed.
//!
//! A record whose entry is not in the cache waits some hundred nanoseconds for it, and the next record only then
//! begins to wait for its own. Entries that are read one after the other *without anything done to them* do not
//! depend on each other, so a processor asks for ten of them at a time. Whoever goes through a batch of records
//! therefore shows the hashes of the next few to all states first. It changes nothing that can be seen.
//!
//! This is for whoever knows no more of the states than that they are there: the runner of process functions. Operators
//! that own their state and know what its entries point to look at that as well (`fetch` in `tidegate-operators`).

use super::{KeyedState, OperatorState, StateVisitor};

/// How many records are looked ahead to. More than a processor has loads under way, and few enough for what they
/// bring to stay in the first-level cache.
pub const RECORDS: usize = 32;

/// Shows to all states that `states` visits the hashes of the next records, and says how many they are.
pub fn look_ahead<T>(
    upcoming: &[T],
    hash: impl Fn(&T) -> u64,
    states: impl FnOnce(&mut dyn StateVisitor),
) -> usize {
    let mut hashes = [0; RECORDS];
    let known = upcoming.len().min(RECORDS);
    for (place, record) in hashes.iter_mut().zip(upcoming) {
        *place = hash(record);
    }
    states(&mut LookAhead(&hashes[..known]));
    known
}

struct LookAhead<'a>(&'a [u64]);

impl StateVisitor for LookAhead<'_> {
    fn keyed(&mut self, _: &str, state: &mut dyn KeyedState) {
        state.look_ahead(self.0);
    }

    fn list(&mut self, _: &str, _: &mut dyn OperatorState) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::handles::ValueState;
    use crate::state::{Frozen, Keyed, delta::Delta};
    use crate::{codec::DecodeError, key::KeyGroupRange};
    use std::cell::RefCell;

    /// Notes the hashes it is shown.
    #[derive(Default)]
    struct Noting(RefCell<Vec<u64>>);

    impl KeyedState for Noting {
        fn capture(&mut self, _: bool) -> Box<dyn Frozen> {
            unreachable!("it is looked ahead to only")
        }

        fn restore(&mut self, _: &Delta, _: KeyGroupRange) -> Result<(), DecodeError> {
            unreachable!("it is looked ahead to only")
        }

        fn look_ahead(&self, hashes: &[u64]) {
            self.0.borrow_mut().extend(hashes);
        }

        fn entries(&self) -> u64 {
            0
        }
    }

    #[test]
    fn the_next_records_are_shown_to_every_state_and_as_many_are_known() {
        let records: Vec<u64> = (1..=RECORDS as u64 + 8).collect();
        let (mut one, mut other) = (Noting::default(), Noting::default());
        let mut show = |upcoming: &[u64]| {
            look_ahead(
                upcoming,
                |record| record * 2,
                |visitor| {
                    visitor.keyed("one", &mut one);
                    visitor.keyed("other", &mut other);
                },
            )
        };
        assert_eq!(show(&records), RECORDS);
        assert_eq!(show(&records[RECORDS..]), 8);
        assert_eq!(show(&[]), 0);
        let all: Vec<u64> = records.iter().map(|record| record * 2).collect();
        assert_eq!((one.0.take(), other.0.take()), (all.clone(), all));
    }

    #[test]
    fn a_large_table_is_the_same_after_it_was_read_ahead() {
        let keys = || 0..50_000_u64;
        let mut counts = ValueState::<u64, u64>::default();
        keys().for_each(|key| *counts.get_or_insert_with(Keyed::new(&key), || key) += 1);
        counts.capture(true);
        let hashes: Vec<u64> = (0..100_000).map(|key| Keyed::new(&key).hash).collect();
        counts.look_ahead(&hashes);
        assert!(counts.0.is_clean());
        assert!(keys().all(|key| counts.get(Keyed::new(&key)) == Some(&(key + 1))));
    }
}
