//! Both sides of all keys, one look-up for both, and when their rows are evicted.

use super::super::joined::{JoinKind, Joined};
use super::rows::{Partners, Row, Rows};
use crate::Retain;
use crate::agenda::Agenda;
use crate::fetch::{TOGETHER, fetch};
use serde::{Deserialize, Serialize};
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::operator::{Context, Progress};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// The rows of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "L: Serialize, R: Serialize",
    deserialize = "L: Clone + Deserialize<'de>, R: Clone + Deserialize<'de>"
))]
pub(super) struct Both<L, R, P: Partners> {
    pub(super) left: Rows<L, P>,
    pub(super) right: Rows<R, P>,
}

impl<L, R, P: Partners> Default for Both<L, R, P> {
    fn default() -> Self {
        Self { left: Rows::Empty, right: Rows::Empty }
    }
}

impl<L, R, P: Partners> Both<L, R, P> {
    fn is_empty(&self) -> bool {
        self.left.is_empty() && self.right.is_empty()
    }
}

/// The rows of a side, and those of the other.
type BothMut<'a, T, O, P> = (&'a mut Rows<T, P>, &'a mut Rows<O, P>);

/// Both sides seen from one of them, so that what is done to either is written once.
pub(super) trait Facing<L, R> {
    type Own: Data + Value;
    type Other: Data + Value;

    fn split<P: Partners>(both: &mut Both<L, R, P>) -> BothMut<'_, Self::Own, Self::Other, P>;
    fn pair(own: Self::Own, other: Self::Other) -> (L, R);
    fn alone(own: Self::Own) -> Joined<L, R>;
    fn other_alone(other: Self::Other) -> Joined<L, R>;

    /// Whether its own rows come out alone, and those of the other side.
    fn keeps(kind: JoinKind) -> (bool, bool);
}

pub(super) struct FromLeft;
pub(super) struct FromRight;

impl<L: Data + Value, R: Data + Value> Facing<L, R> for FromLeft {
    type Own = L;
    type Other = R;

    fn split<P: Partners>(both: &mut Both<L, R, P>) -> BothMut<'_, L, R, P> {
        (&mut both.left, &mut both.right)
    }

    fn pair(own: L, other: R) -> (L, R) {
        (own, other)
    }

    fn alone(own: L) -> Joined<L, R> {
        Joined::Left(own)
    }

    fn other_alone(other: R) -> Joined<L, R> {
        Joined::Right(other)
    }

    fn keeps(kind: JoinKind) -> (bool, bool) {
        (kind.keeps_left(), kind.keeps_right())
    }
}

impl<L: Data + Value, R: Data + Value> Facing<L, R> for FromRight {
    type Own = R;
    type Other = L;

    fn split<P: Partners>(both: &mut Both<L, R, P>) -> BothMut<'_, R, L, P> {
        (&mut both.right, &mut both.left)
    }

    fn pair(own: R, other: L) -> (L, R) {
        (other, own)
    }

    fn alone(own: R) -> Joined<L, R> {
        Joined::Right(own)
    }

    fn other_alone(other: L) -> Joined<L, R> {
        Joined::Left(other)
    }

    fn keeps(kind: JoinKind) -> (bool, bool) {
        (kind.keeps_right(), kind.keeps_left())
    }
}

/// The rows of all keys.
pub(super) struct Tables<K, L, R, P: Partners = ()> {
    rows: ValueState<K, Both<L, R, P>>,
    /// For how many milliseconds a row is kept, if not for ever.
    retain_ms: Option<i64>,
    /// Every row that is not kept for ever has an appointment for when its time is over.
    agenda: Agenda,
}

impl<K: Key, L: Data + Value, R: Data + Value, P: Partners> Tables<K, L, R, P> {
    pub(super) fn new(retain: Retain) -> Self {
        let retain_ms = retain.millis();
        let agenda = Agenda::new(retain_ms.unwrap_or(0));
        Self { rows: ValueState::default(), retain_ms, agenda }
    }

    /// Draws up the agenda of what is there.
    pub(super) fn open(&mut self) {
        self.agenda.clear();
        let Some(retain_ms) = self.retain_ms else { return };
        for (key, both) in self.rows.iter() {
            let hash = key.stable_hash();
            let left = both.left.iter().map(|row| row.at);
            let came = left.chain(both.right.iter().map(|row| row.at));
            came.for_each(|at| self.agenda.add(at.plus(retain_ms), hash));
        }
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("rows", &mut self.rows);
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.not_before()
    }

    /// Looks at the keys of the next records, every so many of them.
    #[inline]
    pub(super) fn fetch<T>(&self, upcoming: &[Record<T>]) {
        if upcoming.len().is_multiple_of(TOGETHER) {
            let hashes = upcoming.iter().map(|record| record.key_hash);
            fetch(&self.rows, hashes, |both| both.left.touch() ^ both.right.touch());
        }
    }

    /// The rows of a key, if there are any.
    #[inline]
    pub(super) fn get(&self, at: Keyed<'_, K>) -> Option<&Both<L, R, P>> {
        self.rows.get(at)
    }

    /// Where the rows of a key are, if there are any.
    pub(super) fn find(&mut self, at: Keyed<'_, K>) -> Option<usize> {
        self.rows.get(at)?;
        Some(self.rows.slot_or_insert_with(at, Both::default))
    }

    /// The rows in a slot that was found.
    #[inline]
    pub(super) fn slot(&mut self, slot: usize) -> &mut Both<L, R, P> {
        self.rows.slot_mut(slot).expect("the rows of a key are there")
    }

    /// Adds a row, and returns where its key is, its place among its own, and how many are on the other
    /// side.
    #[inline]
    pub(super) fn add<F: Facing<L, R>>(
        &mut self,
        key: Keyed<'_, K>,
        value: F::Own,
        now: Timestamp,
    ) -> (usize, usize, usize) {
        let slot = self.rows.slot_or_insert_with(key, Both::default);
        let (own, other) = F::split(self.slot(slot));
        let (place, others) = (own.len(), other.len());
        own.push(Row { at: now, partners: P::of(others), value });
        if let Some(retain_ms) = self.retain_ms {
            self.agenda.add(now.plus(retain_ms), key.hash);
        }
        (slot, place, others)
    }

    /// Forgets the key in `slot` when it has no rows.
    pub(super) fn settle(&mut self, slot: usize) {
        if self.rows.slot(slot).is_some_and(|(_, both)| both.is_empty()) {
            self.rows.remove_slot(slot);
        }
    }

    /// Evicts the rows whose time is over at `now`.
    pub(super) fn evict<Out: Data>(&mut self, now: Timestamp, ctx: &mut Context<Out>) -> Progress {
        let Some(retain_ms) = self.retain_ms else { return Progress::Done };
        let mut kept = 0;
        while let Some((at, hash)) = self.agenda.next(now) {
            if kept >= BATCH_RECORDS {
                return Progress::More;
            }
            if kept.is_multiple_of(TOGETHER) {
                fetch(&self.rows, self.agenda.upcoming(), |both| both.left.touch());
            }
            kept += 1;
            let over = |came: Timestamp| came.plus(retain_ms) <= at;
            let is_due = |both: &Both<L, R, P>| {
                both.left.get(0).is_some_and(|row| over(row.at))
                    || both.right.get(0).is_some_and(|row| over(row.at))
            };
            while let Some(slot) = self.rows.slot_of(hash, is_due) {
                let both = self.slot(slot);
                let left = both.left.iter().take_while(|row| over(row.at)).count();
                let right = both.right.iter().take_while(|row| over(row.at)).count();
                both.left.remove_first(left);
                both.right.remove_first(right);
                (0..left + right).for_each(|_| ctx.count_dropped());
                self.settle(slot);
            }
            self.agenda.pop();
        }
        Progress::Done
    }
}
