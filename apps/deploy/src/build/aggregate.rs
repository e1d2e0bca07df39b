//! Aggregates without a window: one row for each key, revised with every record.
//!
//! Apart from windows, whose results stand: here each record may take back what was given out before. The first record of
//! a key gives `+I`; a later one `-U` and `+U`, if the result is another. Over a changelog a row that is taken back is
//! deducted, and with the last one the result goes, `-D`. A retraction of a row of which nothing is known, as its key has
//! been forgotten, is counted as dropped.
//!
//! A result that cannot be given, such as a sum beyond its type, fails the job or is left out: what was given out last
//! stands until there is one again.

use crate::build::usable::{Needs, usable, usable_rows};
use crate::flow::{Flow, OfRow};
use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::{Policy, unusable};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::mem::replace;
use std::sync::Arc;
use tidegate::core::element::Batch;
use tidegate::core::operator::{Context, Operator};
use tidegate::core::state::ttl::{StateTtl, TtlValueState};
use tidegate::prelude::*;
use tidegate_rows::aggregate::{
    AggregateError, DeductingRowAggregate, RowAccumulator, RowAggregate,
};
use tidegate_rows::{Row, RowKey};
use tidegate_topology::plan::AggregatePlan;

/// What the operator does, for people.
const KIND: &str = "aggregate";

/// Aggregates without a window.
///
/// # Errors
/// When rows come and go, but an aggregate cannot take a row back.
pub(super) fn aggregate(
    site: Site<'_>,
    plan: &AggregatePlan,
    input: &Flow,
) -> Result<Outputs, String> {
    let aggregate = &plan.aggregation.aggregate;
    let needs = Needs::of(aggregate);
    let changes = match input {
        Flow::Rows(rows) => {
            let rows = usable_rows(site, rows, &plan.aggregation, needs);
            revised(site, plan, &rows, Fold::Adding(aggregate.clone()))
        }
        Flow::Changes(changes) => {
            let deducting = aggregate.deducting();
            let deducting = deducting.ok_or("an aggregate of it cannot take back a row")?;
            let changes = usable(site, changes.changes(), needs);
            revised(site, plan, &changes, Fold::Deducting(deducting))
        }
    };
    Ok(Outputs::main(ChangelogStream::from_changes(site.own(changes))))
}

/// The operator over a stream. Without a key all records meet in the subtask that owns the empty key; there are as many
/// subtasks as elsewhere, so that changes go on to the next operator without being dealt out.
fn revised<T: OfRow>(
    site: Site<'_>,
    plan: &AggregatePlan,
    stream: &Stream<T>,
    fold: Fold,
) -> Stream<Change<Row>> {
    let key: Arc<[usize]> = plan.key.clone().into();
    let (of, retain_ms, policy) = (Arc::clone(&key), plan.retain_ms, site.policy());
    let keyed = stream.key_by(move |record: &T| RowKey::of(record.row(), &of));
    site.with_policy(keyed.operator(KIND, move || {
        Revision::new(Arc::clone(&key), fold.clone(), retain_ms, policy.clone())
    }))
}

/// How rows go into an accumulator.
#[derive(Clone)]
enum Fold {
    /// They stay.
    Adding(RowAggregate),
    /// They come and go.
    Deducting(DeductingRowAggregate),
}

/// What is kept of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Group {
    #[serde(rename = "a")]
    accumulator: RowAccumulator,
    /// How many rows there are.
    #[serde(rename = "n")]
    rows: u64,
    /// The aggregates that were given out last.
    #[serde(rename = "g")]
    given: Option<Row>,
}

/// What a record has done to the result of its key.
enum Revised {
    Nothing,
    First(Row),
    Changed { before: Row, after: Row },
    Gone(Row),
}

impl Fold {
    fn group(&self) -> Group {
        let accumulator = match self {
            Self::Adding(aggregate) => aggregate.create(),
            Self::Deducting(aggregate) => aggregate.running(),
        };
        Group { accumulator, rows: 0, given: None }
    }

    fn result(&self, group: &Group) -> Result<Row, AggregateError> {
        match self {
            Self::Adding(aggregate) => aggregate.result(&group.accumulator),
            Self::Deducting(aggregate) => aggregate.result(&group.accumulator),
        }
    }

    /// Puts a row in or takes it out, and gives what has become of the result.
    ///
    /// # Errors
    /// When there is no result.
    fn revise(
        &self,
        group: &mut Group,
        row: &Row,
        is_addition: bool,
    ) -> Result<Revised, AggregateError> {
        match self {
            Self::Adding(aggregate) => aggregate.add(&mut group.accumulator, row),
            Self::Deducting(aggregate) if is_addition => {
                aggregate.add(&mut group.accumulator, row);
            }
            Self::Deducting(aggregate) => {
                let mut part = aggregate.create();
                aggregate.add(&mut part, row);
                aggregate.deduct(&mut group.accumulator, &part);
            }
        }
        group.rows = if is_addition { group.rows + 1 } else { group.rows.saturating_sub(1) };
        if group.rows == 0 {
            return Ok(group.given.take().map_or(Revised::Nothing, Revised::Gone));
        }
        let after = self.result(group)?;
        match &mut group.given {
            Some(given) if *given == after => Ok(Revised::Nothing),
            Some(given) => {
                let before = replace(given, after.clone());
                Ok(Revised::Changed { before, after })
            }
            given => {
                *given = Some(after.clone());
                Ok(Revised::First(after))
            }
        }
    }
}

/// The results of all keys.
struct Revision<T> {
    key: Arc<[usize]>,
    fold: Fold,
    policy: Policy,
    groups: TtlValueState<RowKey, Group>,
    of: PhantomData<fn(T)>,
}

impl<T> Revision<T> {
    fn new(key: Arc<[usize]>, fold: Fold, retain_ms: Option<i64>, policy: Policy) -> Self {
        let ttl = match retain_ms {
            Some(millis) => StateTtl::new(millis),
            // Nothing expires, so nothing has to be looked for.
            None => StateTtl::new(i64::MAX).cleanup(0),
        };
        Self { key, fold, policy, groups: TtlValueState::new(ttl), of: PhantomData }
    }
}

/// A row of the result.
fn result(key: &RowKey, aggregates: Row) -> Row {
    let mut values = Vec::with_capacity(key.values().len() + aggregates.len());
    values.extend_from_slice(key.values());
    aggregates.append_to(&mut values);
    Row::new(values)
}

impl<T: OfRow> Operator for Revision<T> {
    type In = T;
    type Out = Change<Row>;

    fn process(
        &mut self,
        input: &mut Batch<T>,
        ctx: &mut Context<Change<Row>>,
    ) -> Result<(), BoxError> {
        let Self { fold, groups, .. } = self;
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let (row, is_addition) = (record.value.row(), record.value.is_addition());
            let (now, timestamp) = (ctx.processing_time(), record.timestamp);
            let key = RowKey::of(row, &self.key);
            let at = Keyed { key: &key, hash: record.key_hash };
            if !is_addition && groups.get(at, now).is_none() {
                ctx.count_dropped();
                continue;
            }
            let mut revised = Ok(Revised::Nothing);
            let group = groups.update(
                at,
                now,
                || fold.group(),
                |group| {
                    revised = fold.revise(group, row, is_addition);
                },
            );
            if group.rows == 0 {
                groups.remove(at);
            }
            match revised {
                Ok(Revised::Nothing) => {}
                Ok(Revised::First(row)) => ctx.emit(Change::insert(result(&key, row)), timestamp),
                Ok(Revised::Changed { before, after }) => {
                    ctx.emit(Change::update_before(result(&key, before)), timestamp);
                    ctx.emit(Change::update_after(result(&key, after)), timestamp);
                }
                Ok(Revised::Gone(row)) => ctx.emit(Change::delete(result(&key, row)), timestamp),
                Err(error) => self.policy.judge(unusable(&error, row), timestamp, ctx)?,
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("groups", &mut self.groups);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use tidegate::core::element::Record;
    use tidegate_rows::aggregate::AggregateCall;
    use tidegate_rows::expression::{Checked, Expression, Functions};
    use tidegate_rows::{DataType, Field, Schema, Value};
    use tidegate_topology::document::Unusable;

    fn aggregate() -> RowAggregate {
        let columns =
            [Field::required("key", DataType::Int64), Field::nullable("n", DataType::Int64)];
        let schema = Schema::new(columns).expect("two names");
        let n: Checked = Expression::parse("n")
            .and_then(|n| n.check(&schema, &Functions::built_in()))
            .expect("a column");
        let call = |name: &str, arguments: &[Checked]| {
            AggregateCall::new(name, arguments, None, None).expect("a call")
        };
        let calls = [
            ("rows", call("count", &[])),
            ("sum", call("sum", std::slice::from_ref(&n))),
            ("different", call("count_distinct", &[n])),
        ];
        RowAggregate::new(calls)
    }

    fn row(key: i64, n: Option<i64>) -> Row {
        Row::new([Value::Int64(key), n.map_or(Value::Null, Value::Int64)])
    }

    /// The changes that the operator gives for changes.
    fn revised(changes: Vec<Change<Row>>) -> (Vec<Change<Row>>, u64) {
        let fold = Fold::Deducting(aggregate().deducting().expect("all of them deduct"));
        let mut revision = Revision::new([0].into(), fold, None, Policy::new(Unusable::Fail, "of"));
        let record = |change: Change<Row>| {
            let key_hash = RowKey::of(&change.row, &[0]).stable_hash();
            Record { key_hash, ..Record::new(change, Timestamp(1)) }
        };
        let mut batch = Batch::new(changes.into_iter().map(record).collect(), vec![]);
        let mut ctx = Context::new(usize::MAX);
        revision.process(&mut batch, &mut ctx).expect("sums fit");
        let changes = ctx.take().into_iter().map(|record| record.value).collect();
        (changes, ctx.take_counts().1)
    }

    proptest! {
        #[test]
        fn what_changes_amount_to_is_the_aggregate_of_what_is_left(
            steps in prop::collection::vec((0i64..3, prop::option::of(0i64..4), any::<bool>()), 0..60)
        ) {
            let mut left: Vec<Row> = Vec::new();
            let mut changes = Vec::new();
            for (key, n, adds) in steps {
                let row = row(key, n);
                match left.iter().position(|other| *other == row) {
                    Some(at) if !adds => {
                        left.remove(at);
                        changes.push(Change::delete(row));
                    }
                    _ => {
                        left.push(row.clone());
                        changes.push(Change::insert(row));
                    }
                }
            }
            let mut groups: BTreeMap<RowKey, Vec<&Row>> = BTreeMap::new();
            left.iter().for_each(|row| groups.entry(RowKey::of(row, &[0])).or_default().push(row));
            let aggregate = aggregate();
            let expected: Vec<Row> = groups.iter().map(|(key, rows)| {
                let mut all = aggregate.create();
                rows.iter().for_each(|row| aggregate.add(&mut all, row));
                result(key, aggregate.result(&all).expect("sums fit"))
            }).collect();

            let (revised, dropped) = revised(changes);
            prop_assert_eq!(dropped, 0);
            let mut found: Vec<Row> = Vec::new();
            for change in revised {
                if change.is_addition() {
                    prop_assert!(!found.contains(&change.row), "given twice");
                    found.push(change.row);
                } else {
                    let at = found.iter().position(|row| *row == change.row);
                    prop_assert!(at.is_some(), "taken back but never given");
                    found.remove(at.unwrap_or_default());
                }
            }
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_retraction_of_what_is_not_known_changes_nothing_and_is_counted() {
        let (changes, dropped) =
            revised(vec![Change::delete(row(1, Some(5))), Change::insert(row(1, Some(5)))]);
        assert_eq!((changes.len(), dropped), (1, 1));
        assert_eq!(changes[0].kind, RowKind::Insert);
    }
}
