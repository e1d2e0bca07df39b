//! The n best of rows that come and go.

use super::ranking::Ranking;
use tidegate_core::changelog::{Change, RowKind};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::state::{Keyed, StateVisitor, Value};

/// [`super::ContinuousTopN`] over a changelog.
pub struct ChangelogTopN<K, T, Out> {
    ranking: Ranking<K, T, Out>,
    key: Box<dyn Fn(&T) -> K + Send>,
}

impl<K, T, Out> ChangelogTopN<K, T, Out> {
    pub(super) fn new(ranking: Ranking<K, T, Out>, key: Box<dyn Fn(&T) -> K + Send>) -> Self {
        Self { ranking, key }
    }
}

impl<K: Key, T: Data + Value + PartialEq, Out: Data> Operator for ChangelogTopN<K, T, Out> {
    type In = Change<T>;
    type Out = Change<Out>;

    fn process(
        &mut self,
        input: &mut Batch<Change<T>>,
        ctx: &mut Context<Change<Out>>,
    ) -> Result<(), BoxError> {
        while self.ranking.resume(ctx) {
            input.finish();
            if ctx.is_full() {
                break;
            }
            self.ranking.fetch(input.upcoming());
            let Some(record) = input.begin() else { break };
            let (Change { kind, row }, timestamp) = (record.value, record.timestamp);
            let key = (self.key)(&row);
            let at = Keyed { key: &key, hash: record.key_hash };
            match kind {
                RowKind::Insert | RowKind::UpdateAfter => {
                    self.ranking.add(at, row, timestamp, ctx);
                }
                // The version that comes next takes its place.
                RowKind::UpdateBefore if self.ranking.is_unique() => {}
                RowKind::UpdateBefore | RowKind::Delete => {
                    if !self.ranking.remove(at, &row, timestamp, ctx) {
                        ctx.count_dropped();
                    }
                }
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.ranking.states(visitor);
    }
}
