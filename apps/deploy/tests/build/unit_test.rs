//! Unit tests of topologies: what is fed comes out in order, expectations see what has come since the last one, and
//! whatever is not as expected is told.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate::prelude::*;
use tidegate_deploy::unit_test::{Difference, Line, Verdict, run};
use tidegate_deploy::{Outputs, Registry};
use tidegate_rows::{DataType, Field, Row, Schema, Value};
use tidegate_topology::Source;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Traits;
use tidegate_topology::unit_test::load;

const TOPOLOGY: &str = "job: { name: numbers, parallelism: 4 }
sources:
  numbers:
    file: { path: nowhere.csv, format: csv, malformed: \"${MALFORMED:-fail}\" }
    schema: { n: int64, text: string?, at: timestamp? }
    event_time: { timestamp: at, watermark: monotonous, emit: each-record }
  others: { inline: { rows: [{ n: 100 }] }, schema: { n: int64 }, parallelism: 3 }
operators:
  shares: { inputs: numbers, map: { set: { n: 12 / n }, drop: at }, parallelism: 2 }
  words: { inputs: shares, flat_map: { split: { text: text, by: ',', as: word } } }
  ways: { inputs: words, split: { even: n % 2 = 0, large: n > 5 } }
  changes: { inputs: others, to_changelog: {} }
  again: { inputs: numbers, assign_timestamps: { timestamp: 'COALESCE(at, TO_TIMESTAMP_LTZ(0, 0))', watermark: monotonous } }
sinks:
  out: { inputs: ways, file: { directory: /nowhere/at/all, format: json } }
  even: { inputs: ways.even, print: {} }
  changed: { inputs: changes, print: {} }
  times: { inputs: again, discard: {} }
";

fn verdicts_with(registry: &Registry, topology: &str, tests: &str) -> Vec<Verdict> {
    let find = |name: &str| Ok(Source::new(name, topology));
    let loaded = load(Source::new("numbers.test.yaml", tests), &find, registry.kinds());
    let (Some(topology), Some(cases)) = (&loaded.topology, &loaded.cases) else {
        panic!("{}", loaded.render(Paint::Plain))
    };
    let all = || cases.iter().map(|case| run(topology, case, registry)).collect::<Vec<_>>();
    let verdicts = all();
    assert_eq!(verdicts, all(), "another run ends otherwise");
    verdicts
}

fn verdicts(tests: &str) -> Vec<Verdict> {
    verdicts_with(&Registry::default(), TOPOLOGY, tests)
}

/// The only verdict on a test of these steps and expectations.
fn verdict(test: &str) -> Verdict {
    let all = verdicts(&format!("tests:\n  - name: a\n{test}"));
    let [verdict] = <[Verdict; 1]>::try_from(all).expect("one test");
    verdict
}

fn passes(test: &str) {
    assert_eq!(verdict(test), Verdict::Passed);
}

fn differences(test: &str) -> Vec<Difference> {
    match verdict(test) {
        Verdict::Differs(differences) => differences,
        other => panic!("{other:?}"),
    }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

#[test]
fn what_is_fed_comes_out_of_every_node_in_order() {
    passes(
        "    feed:
      - numbers: [{ n: 2, text: 'a,b', at: '1970-01-01T00:00:01Z' }, { n: 12, text: c, at: '1970-01-01T00:00:02Z' }]
      - others: [{ n: 7 }]
    expect:
      numbers:
        - { n: 2, text: 'a,b', at: '1970-01-01T00:00:01Z' }
        - { n: 12, text: c, at: '1970-01-01T00:00:02Z' }
      shares: [{ n: 6, text: 'a,b' }, { n: 1, text: c }]
      ways.even: [{ n: 6, text: 'a,b', word: a }, { n: 6, text: 'a,b', word: b }]
      even: { rows: [{ word: a }, { word: b }], only: [word] }
      ways.large: []
      out: [{ n: 1, text: c, word: c }]
      changes: [{ +I: { n: 7 } }]
      changed: [{ +: { n: 7 } }]
      others: [{ n: 7 }]
      times: { rows: [{ n: 12 }, { n: 2 }], only: [n], unordered: true }
",
    );
}

#[test]
fn a_watched_folder_is_fed_like_other_sources() {
    let folder =
        TOPOLOGY.replace("file: { path: nowhere.csv,", "folder: { path: nowhere, look_every: 1h,");
    let skipping = "variables: { MALFORMED: skip }\n";
    let test = "tests:
  - name: a
    feed:
      - numbers: [{ n: 2, text: 'a,b', at: '1970-01-01T00:00:01Z' }, { n: 12, text: c }]
    expect:
      numbers: [{ n: 2, text: 'a,b', at: '1970-01-01T00:00:01Z' }]
";
    let verdicts = verdicts_with(&Registry::default(), &folder, &format!("{skipping}{test}"));
    assert_eq!(verdicts, [Verdict::Passed]);
    let verdicts = verdicts_with(&Registry::default(), &folder, test);
    let [Verdict::Failed(why)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert!(why.starts_with("numbers: ") && why.contains("NULL]"), "{why}");
}

#[test]
fn an_expectation_sees_what_has_come_since_the_last_one_of_its_node() {
    passes(
        "    end: false
    feed:
      - expect: { shares: [], out: [] }
      - numbers: [{ n: 12, text: a, at: 1970-01-01T00:00:01Z }]
      - expect: { shares: [{ n: 1, text: a }] }
      - expect: { shares: [] }
      - numbers: [{ n: 12, at: 1970-01-01T00:00:01Z }]
    expect:
      shares: [{ n: 1 }]
      out: [{ n: 1, text: a, word: a }]
",
    );
}

#[test]
fn a_row_too_many_does_not_make_those_behind_it_wrong() {
    let found = differences(
        "    feed:
      - others: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]
    expect:
      others: [{ n: 1 }, { n: 3 }, { n: 9 }, { n: 5 }]
      changes: [{ +I: { n: 1 } }, { -U: { n: 2 } }, { +U: { n: 3 } }, { +I: { n: 4 } }]
",
    );
    let [others, changes] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (others.name.as_str(), others.columns.as_slice()),
        ("others", row(&["n"]).as_slice())
    );
    let expected = [
        Line::Same(row(&["1"])),
        Line::Unexpected(row(&["2"])),
        Line::Same(row(&["3"])),
        Line::Other(row(&["9"]), row(&["4"])),
        Line::Missing(row(&["5"])),
    ];
    assert_eq!(others.lines, expected);
    assert_eq!(changes.columns, ["change", "n"]);
    let expected = [
        Line::Same(row(&["+I", "1"])),
        Line::Other(row(&["-U", "2"]), row(&["+I", "2"])),
        Line::Other(row(&["+U", "3"]), row(&["+I", "3"])),
        Line::Same(row(&["+I", "4"])),
    ];
    assert_eq!(changes.lines, expected);
}

#[test]
fn without_order_rows_are_counted() {
    let of = |expected: &str| {
        format!(
            "    feed: [{{ others: [{{ n: 1 }}, {{ n: 2 }}, {{ n: 1 }}] }}]
    expect: {{ others: {{ unordered: true, rows: {expected} }} }}
"
        )
    };
    passes(&of("[{ n: 1 }, { n: 1 }, { n: 2 }]"));
    let found = differences(&of("[{ n: 2 }, { n: 2 }, { n: 1 }]"));
    let expected = [
        Line::Same(row(&["2"])),
        Line::Same(row(&["1"])),
        Line::Missing(row(&["2"])),
        Line::Unexpected(row(&["1"])),
    ];
    assert_eq!(found[0].lines, expected);
}

#[test]
fn a_vague_sign_takes_no_row_from_an_exact_one() {
    passes(
        "    feed: [{ others: [{ n: 1 }, { n: 1 }] }]
    expect: { changes: { unordered: true, rows: [{ +: { n: 1 } }, { +I: { n: 1 } }] } }
",
    );
}

#[test]
fn a_failure_is_told_or_expected() {
    let feed = "    feed: [{ numbers: [{ n: 12, text: a, at: 1970-01-01T00:00:01Z }, { n: 0, at: 1970-01-01T00:00:02Z }] }]\n";
    let Verdict::Failed(why) = verdict(feed) else { panic!("it does not fail") };
    assert!(why.starts_with("shares: ") && why.contains("the row is [0, NULL"), "{why}");
    passes(&format!("{feed}    fails: the row is [0, NULL\n"));
    let otherwise = verdict(&format!("{feed}    fails: no such thing\n"));
    assert_eq!(otherwise, Verdict::FailedOtherwise(why));
    assert_eq!(verdict("    fails: anything\n"), Verdict::DidNotFail);
    // What had come before is compared all the same.
    passes(&format!("{feed}    fails: shares\n    expect: {{ changes: [] }}\n"));
    let found = differences(&format!(
        "{feed}    fails: shares\n    expect: {{ changes: [{{ +I: {{ n: 1 }} }}] }}\n"
    ));
    assert_eq!(found[0].lines, [Line::Missing(row(&["+I", "1"]))]);
}

#[test]
fn a_row_without_event_time_goes_by_the_policy_of_its_source() {
    let test = |more: &str| {
        verdicts(&format!(
            "{more}tests:
  - name: a
    feed: [{{ numbers: [{{ n: 1 }}, {{ n: 2, at: 1970-01-01T00:00:01Z }}] }}]
    expect: {{ numbers: {{ rows: [{{ n: 2 }}], only: [n] }} }}
"
        ))
    };
    let failed = test("");
    assert!(
        matches!(&failed[0], Verdict::Failed(why) if why.starts_with("numbers: ") && why.contains("[1, NULL, NULL]")),
        "{failed:?}"
    );
    assert_eq!(test("variables: { MALFORMED: skip }\n"), [Verdict::Passed]);
    // A time that is said needs no column.
    passes(
        "    feed: [{ numbers: [{ n: 1 }], at: 5 }]
    expect: { numbers: [{ n: 1 }] }
",
    );
}

#[test]
fn values_are_set_in_place_of_those_of_the_topology() {
    let passed = verdicts(
        "set:
  shares.map.set:
    n: n * 2
    text: UPPER(text)
  ways.split: { even: n > 100 }
  shares.dead_letters: skip
tests:
  - name: a
    feed: [{ numbers: [{ n: 5, text: five, at: 1970-01-01T00:00:01Z }] }]
    expect: { shares: [{ n: 10, text: FIVE }], even: [] }
",
    );
    assert_eq!(passed, [Verdict::Passed]);
}

/// Waits with the number of each row until event time has come to the row's, and for so long on the clock.
#[derive(Deserialize, JsonSchema)]
struct Waiting {
    /// Milliseconds on the clock.
    millis: i64,
}

/// What [`Waiting`] does, of one number at a time.
struct Wait(i64);

impl KeyedProcess for Wait {
    type Key = u64;
    type In = Row;
    type Out = Row;

    fn process(
        &mut self,
        _: Keyed<'_, u64>,
        _: Row,
        ctx: &mut KeyedContext<'_, u64, Row>,
    ) -> Result<(), BoxError> {
        ctx.register_timer(TimeDomain::Event, ctx.timestamp());
        ctx.register_timer(TimeDomain::Processing, ctx.processing_time().plus(self.0));
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, Row>,
    ) -> Result<(), BoxError> {
        let clock = timer.domain == TimeDomain::Processing;
        let time = if clock { ctx.processing_time() } else { ctx.watermark() };
        let (n, clock) = (Value::Int64(key.key.cast_signed()), Value::Boolean(clock));
        ctx.emit(Row::new([n, clock, Value::Int64(time.millis())]));
        Ok(())
    }

    fn states(&mut self, _: &mut dyn StateVisitor) {}
}

fn waiting() -> Registry {
    let mut registry = Registry::default();
    let columns = [
        Field::required("n", DataType::Int64),
        Field::required("clock", DataType::Boolean),
        Field::required("time", DataType::Int64),
    ];
    let traits = Traits::inputs(1).columns(Schema::new(columns).expect("three names"));
    let wait = registry.operator("wait", traits, |waiting: &Waiting, wiring| {
        let millis = waiting.millis;
        let key = |row: &Row| match row[0] {
            Value::Int64(n) => n.unsigned_abs(),
            _ => 0,
        };
        let rows = wiring.input(0).rows().key_by(key).process(move || Wait(millis));
        Ok(Outputs::main(wiring.named(rows)))
    });
    wait.expect("a new name");
    registry
}

const WAITING: &str = "job: { name: a }
sources:
  numbers:
    inline: { rows: [] }
    schema: { n: int64, at: timestamp }
    event_time: { timestamp: at, watermark: monotonous, emit: each-record, align: { group: all, max_drift: 1s } }
  others:
    inline: { rows: [] }
    schema: { n: int64, at: timestamp }
    event_time: { timestamp: at, watermark: monotonous, emit: each-record, align: { group: all, max_drift: 1s } }
operators:
  all: { inputs: [numbers, others], union: {} }
  wait: { inputs: all, wait: { millis: 5000 } }
sinks: { out: { inputs: wait, print: {} } }
";

#[test]
fn event_time_is_what_the_sources_or_the_test_say() {
    let tests = "tests:
  - name: the sources say it, and none waits for another
    end: false
    feed:
      - numbers: [{ n: 1, at: 1970-01-01T00:00:10Z }, { n: 2, at: 1970-01-01T00:01:40Z }]
      - expect: { out: [] }
      - others: [{ n: 3, at: 1970-01-01T00:00:10.002Z }]
      - expect: { out: [{ n: 1, clock: false, time: 10001 }] }
  - name: the test says it
    end: false
    feed:
      - numbers: [{ n: 1, at: 1970-01-01T00:00:10Z }]
      - others: [{ n: 3, at: 1970-01-01T00:01:00Z }]
      - watermark: { numbers: 10000 }
      - expect: { out: [] }
      - watermark: { others: 9999 }
      - expect: { out: [] }
      - watermark: { others: 10500 }
      - expect: { out: [{ n: 1, clock: false, time: 10000 }] }
      - watermark: { numbers: 70000, others: 60000 }
    expect: { out: [{ n: 3, clock: false, time: 60000 }] }
  - name: the end of the input is the end of event time
    feed:
      - numbers: [{ n: 1, at: 1970-01-01T00:00:10Z }]
      - expect: { out: [] }
    expect: { out: { rows: [{ n: 1, clock: false }], only: [n, clock] } }
";
    let passed = verdicts_with(&waiting(), WAITING, tests);
    assert_eq!(passed, [Verdict::Passed, Verdict::Passed, Verdict::Passed]);
}

#[test]
fn the_clock_moves_as_the_test_says_and_stops_where_timers_are() {
    let tests = "tests:
  - name: clock
    end: false
    feed:
      - time: 100
      - numbers: [{ n: 1, at: 1970-01-01T00:00:10Z }]
      - advance: 3s
      - numbers: [{ n: 2, at: 1970-01-01T00:00:10Z }]
      - advance: 1s 999ms
      - expect: { out: [] }
      - advance: 1ms
      - expect: { out: [{ n: 1, clock: true, time: 5100 }] }
      - advance: 10000d
      - expect: { out: [{ n: 2, clock: true, time: 8100 }] }
";
    assert_eq!(verdicts_with(&waiting(), WAITING, tests), [Verdict::Passed]);
}

/// Panics.
#[derive(Deserialize, JsonSchema)]
struct Probing {
    /// Panics at this number.
    panic_at: i64,
}

/// A registry with an operator of the program's own.
fn registry() -> Registry {
    let mut registry = Registry::default();
    let probe = registry.operator("probe", Traits::inputs(1), |probing: &Probing, wiring| {
        let panic_at = probing.panic_at;
        let rows = wiring.input(0).rows().map(move |row| {
            assert!(row[0] != Value::Int64(panic_at), "it is {panic_at}");
            row
        });
        Ok(Outputs::main(wiring.named(rows)))
    });
    probe.expect("a new name");
    registry
}

#[test]
fn a_panic_of_an_operator_is_a_failure() {
    let topology = "job: { name: a }
sources: { numbers: { inline: { rows: [] }, schema: { n: int64 } } }
operators: { probe: { inputs: numbers, probe: { panic_at: 7 } } }
sinks: { out: { inputs: probe, print: {} } }
";
    let tests = "tests:
  - name: no panic
    feed: [{ numbers: [{ n: 1 }] }]
    expect: { out: [{ n: 1 }] }
  - name: a panic
    feed: [{ numbers: [{ n: 7 }] }]
  - name: a panic that is expected
    feed: [{ numbers: [{ n: 7 }] }]
    fails: it is 7
";
    let all = verdicts_with(&registry(), topology, tests);
    let [Verdict::Passed, Verdict::Failed(why), Verdict::Passed] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert!(why.contains("it is 7"), "{why}");
}

#[test]
fn generators_are_fed_rows_with_the_times_that_they_would_have() {
    let topology = "job: { name: a }
sources:
  clicks: { generator: { clicks: {} }, event_time: { watermark: monotonous } }
  keys: { generator: { sequence: { records: 5 } }, event_time: { watermark: ingestion-time } }
sinks:
  out: { inputs: clicks, print: {} }
  all: { inputs: keys, print: {} }
";
    let tests = "tests:
  - name: a
    feed:
      - clicks: [{ user_id: 1, item_id: 2, category_id: 3, behavior: pv, timestamp: 1511658000 }]
      - watermark: { clicks: 2017-11-26T01:00:00Z }
      - keys: [{ key: 7 }]
      - advance: 1h
      - time: 1971-01-01T00:00:00Z
      - keys: [{ key: 8 }]
    expect:
      out: { rows: [{ timestamp: 1511658000 }], only: [timestamp] }
      all: [{ key: 7 }, { key: 8 }]
  - name: a time beyond all times
    feed: [{ clicks: [{ user_id: 1, item_id: 2, category_id: 3, behavior: pv, timestamp: 9223372036854775807 }] }]
    fails: the event time 9223372036854775807 is too large
";
    let all = verdicts_with(&Registry::default(), topology, tests);
    assert_eq!(all, [Verdict::Passed, Verdict::Passed]);
}
