//! The rows that a join gives out, of the rows of both sides.
//!
//! Apart because all joins share it. Where the columns are those of the two rows, values are moved from one row to the
//! other and nothing can fail. Where some are computed, the operator first makes a *pair*: a row of the left row as a
//! struct, the right one likewise or NULL, and the bounds of the window. The step behind it computes of that, and the
//! policy of the node says what becomes of a pair of which a column cannot be computed.

use crate::site::Site;
use crate::unusable::unusable;
use std::sync::Arc;
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::{JoinColumn, JoinOutput};

/// What the step behind a join is called.
const PART: &str = "output";

/// One side of a pair.
pub(super) enum Half<'a> {
    /// There is none.
    Absent,
    /// A row that is nobody else's.
    Moved(Vec<Value>),
    /// A row that stays where it is.
    Shared(&'a Row),
}

impl From<Option<Row>> for Half<'_> {
    fn from(row: Option<Row>) -> Self {
        row.map_or(Self::Absent, |row| Self::Moved(row.into_values()))
    }
}

impl<'a> From<Option<&'a Row>> for Half<'a> {
    fn from(row: Option<&'a Row>) -> Self {
        row.map_or(Self::Absent, Self::Shared)
    }
}

impl Half<'_> {
    /// A value of the row, if there is a row; it is not asked for again when `is_last`.
    fn value(&mut self, column: usize, is_last: bool) -> Option<Value> {
        match self {
            Self::Absent => None,
            Self::Moved(values) if is_last => {
                Some(std::mem::replace(&mut values[column], Value::Null))
            }
            Self::Moved(values) => Some(values[column].clone()),
            Self::Shared(row) => Some(row[column].clone()),
        }
    }

    fn structure(self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Moved(values) => Value::Struct(Arc::from(values)),
            Self::Shared(row) => Value::Struct(Arc::from(row.values())),
        }
    }
}

/// A row of a join, apart: the left half and the right one.
pub(super) type Sides = (Option<Row>, Option<Row>);

/// The halves of a joined row.
pub(super) fn sides(joined: Joined<Row, Row>) -> Sides {
    match joined {
        Joined::Both(left, right) => (Some(left), Some(right)),
        Joined::Left(left) => (Some(left), None),
        Joined::Right(right) => (None, Some(right)),
    }
}

/// A column that a row is asked for, and whether it is so for the last time.
type Asked = Option<(usize, bool)>;

/// A column that is taken from one of both rows: of the left one, if there is one and it is asked, else of the right one.
#[derive(Clone, Copy)]
struct Pick {
    left: Asked,
    right: Asked,
}

enum Form {
    /// Columns of both rows only.
    Picked(Vec<Pick>),
    Computed(Vec<JoinColumn>),
}

/// Makes the rows of a join.
#[derive(Clone)]
pub(super) struct Output {
    form: Arc<Form>,
    /// Whether a pair has a column for the right row.
    has_right: bool,
}

impl Output {
    /// Of pairs.
    pub(super) fn of_pairs(plan: &JoinOutput) -> Self {
        let form =
            picks(&plan.columns).map_or_else(|| Form::Computed(plan.columns.clone()), Form::Picked);
        Self { form: Arc::new(form), has_right: true }
    }

    /// Of left rows alone, by joins from which no right one comes out.
    pub(super) fn of_left(plan: &JoinOutput) -> Self {
        Self { has_right: false, ..Self::of_pairs(plan) }
    }

    /// What the operator itself gives out, and [`Output::behind`] completes.
    pub(super) fn begin(&self, mut left: Half<'_>, mut right: Half<'_>, bounds: &[Value]) -> Row {
        match &*self.form {
            Form::Picked(picks) => {
                let value = |pick: &Pick| {
                    let found = pick.left.and_then(|(column, is_last)| left.value(column, is_last));
                    let found = found.or_else(|| {
                        pick.right.and_then(|(column, is_last)| right.value(column, is_last))
                    });
                    found.unwrap_or(Value::Null)
                };
                picks.iter().map(value).collect()
            }
            Form::Computed(_) => {
                let right = self.has_right.then(|| right.structure());
                let halves = std::iter::once(left.structure()).chain(right);
                halves.chain(bounds.iter().cloned()).collect()
            }
        }
    }

    /// The row of what [`Output::begin`] has made.
    fn complete(&self, begun: Row) -> Result<Row, BoxError> {
        let Form::Computed(columns) = &*self.form else { return Ok(begun) };
        let value = |column: &JoinColumn| match column {
            JoinColumn::Left(left) => Ok(field(&begun, 0, *left).unwrap_or(Value::Null)),
            JoinColumn::Right(right) => Ok(field(&begun, 1, *right).unwrap_or(Value::Null)),
            JoinColumn::Either(left, right) => {
                let found = field(&begun, 0, *left).or_else(|| field(&begun, 1, *right));
                Ok(found.unwrap_or(Value::Null))
            }
            JoinColumn::Computed(evaluator) => evaluator.evaluate(&begun),
        };
        let made: Result<Row, _> = columns.iter().map(value).collect();
        made.map_err(|error| unusable(&error, &begun))
    }

    /// The rows of an operator that gives out what is [begun](Output::begin).
    pub(super) fn behind(self, site: Site<'_>, begun: Stream<Row>) -> Stream<Row> {
        if matches!(*self.form, Form::Picked(_)) {
            return begun;
        }
        let step = site.step(PART, &begun, move |begun| self.complete(begun).map(Some));
        site.behind(PART, step)
    }

    /// The rows of an operator that gives out both halves.
    pub(super) fn of_sides<T: Data>(
        self,
        site: Site<'_>,
        joined: &Stream<T>,
        sides: impl Fn(T) -> Sides + Clone + Send + Sync + 'static,
    ) -> Stream<Row> {
        let step = site.step(PART, joined, move |joined| self.row(sides(joined)).map(Some));
        site.behind(PART, step)
    }

    /// As [`Output::of_sides`], where rows come and go.
    pub(super) fn of_changes(
        self,
        site: Site<'_>,
        joined: &Stream<Change<Joined<Row, Row>>>,
    ) -> ChangelogStream<Row> {
        let step = site.step(PART, joined, move |change: Change<Joined<Row, Row>>| {
            let row = self.row(sides(change.row))?;
            Ok(Some(Change { kind: change.kind, row }))
        });
        ChangelogStream::from_changes(site.behind(PART, step))
    }

    fn row(&self, (left, right): Sides) -> Result<Row, BoxError> {
        self.complete(self.begin(left.into(), right.into(), &[]))
    }
}

fn field(pair: &Row, half: usize, column: usize) -> Option<Value> {
    match pair.get(half) {
        Some(Value::Struct(values)) => values.get(column).cloned(),
        _ => None,
    }
}

/// The columns, if they are those of both rows: from the last to the first, since what a row is asked for the last time
/// can be moved out of it.
fn picks(columns: &[JoinColumn]) -> Option<Vec<Pick>> {
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    let ask = |asked: &mut Vec<usize>, column: usize| {
        let is_last = !asked.contains(&column);
        asked.push(column);
        Some((column, is_last))
    };
    let backwards = columns.iter().rev().map(|column| match *column {
        JoinColumn::Left(left) => Some(Pick { left: ask(&mut of_left, left), right: None }),
        JoinColumn::Right(right) => Some(Pick { left: None, right: ask(&mut of_right, right) }),
        JoinColumn::Either(left, right) => {
            Some(Pick { left: ask(&mut of_left, left), right: ask(&mut of_right, right) })
        }
        JoinColumn::Computed(_) => None,
    });
    let mut picks: Vec<Pick> = backwards.collect::<Option<_>>()?;
    picks.reverse();
    Some(picks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[JoinColumn], left: Option<&[i64]>, right: Option<&[i64]>, expected: &str) {
        let output = Output::of_pairs(&JoinOutput { columns: columns.to_vec() });
        let row = |numbers: Option<&[i64]>| -> Option<Row> {
            numbers.map(|numbers| numbers.iter().copied().map(Value::Int64).collect())
        };
        let (left, right) = (row(left), row(right));
        let shared = output.begin(left.as_ref().into(), right.as_ref().into(), &[]);
        let moved = output.begin(left.into(), right.into(), &[]);
        assert_eq!(shared, moved);
        let values: Vec<String> = moved.values().iter().map(Value::to_string).collect();
        assert_eq!(values.join(" "), expected);
    }

    #[test]
    fn a_column_that_is_asked_for_again_is_moved_only_the_last_time() {
        use JoinColumn::{Either, Left, Right};
        let columns = [Left(0), Either(0, 1), Right(1), Right(1), Left(1), Left(0), Right(0)];
        check(&columns, Some(&[1, 2]), Some(&[3, 4]), "1 1 4 4 2 1 3");
        check(&columns, None, Some(&[3, 4]), "NULL 4 4 4 NULL NULL 3");
        check(&columns, Some(&[1, 2]), None, "1 1 NULL NULL 2 1 NULL");
    }
}
