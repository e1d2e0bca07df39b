//! `combine`: records of the same key that come together are folded into one before the exchange.
//!
//! For what adds up behind a `key_by`, such as running totals: a hot key then costs its subtask one record
//! a batch instead of all of them. Nothing is held from one batch to the next, so nothing is delayed,
//! and there is no state. How records are grouped depends on how they arrive: what follows must give
//! the same result however its input was grouped. Event-time windows combine by themselves, slice by slice
//! ([`crate::window::LocalWindow`]); in front of them this one would be wrong, because a combined record
//! has the latest event time of its parts.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::combine::Combine;
//!
//! let add = |sum: &mut (u64, u64), other: (u64, u64)| sum.1 += other.1;
//! let mut totals = Combine::new(|sale: &(u64, u64)| sale.0, add);
//! let sales = [(7, 10), (8, 1), (7, 5)].map(|sale| Record::new(sale, Timestamp(3)));
//! let mut ctx = Context::new(16);
//! totals.process(&mut Batch::new(sales.to_vec(), vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([(7, 15), (8, 1)]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator};

/// Folds records of the same key, which `F` reads, by `M`.
pub struct Combine<T, F, M> {
    key: F,
    merge: M,
    combined: Vec<Record<T>>,
    /// Positions in `combined`, by key.
    index: HashTable<u32>,
    of: PhantomData<fn(T)>,
}

impl<T, F, M> Combine<T, F, M> {
    /// Folds records with the same `key`: `merge` takes the second into the first, and is associative
    /// and commutative.
    pub const fn new(key: F, merge: M) -> Self {
        Self { key, merge, combined: Vec::new(), index: HashTable::new(), of: PhantomData }
    }
}

impl<T, K, F, M> Combine<T, F, M>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K,
    M: Fn(&mut T, T),
{
    fn take(&mut self, record: Record<T>) {
        let Self { key: of, merge, combined, index, .. } = self;
        let key = of(&record.value);
        let known = |at: &u32| of(&combined[*at as usize].value) == key;
        let rehash = |at: &u32| of(&combined[*at as usize].value).stable_hash();
        match index.entry(key.stable_hash(), known, rehash) {
            Entry::Occupied(entry) => {
                let first = &mut combined[*entry.get() as usize];
                first.timestamp = first.timestamp.max(record.timestamp);
                merge(&mut first.value, record.value);
            }
            Entry::Vacant(entry) => {
                entry.insert(combined.len() as u32);
                combined.push(record);
            }
        }
    }
}

impl<T, K, F, M> Operator for Combine<T, F, M>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Send + 'static,
    M: Fn(&mut T, T) + Send + 'static,
{
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        while !ctx.is_full() && input.open() > 0 {
            // No more keys than there is room for rows.
            let room = ctx.room();
            while self.combined.len() < room
                && let Some(record) = input.take()
            {
                self.take(record);
            }
            self.index.clear();
            ctx.extend(self.combined.drain(..));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::time::Timestamp;

    #[test]
    fn what_comes_together_is_folded_and_never_more_than_there_is_room_for() {
        for room in [1, 2, 3, 100] {
            let mut combine =
                Combine::new(|n: &(u8, u32)| n.0, |sum: &mut (u8, u32), n: (u8, u32)| sum.1 += n.1);
            let records =
                (0..40u32).map(|n| Record::new(((n % 5) as u8, n), Timestamp(n.into()))).collect();
            let mut input = Batch::new(records, vec![]);
            let (mut ctx, mut sums, mut rows, mut latest) = (Context::new(room), [0; 5], 0, 0);
            while input.open() > 0 {
                combine.process(&mut input, &mut ctx).expect("it cannot fail");
                let emitted = ctx.take();
                assert!(emitted.len() <= room, "{} rows, room for {room}", emitted.len());
                for Record { value: (key, sum), timestamp, .. } in emitted {
                    sums[usize::from(key)] += sum;
                    rows += 1;
                    latest = latest.max(timestamp.millis());
                }
            }
            assert_eq!(sums, [140, 148, 156, 164, 172]);
            assert_eq!(latest, 39);
            assert!(room < 100 || rows == 5, "{rows} rows");
        }
    }
}
