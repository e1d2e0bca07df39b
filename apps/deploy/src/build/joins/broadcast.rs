//! `broadcast`: each left row with the row of a table that every subtask has.

use super::key;
use super::output::{Half, Output};
use crate::registry::Outputs;
use crate::site::Site;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey};
use tidegate_topology::document::BroadcastKind;
use tidegate_topology::plan::BroadcastPlan;

pub(in crate::build) fn broadcast(
    site: Site<'_>,
    plan: &BroadcastPlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Outputs {
    let output = match plan.kind {
        BroadcastKind::Inner | BroadcastKind::Left => Output::of_pairs(&plan.output),
        BroadcastKind::Semi | BroadcastKind::Anti => Output::of_left(&plan.output),
    };
    let streams = left.connect_broadcast(right);
    let streams = if plan.commutative { streams.commutative() } else { streams };
    let streams = match plan.hold {
        Some(most) => streams.hold_until_rules(usize::try_from(most).unwrap_or(usize::MAX)),
        None => streams,
    };
    let (left_key, right_key) = (key(&plan.keys.left), key(&plan.keys.right));
    let (kind, begun) = (plan.kind, output.clone());
    let joined = streams.process(move || Table {
        left_key: left_key.clone(),
        right_key: right_key.clone(),
        kind,
        output: begun.clone(),
    });
    Outputs::main(output.behind(site, site.own(joined)))
}

/// Looks up the key of each row.
struct Table<F> {
    left_key: F,
    right_key: F,
    kind: BroadcastKind,
    output: Output,
}

impl<F: Fn(&Row) -> RowKey + Send + 'static> BroadcastProcess for Table<F> {
    type In = Row;
    type Broadcast = Row;
    /// The row of each key; an empty one where only keys matter.
    type Rules = BroadcastState<RowKey, Row>;
    type Out = Row;

    fn process(
        &mut self,
        left: Row,
        table: &Self::Rules,
        ctx: &mut ProcessContext<'_, Row>,
    ) -> Result<(), BoxError> {
        let found = table.get(&(self.left_key)(&left));
        let (comes_out, right) = match self.kind {
            BroadcastKind::Inner => (found.is_some(), found),
            BroadcastKind::Left => (true, found),
            BroadcastKind::Semi => (found.is_some(), None),
            BroadcastKind::Anti => (found.is_none(), None),
        };
        if comes_out {
            ctx.emit(self.output.begin(Half::from(Some(left)), Half::from(right), &[]));
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        right: Row,
        table: &mut Self::Rules,
        _: &mut ProcessContext<'_, Row>,
    ) -> Result<(), BoxError> {
        let key = (self.right_key)(&right);
        let row = match self.kind {
            BroadcastKind::Inner | BroadcastKind::Left => right,
            BroadcastKind::Semi | BroadcastKind::Anti => Row::default(),
        };
        table.insert(key, row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate::core::element::{Batch, Record};
    use tidegate::core::operator::{CoOperator, Context, Operator};
    use tidegate::core::process::BroadcastOperator;
    use tidegate_rows::Value;
    use tidegate_topology::plan::{JoinColumn, JoinOutput};

    fn batch(rows: &[[i64; 2]]) -> Batch<Row> {
        let row = |row: &[i64; 2]| {
            Record::new(row.iter().copied().map(Value::Int64).collect(), Timestamp(1))
        };
        Batch::new(rows.iter().map(row).collect(), vec![])
    }

    /// Between the two inputs of a job there is no order; here there is one.
    fn check(kind: BroadcastKind, columns: &[JoinColumn], expected: &[&str]) {
        let plan = JoinOutput { columns: columns.to_vec() };
        let key = key(&[0]);
        let (left_key, right_key) = (key.clone(), key);
        let output = Output::of_pairs(&plan);
        let mut table = BroadcastOperator::unkeyed(Table { left_key, right_key, kind, output });
        let mut ctx = Context::new(16);
        let left = || batch(&[[1, 10], [2, 20]]);
        table.process(&mut left(), &mut ctx).expect("nothing fails");
        table.process_second(&mut batch(&[[1, 100], [1, 101]]), &mut ctx).expect("nothing fails");
        table.process(&mut left(), &mut ctx).expect("nothing fails");
        table.process_second(&mut batch(&[[2, 200], [1, 102]]), &mut ctx).expect("nothing fails");
        table.process(&mut left(), &mut ctx).expect("nothing fails");
        let text = |row: &Row| {
            let values: Vec<String> = row.values().iter().map(Value::to_string).collect();
            values.join("|")
        };
        let rows: Vec<String> = ctx.take().iter().map(|record| text(&record.value)).collect();
        assert_eq!(rows, expected, "{kind:?}");
    }

    #[test]
    fn a_row_is_joined_with_the_row_that_its_key_has_by_then() {
        let both = [JoinColumn::Either(0, 0), JoinColumn::Left(1), JoinColumn::Right(1)];
        check(BroadcastKind::Inner, &both, &["1|10|101", "1|10|102", "2|20|200"]);
        let all = ["1|10|NULL", "2|20|NULL", "1|10|101", "2|20|NULL", "1|10|102", "2|20|200"];
        check(BroadcastKind::Left, &both, &all);
        let left = [JoinColumn::Left(0), JoinColumn::Left(1)];
        check(BroadcastKind::Semi, &left, &["1|10", "1|10", "2|20"]);
        check(BroadcastKind::Anti, &left, &["1|10", "2|20", "2|20"]);
    }
}
