//! Aggregates over rows against naive ones, their laws, and what goes wrong.

use super::*;
use crate::expression::{Checked, Expression, Functions};
use crate::{Decimal, Row, Schema, Value};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::codec;
use tidegate_core::state::aggregate::Aggregate;

fn schema() -> Schema {
    let text = r#"{"n":"int64?","m":"int64","f":"float64","d":"decimal?","s":"string?","t":"timestamp","b":"boolean","l":"list<int64>"}"#;
    serde_json::from_str(text).expect("a schema")
}

fn checked(text: &str) -> Checked {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    expression
        .check(&schema(), &Functions::built_in())
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// A call from its parts: name, arguments, condition, time.
fn call(
    name: &str,
    arguments: &[&str],
    filter: &str,
    order: &str,
) -> Result<AggregateCall, AggregateProblem> {
    let arguments: Vec<Checked> = arguments.iter().map(|text| checked(text)).collect();
    let one = |text: &str| (!text.is_empty()).then(|| checked(text));
    AggregateCall::new(name, &arguments, one(filter).as_ref(), one(order).as_ref())
}

/// Calls that all deduct.
const EXACT: &[(&str, &[&str], &str)] = &[
    ("count", &[], ""),
    ("count", &["n"], ""),
    ("sum", &["n"], ""),
    ("sum", &["n * 2"], "b"),
    ("sum", &["d"], ""),
    ("avg", &["n"], ""),
    ("avg", &["d"], ""),
    ("count_distinct", &["s"], ""),
    ("count_distinct", &["n"], "m > 0"),
    ("top_k", &["s", "2"], ""),
    ("percentile", &["m", "0.5"], ""),
];

/// And those that do not.
const OTHERS: &[(&str, &[&str], &str)] = &[
    ("sum", &["f"], ""),
    ("avg", &["f"], "b"),
    ("min", &["s"], ""),
    ("max", &["t"], ""),
    ("min", &["d"], ""),
    ("max", &["f"], ""),
    ("first", &["s"], ""),
    ("last", &["n"], ""),
    ("approx_count_distinct", &["s"], ""),
    ("bloom_count_distinct", &["s", "1000", "0.01"], ""),
];

fn all(calls: &[&[(&str, &[&str], &str)]]) -> RowAggregate {
    let made = calls.concat().into_iter().enumerate().map(|(index, (name, arguments, filter))| {
        let call =
            call(name, arguments, filter, "t").unwrap_or_else(|error| panic!("{name}: {error}"));
        (format!("c{index}"), call)
    });
    RowAggregate::new(made)
}

fn one(call: AggregateCall) -> RowAggregate {
    RowAggregate::new([("x", call)])
}

fn folded<A: Aggregate<In = Row>>(aggregate: &A, rows: &[Row]) -> A::Accumulator {
    let mut accumulator = aggregate.create();
    rows.iter().for_each(|row| aggregate.add(&mut accumulator, row));
    accumulator
}

fn stored(accumulator: &RowAccumulator) -> RowAccumulator {
    codec::from_cbor(&codec::to_cbor(accumulator)).expect("what was stored can be read")
}

fn row() -> impl Strategy<Value = Row> {
    let n = prop_oneof![1 => Just(Value::Null), 4 => (-3i64..9).prop_map(Value::Int64)];
    let d = (any::<i32>(), 0u32..4)
        .prop_map(|(digits, scale)| Value::Decimal(Decimal::new(digits.into(), scale)));
    let d = prop_oneof![1 => Just(Value::Null), 4 => d];
    let s = prop_oneof![1 => Just(Value::Null), 4 => "[a-e]{1,2}".prop_map(Value::string)];
    let half = (-9i64..9).prop_map(|number| Value::Float64(number as f64 / 2.0));
    let times = (-2i64..5).prop_map(Value::Timestamp);
    let l = Just(Value::list([]));
    (
        n,
        (-3i64..9).prop_map(Value::Int64),
        half,
        d,
        s,
        times,
        any::<bool>().prop_map(Value::Boolean),
        l,
    )
        .prop_map(|(n, m, f, d, s, t, b, l)| Row::new([n, m, f, d, s, t, b, l]))
}

fn plain(n: i64) -> Row {
    let (zero, text) = (Value::Float64(0.5), Value::string("a"));
    let (decimal, time) = (Value::Decimal(Decimal::new(n, 1)), Value::Timestamp(n));
    Row::new([
        Value::Int64(n),
        Value::Int64(n),
        zero,
        decimal,
        text,
        time,
        Value::Boolean(true),
        Value::list([]),
    ])
}

fn result(aggregate: &RowAggregate, rows: &[Row]) -> Result<Row, String> {
    aggregate.result(&folded(aggregate, rows)).map_err(|error| error.to_string())
}

fn int(number: usize) -> Value {
    Value::Int64(i64::try_from(number).expect("few"))
}

/// What the exact calls and the extremes give, computed from lists.
fn naive(rows: &[Row]) -> Vec<Value> {
    let present = |column: usize| {
        rows.iter().map(move |row| row[column].clone()).filter(|value| !value.is_null())
    };
    let ints = |values: Vec<Value>| -> Vec<i64> {
        values
            .iter()
            .map(|value| if let Value::Int64(number) = value { *number } else { 0 })
            .collect()
    };
    let (n, m) = (ints(present(0).collect()), ints(present(1).collect()));
    let d: Vec<Decimal> = present(3)
        .filter_map(|value| if let Value::Decimal(d) = value { Some(d) } else { None })
        .collect();
    let some = |values: usize, value: Value| if values == 0 { Value::Null } else { value };
    let with = |column: usize, keep: fn(&Row) -> bool| -> Vec<Value> {
        let rows = rows.iter().filter(|row| keep(row));
        rows.map(|row| row[column].clone()).filter(|value| !value.is_null()).collect()
    };
    let doubled: Vec<i64> = ints(with(0, |row| row[6] == Value::Boolean(true)));
    let distinct = |values: Vec<Value>| int(values.into_iter().collect::<BTreeSet<_>>().len());
    let mut counts = BTreeMap::new();
    present(4).for_each(|value| *counts.entry(value).or_insert(0) += 1);
    let mut often: Vec<(Value, i64)> = counts.into_iter().collect();
    often.sort_by_key(|(_, count)| -count);
    let top = often
        .into_iter()
        .take(2)
        .map(|(value, count)| Value::structure([value, Value::Int64(count)]));
    let mut sorted = m.clone();
    sorted.sort_unstable();
    let median = sorted
        .get((m.len().max(1) - 1) / 2)
        .map_or(Value::Null, |median| Value::Float64(*median as f64));
    let total: Decimal = d.iter().sum();
    let mean = |total: f64, count: usize| some(count, Value::Float64(total / count as f64));
    vec![
        int(rows.len()),
        int(n.len()),
        some(n.len(), Value::Int64(n.iter().sum())),
        some(doubled.len(), Value::Int64(doubled.iter().sum::<i64>() * 2)),
        some(d.len(), Value::Decimal(total)),
        mean(n.iter().sum::<i64>() as f64, n.len()),
        mean(total.to_string().parse().expect("a float"), d.len()),
        distinct(present(4).collect()),
        distinct(with(0, |row| row[1] > Value::Int64(0))),
        Value::list(top),
        median,
    ]
}

proptest! {
    #[test]
    fn results_are_those_of_lists(rows in prop::collection::vec(row(), 0..40)) {
        let result = result(&all(&[EXACT]), &rows).map_err(TestCaseError::fail)?;
        prop_assert_eq!(result.values(), &naive(&rows)[..]);
    }

    #[test]
    fn results_depend_on_the_rows_alone(rows in prop::collection::vec(row(), 0..40), cuts in (0usize..40, 0usize..40)) {
        let aggregate = all(&[EXACT, OTHERS]);
        prop_assert!(aggregate.is_commutative());
        let whole = result(&aggregate, &rows).map_err(TestCaseError::fail)?;
        let schema = Schema::new(aggregate.columns().iter().cloned()).expect("names differ");
        if !rows.is_empty() {
            prop_assert_eq!(whole.fits(&schema), Ok(()));
        }
        let (low, high) = (cuts.0.min(cuts.1).min(rows.len()), cuts.0.max(cuts.1).min(rows.len()));
        let parts = [&rows[..low], &rows[low..high], &rows[high..]].map(|part| stored(&folded(&aggregate, part)));
        let merged = |order: [usize; 3], right_first: bool| {
            let mut first = parts[order[0]].clone();
            if right_first {
                let mut second = parts[order[1]].clone();
                aggregate.merge(&mut second, &parts[order[2]]);
                aggregate.merge(&mut first, &stored(&second));
            } else {
                aggregate.merge(&mut first, &parts[order[1]]);
                aggregate.merge(&mut first, &parts[order[2]]);
            }
            aggregate.merge(&mut first, &aggregate.create());
            aggregate.result(&first).map_err(|error| TestCaseError::fail(error.to_string()))
        };
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            prop_assert_eq!(&merged(order, false)?, &whole);
            prop_assert_eq!(&merged(order, true)?, &whole);
        }
    }

    #[test]
    fn what_is_deducted_was_never_there(rows in prop::collection::vec(row(), 0..40), cut in 0usize..40) {
        let aggregate = all(&[EXACT]).deducting().expect("all of these deduct");
        let (gone, rest) = rows.split_at(cut.min(rows.len()));
        let parts = [gone, rest].map(|part| folded(&aggregate, part));
        let mut running = aggregate.running();
        parts.iter().for_each(|part| aggregate.merge(&mut running, part));
        aggregate.deduct(&mut running, &parts[0]);
        prop_assert_eq!(aggregate.result(&running), aggregate.result(&parts[1]));
        let left = aggregate.result(&running).expect("no failure");
        prop_assert_eq!(left.values(), &naive(rest)[..]);
    }

    #[test]
    fn equal_rows_are_stored_as_equal_bytes(rows in prop::collection::vec(row(), 0..20)) {
        let aggregate = all(&[EXACT, OTHERS]);
        let bytes = || codec::to_cbor(&folded(&aggregate, &rows));
        prop_assert_eq!(bytes(), bytes());
    }

    #[test]
    fn rubbish_in_state_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let read: Result<RowAccumulator, _> = codec::from_cbor(&bytes);
        prop_assert!(read.is_err() || all(&[EXACT]).result(&read.expect("read")).is_err());
    }
}

#[test]
fn first_and_last_go_by_time_or_by_arrival() {
    let at = |n: i64, time: i64| {
        let mut values = plain(n).into_values();
        values[5] = Value::Timestamp(time);
        Row::new(values)
    };
    let rows = [at(1, 5), at(2, 3), at(3, 9), at(4, 9), at(5, 3)];
    let check = |name: &str, order: &str, expected: i64| {
        let aggregate = one(call(name, &["m"], "", order).expect("a call"));
        assert_eq!(aggregate.is_commutative(), !order.is_empty());
        let result = result(&aggregate, &rows).expect("a result");
        assert_eq!(result[0], Value::Int64(expected), "{name} {order}");
    };
    check("first", "t", 2);
    check("last", "t", 4);
    check("first", "", 1);
    check("last", "", 5);
}

#[test]
fn a_sum_has_to_fit_at_the_end_only() {
    let sum = one(call("sum", &["m"], "", "").expect("a call"));
    assert_eq!(
        result(&sum, &[plain(i64::MAX), plain(1), plain(-1)]),
        Ok(Row::new([Value::Int64(i64::MAX)]))
    );
    let error = result(&sum, &[plain(i64::MAX), plain(1)]).expect_err("too large");
    assert_eq!(
        error,
        "aggregate `x`: the sum 9223372036854775808 is no int64; sum CAST(... AS DECIMAL) instead"
    );
    let wide = folded(&sum, &[plain(i64::MAX), plain(i64::MAX), plain(1), plain(1)]);
    let mut back = stored(&wide);
    sum.merge(&mut back, &folded(&sum, &[plain(i64::MIN), plain(i64::MIN)]));
    assert_eq!(sum.result(&back), Ok(Row::new([Value::Int64(0)])));
    let mean = one(call("avg", &["m"], "", "").expect("a call"));
    assert_eq!(
        result(&mean, &[plain(i64::MAX), plain(i64::MAX)]),
        Ok(Row::new([Value::Float64(i64::MAX as f64)]))
    );
}

#[test]
fn a_row_that_fails_makes_the_result_an_error_until_it_is_deducted() {
    let aggregate = one(call("sum", &["10 / m"], "n <> 5", "").expect("a call"));
    assert!(!aggregate.never_fails());
    let bad = plain(0);
    let told = "aggregate `x`: ";
    let error = aggregate.check(&bad).expect_err("a division by zero").to_string();
    assert!(error.starts_with(told) && error.contains("10 / m"), "{error}");
    assert_eq!(aggregate.check(&plain(2)), Ok(()));
    assert_eq!(result(&aggregate, &[plain(2), bad.clone(), plain(1)]), Err(error.clone()));
    let deducting = aggregate.deducting().expect("sums of integers deduct");
    let parts = [folded(&deducting, &[bad]), folded(&deducting, &[plain(2)])];
    let mut running = deducting.running();
    parts.iter().for_each(|part| deducting.merge(&mut running, &stored(part)));
    assert_eq!(deducting.result(&running).expect_err("failed").to_string(), error);
    deducting.deduct(&mut running, &parts[0]);
    assert_eq!(deducting.result(&running), Ok(Row::new([Value::Int64(5)])));
}

#[test]
fn rows_of_another_schema_and_state_of_other_aggregates_are_errors() {
    let aggregate = all(&[EXACT, OTHERS]);
    assert!(result(&aggregate, &[Row::new([])]).is_err());
    let count = one(call("count", &[], "", "").expect("a call"));
    let sum = one(call("sum", &["m"], "", "").expect("a call"));
    let foreign = folded(&count, &[plain(1)]);
    for other in [&sum, &aggregate] {
        assert!(other.result(&foreign).is_err());
        let mut own = other.create();
        other.merge(&mut own, &foreign);
        assert!(other.result(&own).is_err());
        let mut own = foreign.clone();
        other.add(&mut own, &plain(1));
        assert!(other.result(&own).is_err());
    }
}

#[test]
fn results_are_typed() {
    let check = |name: &str, arguments: &[&str], filter: &str, expected: &str| {
        let aggregate = one(call(name, arguments, filter, "").expect(name));
        assert_eq!(aggregate.columns()[0].field_type().to_string(), expected, "{name}");
    };
    check("count", &["n"], "b", "int64");
    check("sum", &["m"], "", "int64");
    check("sum", &["n"], "", "int64?");
    check("sum", &["m"], "b", "int64?");
    check("sum", &["d"], "", "decimal?");
    check("avg", &["m"], "", "float64");
    check("min", &["t"], "", "timestamp");
    check("first", &["l"], "", "list<int64>");
    check("count_distinct", &["s"], "b", "int64");
    check("top_k", &["s", "3"], "", "list<struct<value: string, count: int64>>");
    check("percentile", &["n", "0.5"], "", "float64?");
}

#[test]
fn what_is_wrong_with_a_call_is_told() {
    let check = |name: &str, arguments: &[&str], filter: &str, place: ProblemPlace, told: &str| {
        let problem = call(name, arguments, filter, "").expect_err(name);
        assert_eq!((problem.place, problem.to_string().as_str()), (place, told));
    };
    let first = ProblemPlace::Argument(0);
    let second = ProblemPlace::Argument(1);
    check(
        "summ",
        &["m"],
        "",
        ProblemPlace::Call,
        "there is no aggregate `summ`; did you mean `sum`?",
    );
    check(
        "sum",
        &[],
        "",
        ProblemPlace::Call,
        "`sum` is called with 0 arguments; write `sum(price)`",
    );
    check(
        "sum",
        &["s"],
        "",
        first,
        "`sum` needs numbers, not a string; write CAST(... AS DOUBLE) or CAST(... AS BIGINT)",
    );
    check(
        "max",
        &["l"],
        "",
        first,
        "`max` needs values with an order, not a list<int64>; give it a number, a text, a time, a truth value or bytes",
    );
    check(
        "top_k",
        &["s", "0"],
        "",
        second,
        "a constant from 1 to 1000 is needed here, not 0; write a constant from 1 to 1000",
    );
    check(
        "top_k",
        &["s", "m"],
        "",
        second,
        "a constant from 1 to 1000 is needed here, not an expression that differs from row to row; write a constant from 1 to 1000",
    );
    check(
        "percentile",
        &["m", "99"],
        "",
        second,
        "a constant from 0 to 1, such as 0.99 is needed here, not 99; write a constant from 0 to 1, such as 0.99",
    );
    let third = ProblemPlace::Argument(2);
    check(
        "bloom_count_distinct",
        &["s", "10", "0.0"],
        "",
        third,
        "a constant between 0 and 1, such as 0.01 is needed here, not 0.0; write a constant between 0 and 1, such as 0.01",
    );
    let problem = call("count", &[], "m", "").expect_err("no condition");
    assert_eq!(problem.place, ProblemPlace::Filter);
    let problem = call("first", &["m"], "", "s").expect_err("no time");
    assert_eq!(problem.place, ProblemPlace::Order);
}

/// A changed text here would make existing checkpoints unreadable.
#[test]
fn stored_bytes_are_the_golden_ones() {
    let aggregate = RowAggregate::new(
        [
            ("count", &[][..]),
            ("sum", &["m"]),
            ("avg", &["f"]),
            ("sum", &["d"]),
            ("max", &["m"]),
            ("last", &["m"]),
        ]
        .map(|(name, arguments)| (name, call(name, arguments, "", "t").expect("a call"))),
    );
    let bytes = codec::to_cbor(&folded(&aggregate, &[plain(7), plain(8)]));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "a1617086a1616e02a16169820f02a1616682f93c0002a16164828182010f02a1617808a1616f820808"
    );
}

#[test]
fn rows_that_come_and_go_leave_what_would_be_without_them() {
    let aggregate = all(&[EXACT]);
    let deducting = aggregate.deducting().expect("all of them deduct");
    let mut kept = deducting.running();
    let part = |n: i64| folded(&deducting, &[plain(n)]);
    for n in [3, 1, 4, 1, 5, 9] {
        deducting.add(&mut kept, &plain(n));
    }
    for n in [1, 9] {
        deducting.deduct(&mut kept, &part(n));
        kept = stored(&kept);
    }
    let rest = [3, 4, 1, 5].map(plain);
    assert_eq!(
        deducting.result(&kept).map_err(|error| error.to_string()),
        result(&aggregate, &rest)
    );
    for n in [3, 4, 1, 5] {
        deducting.deduct(&mut kept, &part(n));
    }
    let empty = deducting.result(&deducting.running());
    assert_eq!(deducting.result(&kept), empty);
}
