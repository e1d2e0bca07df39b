//! `materialize`: the rows that a changelog amounts to, when its input has ended.
//!
//! For bounded input: a stream that never ends never has a final row. Rows are kept per key, as a multiset
//! (a retraction takes one equal row out), or one row per primary key (an addition replaces it, whatever
//! was retracted before). The rows of a key come out in the order in which they came in, keys in their own order;
//! they have no event time, which is over.
//!
//! A retraction that comes before its addition is taken off it: what counts is the sum.
//!
//! ```
//! use tidegate_core::{changelog::Change, element::{Batch, Record}, key::Key};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::changelog::Materialize;
//!
//! let changes = [Change::insert(7), Change::insert(8), Change::insert(8), Change::delete(8)];
//! let record = |change| Record { key_hash: ().stable_hash(), ..Record::new(change, Timestamp(1)) };
//! let mut rows = Materialize::multiset().into_operator(|_: &u64| ());
//! let mut ctx = Context::new(16);
//! rows.process(&mut Batch::new(changes.map(record).to_vec(), vec![]), &mut ctx)?;
//! rows.on_end(&mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([7, 8]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::vec;
use tidegate_core::changelog::{Change, RowKind};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// How to read a changelog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Materialize {
    unique: bool,
}

impl Materialize {
    /// Any number of rows per key, also equal ones.
    #[must_use]
    pub const fn multiset() -> Self {
        Self { unique: false }
    }

    /// One row per key, the one that was added last.
    #[must_use]
    pub const fn by_primary_key() -> Self {
        Self { unique: true }
    }

    /// The operator, for a changelog that is keyed by `key`.
    pub fn into_operator<T, K, F>(self, key: F) -> MaterializeOperator<K, T, F>
    where
        F: Fn(&T) -> K,
    {
        MaterializeOperator { rule: self, key, rows: ValueState::default(), leaving: None }
    }

    /// Takes a change into the rows of its key.
    fn apply<T: PartialEq>(self, rows: &mut Vec<(T, i64)>, change: Change<T>) {
        match (self.unique, change.kind) {
            (true, RowKind::UpdateBefore) => {}
            (true, RowKind::Delete) => rows.clear(),
            (true, RowKind::Insert | RowKind::UpdateAfter) => {
                rows.clear();
                rows.push((change.row, 1));
            }
            (false, kind) => {
                let by = if kind.is_addition() { 1 } else { -1 };
                match rows.iter().position(|(row, _)| *row == change.row) {
                    None => rows.push((change.row, by)),
                    Some(at) if rows[at].1 + by == 0 => drop(rows.remove(at)),
                    Some(at) => rows[at].1 += by,
                }
            }
        }
    }
}

/// What comes out at the end: the keys to come, last one first, and the rest of the key at hand.
struct Leaving<K, T> {
    keys: Vec<K>,
    rows: vec::IntoIter<(T, i64)>,
    /// The row at hand, and how many of it are to come.
    row: Option<(T, i64)>,
}

/// [`Materialize`] as an operator.
pub struct MaterializeOperator<K, T, F> {
    rule: Materialize,
    key: F,
    /// The rows of each key, and how many there are of each.
    rows: ValueState<K, Vec<(T, i64)>>,
    leaving: Option<Leaving<K, T>>,
}

impl<K, T, F> Operator for MaterializeOperator<K, T, F>
where
    K: Key,
    T: Data + Value + PartialEq,
    F: Fn(&T) -> K + Send + 'static,
{
    type In = Change<T>;
    type Out = T;

    fn process(
        &mut self,
        input: &mut Batch<Change<T>>,
        _: &mut Context<T>,
    ) -> Result<(), BoxError> {
        while let Some(record) = input.take() {
            let key = (self.key)(&record.value.row);
            let at = Keyed { key: &key, hash: record.key_hash };
            let rows = self.rows.get_or_insert_with(at, Vec::new);
            self.rule.apply(rows, record.value);
            if rows.is_empty() {
                self.rows.remove(at);
            }
        }
        Ok(())
    }

    fn on_end(&mut self, ctx: &mut Context<T>) -> Result<Progress, BoxError> {
        let leaving = self.leaving.get_or_insert_with(|| {
            let mut keys: Vec<K> = self.rows.iter().map(|(key, _)| key.clone()).collect();
            keys.sort_unstable_by(|left, right| right.cmp(left));
            Leaving { keys, rows: Vec::new().into_iter(), row: None }
        });
        loop {
            while let Some((row, count)) = &mut leaving.row
                && *count > 0
            {
                if ctx.is_full() {
                    return Ok(Progress::More);
                }
                *count -= 1;
                ctx.emit(row.clone(), Timestamp::MIN);
            }
            leaving.row = leaving.rows.next();
            if leaving.row.is_none() {
                let Some(key) = leaving.keys.pop() else { return Ok(Progress::Done) };
                leaving.rows = self.rows.remove(Keyed::new(&key)).unwrap_or_default().into_iter();
            }
        }
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("rows", &mut self.rows);
    }
}
