//! The n best of records that are only ever added, or that replace each other by a unique key.

use super::ranking::Ranking;
use tidegate_core::changelog::Change;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::state::{Keyed, StateVisitor, Value};

/// [`super::ContinuousTopN`] over records.
pub struct TopNOperator<K, T, Out> {
    ranking: Ranking<K, T, Out>,
    key: Box<dyn Fn(&T) -> K + Send>,
}

impl<K, T, Out> TopNOperator<K, T, Out> {
    pub(super) fn new(ranking: Ranking<K, T, Out>, key: Box<dyn Fn(&T) -> K + Send>) -> Self {
        Self { ranking, key }
    }
}

impl<K: Key, T: Data + Value, Out: Data> Operator for TopNOperator<K, T, Out> {
    type In = T;
    type Out = Change<Out>;

    fn process(
        &mut self,
        input: &mut Batch<T>,
        ctx: &mut Context<Change<Out>>,
    ) -> Result<(), BoxError> {
        while self.ranking.resume(ctx) {
            input.finish();
            if ctx.is_full() {
                break;
            }
            self.ranking.fetch(input.upcoming());
            let Some(record) = input.begin() else { break };
            let key = (self.key)(&record.value);
            let at = Keyed { key: &key, hash: record.key_hash };
            self.ranking.add(at, record.value, record.timestamp, ctx);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.ranking.states(visitor);
    }
}
