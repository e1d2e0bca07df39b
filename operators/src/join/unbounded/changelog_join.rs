//! The join of rows that come and go, with the rows that have no partner where the kind keeps them.
//!
//! The tables are changed first, then what follows is told partner by partner, as far as the output
//! allows. Nothing else happens meanwhile, so where it stopped is in no snapshot.

use super::super::joined::{JoinKind, Joined};
use super::super::matcher::KeyOf;
use super::tables::{Facing, FromLeft, FromRight, Tables};
use std::ops::Range;
use tidegate_core::changelog::Change;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// What has happened to a side.
enum Event<T> {
    /// A row has been added at this place.
    Added(usize),
    /// This row is gone.
    Gone(T),
}

/// A row whose partners are being told.
struct Telling<T> {
    slot: usize,
    timestamp: Timestamp,
    event: Event<T>,
    /// The partners that have not been told, on the other side.
    partners: Range<usize>,
}

/// [`super::UnboundedJoin`] as an operator.
pub struct ChangelogJoin<K, L, R> {
    machine: Machine<K, L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
    left_telling: Option<Telling<L>>,
    right_telling: Option<Telling<R>>,
}

struct Machine<K, L, R> {
    kind: JoinKind,
    tables: Tables<K, L, R, u32>,
}

type Rows<L, R> = Context<Change<Joined<L, R>>>;

impl<K, L, R> Machine<K, L, R>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
{
    /// Takes the changes of one side.
    fn take<F>(
        &mut self,
        telling: &mut Option<Telling<F::Own>>,
        key_of: &KeyOf<F::Own, K>,
        input: &mut Batch<Change<F::Own>>,
        ctx: &mut Rows<L, R>,
    ) where
        F: Facing<L, R>,
        F::Own: PartialEq,
    {
        loop {
            if let Some(begun) = telling {
                if !self.tell::<F>(begun, ctx) {
                    return;
                }
                self.tables.settle(begun.slot);
                *telling = None;
            }
            input.finish();
            if ctx.is_full() {
                return;
            }
            self.tables.fetch(input.upcoming());
            let Some(record) = input.begin() else { return };
            let key = key_of(&record.value.row);
            debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
            let at = Keyed { key: &key, hash: record.key_hash };
            *telling = if record.value.is_addition() {
                self.add::<F>(at, record.value.row, record.timestamp, ctx)
            } else {
                self.remove::<F>(at, &record.value.row, record.timestamp, ctx)
            };
        }
    }

    fn add<F: Facing<L, R>>(
        &mut self,
        at: Keyed<'_, K>,
        row: F::Own,
        timestamp: Timestamp,
        ctx: &mut Rows<L, R>,
    ) -> Option<Telling<F::Own>> {
        let (keeps_own, _) = F::keeps(self.kind);
        let now = ctx.processing_time();
        let alone = keeps_own.then(|| row.clone());
        let (slot, place, others) = self.tables.add::<F>(at, row, now);
        if others == 0 {
            if let Some(alone) = alone {
                ctx.emit(Change::insert(F::alone(alone)), timestamp);
            }
            return None;
        }
        Some(Telling { slot, timestamp, event: Event::Added(place), partners: 0..others })
    }

    fn remove<F>(
        &mut self,
        at: Keyed<'_, K>,
        row: &F::Own,
        timestamp: Timestamp,
        ctx: &mut Rows<L, R>,
    ) -> Option<Telling<F::Own>>
    where
        F: Facing<L, R>,
        F::Own: PartialEq,
    {
        let (keeps_own, _) = F::keeps(self.kind);
        let found = self.tables.find(at).and_then(|slot| {
            let (own, other) = F::split(self.tables.slot(slot));
            let place = own.iter().position(|other| other.value == *row)?;
            Some((slot, own.remove(place)?, other.len()))
        });
        let Some((slot, gone, others)) = found else {
            ctx.count_dropped();
            return None;
        };
        // Without partners it had come out alone, unless those it had were evicted.
        if others == 0 && keeps_own && gone.partners == 0 {
            ctx.emit(Change::delete(F::alone(gone.value.clone())), timestamp);
        }
        Some(Telling { slot, timestamp, event: Event::Gone(gone.value), partners: 0..others })
    }

    /// Tells partner by partner what has happened to a row; says whether all is told.
    fn tell<F: Facing<L, R>>(
        &mut self,
        telling: &mut Telling<F::Own>,
        ctx: &mut Rows<L, R>,
    ) -> bool {
        let Telling { slot, timestamp, ref event, ref mut partners } = *telling;
        let (_, keeps_other) = F::keeps(self.kind);
        let (own, other) = F::split(self.tables.slot(slot));
        while partners.start < partners.end {
            if ctx.is_full() {
                return false;
            }
            let at = partners.start;
            partners.start += 1;
            match event {
                Event::Added(place) => {
                    if keeps_other {
                        let partner = other.get_mut(at).expect("nothing has left since");
                        if partner.partners == 0 {
                            let alone = F::other_alone(partner.value.clone());
                            ctx.emit(Change::delete(alone), timestamp);
                        }
                        partner.partners += 1;
                    }
                    let row = own.get(*place).expect("the row was added").value.clone();
                    let partner = other.get(at).expect("nothing has left since").value.clone();
                    let (left, right) = F::pair(row, partner);
                    ctx.emit(Change::insert(Joined::Both(left, right)), timestamp);
                }
                Event::Gone(row) => {
                    let partner = other.get(at).expect("nothing has left since").value.clone();
                    let (left, right) = F::pair(row.clone(), partner);
                    ctx.emit(Change::delete(Joined::Both(left, right)), timestamp);
                    if keeps_other {
                        let partner = other.get_mut(at).expect("nothing has left since");
                        partner.partners -= 1;
                        if partner.partners == 0 {
                            let alone = F::other_alone(partner.value.clone());
                            ctx.emit(Change::insert(alone), timestamp);
                        }
                    }
                }
            }
        }
        true
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> ChangelogJoin<K, L, R> {
    pub(super) fn new(
        kind: JoinKind,
        tables: Tables<K, L, R, u32>,
        left_key: KeyOf<L, K>,
        right_key: KeyOf<R, K>,
    ) -> Self {
        let machine = Machine { kind, tables };
        Self { machine, left_key, right_key, left_telling: None, right_telling: None }
    }
}

impl<K, L, R> Operator for ChangelogJoin<K, L, R>
where
    K: Key,
    L: Data + Value + PartialEq,
    R: Data + Value + PartialEq,
{
    type In = Change<L>;
    type Out = Change<Joined<L, R>>;

    fn open(&mut self, _: Timestamp) {
        self.machine.tables.open();
    }

    fn process(
        &mut self,
        input: &mut Batch<Change<L>>,
        ctx: &mut Rows<L, R>,
    ) -> Result<(), BoxError> {
        let Self { machine, left_telling, left_key, .. } = self;
        machine.take::<FromLeft>(left_telling, left_key, input, ctx);
        Ok(())
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Rows<L, R>,
    ) -> Result<Progress, BoxError> {
        Ok(self.machine.tables.evict(now, ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.machine.tables.next_due()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.machine.tables.states(visitor);
    }
}

impl<K, L, R> CoOperator for ChangelogJoin<K, L, R>
where
    K: Key,
    L: Data + Value + PartialEq,
    R: Data + Value + PartialEq,
{
    type Second = Change<R>;

    fn process_second(
        &mut self,
        input: &mut Batch<Change<R>>,
        ctx: &mut Rows<L, R>,
    ) -> Result<(), BoxError> {
        let Self { machine, right_telling, right_key, .. } = self;
        machine.take::<FromRight>(right_telling, right_key, input, ctx);
        Ok(())
    }
}
