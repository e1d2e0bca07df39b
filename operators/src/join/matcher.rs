//! The machine under [`super::IntervalJoin`] and [`super::OuterJoin`]: lets each record look for partners
//! among those that wait on the other side, wait itself, and go when its time is over.
//!
//! A record that finds a million partners emits them as far as the output allows; where it stopped is
//! noted until the output has been taken. Nothing else happens meanwhile, so that is in no snapshot.

use super::bounds::Interval;
use super::buffer::Waiting;
use super::half::Half;
use super::joined::{JoinKind, Joined};
use super::outer_join::Clock;
use super::sides::{AllSides, Side, Sides, TOGETHER, Waits, fetch};
use crate::agenda::Agenda;
use std::ops::Range;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::key::Key;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::operator::{BoxError, Context, OutputTag, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// A record that was given no event time.
pub(super) const NO_TIMESTAMP: &str = "a record without a timestamp cannot be joined by time: assign \
    timestamps at the source, before the join";

/// What belongs together, and what comes out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) interval: Interval,
    pub(super) waits: Waits,
    pub(super) kind: JoinKind,
    pub(super) clock: Clock,
    /// Whether a left record goes with its first partner.
    pub(super) left_once: bool,
    /// Whether a right record goes with its first partner.
    pub(super) right_once: bool,
}

/// A record whose pairs are being emitted.
struct Pairing {
    /// Where both sides of its key are.
    slot: usize,
    /// Where it waits on its own side.
    own: usize,
    /// Its event time.
    timestamp: Timestamp,
    /// Its partners that are still to come, on the other side.
    partners: Range<usize>,
}

/// The reader of a side's key.
pub(super) type KeyOf<T, K> = Box<dyn Fn(&T) -> K + Send>;

pub(super) struct Matcher<K, L, R> {
    rule: Rule,
    waiting: AllSides<K, L, R>,
    /// Every record that waits has an appointment for when it is due.
    agenda: Agenda,
    pairing: Option<Pairing>,
}

impl<K, L, R> Matcher<K, L, R>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
{
    pub(super) fn new(rule: Rule) -> Self {
        let Waits { left_ms, right_ms } = rule.waits;
        Self {
            rule,
            waiting: AllSides::default(),
            agenda: Agenda::new(left_ms.max(right_ms)),
            pairing: None,
        }
    }

    /// Draws up the agenda of what waits.
    pub(super) fn open(&mut self) {
        self.agenda.clear();
        for (key, sides) in self.waiting.iter() {
            let hash = key.stable_hash();
            sides.all_due(self.rule.waits).for_each(|(_, due)| self.agenda.add(due, hash));
        }
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("waiting", &mut self.waiting);
    }

    /// When the wall clock matters next, for a join that goes by it.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.not_before()
    }

    /// Takes the records of one side.
    pub(super) fn take<H>(
        &mut self,
        input: &mut Batch<H::Own>,
        key: &KeyOf<H::Own, K>,
        late: Option<&OutputTag<H::Own>>,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<(), BoxError>
    where
        H: Half<L = L, R = R>,
        H::Own: Data + Value,
        H::Other: Data + Value,
    {
        let Rule { clock, left_once, right_once, .. } = self.rule;
        let (once, other_once) =
            if H::IS_LEFT { (left_once, right_once) } else { (right_once, left_once) };
        loop {
            if let Some(pairing) = self.pairing.take() {
                self.pairing = self.pair_up::<H>(pairing, other_once, ctx);
                if self.pairing.is_some() {
                    return Ok(());
                }
                input.finish();
            }
            if ctx.is_full() {
                return Ok(());
            }
            if input.open().is_multiple_of(TOGETHER) {
                fetch(&self.waiting, input.upcoming().iter().map(|record| record.key_hash));
            }
            let Some(record) = input.begin() else { return Ok(()) };
            let at = match clock {
                Clock::EventTime => record.timestamp,
                Clock::ProcessingTime => ctx.processing_time(),
            };
            if clock == Clock::EventTime && at <= ctx.watermark() {
                if at == Timestamp::MIN {
                    return Err(NO_TIMESTAMP.into());
                }
                ctx.late(late, record.value, at);
            } else {
                let key = key(&record.value);
                debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
                let keyed = Keyed { key: &key, hash: record.key_hash };
                self.pairing = self.admit::<H>(keyed, at, record, (once, other_once), ctx);
            }
            if self.pairing.is_none() {
                input.finish();
            }
        }
    }

    /// Lets a record look for partners, and wait for more of them unless it is gone.
    #[inline]
    fn admit<H>(
        &mut self,
        key: Keyed<'_, K>,
        at: Timestamp,
        record: Record<H::Own>,
        (once, other_once): (bool, bool),
        ctx: &mut Context<Joined<L, R>>,
    ) -> Option<Pairing>
    where
        H: Half<L = L, R = R>,
        H::Own: Value,
        H::Other: Value,
    {
        let slot = self.waiting.slot_or_insert_with(key, Sides::default);
        let sides = self.waiting.slot_mut(slot).expect("it was found or made");
        let (own, other) = H::split(sides);
        let partners = H::partners(self.rule.interval, at, other);
        if once && !partners.is_empty() {
            let timestamp = self.rule.clock.pair_timestamp(record.timestamp, other, partners.start);
            if other_once {
                let partner = other.remove(partners.start).expect("it is in the range");
                ctx.emit(H::pair(record.value, partner.value), timestamp);
                if sides.is_empty() {
                    self.waiting.remove_slot(slot);
                }
            } else {
                let partner = other.get_mut(partners.start).expect("it is in the range");
                partner.matched = true;
                ctx.emit(H::pair(record.value, partner.value.clone()), timestamp);
            }
            return None;
        }
        let matched = !partners.is_empty();
        let (timestamp, value) = (record.timestamp, record.value);
        let own = own.insert(Waiting { at, matched, value });
        self.agenda.add(at.plus(H::wait(self.rule.waits)), key.hash);
        matched.then_some(Pairing { slot, own, timestamp, partners })
    }

    /// Emits the pairs of a record as far as there is room, and returns what is left.
    fn pair_up<H>(
        &mut self,
        mut pairing: Pairing,
        other_once: bool,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Option<Pairing>
    where
        H: Half<L = L, R = R>,
        H::Own: Value,
        H::Other: Value,
    {
        let sides = self.waiting.slot_mut(pairing.slot).expect("a record waits there");
        let (own, other) = H::split(sides);
        let own = &own.get(pairing.own).expect("the record waits").value;
        let partners = &mut pairing.partners;
        while partners.start < partners.end && !ctx.is_full() {
            let at = partners.start;
            let timestamp = self.rule.clock.pair_timestamp(pairing.timestamp, other, at);
            if other_once {
                let partner = other.remove(at).expect("it is in the range");
                partners.end -= 1;
                ctx.emit(H::pair(own.clone(), partner.value), timestamp);
            } else {
                let partner = other.get_mut(at).expect("it is in the range");
                partner.matched = true;
                partners.start += 1;
                ctx.emit(H::pair(own.clone(), partner.value.clone()), timestamp);
            }
        }
        (partners.start < partners.end).then_some(pairing)
    }

    /// Lets go of the records whose time is over at `until`.
    pub(super) fn fire(&mut self, until: Timestamp, ctx: &mut Context<Joined<L, R>>) -> Progress {
        let waits = self.rule.waits;
        let (mut gone, mut kept) = (0, 0usize);
        while let Some((at, hash)) = self.agenda.next(until) {
            if kept.is_multiple_of(TOGETHER) {
                fetch(&self.waiting, self.agenda.upcoming());
            }
            kept += 1;
            let is_due = |sides: &Sides<L, R>| sides.due(waits, at).is_some();
            while let Some(slot) = self.waiting.slot_of(hash, is_due) {
                if ctx.is_full() || gone >= BATCH_RECORDS {
                    return Progress::More;
                }
                gone += self.let_go(slot, at, ctx);
            }
            self.agenda.pop();
        }
        Progress::Done
    }

    /// Lets go of the records under one key that are due at `until`, as far as there is room, and says
    /// how many those were.
    fn let_go(&mut self, slot: usize, until: Timestamp, ctx: &mut Context<Joined<L, R>>) -> usize {
        let mut gone = 0;
        let Rule { waits, kind, clock, .. } = self.rule;
        let sides = self.waiting.slot_mut(slot).expect("a record is due there");
        while let Some((at, side)) = sides.due(waits, until)
            && !ctx.is_full()
            && gone < BATCH_RECORDS
        {
            gone += 1;
            let row = match side {
                Side::Left => {
                    let alone = sides.left.remove(0).expect("it is due");
                    (kind.keeps_left() && !alone.matched).then(|| Joined::Left(alone.value))
                }
                Side::Right => {
                    let alone = sides.right.remove(0).expect("it is due");
                    (kind.keeps_right() && !alone.matched).then(|| Joined::Right(alone.value))
                }
            };
            if let Some(row) = row {
                ctx.emit(row, clock.timer_timestamp(at));
            }
        }
        if sides.is_empty() {
            self.waiting.remove_slot(slot);
        }
        gone
    }
}
