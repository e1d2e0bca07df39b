//! `reconcile`: two accounts of the same events, matched one to one; what has no counterpart is shown, and
//! the books balance.
//!
//! A left and a right record with the same key can be a match when `lower <= right.ts - left.ts <= upper`;
//! each record has one match at most, the earliest going first. Matches come out on the main output, what
//! stays alone on two side outputs. All of it is decided in event time: for records that are not late the
//! rows, and their order within a key, are the same in whatever order the records arrive and however far the
//! watermark lags. The price is that a match comes out when the watermark has come to it, not when its
//! second record arrives.
//!
//! A record at or below the watermark is late and matches nothing: it goes to the same side output as what
//! stays alone, with [`Reason::Late`].
//!
//! *The books.* On each side, received = matched + unmatched + late + pending. This is checked after every
//! watermark, against what is really in the state; when it does not hold, the subtask fails. The books can
//! be taken as a stream ([`Reconciliation::books`]).
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::join::{Interval, Reconciliation, Unmatched};
//!
//! const UNPAID: OutputTag<Unmatched<u64>> = OutputTag::new("unpaid");
//! let orders = Reconciliation::within(Interval::between(0, 5))?.unmatched_left(UNPAID);
//! let mut orders = orders.into_operator(|order: &u64| *order, |payment: &u64| *payment);
//! let record = |value: u64, at| Record { value, timestamp: Timestamp(at), key_hash: value.stable_hash() };
//! let mut ctx = Context::new(16);
//! ctx.connect(&UNPAID);
//! orders.process(&mut Batch::new(vec![record(7, 10), record(8, 11)], vec![]), &mut ctx)?;
//! orders.process_second(&mut Batch::new(vec![record(7, 15)], vec![]), &mut ctx)?;
//! orders.on_watermark(Timestamp(20), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [((7, 7), 15)]);
//! assert_eq!(ctx.take_sides().count(), 1);
//! # Ok::<(), BoxError>(())
//! ```

use super::books::{Books, Ledger};
use super::bounds::{Interval, InvalidInterval};
use super::buffer::{Buffer, Waiting};
use super::half::{Half, LeftHalf, RightHalf};
use super::matcher::{KeyOf, NO_TIMESTAMP};
use super::settlement::{self, Verdict};
use super::sides::{AllSides, Side, Sides, TOGETHER, fetch};
use crate::agenda::Agenda;
use serde::{Deserialize, Serialize};
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::key::Key;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::state::list::OperatorList;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// Why a record has no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Its time has passed without one.
    Expired,
    /// It came at or below the watermark.
    Late,
}

/// A record without a match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unmatched<T> {
    /// The record.
    pub record: T,
    /// Its event time.
    pub timestamp: Timestamp,
    /// Why it stayed alone.
    pub reason: Reason,
}

/// What to reconcile: event times within bounds of each other.
#[derive(Clone, Debug)]
pub struct Reconciliation<L, R> {
    interval: Interval,
    unmatched_left: Option<OutputTag<Unmatched<L>>>,
    unmatched_right: Option<OutputTag<Unmatched<R>>>,
    books: Option<(OutputTag<Books>, i64)>,
}

impl<L, R> Reconciliation<L, R> {
    /// Matches what lies in `interval`.
    ///
    /// # Errors
    /// When nothing can.
    pub fn within(interval: Interval) -> Result<Self, InvalidInterval> {
        let interval = interval.validate()?;
        Ok(Self { interval, unmatched_left: None, unmatched_right: None, books: None })
    }

    /// How far apart records are matched.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// Sends what stays alone on the left side to `tag`.
    #[must_use]
    pub fn unmatched_left(mut self, tag: OutputTag<Unmatched<L>>) -> Self {
        self.unmatched_left = Some(tag);
        self
    }

    /// Sends what stays alone on the right side to `tag`.
    #[must_use]
    pub fn unmatched_right(mut self, tag: OutputTag<Unmatched<R>>) -> Self {
        self.unmatched_right = Some(tag);
        self
    }

    /// Sends the books of each subtask to `tag`: with the first watermark in each `every_ms` of event
    /// time (at least 1), the final one included.
    #[must_use]
    pub fn books(mut self, tag: OutputTag<Books>, every_ms: i64) -> Self {
        self.books = Some((tag, every_ms.max(1)));
        self
    }
}

impl<L: Data + Value, R: Data + Value> Reconciliation<L, R> {
    /// The operator, for streams that are keyed by `left_key` and `right_key`.
    pub fn into_operator<K: Key>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> ReconciliationOperator<K, L, R> {
        let waits = self.interval.waits();
        let (left_key, right_key) = (Box::new(left_key), Box::new(right_key));
        let mut books = OperatorList::split();
        books.elements.push(Books::default());
        ReconciliationOperator {
            reconciliation: self,
            left_key,
            right_key,
            waiting: AllSides::default(),
            agenda: Agenda::new(waits.left_ms.max(waits.right_ms)),
            books,
            brought_in: [0, 0],
            told_until: Timestamp::MIN,
        }
    }
}

/// [`Reconciliation`] as an operator.
pub struct ReconciliationOperator<K, L, R> {
    reconciliation: Reconciliation<L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
    waiting: AllSides<K, L, R>,
    /// Every record has an appointment for its own time, and if it then waits, one for its end.
    agenda: Agenda,
    /// One page; a restore may put more there, or none, until the operator opens.
    books: OperatorList<Books>,
    /// What waits on each side without having been received by whoever wrote the books: only a change of
    /// parallelism brings that about.
    brought_in: [i128; 2],
    /// Up to where the books have been told.
    told_until: Timestamp,
}

impl<K: Key, L: Data + Value, R: Data + Value> ReconciliationOperator<K, L, R> {
    /// Enters a record of one side into the books, and says whether it is in time.
    fn receive<H: Half<L = L, R = R>>(
        &mut self,
        at: Timestamp,
        watermark: Timestamp,
    ) -> Result<bool, BoxError> {
        if at == Timestamp::MIN {
            return Err(NO_TIMESTAMP.into());
        }
        let ledger = H::ledger(&mut self.books.elements[0]);
        ledger.received += 1;
        let entry = if at <= watermark { &mut ledger.late } else { &mut ledger.pending };
        *entry += 1;
        Ok(at > watermark)
    }

    /// Lets a record wait for the time when it is decided about.
    fn wait<H>(&mut self, key: &K, record: Record<H::Own>)
    where
        H: Half<L = L, R = R>,
        H::Own: Value,
    {
        let Record { value, timestamp: at, key_hash } = record;
        debug_assert_eq!(key_hash, key.stable_hash(), "the stream is keyed alike");
        let slot = self.waiting.slot_or_insert_with(Keyed { key, hash: key_hash }, Sides::default);
        let sides = self.waiting.slot_mut(slot).expect("it was found or made");
        H::split(sides).0.insert_by_content(Waiting { at, matched: false, value });
        self.agenda.add(at, key_hash);
    }

    /// Decides all that can be decided at `until`, as far as there is room.
    fn fire(&mut self, until: Timestamp, ctx: &mut Context<(L, R)>) -> Progress {
        let interval = self.reconciliation.interval;
        let (mut decisions, mut kept) = (0, 0usize);
        while let Some((now, hash)) = self.agenda.next(until) {
            if kept.is_multiple_of(TOGETHER) {
                fetch(&self.waiting, self.agenda.upcoming());
            }
            kept += 1;
            let decides = |sides: &Sides<L, R>| settlement::verdict(sides, interval, now).is_some();
            while let Some(slot) = self.waiting.slot_of(hash, decides) {
                if ctx.is_full() || decisions == BATCH_RECORDS {
                    return Progress::More;
                }
                self.decide(slot, now, ctx);
                decisions += 1;
            }
            self.wait_on(now, hash);
            self.agenda.pop();
        }
        Progress::Done
    }

    /// Makes the next decision under one key.
    fn decide(&mut self, slot: usize, now: Timestamp, ctx: &mut Context<(L, R)>) {
        let Reconciliation { interval, unmatched_left, unmatched_right, .. } = &self.reconciliation;
        let Books { left, right } = &mut self.books.elements[0];
        let sides = self.waiting.slot_mut(slot).expect("something can be decided there");
        let waited = [sides.left.len(), sides.right.len()];
        match settlement::verdict(sides, *interval, now).expect("something can be decided") {
            Verdict::Pair => {
                let pair = sides.left.remove(0).zip(sides.right.remove(0));
                let (one, other) = pair.expect("each side has a first record");
                left.matched += 1;
                right.matched += 1;
                ctx.emit((one.value, other.value), now);
            }
            Verdict::Alone(Side::Left) => {
                left.unmatched += 1;
                expire(&mut sides.left, unmatched_left.as_ref(), now, ctx);
            }
            Verdict::Alone(Side::Right) => {
                right.unmatched += 1;
                expire(&mut sides.right, unmatched_right.as_ref(), now, ctx);
            }
        }
        // What waits is counted where it waits, not by what was decided.
        left.pending -= (waited[0] - sides.left.len()) as u64;
        right.pending -= (waited[1] - sides.right.len()) as u64;
        if sides.is_empty() {
            self.waiting.remove_slot(slot);
        }
    }

    /// Makes appointments for the records of `now` that wait on, to look at them at their end.
    fn wait_on(&mut self, now: Timestamp, hash: u64) {
        let waits = self.reconciliation.interval.waits();
        let left = |sides: &Sides<L, R>| !sides.left.range(now, now).is_empty();
        let right = |sides: &Sides<L, R>| !sides.right.range(now, now).is_empty();
        if self.waiting.slot_of(hash, left).is_some() {
            self.agenda.add(now.plus(waits.left_ms), hash);
        }
        if self.waiting.slot_of(hash, right).is_some() {
            self.agenda.add(now.plus(waits.right_ms), hash);
        }
    }

    /// Checks the books against what waits.
    fn check(&self) -> Result<(), BoxError> {
        let books = &self.books.elements[0];
        let balances = |ledger: &Ledger, brought_in: i128| {
            i128::from(ledger.received) + brought_in == i128::from(ledger.accounted())
        };
        let [left, right] = self.brought_in;
        if balances(&books.left, left) && balances(&books.right, right) {
            return Ok(());
        }
        Err(format!("the books of a reconciliation do not balance: {books}").into())
    }

    /// Tells the books when the watermark has come into another stretch of time.
    fn tell(&mut self, watermark: Timestamp, ctx: &mut Context<(L, R)>) {
        let before = std::mem::replace(&mut self.told_until, watermark);
        if let Some((tag, every_ms)) = &self.reconciliation.books {
            let stretch = |at: Timestamp| at.millis().div_euclid(*every_ms);
            if stretch(before) < stretch(watermark) {
                ctx.emit_side(tag, self.books.elements[0], watermark);
            }
        }
    }
}

/// Lets go of the first record of a side.
fn expire<T: Data, Out: Data>(
    buffer: &mut Buffer<T>,
    tag: Option<&OutputTag<Unmatched<T>>>,
    now: Timestamp,
    ctx: &mut Context<Out>,
) {
    let Waiting { at, value, .. } = buffer.remove(0).expect("its first record stays alone");
    if let Some(tag) = tag {
        let alone = Unmatched { record: value, timestamp: at, reason: Reason::Expired };
        ctx.emit_side(tag, alone, now);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for ReconciliationOperator<K, L, R> {
    type In = L;
    type Out = (L, R);

    fn open(&mut self, watermark: Timestamp) {
        self.told_until = watermark;
        self.agenda.clear();
        let waits = self.reconciliation.interval.waits();
        let mut waiting = [0u64; 2];
        for (key, sides) in self.waiting.iter() {
            let hash = key.stable_hash();
            for (at, due) in sides.all_due(waits) {
                self.agenda.add(if at > watermark { at } else { due }, hash);
            }
            waiting[0] += sides.left.len() as u64;
            waiting[1] += sides.right.len() as u64;
        }
        let mut books = Books::default();
        self.books.elements.drain(..).for_each(|page| books.add(&page));
        for (side, ledger) in [&mut books.left, &mut books.right].into_iter().enumerate() {
            ledger.pending = waiting[side];
            self.brought_in[side] = i128::from(ledger.accounted()) - i128::from(ledger.received);
        }
        self.books.elements.push(books);
    }

    fn process(&mut self, input: &mut Batch<L>, ctx: &mut Context<(L, R)>) -> Result<(), BoxError> {
        while let Some(record) = input.take() {
            let at = record.timestamp;
            if self.receive::<LeftHalf<L, R>>(at, ctx.watermark())? {
                let key = (self.left_key)(&record.value);
                self.wait::<LeftHalf<L, R>>(&key, record);
            } else {
                let late = Unmatched { record: record.value, timestamp: at, reason: Reason::Late };
                ctx.late(self.reconciliation.unmatched_left.as_ref(), late, at);
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<(L, R)>,
    ) -> Result<Progress, BoxError> {
        if self.fire(watermark, ctx) == Progress::More {
            return Ok(Progress::More);
        }
        self.check()?;
        self.tell(watermark, ctx);
        Ok(Progress::Done)
    }

    fn on_end(&mut self, _: &mut Context<(L, R)>) -> Result<Progress, BoxError> {
        if !self.waiting.is_empty() {
            return Err("records wait for a match although event time has ended".into());
        }
        Ok(Progress::Done)
    }

    fn gauges(&self, each: &mut dyn FnMut(&'static str, u64)) {
        if let [Books { left, right }] = self.books.elements.as_slice() {
            each("left_received", left.received);
            each("left_matched", left.matched);
            each("left_unmatched", left.unmatched);
            each("left_late", left.late);
            each("left_pending", left.pending);
            each("right_received", right.received);
            each("right_matched", right.matched);
            each("right_unmatched", right.unmatched);
            each("right_late", right.late);
            each("right_pending", right.pending);
        }
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("waiting", &mut self.waiting);
        visitor.list("books", &mut self.books);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for ReconciliationOperator<K, L, R> {
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<(L, R)>,
    ) -> Result<(), BoxError> {
        while let Some(record) = input.take() {
            let at = record.timestamp;
            if self.receive::<RightHalf<L, R>>(at, ctx.watermark())? {
                let key = (self.right_key)(&record.value);
                self.wait::<RightHalf<L, R>>(&key, record);
            } else {
                let late = Unmatched { record: record.value, timestamp: at, reason: Reason::Late };
                ctx.late(self.reconciliation.unmatched_right.as_ref(), late, at);
            }
        }
        Ok(())
    }
}
