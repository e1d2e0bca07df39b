//! `filter` of a changelog: the changes of the rows that a predicate accepts.
//!
//! An update may concern the result by one half only: a row that is accepted no more is deleted (`-U`
//! becomes `-D`), one that is accepted from now on is inserted (`+U` becomes `+I`). The first half is
//! therefore held until the second one comes, or anything else: another change, a watermark or the end.
//!
//! ```
//! use tidegate_core::{changelog::Change, element::{Batch, Record}};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::changelog::ChangelogFilter;
//!
//! let changes = [Change::insert(2), Change::update_before(2), Change::update_after(3)];
//! let records = changes.map(|change| Record::new(change, Timestamp(7))).to_vec();
//! let mut even = ChangelogFilter::new(|n: &u64| n % 2 == 0);
//! let mut ctx = Context::new(16);
//! even.process(&mut Batch::new(records, vec![]), &mut ctx)?;
//! let rows: Vec<String> = ctx.take().iter().map(|record| record.value.to_string()).collect();
//! assert_eq!(rows, ["+I 2", "-D 2"]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use tidegate_core::changelog::{Change, RowKind};
use tidegate_core::element::{Batch, Data};
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::list::OperatorList;
use tidegate_core::state::{StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// Keeps the changes of the rows for which a predicate holds.
pub struct ChangelogFilter<T, F> {
    keep: F,
    /// First halves whose second one has not come: one, or after a restore at a lower parallelism some.
    held: OperatorList<(T, Timestamp)>,
}

impl<T, F: Fn(&T) -> bool> ChangelogFilter<T, F> {
    /// Keeps the changes of rows for which `keep` holds; of equal rows it says the same.
    pub const fn new(keep: F) -> Self {
        Self { keep, held: OperatorList::split() }
    }
}

impl<T: Data + Value, F> ChangelogFilter<T, F> {
    /// What is held has lost its second half.
    fn delete_held(&mut self, ctx: &mut Context<Change<T>>) {
        for (row, at) in self.held.elements.drain(..) {
            ctx.emit(Change::delete(row), at);
        }
    }
}

impl<T: Data + Value, F: Fn(&T) -> bool + Send + 'static> Operator for ChangelogFilter<T, F> {
    type In = Change<T>;
    type Out = Change<T>;

    fn process(
        &mut self,
        input: &mut Batch<Change<T>>,
        ctx: &mut Context<Change<T>>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let (Change { kind, row }, at) = (record.value, record.timestamp);
            let keeps = (self.keep)(&row);
            let before = match kind {
                RowKind::UpdateAfter if keeps => self.held.elements.pop(),
                _ => None,
            };
            self.delete_held(ctx);
            match (kind, before) {
                _ if !keeps => {}
                (RowKind::UpdateBefore, _) => self.held.elements.push((row, at)),
                (RowKind::UpdateAfter, Some((before, held_at))) => {
                    ctx.emit(Change::update_before(before), held_at);
                    ctx.emit(Change::update_after(row), at);
                }
                (RowKind::UpdateAfter, None) => ctx.emit(Change::insert(row), at),
                (RowKind::Insert | RowKind::Delete, _) => ctx.emit(Change { kind, row }, at),
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        _: Timestamp,
        ctx: &mut Context<Change<T>>,
    ) -> Result<Progress, BoxError> {
        self.delete_held(ctx);
        Ok(Progress::Done)
    }

    fn on_end(&mut self, ctx: &mut Context<Change<T>>) -> Result<Progress, BoxError> {
        self.delete_held(ctx);
        Ok(Progress::Done)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.list("held", &mut self.held);
    }
}
