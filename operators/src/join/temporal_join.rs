//! `temporal_join`: each record with the version of a table that was valid at its event time.
//!
//! The left stream are the records, the right one the changes of a table: each right record is the new
//! *version* of its key from its event time on, until the next one. A left record waits until the
//! watermark passes it, for until then a version of an earlier time may come, and is then joined with the
//! newest version at or before it, with its own event time. An inner join drops a record for which there
//! is none; a [left outer](TemporalJoin::left_outer) one lets it out alone. A *tombstone* is a right
//! record that says that from its time on there is no version.
//!
//! Of records that are not late, the same rows come out in whatever order they arrive; of two versions
//! with the same key and time, the one that arrives last counts.
//!
//! *What is late.* A left record at or below the watermark goes to its late output, and is counted as
//! dropped where none is connected. A version at or below the watermark cannot change what has come out.
//! If it is newer than the one that is valid, it is taken, and holds for the records to come. Else, and
//! where none is valid (the key may have been deleted since), it goes to the late output of the versions,
//! or is counted as dropped.
//!
//! *State.* Versions older than the one that is valid at the watermark are dropped, and so is a tombstone
//! that is valid: then one version is left for each key that was not deleted. Whether that one may stay for
//! ever has to be said: [`Validity`].
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::join::{Joined, TemporalJoin, Validity};
//!
//! // Orders in a currency, at the rate of their time: `(currency, amount or rate)`.
//! type Row = (u8, u64);
//! let orders = TemporalJoin::<Row, Row>::new(Validity::UntilReplaced);
//! let mut orders = orders.into_operator(|(currency, _): &Row| *currency, |(currency, _): &Row| *currency);
//! let record = |currency: u8, n: u64, at| Record {
//!     value: (currency, n), timestamp: Timestamp(at), key_hash: currency.stable_hash(),
//! };
//! let mut ctx = Context::new(16);
//! orders.process(&mut Batch::new(vec![record(1, 50, 9), record(1, 60, 10)], vec![]), &mut ctx)?;
//! orders.process_second(&mut Batch::new(vec![record(1, 114, 10), record(1, 112, 2)], vec![]), &mut ctx)?;
//! orders.on_watermark(Timestamp(20), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [(Joined::Both((1, 50), (1, 112)), 9), (Joined::Both((1, 60), (1, 114)), 10)]);
//! # Ok::<(), BoxError>(())
//! ```

use super::buffer::{Buffer, Waiting};
use super::joined::Joined;
use super::matcher::{KeyOf, NO_TIMESTAMP};
use super::sides::{AllSides, Sides, TOGETHER, fetch};
use crate::agenda::Agenda;
use std::sync::Arc;
use thiserror::Error;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// By which the agenda is cut into lists, of 16 ms each: left records wait about as long as the watermark
/// lags, and a list is put in order as often as the watermark falls into it.
const LAG_MS: i64 = 1_024;

/// For how long a version is valid when no other replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// For ever: one version stays in the state for each key that there ever was and is not deleted.
    UntilReplaced,
    /// For so many milliseconds of event time from its own on, the last one included: records behind that
    /// find no version, and the state of a key that has no newer one is dropped.
    AtMostMs(i64),
}

impl Validity {
    /// Until when a version of `at` is valid, if no other replaces it.
    const fn end(self, at: Timestamp) -> Timestamp {
        match self {
            Self::UntilReplaced => Timestamp::MAX,
            Self::AtMostMs(millis) => at.plus(millis),
        }
    }
}

/// Versions that are never valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a version is valid for {0} ms; it must be 0 ms (for records of the same millisecond) or more, or \
     until it is replaced"
)]
pub struct InvalidValidity(i64);

/// Says whether a right record is a tombstone.
type IsTombstone<R> = Arc<dyn Fn(&R) -> bool + Send + Sync>;

/// What to join: records with the version of their time.
pub struct TemporalJoin<L, R> {
    validity: Validity,
    left_outer: bool,
    is_tombstone: Option<IsTombstone<R>>,
    late_left: Option<OutputTag<L>>,
    late_versions: Option<OutputTag<R>>,
}

impl<L, R> Clone for TemporalJoin<L, R> {
    fn clone(&self) -> Self {
        Self {
            is_tombstone: self.is_tombstone.clone(),
            late_left: self.late_left.clone(),
            late_versions: self.late_versions.clone(),
            ..*self
        }
    }
}

impl<L, R> TemporalJoin<L, R> {
    /// An inner join.
    #[must_use]
    pub fn new(validity: Validity) -> Self {
        let (late_left, late_versions) = (None, None);
        Self { validity, left_outer: false, is_tombstone: None, late_left, late_versions }
    }

    /// Lets left records for which there is no version out alone.
    #[must_use]
    pub fn left_outer(mut self) -> Self {
        self.left_outer = true;
        self
    }

    /// Says which right records delete the version of their key from their time on.
    #[must_use]
    pub fn tombstones(mut self, are: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        self.is_tombstone = Some(Arc::new(are));
        self
    }

    /// Sends late left records to `tag`.
    #[must_use]
    pub fn side_output_late_left(mut self, tag: OutputTag<L>) -> Self {
        self.late_left = Some(tag);
        self
    }

    /// Sends versions that are too late to be of use to `tag`.
    #[must_use]
    pub fn side_output_late_versions(mut self, tag: OutputTag<R>) -> Self {
        self.late_versions = Some(tag);
        self
    }

    /// Checks that a version can be valid.
    ///
    /// # Errors
    /// When it is not even for records of its own time.
    pub const fn validate(&self) -> Result<(), InvalidValidity> {
        match self.validity {
            Validity::AtMostMs(millis) if millis < 0 => Err(InvalidValidity(millis)),
            Validity::AtMostMs(_) | Validity::UntilReplaced => Ok(()),
        }
    }
}

impl<L: Data + Value, R: Data + Value> TemporalJoin<L, R> {
    /// The operator, for streams that are keyed by `left_key` and `right_key`.
    pub fn into_operator<K: Key>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> TemporalJoinOperator<K, L, R> {
        TemporalJoinOperator {
            join: self,
            timelines: AllSides::default(),
            agenda: Agenda::new(LAG_MS),
            left_key: Box::new(left_key),
            right_key: Box::new(right_key),
        }
    }
}

/// [`TemporalJoin`] as an operator.
pub struct TemporalJoinOperator<K, L, R> {
    join: TemporalJoin<L, R>,
    /// Under each key the left records that wait, and the versions; `None` is a deletion.
    timelines: AllSides<K, L, Option<R>>,
    /// When left records can be joined, and versions be dropped.
    agenda: Agenda,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
}

impl<K: Key, L: Data + Value, R: Data + Value> TemporalJoinOperator<K, L, R> {
    /// Takes a version in, unless it is too late to be of use: then it comes back.
    fn add_version(&mut self, version: R, hash: u64, at: Timestamp, now: Timestamp) -> Option<R> {
        let key = (self.right_key)(&version);
        debug_assert_eq!(hash, key.stable_hash(), "the stream is keyed alike");
        let is_tombstone = self.join.is_tombstone.as_ref().is_some_and(|is| is(&version));
        let slot = self.timelines.slot_or_insert_with(Keyed { key: &key, hash }, Sides::default);
        let sides = self.timelines.slot_mut(slot).expect("it was found or made");
        let valid = valid_at(&sides.right, now).map(|(_, valid)| valid.at);
        let ends = self.join.validity.end(at);
        if at <= now && (valid.is_none_or(|valid| at < valid) || ends <= now) {
            if sides.is_empty() {
                self.timelines.remove_slot(slot);
            }
            return Some(version);
        }
        let range = sides.right.range(at, at);
        let value = (!is_tombstone).then_some(version);
        match sides.right.get_mut(range.start).filter(|_| !range.is_empty()) {
            Some(same) => same.value = value,
            None => {
                sides.right.insert(Waiting { at, matched: false, value });
            }
        }
        if at <= now {
            prune(sides, self.join.validity, now);
            if sides.is_empty() {
                self.timelines.remove_slot(slot);
                return None;
            }
        } else {
            self.agenda.add(at, hash);
        }
        if ends < Timestamp::MAX {
            self.agenda.add(ends, hash);
        }
        None
    }

    /// Joins what event time has come to.
    fn fire(&mut self, until: Timestamp, ctx: &mut Context<Joined<L, R>>) -> Progress {
        let (mut joined, mut kept) = (0, 0usize);
        while let Some((at, hash)) = self.agenda.next(until) {
            if kept.is_multiple_of(TOGETHER) {
                fetch(&self.timelines, self.agenda.upcoming());
            }
            kept += 1;
            let validity = self.join.validity;
            let is_due = |sides: &Sides<L, Option<R>>| {
                sides.left.first().is_some_and(|first| first.at <= at)
                    || prunable(sides, validity, at) > 0
            };
            while let Some(slot) = self.timelines.slot_of(hash, is_due) {
                if ctx.is_full() || joined >= BATCH_RECORDS {
                    return Progress::More;
                }
                joined += self.join_due(slot, at, ctx);
            }
            self.agenda.pop();
        }
        Progress::Done
    }

    /// Joins the records under one key that are due at `now`, as far as there is room, and drops the
    /// versions that none needs any more; says how many records those were.
    fn join_due(&mut self, slot: usize, now: Timestamp, ctx: &mut Context<Joined<L, R>>) -> usize {
        let TemporalJoin { validity, left_outer, .. } = self.join;
        let sides = self.timelines.slot_mut(slot).expect("something is due there");
        let mut joined = 0;
        while sides.left.first().is_some_and(|first| first.at <= now) {
            if ctx.is_full() || joined == BATCH_RECORDS {
                return joined;
            }
            joined += 1;
            let Waiting { at, value, .. } = sides.left.remove(0).expect("it is the first");
            let version = valid_at(&sides.right, at).map(|(_, version)| version);
            let version = version.filter(|version| at <= validity.end(version.at));
            match version.and_then(|version| version.value.as_ref()) {
                Some(version) => ctx.emit(Joined::Both(value, version.clone()), at),
                None if left_outer => ctx.emit(Joined::Left(value), at),
                None => {}
            }
        }
        prune(sides, validity, now);
        if sides.is_empty() {
            self.timelines.remove_slot(slot);
        }
        joined
    }
}

/// The newest version at or before `at`, and its place.
fn valid_at<R>(
    versions: &Buffer<Option<R>>,
    at: Timestamp,
) -> Option<(usize, &Waiting<Option<R>>)> {
    let place = versions.range(Timestamp::MIN, at).end.checked_sub(1)?;
    Some((place, versions.get(place)?))
}

/// How many versions no record behind `now` needs: all before the valid one, and that one too when it is
/// over with `now` or a deletion.
fn prunable<L, R>(sides: &Sides<L, Option<R>>, validity: Validity, now: Timestamp) -> usize {
    let Some((place, valid)) = valid_at(&sides.right, now) else { return 0 };
    place + usize::from(valid.value.is_none() || validity.end(valid.at) <= now)
}

fn prune<L, R>(sides: &mut Sides<L, Option<R>>, validity: Validity, now: Timestamp) {
    for _ in 0..prunable(sides, validity, now) {
        sides.right.remove(0);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for TemporalJoinOperator<K, L, R> {
    type In = L;
    type Out = Joined<L, R>;

    fn open(&mut self, watermark: Timestamp) {
        self.agenda.clear();
        for (key, sides) in self.timelines.iter() {
            let hash = key.stable_hash();
            sides.left.iter().for_each(|waiting| self.agenda.add(waiting.at, hash));
            for version in sides.right.iter() {
                if version.at > watermark {
                    self.agenda.add(version.at, hash);
                }
                let ends = self.join.validity.end(version.at);
                if ends < Timestamp::MAX {
                    self.agenda.add(ends, hash);
                }
            }
        }
    }

    fn process(
        &mut self,
        input: &mut Batch<L>,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<(), BoxError> {
        while !input.upcoming().is_empty() {
            fetch(&self.timelines, input.upcoming().iter().map(|record| record.key_hash));
            for record in input.take_up_to(TOGETHER) {
                let at = record.timestamp;
                if at == Timestamp::MIN {
                    return Err(NO_TIMESTAMP.into());
                }
                if at <= ctx.watermark() {
                    ctx.late(self.join.late_left.as_ref(), record.value, at);
                    continue;
                }
                let key = (self.left_key)(&record.value);
                debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
                let keyed = Keyed { key: &key, hash: record.key_hash };
                let sides = self.timelines.get_or_insert_with(keyed, Sides::default);
                sides.left.insert(Waiting { at, matched: false, value: record.value });
                self.agenda.add(at, record.key_hash);
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<Progress, BoxError> {
        Ok(self.fire(watermark, ctx))
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("timelines", &mut self.timelines);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for TemporalJoinOperator<K, L, R> {
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<(), BoxError> {
        while !input.upcoming().is_empty() {
            fetch(&self.timelines, input.upcoming().iter().map(|record| record.key_hash));
            for record in input.take_up_to(TOGETHER) {
                let at = record.timestamp;
                if at == Timestamp::MIN {
                    return Err(NO_TIMESTAMP.into());
                }
                let late = self.add_version(record.value, record.key_hash, at, ctx.watermark());
                if let Some(version) = late {
                    ctx.late(self.join.late_versions.as_ref(), version, at);
                }
            }
        }
        Ok(())
    }
}
