//! Plans of good topologies: the columns, keys and times of every output, as text, and as diagrams.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-topology` writes what is expected anew.

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tidegate_rows::{Row, Value};
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Kinds;
use tidegate_topology::plan::{MatchColumn, NodePlan, Plan, SinkPlan, SourcePlan, Taken};
use tidegate_topology::tree::Variables;
use tidegate_topology::{Loaded, Source, explain, load};

fn look(text: &str) -> Loaded {
    load(Source::new("plan.yaml", text), &Variables::default(), &Kinds::default())
}

fn plan(operators: &str) -> Plan {
    let text = format!(
        "job: {{ name: a }}\n\
         sources:\n  \
           clicks:\n    \
             file: {{ path: a.csv, format: csv }}\n    \
             schema: {{ user: int64, item: int64, price: float64?, ts: timestamp }}\n    \
             event_time: {{ timestamp: ts, watermark: monotonous }}\n  \
           names:\n    \
             file: {{ path: a.json, format: json }}\n    \
             schema: {{ user: int64, name: string, ts: timestamp }}\n    \
             event_time: {{ timestamp: ts, watermark: monotonous }}\n\
         operators:\n{operators}\
         sinks:\n  out: {{ inputs: [step], print: {{}} }}\n  rest: {{ inputs: [names], discard: {{}} }}\n"
    );
    let loaded = look(&text);
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.render(Paint::Plain));
    loaded.plan.expect("nothing is wrong")
}

/// Checks the columns of the node `step`, and whether its rows stay and have a key.
fn check(operators: &str, columns: &str, changes: bool, key: &[&str]) {
    let plan = plan(operators);
    let step = plan.nodes.iter().find(|node| node.name == "step").expect("a node");
    let port = &step.outputs[0];
    assert_eq!(port.schema.to_string(), columns, "{operators}");
    assert_eq!(
        (port.changes, port.key.as_slice()),
        (changes, &*key.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()),
        "{operators}"
    );
}

#[test]
fn each_kind_gives_its_columns() {
    let own = "user: int64, item: int64, price: float64?, ts: timestamp";
    check("  step: { inputs: [clicks], filter: price > 1 }\n", own, false, &[]);
    check(
        "  step: { inputs: [clicks], project: { a: user, b: price * 2, c: \"'x'\" } }\n",
        "a: int64, b: float64?, c: string",
        false,
        &[],
    );
    check(
        "  step: { inputs: [clicks], map: { set: { price: 1, more: item }, drop: ts } }\n",
        "user: int64, item: int64, price: int64, more: int64",
        false,
        &[],
    );
    check(
        "  step: { inputs: [clicks], window: { key_by: item, tumbling: { size: 1h }, aggregates: { n: count(), dear: max(price), last: last(user) }, top_n: { n: 3, order_by: n desc, with_ties: true } } }\n",
        "item: int64, window_start: timestamp, window_end: timestamp, n: int64, dear: float64?, last: int64, rank: int64",
        false,
        &["item", "window_start", "window_end"],
    );
    check(
        "  step: { inputs: [clicks], window: { key_by: item, count: { size: 3 }, aggregates: { n: count() } } }\n",
        "item: int64, n: int64",
        false,
        &["item"],
    );
    check(
        "  step: { inputs: [clicks], aggregate: { key_by: user, retain: forever, aggregates: { n: count() } } }\n",
        "user: int64, n: int64",
        true,
        &["user"],
    );
    check(
        "  step: { inputs: [clicks], top_n: { key_by: user, n: 2, order_by: price desc, with_rank: true } }\n",
        &format!("{own}, rank: int64"),
        true,
        &["user", "rank"],
    );
    check(
        "  step: { inputs: [clicks], dedup: { last_row: { key_by: item, retain: 1d } } }\n",
        own,
        true,
        &["item"],
    );
    check(
        "  step: { inputs: [clicks], flat_map: { split: { text: \"'a b'\", by: ' ', as: word } } }\n",
        &format!("{own}, word: string"),
        false,
        &[],
    );
    check(
        "  step: { inputs: [clicks], pattern: { key_by: user, stages: [{ name: a }, { name: b, optional: true, where: price > last(a.price) }], columns: { x: last(a.item), y: last(b.item) } } }\n",
        "x: int64, y: int64?",
        false,
        &[],
    );
}

#[test]
fn joins_give_the_columns_of_both_sides() {
    let on = "on: { left: user, right: user }";
    let seen = "  seen: { inputs: [names], project: { user: user, name: name } }\n";
    let join = |kind: &str| format!("{seen}  step: {{ inputs: [clicks, seen], {kind} }}\n");
    let both = "user: int64, item: int64, price: float64?, ts: timestamp, name: string";
    let optional = "user: int64, item: int64, price: float64?, ts: timestamp, name: string?";
    check(
        &join(&format!("interval_join: {{ {on}, between: {{ lower: 0s, upper: 1s }} }}")),
        both,
        false,
        &[],
    );
    check(
        &join(&format!("window_join: {{ {on}, tumbling: {{ size: 1h }}, kind: left }}")),
        optional,
        false,
        &[],
    );
    check(
        &join(&format!("window_join: {{ {on}, tumbling: {{ size: 1h }}, kind: full }}")),
        "user: int64, item: int64?, price: float64?, ts: timestamp?, name: string?",
        false,
        &[],
    );
    check(&join(&format!("unbounded_join: {{ {on}, retain: forever }}")), both, false, &[]);
    check(
        &join(&format!("unbounded_join: {{ {on}, retain: 1h, pairing: many-to-one }}")),
        both,
        false,
        &[],
    );
    check(
        &join(&format!("unbounded_join: {{ {on}, retain: forever, kind: left }}")),
        optional,
        true,
        &[],
    );
    check(
        &join(&format!("broadcast: {{ {on}, kind: anti, commutative: true }}")),
        "user: int64, item: int64, price: float64?, ts: timestamp",
        false,
        &[],
    );
    check(
        &join(&format!(
            "outer_join: {{ {on}, left_waits: 1s, right_waits: 1s, kind: right, columns: {{ a: left.item + 1, b: right.name, c: left.user }} }}"
        )),
        "a: int64?, b: string, c: int64?",
        false,
        &[],
    );
}

#[test]
fn side_outputs_have_columns_too() {
    let on = "on: { left: user, right: user }, columns: { user: left.user }";
    let between = "{ lower: 0s, upper: 1s }";
    let all = [
        ("clicks", "split: { late: price > 1 }".to_owned(), &["late"][..]),
        ("clicks", "window: { tumbling: { size: 1h }, aggregates: { n: count() } }".to_owned(), &["late"]),
        ("clicks", "dedup: { first_row: { key_by: user, time: event-time, retain: forever } }".to_owned(), &["late"]),
        ("clicks", "pattern: { key_by: user, stages: [{ name: a }], within: 1h, columns: { x: first(a.user) }, timed_out: { x: first(a.user) } }".to_owned(), &["late", "timed_out"]),
        ("clicks, names", format!("interval_join: {{ {on}, between: {between} }}"), &["late_left", "late_right"]),
        ("clicks, names", format!("window_join: {{ {on}, tumbling: {{ size: 1h }} }}"), &["late_left", "late_right"]),
        ("clicks, names", format!("outer_join: {{ {on}, left_waits: 1s, right_waits: 1s }}"), &["late_left", "late_right"]),
        ("clicks, names", format!("temporal_join: {{ {on}, validity: until-replaced }}"), &["late_left", "late_versions"]),
        ("clicks, names", format!("reconcile: {{ {on}, within: {between}, books: {{ every: 1h }} }}"), &["unmatched_left", "unmatched_right", "books"]),
    ];
    for (inputs, kind, sides) in all {
        let mut operators = format!("  from: {{ inputs: [{inputs}], {kind} }}\n");
        for side in sides {
            operators += &format!("  of_{side}: {{ inputs: [from.{side}], to_changelog: {{}} }}\n");
        }
        operators += "  step: { inputs: [from], to_changelog: {} }\n";
        let plan = plan(&operators);
        let from = plan.nodes.iter().find(|node| node.name == "from").expect("a node");
        let told: Vec<&str> = from.outputs.iter().filter_map(|port| port.side.as_deref()).collect();
        assert_eq!(told, sides, "{kind}");
    }
}

#[test]
fn what_is_compiled_computes() {
    let plan = plan("  step: { inputs: [clicks], filter: price > 1 AND user = 7 }\n");
    let step = plan.nodes.iter().find(|node| node.name == "step").expect("a node");
    let NodePlan::Filter(predicate) = &step.kind else { panic!("another kind") };
    let row =
        |user, price| Row::new([Value::Int64(user), Value::Int64(1), price, Value::Timestamp(0)]);
    assert_eq!(predicate.test(&row(7, Value::Float64(2.0))), Ok(true));
    assert_eq!(predicate.test(&row(8, Value::Float64(2.0))), Ok(false));
    assert_eq!(predicate.test(&row(7, Value::Null)), Ok(false));
}

#[test]
fn a_condition_sees_events_that_were_taken_before() {
    let plan = plan(
        "  step: { inputs: [clicks], pattern: { key_by: user, stages: [{ name: a }, { name: b, where: item > last(a.item) AND price > 1 AND (user = 1 AND item < first(a.item) + 9) }], columns: { x: last(b.item) - first(a.item), y: first(a.price) } } }\n",
    );
    let step = plan.nodes.iter().find(|node| node.name == "step").expect("a node");
    let NodePlan::Pattern(pattern) = &step.kind else { panic!("another kind") };
    let condition = pattern.stages[1].condition.as_ref().expect("a condition");
    // Of the events taken before, only the item is read.
    let check = |events: &[Taken], expected: [(&str, bool); 2]| {
        let of = |events: &Taken| match events {
            Taken::Event { stage, last, reads } if *reads == [false, true, false, false] => {
                (stage.clone(), *last)
            }
            other => panic!("something else: {other:?}"),
        };
        let found: Vec<_> = events.iter().map(of).collect();
        assert_eq!(found, expected.map(|(stage, last)| (stage.to_owned(), last)));
    };
    check(&condition.events, [("a", true), ("a", false)]);
    assert_eq!((condition.simple.len(), condition.iterative.len()), (2, 2));
    // Only the item is read by what looks back.
    assert_eq!(condition.reads, [false, true, false, false]);
    let event = |item| [Value::Int64(1), Value::Int64(item), Value::Null, Value::Timestamp(0)];
    let is_met = |item, [last, first]: [Value; 2]| {
        let row = Row::new(event(item).into_iter().chain([last, first]).collect::<Vec<_>>());
        condition.iterative.iter().all(|one| one.test(&row) == Ok(true))
    };
    let both = |item| [Value::structure(event(item)), Value::structure(event(item))];
    assert!(is_met(5, both(4)) && !is_met(5, both(5)) && !is_met(20, both(4)));
    assert!(!is_met(5, [Value::Null, Value::Null]));
    let MatchColumn::Computed(value, events) = &pattern.columns[0] else { panic!("it subtracts") };
    check(events, [("b", true), ("a", false)]);
    let row = Row::new([Value::structure(event(9)), Value::structure(event(2))]);
    assert_eq!(value.evaluate(&row), Ok(Value::Int64(7)));
    let MatchColumn::Same { stage, last, column } = &pattern.columns[1] else { panic!("it reads") };
    assert_eq!((stage.as_str(), *last, *column), ("a", false, 2));
}

#[test]
fn inline_rows_are_values_of_their_columns() {
    let loaded = look(
        "job: { name: a }\n\
         sources: { t: { inline: { rows: [{ a: 1, b: x, d: [1, 2] }, { b: '2', a: -1, c: 2026-11-27T08:00:00Z, d: [] }] }, \
         schema: { a: int64, b: string, c: timestamp?, d: list<float64> } } }\n\
         sinks: { out: { inputs: [t], file: { directory: out, format: json } } }\n",
    );
    let plan = loaded.plan.as_ref();
    let plan = plan.unwrap_or_else(|| panic!("{}", loaded.render(Paint::Plain)));
    let NodePlan::Source(SourcePlan::Inline(rows), None) = &plan.nodes[0].kind else {
        panic!("another kind")
    };
    let list = |values: &[f64]| Value::list(values.iter().map(|one| Value::Float64(*one)));
    assert_eq!(
        rows[0].values(),
        [Value::Int64(1), Value::string("x"), Value::Null, list(&[1.0, 2.0])]
    );
    assert_eq!(
        rows[1].values(),
        [Value::Int64(-1), Value::string("2"), Value::Timestamp(1_795_766_400_000), list(&[])]
    );
    assert!(matches!(&plan.nodes[1].kind, NodePlan::Sink(SinkPlan::File { signed: false, .. })));
}

fn good() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of topologies")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn plans_are_explained_as_expected() {
    let mut wrong = Vec::new();
    for path in good() {
        let loaded = look(&fs::read_to_string(&path).expect("a topology"));
        let Some(plan) = &loaded.plan else { panic!("{}", loaded.render(Paint::Plain)) };
        let forms = [
            ("txt", explain::text(plan)),
            ("mmd", explain::mermaid(plan)),
            ("dot", explain::dot(plan)),
        ];
        for (end, told) in forms {
            let beside = path.with_extension(end);
            if std::env::var_os("TIDEGATE_BLESS").is_some() {
                fs::write(&beside, &told).expect("a file beside the topology");
            } else if fs::read_to_string(&beside).ok().as_deref() != Some(&told) {
                wrong.push(format!("--- {}\n{told}", beside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "other explanations than expected:\n{}", wrong.join("\n"));
}

/// What the state of `step` means in a job of a time zone.
fn meaning_in(zone: &str, step: &str) -> String {
    let text = format!(
        "job: {{ name: a, time_zone: {zone} }}
sources:
  clicks:
    file: {{ path: a.csv, format: csv }}
    schema: {{ user: int64, item: int64, ts: timestamp }}
    event_time: {{ timestamp: ts, watermark: monotonous }}
operators:
  step: {{ inputs: clicks, {step} }}
sinks: {{ out: {{ inputs: step, discard: {{}} }} }}
"
    );
    let loaded = look(&text);
    let plan = loaded.plan.as_ref().unwrap_or_else(|| panic!("{}", loaded.render(Paint::Plain)));
    let step = plan.nodes.iter().find(|node| node.name == "step").expect("it is there");
    step.meaning.clone().expect("it has state")
}

#[test]
fn state_says_the_zone_that_its_meaning_depends_on() {
    let check = |step: &str, depends: bool| {
        let (utc, berlin) = (meaning_in("UTC", step), meaning_in("Europe/Berlin", step));
        let zone = if depends { "; time zone Europe/Berlin" } else { "" };
        assert_eq!(berlin, format!("{utc}{zone}"));
    };
    let window = |options: &str| {
        format!("window: {{ key_by: user, {options}, aggregates: {{ n: count() }} }}")
    };
    check(&window("calendar: { unit: day }"), true);
    check(&window("calendar: { unit: day, time_zone: Asia/Tokyo }"), false);
    check(&window("tumbling: { size: 1h }"), false);
    let aggregate = |of: &str| {
        format!("aggregate: {{ key_by: user, retain: forever, aggregates: {{ n: max({of}) }} }}")
    };
    check(&aggregate("item"), false);
    check(&aggregate("HOUR(ts)"), true);
    check(&aggregate("EXTRACT(HOUR FROM ts AT TIME ZONE 'UTC')"), false);
    let pattern = |condition: &str, column: &str| {
        format!(
            "pattern: {{ key_by: user, stages: [{{ name: a, where: {condition} }}], columns: {{ c: {column} }} }}"
        )
    };
    check(&pattern("HOUR(ts) > 5", "first(a.item)"), true);
    check(&pattern("item > 5", "HOUR(first(a.ts))"), false);
}

proptest! {
    /// Whatever is written for an expression, it is compiled or told of within its text.
    #[test]
    fn any_expression_is_compiled_or_told_of(text in "[a-z0-9 ().,'=<>+*$\"-]{1,30}|(first|last)\\([ab]\\.[a-z]{1,5}\\)") {
        let quoted = text.replace('\'', "''");
        let yaml = format!(
            "job: {{ name: a }}\nsources:\n  s: {{ file: {{ path: a.csv, format: csv }}, schema: {{ a: int64, b: string }} }}\n\
             operators:\n  f: {{ inputs: [s], filter: '{quoted}' }}\n  p: {{ inputs: [s], project: {{ x: '{quoted}' }} }}\n  \
             m: {{ inputs: [s], pattern: {{ key_by: a, time: processing-time, stages: [{{ name: a, where: '{quoted}' }}], columns: {{ x: '{quoted}' }} }} }}\n  \
             w: {{ inputs: [s], aggregate: {{ key_by: '{quoted}', retain: forever, aggregates: {{ x: '{quoted}' }} }} }}\n\
             sinks:\n  o: {{ inputs: [f], print: {{}} }}\n  q: {{ inputs: [p], print: {{}} }}\n  r: {{ inputs: [m], print: {{}} }}\n  t: {{ inputs: [w], print: {{}} }}\n"
        );
        let loaded = look(&yaml);
        let has_errors = loaded.diagnostics.has_errors();
        prop_assert_eq!(loaded.plan.is_none(), has_errors, "{}", loaded.render(Paint::Plain));
        let bytes = loaded.source.text().len();
        prop_assert!(loaded.diagnostics.sorted().iter().all(|one| one.span.end <= bytes));
    }
}
