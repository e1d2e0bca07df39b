//! The results of windows that may be among the first ones: what a subtask passes on to the ranking.
//!
//! Apart from the ranking, which is one subtask for each window: a result behind which there are n others of its window
//! already here is not among the first n of all either. So each subtask of the windows ranks its own results and passes
//! on the first of them, when the watermark fires the window; instead of all results of a window, n of each subtask go
//! through the exchange. What comes once the window has been fired, after a late row, is passed on as it comes.
//!
//! It stands behind windows that give out each result once, at their end; and, as the ranking, relies on updates that rank
//! no lower. Such windows are fired by the very watermark that comes behind their results, so hardly ever is anything
//! held when state is taken; what is held all the same is operator state.

use super::ranking::{WindowResult, put};
use super::{Columns, Fired};
use crate::build::placed::{Placed, is_behind};
use crate::unusable::Policy;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate::core::codec::{self, DecodeError};
use tidegate::core::element::Batch;
use tidegate::core::operator::{Context, Operator, Progress};
use tidegate::core::snapshot::Redistribution;
use tidegate::core::state::OperatorState;
use tidegate::prelude::*;
use tidegate_rows::RowKey;
use tidegate_topology::plan::OrderTerm;

/// The results of each window that are in, the first one first.
#[derive(Default)]
struct Held(BTreeMap<TimeWindow, Vec<(RowKey, Placed)>>);

/// Passes on the results that may be among the first of their window.
pub(super) struct Contenders {
    columns: Columns,
    order: Arc<[OrderTerm]>,
    n: usize,
    with_ties: bool,
    policy: Policy,
    held: Held,
}

impl Contenders {
    pub(super) fn new(
        columns: Columns,
        order: Arc<[OrderTerm]>,
        (n, with_ties): (usize, bool),
        policy: Policy,
    ) -> Self {
        Self { columns, order, n, with_ties, policy, held: Held::default() }
    }

    /// Takes a result, and gives it back if its window has been fired.
    fn take(
        &mut self,
        fired: Fired,
        watermark: Timestamp,
    ) -> Result<Option<WindowResult>, BoxError> {
        let Fired { key, window, value } = fired;
        let row = self.columns.row(key.clone(), window, value)?;
        if window.max_timestamp() <= watermark {
            let value = Placed::of(&self.order, row)?;
            return Ok(Some(Windowed { key, window, value }));
        }
        let rows = self.held.0.entry(window).or_default();
        // Nearly all results stay out, and for those no order is kept.
        let last = rows.get(self.n.wrapping_sub(1)).map(|(_, last)| last);
        if !is_behind(&self.order, &row, last)? {
            put(rows, (self.n, self.with_ties), key, Placed::of(&self.order, row)?);
        }
        Ok(None)
    }
}

impl Operator for Contenders {
    type In = Fired;
    type Out = WindowResult;

    fn process(
        &mut self,
        input: &mut Batch<Fired>,
        ctx: &mut Context<WindowResult>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            match self.take(record.value, ctx.watermark()) {
                Ok(None) => {}
                Ok(Some(result)) => ctx.emit(result, record.timestamp),
                Err(error) => self.policy.judge(error, record.timestamp, ctx)?,
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<WindowResult>,
    ) -> Result<Progress, BoxError> {
        while let Some(mut first) = self.held.0.first_entry() {
            let window = *first.key();
            if window.max_timestamp() > watermark {
                break;
            }
            let rows = first.get_mut();
            let left = rows.split_off(rows.len().min(ctx.room()));
            for (key, value) in std::mem::replace(rows, left) {
                ctx.emit(Windowed { key, window, value }, window.max_timestamp());
            }
            if !rows.is_empty() {
                return Ok(Progress::More);
            }
            first.remove();
        }
        Ok(Progress::Done)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.list("held", &mut self.held);
    }
}

impl OperatorState for Held {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Split
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|entry| codec::to_cbor(&entry)).collect()
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        self.0.clear();
        for element in elements {
            let (window, rows): (TimeWindow, Vec<(RowKey, Placed)>) = codec::from_cbor(element)?;
            // After a change of parallelism several subtasks' parts may meet here; whoever ranks them sorts it out.
            let all = self.0.entry(window).or_default();
            all.extend(rows);
            all.sort_by(|(_, left), (_, right)| right.cmp(left));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use tidegate::core::element::Record;
    use tidegate_rows::expression::{Expression, Functions};
    use tidegate_rows::{DataType, Field, Row, Schema, Value};
    use tidegate_topology::document::Unusable;

    const COLUMNS: [(&str, DataType); 4] = [
        ("key", DataType::Int64),
        ("from", DataType::Timestamp),
        ("to", DataType::Timestamp),
        ("value", DataType::Int64),
    ];

    /// Terms of an order, of each the largest first.
    fn order(texts: &[&str]) -> Arc<[OrderTerm]> {
        let columns = COLUMNS.map(|(name, data_type)| Field::required(name, data_type));
        let schema = Schema::new(columns).expect("four names");
        let term = |text: &&str| {
            let checked = Expression::parse(text).expect("SQL");
            let checked = checked.check(&schema, &Functions::built_in()).expect("of the schema");
            OrderTerm { value: checked.value(), descending: true }
        };
        texts.iter().map(term).collect()
    }

    fn contenders(texts: &[&str], first: (usize, bool), unusable: Unusable) -> Contenders {
        let policy = Policy::new(unusable, "top");
        Contenders::new(Columns { has_bounds: true }, order(texts), first, policy)
    }

    /// Window, key and value of a result.
    type Told = (i64, i64, i64);

    fn fired((end, key, value): Told) -> Record<Fired> {
        let window = TimeWindow { start: Timestamp(0), end: Timestamp(end) };
        let key = RowKey::One(Value::Int64(key));
        let fired = Windowed { key, window, value: Ok(Row::one(Value::Int64(value))) };
        Record::new(fired, window.max_timestamp())
    }

    fn told(record: &Record<WindowResult>) -> Told {
        let row = &record.value.value.row;
        let number = |column: usize| match row[column] {
            Value::Int64(number) | Value::Timestamp(number) => number,
            ref other => panic!("{other} is no number"),
        };
        assert_eq!(record.value.key, RowKey::One(row[0].clone()));
        assert_eq!(record.timestamp, record.value.window.max_timestamp());
        (number(2), number(0), number(3))
    }

    /// What comes out of one subtask whose output takes one row at a time, and whose state is stored and read after
    /// every step.
    fn passed(results: &[Told], first: (usize, bool)) -> Vec<Told> {
        let make = || contenders(&["value"], first, Unusable::Fail);
        let (mut operator, mut ctx, mut out) = (make(), Context::new(1), Vec::new());
        for result in results {
            operator
                .process(&mut Batch::new(vec![fired(*result)], vec![]), &mut ctx)
                .expect("rows");
            assert!(ctx.take().is_empty(), "before its watermark");
            let mut again = make();
            again.held.restore(&operator.held.snapshot()).expect("its own state");
            operator = again;
        }
        for end in 1..4 {
            ctx.set_time(Timestamp(end - 1), Timestamp(0));
            while operator.on_watermark(Timestamp(end - 1), &mut ctx).expect("rows")
                == Progress::More
            {
                out.extend(ctx.take().iter().map(told));
            }
            out.extend(ctx.take().iter().map(told));
            assert!(out.iter().all(|(of, ..)| *of <= end), "with its watermark");
        }
        assert!(operator.held.0.is_empty());
        out
    }

    /// The first of all, by value and then by the smallest key.
    fn first_of(results: &[Told], (n, with_ties): (usize, bool)) -> BTreeSet<Told> {
        let ahead = |one: &Told, other: &Told| {
            let by_value = one.2 > other.2;
            one.0 == other.0 && (by_value || (!with_ties && one.2 == other.2 && one.1 < other.1))
        };
        let is_first = |one: &&Told| results.iter().filter(|other| ahead(other, one)).count() < n;
        results.iter().filter(is_first).copied().collect()
    }

    proptest! {
        #[test]
        fn the_first_of_all_are_among_those_that_subtasks_pass_on(
            values in prop::collection::btree_map((1i64..4, 0i64..20), 0i64..6, 0..40),
            n in 0usize..5,
            with_ties in any::<bool>(),
        ) {
            let first = (n, with_ties);
            let all: Vec<Told> = values.iter().map(|((end, key), value)| (*end, *key, *value)).collect();
            let (odd, even): (Vec<Told>, Vec<Told>) = all.iter().partition(|result| result.1 % 2 == 1);
            let out = [passed(&odd, first), passed(&even, first)].concat();
            prop_assert_eq!(first_of(&out, first), first_of(&all, first));
            for subtask in [odd, even] {
                let expected = first_of(&subtask, first);
                let found: Vec<Told> = passed(&subtask, first);
                prop_assert_eq!(found.len(), expected.len(), "none twice and none in vain");
                prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
            }
        }
    }

    #[test]
    fn what_comes_when_its_window_has_been_fired_passes_as_it_comes() {
        let mut operator = contenders(&["value"], (1, false), Unusable::Fail);
        let mut ctx = Context::new(9);
        ctx.set_time(Timestamp(4), Timestamp(0));
        let results = [(5, 1, 1), (5, 2, 7), (5, 3, 1), (6, 1, 2), (6, 2, 1)];
        let batch = results.map(fired).to_vec();
        operator.process(&mut Batch::new(batch, vec![]), &mut ctx).expect("rows");
        let out: Vec<Told> = ctx.take().iter().map(told).collect();
        assert_eq!(out, results[..3]);
    }

    #[test]
    fn a_result_that_has_no_place_is_told_or_left_out_although_others_are_ahead_of_it() {
        let results = [(5, 1, 9), (5, 2, 3), (5, 3, 4)].map(fired).to_vec();
        let texts = ["value", "12 / (value - 3)"];
        let mut ctx = Context::new(9);
        let mut fails = contenders(&texts, (1, false), Unusable::Fail);
        let error = fails.process(&mut Batch::new(results.clone(), vec![]), &mut ctx);
        let error = error.expect_err("a division by zero").to_string();
        assert!(error.contains("the row is [2, "), "{error}");
        let mut skips = contenders(&texts, (1, false), Unusable::Skip);
        skips.process(&mut Batch::new(results, vec![]), &mut ctx).expect("left out");
        assert_eq!(ctx.take_counts().1, 1);
    }
}
