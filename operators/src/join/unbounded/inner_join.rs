//! The pairs of records that are only ever added.
//!
//! A record that finds a million partners emits them as far as the output allows; where it stopped is
//! noted until the output has been taken. Nothing else happens meanwhile, so that is in no snapshot.

use super::super::matcher::KeyOf;
use super::tables::{Facing, FromLeft, FromRight, Tables};
use std::ops::Range;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// A record whose pairs are being emitted.
struct Pairing {
    slot: usize,
    /// Its place on its own side.
    own: usize,
    timestamp: Timestamp,
    /// Its partners that are still to come, on the other side.
    partners: Range<usize>,
}

/// [`super::UnboundedJoin::inner`] as an operator.
pub struct InnerJoin<K, L, R> {
    tables: Tables<K, L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
    pairing: Option<Pairing>,
}

impl<K: Key, L: Data + Value, R: Data + Value> InnerJoin<K, L, R> {
    pub(super) fn new(
        tables: Tables<K, L, R>,
        left_key: KeyOf<L, K>,
        right_key: KeyOf<R, K>,
    ) -> Self {
        Self { tables, left_key, right_key, pairing: None }
    }
}

/// Takes the records of one side.
fn take<K, L, R, F>(
    tables: &mut Tables<K, L, R>,
    pairing: &mut Option<Pairing>,
    key_of: &KeyOf<F::Own, K>,
    input: &mut Batch<F::Own>,
    ctx: &mut Context<(L, R)>,
) where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    F: Facing<L, R>,
{
    loop {
        if let Some(begun) = pairing {
            let (own, other) = F::split(tables.slot(begun.slot));
            let own = &own.get(begun.own).expect("the record was added").value;
            while !begun.partners.is_empty() && !ctx.is_full() {
                let partner = other.get(begun.partners.start).expect("nothing has left since");
                ctx.emit(F::pair(own.clone(), partner.value.clone()), begun.timestamp);
                begun.partners.start += 1;
            }
            if !begun.partners.is_empty() {
                return;
            }
            *pairing = None;
            input.finish();
        }
        if ctx.is_full() {
            return;
        }
        tables.fetch(input.upcoming());
        let Some(record) = input.begin() else { return };
        let key = key_of(&record.value);
        debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
        let at = Keyed { key: &key, hash: record.key_hash };
        let (slot, own, others) = tables.add::<F>(at, record.value, ctx.processing_time());
        if others > 0 {
            let (timestamp, partners) = (record.timestamp, 0..others);
            *pairing = Some(Pairing { slot, own, timestamp, partners });
        } else {
            input.finish();
        }
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for InnerJoin<K, L, R> {
    type In = L;
    type Out = (L, R);

    fn open(&mut self, _: Timestamp) {
        self.tables.open();
    }

    fn process(&mut self, input: &mut Batch<L>, ctx: &mut Context<(L, R)>) -> Result<(), BoxError> {
        let Self { tables, left_key, pairing, .. } = self;
        take::<K, L, R, FromLeft>(tables, pairing, left_key, input, ctx);
        Ok(())
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<(L, R)>,
    ) -> Result<Progress, BoxError> {
        Ok(self.tables.evict(now, ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.tables.next_due()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.tables.states(visitor);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for InnerJoin<K, L, R> {
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<(L, R)>,
    ) -> Result<(), BoxError> {
        let Self { tables, right_key, pairing, .. } = self;
        take::<K, L, R, FromRight>(tables, pairing, right_key, input, ctx);
        Ok(())
    }
}
