//! The firing of one window: from the slices it consists of to its rows, as far as the output allows.
//!
//! Apart from the operator because this is the one place that knows how slices become a window:
//! - a window of one slice, or of which only one holds anything, is that slice;
//! - a window of few slices is merged anew each time;
//! - the others carry a running aggregate per key from window to window ([`super::carry`]): one
//!   accumulator where the aggregate is invertible or windows cumulate, else stacks of them.
//!
//! The rows of a window come in the order of a hash table: the same for the same history of the
//! subtask, another one after a restore. Sorting them by key would make the firing of a tumbling
//! window twice as dear (100,000 keys: 4 ms to emit, 5 ms to sort).

use super::carry::Carry;
use super::rolling::Rolling;
use super::slicing::Slicing;
use super::stacks::Stacks;
use crate::window::time_window::{TimeWindow, Windowed};
use hashbrown::hash_table::{Entry, HashTable, IntoIter};
use std::ops::Bound::{Excluded, Included};
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, Progress};
use tidegate_core::state::Keyed;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::state::namespaced::NamespacedState;
use tidegate_core::state::table::Table;
use tidegate_core::time::Timestamp;

/// The accumulators of each slice, by the end of the slice.
pub(crate) type Slices<K, A> = NamespacedState<Timestamp, K, <A as Aggregate>::Accumulator>;

/// Windows of up to so many slices are merged anew each time, where slices cannot be deducted: a
/// maximum over 100,000 keys costs 50 to 100 ns a key and slide for 2 to 8 slices, and 100 to 170 ns by
/// stacks for any number; beyond 10 slices the stacks win.
const MERGED_ANEW_MAX: i64 = 8;

/// How slices become windows.
pub(crate) enum Merging<K, A: Aggregate> {
    /// All slices of each window are merged.
    Anew,
    /// One accumulator per key goes from window to window.
    Rolling(Carry<K, Rolling<A::Accumulator>>),
    /// Stacks of accumulators per key go from window to window.
    Stacks(Carry<K, Stacks<A::Accumulator>>),
}

impl<K: Key, A: Aggregate> Merging<K, A> {
    /// The cheapest way.
    pub(crate) fn new(slicing: &Slicing) -> Self {
        let slices = slicing.slices_per_window();
        if slices > 1 && (A::INVERTIBLE || slicing.cumulates()) {
            Self::Rolling(Carry::default())
        } else if slices > MERGED_ANEW_MAX {
            Self::Stacks(Carry::default())
        } else {
            Self::Anew
        }
    }

    /// A late record has changed what `at` has in the slice that ends at `end`.
    pub(crate) fn forget(&mut self, end: Timestamp, at: Keyed<'_, K>) {
        match self {
            Self::Anew => {}
            Self::Rolling(carry) => carry.forget(end, at),
            Self::Stacks(carry) => carry.forget(end, at),
        }
    }
}

/// A window whose rows are being emitted. The slices do not change meanwhile: records wait.
pub(crate) struct Firing<K, A: Aggregate> {
    window: TimeWindow,
    rows: Rows<K, A>,
}

/// Where the rows not yet emitted are.
enum Rows<K, A: Aggregate> {
    /// In the only slice that has any, from a position on.
    Slice { end: Timestamp, position: usize },
    /// In the merge of several slices.
    Merged(IntoIter<(K, A::Accumulator)>),
    /// In what is carried from window to window, from a position on.
    Carried { position: usize },
}

impl<K: Key, A: Aggregate> Firing<K, A> {
    /// Begins to fire `window`.
    pub(crate) fn begin(
        window: TimeWindow,
        slices: &Slices<K, A>,
        merging: &mut Merging<K, A>,
        aggregate: &A,
    ) -> Self {
        let rows = match merging {
            Merging::Anew => Rows::anew(window, slices, aggregate),
            Merging::Rolling(carry) => {
                carry.advance_to(window, slices, aggregate);
                Rows::Carried { position: 0 }
            }
            Merging::Stacks(carry) => {
                carry.advance_to(window, slices, aggregate);
                Rows::Carried { position: 0 }
            }
        };
        Self { window, rows }
    }

    /// Emits rows until there are none or `ctx` is full.
    pub(crate) fn emit(
        &mut self,
        slices: &Slices<K, A>,
        merging: &Merging<K, A>,
        aggregate: &A,
        ctx: &mut Context<Windowed<K, A::Out>>,
    ) -> Progress {
        let window = self.window;
        while !ctx.is_full() {
            let row = match &mut self.rows {
                Rows::Slice { end, position } => {
                    let next = slices.table(end).and_then(|table| table.next_from(*position));
                    next.map(|(behind, key, accumulator)| {
                        *position = behind;
                        (key.clone(), aggregate.result(accumulator))
                    })
                }
                Rows::Merged(rows) => {
                    rows.next().map(|(key, accumulator)| (key, aggregate.result(&accumulator)))
                }
                Rows::Carried { position } => {
                    let next = match merging {
                        Merging::Anew => None,
                        Merging::Rolling(carry) => carry.next_from(*position, slices, aggregate),
                        Merging::Stacks(carry) => carry.next_from(*position, slices, aggregate),
                    };
                    next.map(|(behind, key, value)| {
                        *position = behind;
                        (key, value)
                    })
                }
            };
            let Some((key, value)) = row else { return Progress::Done };
            ctx.emit(Windowed { key, window, value }, window.max_timestamp());
        }
        Progress::More
    }

    /// All rows have been emitted: what the next window does not contain leaves.
    pub(crate) fn end(
        self,
        slicing: &Slicing,
        slices: &Slices<K, A>,
        merging: &mut Merging<K, A>,
        aggregate: &A,
    ) {
        let next = slicing.following(self.window);
        match merging {
            Merging::Anew => {}
            Merging::Rolling(carry) => carry.retire(next, slices, aggregate),
            Merging::Stacks(carry) => carry.retire(next, slices, aggregate),
        }
    }
}

impl<K: Key, A: Aggregate> Rows<K, A> {
    fn anew(window: TimeWindow, slices: &Slices<K, A>, aggregate: &A) -> Self {
        let mut parts = parts::<K, A>(window, slices);
        match (parts.next(), parts.next()) {
            (Some((end, _)), None) => Self::Slice { end: *end, position: 0 },
            (first, second) => {
                let parts = first.into_iter().chain(second).chain(parts);
                Self::Merged(merge(parts.map(|(_, table)| table), aggregate).into_iter())
            }
        }
    }
}

/// The slices of `window` that hold anything, in order.
fn parts<K: Key, A: Aggregate>(
    window: TimeWindow,
    slices: &Slices<K, A>,
) -> impl Iterator<Item = (&Timestamp, &Table<K, A::Accumulator>)> {
    slices.range((Excluded(window.start), Included(window.end)))
}

fn merge<'a, K: Key, A: Aggregate>(
    parts: impl Iterator<Item = &'a Table<K, A::Accumulator>>,
    aggregate: &A,
) -> HashTable<(K, A::Accumulator)> {
    let mut merged: HashTable<(K, A::Accumulator)> = HashTable::new();
    for table in parts {
        merged.reserve(table.len().saturating_sub(merged.len()), |(key, _)| key.stable_hash());
        for (key, part) in table.iter() {
            let known = |(known, _): &(K, A::Accumulator)| known == key;
            match merged.entry(key.stable_hash(), known, |(key, _)| key.stable_hash()) {
                Entry::Occupied(all) => aggregate.merge(&mut all.into_mut().1, part),
                Entry::Vacant(new) => drop(new.insert((key.clone(), part.clone()))),
            }
        }
    }
    merged
}
