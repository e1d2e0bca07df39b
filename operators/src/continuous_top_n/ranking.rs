//! The rankings of all keys: where a row gets in, moves or goes, and what that changes.
//!
//! The list is changed first, then what has changed is emitted rank by rank, as far as the output allows.
//! Nothing else happens meanwhile, so where it stopped is in no snapshot.

use super::Compare;
use crate::fetch::{TOGETHER, fetch};
use std::ops::Range;
use std::sync::Arc;
use tidegate_core::changelog::Change;
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::Context;
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// A list gets room for so many rows at first.
const FEW: usize = 4;

/// Whether two rows are versions of one.
type Same<T> = Arc<dyn Fn(&T, &T) -> bool + Send + Sync>;

/// Which rows are versions of one.
pub(super) struct Unique<T> {
    pub(super) same: Same<T>,
    pub(super) equal: fn(&T, &T) -> bool,
}

impl<T> Clone for Unique<T> {
    fn clone(&self) -> Self {
        Self { same: Arc::clone(&self.same), equal: self.equal }
    }
}

/// What is emitted of a row.
pub(super) enum Show<T, Out> {
    /// The row with its rank, whenever another row gets the rank.
    Ranks(fn(&T, u32) -> Out),
    /// The row, when it gets in or out.
    Rows(fn(&T) -> Out),
}

/// What has happened to a list, which is still to be told: from `next` to `end`, counted from 0.
struct Shift<T> {
    slot: usize,
    ranks: Range<usize>,
    timestamp: Timestamp,
    /// The row that is gone, and where it was.
    gone: Option<(usize, T)>,
    /// Where a row has come.
    came: Option<usize>,
}

impl<T> Shift<T> {
    /// The row that was at `rank`; `rows` are those that are there now.
    fn before<'a>(&'a self, rank: usize, rows: &'a [T]) -> Option<&'a T> {
        match (&self.gone, self.came) {
            (Some((at, row)), _) if *at == rank => Some(row),
            // Whatever lies between moved down when the row came above it, and else up.
            (Some((at, _)), _) if *at < rank => rows.get(rank - 1),
            _ => rows.get(rank + 1),
        }
    }
}

pub(super) struct Ranking<K, T, Out> {
    n: usize,
    compare: Compare<T>,
    unique: Option<Unique<T>>,
    /// Whether what is behind the last rank is forgotten.
    bounded: bool,
    show: Show<T, Out>,
    /// The rows of each key, the best first. A checkpoint shares them until they change.
    rows: ValueState<K, Arc<Vec<T>>>,
    shift: Option<Shift<T>>,
}

impl<K: Key, T: Data + Value, Out: Data> Ranking<K, T, Out> {
    /// Looks at the keys of the next records, every so many of them.
    #[inline]
    pub(super) fn fetch<U>(&self, upcoming: &[Record<U>]) {
        if upcoming.len().is_multiple_of(TOGETHER) {
            let compare = &self.compare;
            let touch = |rows: &Arc<Vec<T>>| rows.last().map_or(0, |row| compare(row, row) as i64);
            fetch(&self.rows, upcoming.iter().map(|record| record.key_hash), touch);
        }
    }

    /// Takes a row in: a new one, or another version of one.
    #[inline]
    pub(super) fn add(
        &mut self,
        at: Keyed<'_, K>,
        row: T,
        timestamp: Timestamp,
        ctx: &mut Context<Change<Out>>,
    ) {
        if self.n == 0 {
            return;
        }
        let slot = self.rows.slot_or_insert_with(at, Arc::default);
        let (_, rows) = self.rows.slot(slot).expect("it was found or made");
        let old = self.unique.as_ref().map(|unique| {
            let old = rows.iter().position(|other| (unique.same)(other, &row));
            (old, old.is_some_and(|old| (unique.equal)(&rows[old], &row)))
        });
        let full = self.bounded && rows.len() >= self.n;
        let ranks_behind = |last: &T| (self.compare)(last, &row).is_le();
        match old {
            Some((Some(_), true)) => return,
            None | Some((None, _)) if full && rows.last().is_some_and(ranks_behind) => return,
            _ => {}
        }
        let old = old.and_then(|(old, _)| old);
        let rows = Arc::make_mut(self.rows.slot_mut(slot).expect("it was found or made"));
        let before = rows.len();
        if self.bounded && before == rows.capacity() {
            // One more than the best is all it ever holds: room for twice as many would stay empty.
            let most = (self.n + 1).saturating_sub(before);
            rows.reserve_exact(before.max(FEW).min(most).max(1));
        }
        let gone = old.map(|old| (old, rows.remove(old)));
        let came = rows.partition_point(|other| (self.compare)(other, &row).is_le());
        rows.insert(came, row);
        let ranks = match old {
            Some(old) => old.min(came)..old.max(came) + 1,
            None => came..before + 1,
        };
        self.tell(Shift { slot, ranks, timestamp, gone, came: Some(came) }, ctx);
    }

    /// Takes a row out; says whether it was there.
    pub(super) fn remove(
        &mut self,
        at: Keyed<'_, K>,
        row: &T,
        timestamp: Timestamp,
        ctx: &mut Context<Change<Out>>,
    ) -> bool
    where
        T: PartialEq,
    {
        let Some(rows) = self.rows.get(at) else { return false };
        let found = match &self.unique {
            Some(unique) => rows.iter().position(|other| (unique.same)(other, row)),
            None => {
                let from = rows.partition_point(|other| (self.compare)(other, row).is_lt());
                let alike = rows[from..].iter();
                let alike = alike.take_while(|other| (self.compare)(other, row).is_eq());
                alike.into_iter().position(|other| other == row).map(|found| from + found)
            }
        };
        let Some(found) = found else { return false };
        let slot = self.rows.slot_or_insert_with(at, Arc::default);
        let rows = Arc::make_mut(self.rows.slot_mut(slot).expect("it was found"));
        let (ranks, gone) = (found..rows.len(), Some((found, rows.remove(found))));
        self.tell(Shift { slot, ranks, timestamp, gone, came: None }, ctx);
        true
    }

    /// Whether rows are versions of each other by a key of their own.
    pub(super) const fn is_unique(&self) -> bool {
        self.unique.is_some()
    }

    fn tell(&mut self, mut shift: Shift<T>, ctx: &mut Context<Change<Out>>) {
        shift.ranks.end = shift.ranks.end.min(self.n);
        match self.show {
            Show::Ranks(_) => {
                self.shift = Some(shift);
                self.resume(ctx);
            }
            Show::Rows(show) => {
                self.tell_rows(&shift, show, ctx);
                self.settle(shift.slot);
            }
        }
    }

    /// Tells which rows have got in and out.
    fn tell_rows(&self, shift: &Shift<T>, show: fn(&T) -> Out, ctx: &mut Context<Change<Out>>) {
        let (_, rows) = self.rows.slot(shift.slot).expect("a row was there, or is");
        let (n, at) = (self.n, shift.timestamp);
        let gone = shift.gone.as_ref().filter(|(from, _)| *from < n).map(|(_, row)| row);
        let came = shift.came.filter(|to| *to < n).and_then(|to| rows.get(to));
        match (gone, came) {
            (Some(gone), Some(came)) => {
                ctx.emit(Change::update_before(show(gone)), at);
                ctx.emit(Change::update_after(show(came)), at);
            }
            (Some(gone), None) => {
                ctx.emit(Change::delete(show(gone)), at);
                if let Some(last) = rows.get(n - 1) {
                    ctx.emit(Change::insert(show(last)), at);
                }
            }
            (None, Some(came)) => {
                if let Some(pushed_out) = rows.get(n) {
                    ctx.emit(Change::delete(show(pushed_out)), at);
                }
                ctx.emit(Change::insert(show(came)), at);
            }
            (None, None) => {}
        }
    }

    /// Goes on telling which rank has which row; says whether all is told.
    #[inline]
    pub(super) fn resume(&mut self, ctx: &mut Context<Change<Out>>) -> bool {
        let (Some(shift), Show::Ranks(show)) = (&mut self.shift, &self.show) else { return true };
        let (_, rows) = self.rows.slot(shift.slot).expect("a row was there, or is");
        while !shift.ranks.is_empty() {
            if ctx.is_full() {
                return false;
            }
            let (index, at) = (shift.ranks.start, shift.timestamp);
            let rank = index as u32 + 1;
            match (shift.before(index, rows), rows.get(index)) {
                (Some(before), Some(after)) => {
                    ctx.emit(Change::update_before(show(before, rank)), at);
                    ctx.emit(Change::update_after(show(after, rank)), at);
                }
                (Some(before), None) => ctx.emit(Change::delete(show(before, rank)), at),
                (None, Some(after)) => ctx.emit(Change::insert(show(after, rank)), at),
                (None, None) => {}
            }
            shift.ranks.start += 1;
        }
        let slot = shift.slot;
        self.shift = None;
        self.settle(slot);
        true
    }

    /// Forgets what need not be kept.
    fn settle(&mut self, slot: usize) {
        let (_, rows) = self.rows.slot(slot).expect("a row was there, or is");
        if rows.is_empty() {
            self.rows.remove_slot(slot);
        } else if self.bounded && rows.len() > self.n {
            let rows = self.rows.slot_mut(slot).expect("it is there");
            Arc::make_mut(rows).truncate(self.n);
        }
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("rows", &mut self.rows);
    }
}

impl<K: Key, T, Out> Ranking<K, T, Out> {
    pub(super) fn new(
        n: usize,
        compare: Compare<T>,
        unique: Option<Unique<T>>,
        bounded: bool,
        show: Show<T, Out>,
    ) -> Self {
        Self { n, compare, unique, bounded, show, rows: ValueState::default(), shift: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ContinuousTopN;
    use super::*;

    #[test]
    fn rows_behind_the_last_rank_are_forgotten_unless_they_may_move_up() {
        let kept = |bounded: bool| {
            let top = ContinuousTopN::largest(10, |row: &u64| *row);
            let mut ranking: Ranking<u64, u64, u64> = top.ranking(bounded, Show::Rows(u64::clone));
            let mut ctx = Context::new(usize::MAX);
            (0..100).for_each(|row| ranking.add(Keyed::new(&1), row, Timestamp(1), &mut ctx));
            let rows = ranking.rows.get(Keyed::new(&1)).expect("it was just filled");
            (rows.len(), rows.capacity())
        };
        assert_eq!(kept(true), (10, 11), "one row more while the last is told");
        assert_eq!(kept(false).0, 100);
    }
}
