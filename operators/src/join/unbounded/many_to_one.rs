//! Many records with the one that belongs to all of them, and comes once.
//!
//! An order has many items and an item has one order: once the order has come, an item needs to be kept no
//! longer than it takes to pair it. Only what comes before its order waits.

use super::super::matcher::KeyOf;
use super::rows::Rows;
use super::tables::{FromLeft, FromRight, Tables};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// The one whose many, which have come before it, are being emitted.
struct Pairing {
    slot: usize,
    timestamp: Timestamp,
    /// How many of them are out.
    emitted: usize,
}

/// [`super::UnboundedJoin::many_to_one`] as an operator.
pub struct ManyToOneJoin<K, L, R> {
    tables: Tables<K, L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
    pairing: Option<Pairing>,
}

impl<K: Key, L: Data + Value, R: Data + Value> ManyToOneJoin<K, L, R> {
    pub(super) fn new(
        tables: Tables<K, L, R>,
        left_key: KeyOf<L, K>,
        right_key: KeyOf<R, K>,
    ) -> Self {
        Self { tables, left_key, right_key, pairing: None }
    }

    /// Emits those who waited for the one, and lets them go. Returns whether all are out.
    fn emit_waiting(&mut self, ctx: &mut Context<(L, R)>) -> bool {
        let Some(Pairing { slot, timestamp, emitted }) = &mut self.pairing else { return true };
        let both = self.tables.slot(*slot);
        let one = both.right.get(0).expect("the record was added");
        while let Some(waiting) = both.left.get(*emitted) {
            if ctx.is_full() {
                return false;
            }
            ctx.emit((waiting.value.clone(), one.value.clone()), *timestamp);
            *emitted += 1;
        }
        both.left = Rows::Empty;
        self.pairing = None;
        true
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for ManyToOneJoin<K, L, R> {
    type In = L;
    type Out = (L, R);

    fn open(&mut self, _: Timestamp) {
        self.tables.open();
    }

    fn process(&mut self, input: &mut Batch<L>, ctx: &mut Context<(L, R)>) -> Result<(), BoxError> {
        while !ctx.is_full() {
            self.tables.fetch(input.upcoming());
            let Some(record) = input.take() else { break };
            let key = (self.left_key)(&record.value);
            debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
            let at = Keyed { key: &key, hash: record.key_hash };
            match self.tables.get(at).and_then(|both| both.right.get(0)) {
                Some(one) => ctx.emit((record.value, one.value.clone()), record.timestamp),
                None => {
                    self.tables.add::<FromLeft>(at, record.value, ctx.processing_time());
                }
            }
        }
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

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for ManyToOneJoin<K, L, R> {
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<(L, R)>,
    ) -> Result<(), BoxError> {
        loop {
            if self.pairing.is_some() {
                if !self.emit_waiting(ctx) {
                    return Ok(());
                }
                input.finish();
            }
            if ctx.is_full() {
                return Ok(());
            }
            self.tables.fetch(input.upcoming());
            let Some(record) = input.begin() else { return Ok(()) };
            let key = (self.right_key)(&record.value);
            debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
            let at = Keyed { key: &key, hash: record.key_hash };
            if self.tables.get(at).is_some_and(|both| !both.right.is_empty()) {
                ctx.count_dropped();
                input.finish();
                continue;
            }
            let (slot, ..) = self.tables.add::<FromRight>(at, record.value, ctx.processing_time());
            self.pairing = Some(Pairing { slot, timestamp: record.timestamp, emitted: 0 });
        }
    }
}
