//! Files with unit tests: what is read from them, and a corpus of mistakes beside the exact diagnostics that each gives.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-topology` writes what is expected anew: read it as a user would
//! before it is committed.

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tidegate_rows::Value;
use tidegate_topology::Source;
use tidegate_topology::code;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Kinds;
use tidegate_topology::source::Unreadable;
use tidegate_topology::unit_test::{LoadedTests, Sign, Step, load};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_tests")
}

/// Reads a topology of the corpus. It goes by its bare name, as it does beside the tests.
fn find(name: &str) -> Result<Source, Unreadable> {
    let read = fs::read_to_string(folder().join(name));
    read.map(|text| Source::new(name, text)).map_err(|error| Unreadable {
        message: format!("the file cannot be read: {error}"),
        help: "check the path and the permissions".into(),
    })
}

fn loaded(name: &str, text: &str) -> LoadedTests {
    load(Source::new(name, text), &find, &Kinds::default())
}

#[test]
fn each_mistake_is_told_as_expected() {
    let (mut wrong, mut codes) = (Vec::new(), BTreeSet::new());
    let files = fs::read_dir(folder()).expect("a folder of tests");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let is_test = |path: &&PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.ends_with(".test.yaml") || name == "unnamed.yaml")
    };
    let files: Vec<&PathBuf> = files.iter().filter(is_test).collect();
    assert!(files.len() >= 9, "the corpus has {} files", files.len());
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let loaded = loaded(&name, &fs::read_to_string(path).expect("tests"));
        assert!(loaded.cases.is_none(), "{name}: nothing is wrong with it");
        codes.extend(loaded.diagnostics.sorted().iter().map(|one| one.code));
        let told = loaded.render(Paint::Plain);
        let beside = path.with_extension("txt");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&beside, &told).expect("a file beside the tests");
        } else if fs::read_to_string(&beside).ok().as_deref() != Some(&told) {
            wrong.push(format!("--- {name}\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "other diagnostics than expected:\n{}", wrong.join("\n"));
    let of_tests = code::table().filter(|row| row.name.starts_with("T06"));
    let missing: Vec<&str> =
        of_tests.filter(|row| !codes.contains(&row.code)).map(|row| row.name).collect();
    assert!(missing.is_empty(), "no file of the corpus shows {missing:?}");
}

#[test]
fn steps_and_expectations_are_read_in_order() {
    let text = "variables: { DATA: other.csv, LEVEL: 7 }
set: { job.parallelism: 2, clicks.file.format: json }
x-rows:
  - &click { user: 1, item: 2, at: '2017-11-26T01:00:00Z' }
tests:
  - name: all of them
    description: for the sake of it
    feed:
      - clicks: [*click, { user: 2, item: 3, behavior: buy, at: '1970-01-01T00:00:01Z' }]
      - watermark: { clicks: 2017-11-26T01:00:00Z, keys: -5 }
      - time: 10000
      - advance: 1m 5s
      - expect:
          views.buys: { rows: [{ item: 3, user: 2 }], unordered: true, only: [item, user] }
          out: []
      - { keys: [{ key: 1 }], at: 1970-01-01T00:00:02Z }
      - rows: { plain: [{ n: 1 }] }
    expect:
      changes: [{ +I: { n: 1 } }, { +: { n: 1 } }]
    fails: no such thing
    end: false
  - name: nothing
";
    let loaded = loaded("clicks.test.yaml", text);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(Paint::Plain));
    let plan = loaded.topology.expect("it is there").plan.expect("nothing is wrong");
    let place = |name: &str| plan.nodes.iter().position(|node| node.name == name).expect(name);
    let cases = loaded.cases.expect("nothing is wrong");
    let [case, nothing] = cases.as_slice() else { panic!("{cases:?}") };
    assert!(nothing.ends && nothing.steps.is_empty() && nothing.fails.is_none());
    assert_eq!(case.fails.as_ref().map(|(part, _)| part.as_str()), Some("no such thing"));
    assert!(!case.ends);
    let [rows, first, second, time, advance, look, at, plain] = case.steps.as_slice() else {
        panic!("{:?}", case.steps)
    };
    let Step::Rows { source, rows, at: None } = rows else { panic!("{rows:?}") };
    assert_eq!((*source, rows.len()), (place("clicks"), 2));
    let one = [Value::Int64(1), Value::Int64(2), Value::Null, Value::Timestamp(1_511_658_000_000)];
    assert_eq!(rows[0].values(), one);
    let is = |step: &Step, name, time| matches!(step, Step::Watermark { source, at } if *source == place(name) && *at == time);
    assert!(is(first, "clicks", 1_511_658_000_000) && is(second, "keys", -5));
    assert!(matches!((time, advance), (Step::Time(10_000), Step::Time(75_000))));
    let Step::Expect(expected) = look else { panic!("{look:?}") };
    let [buys, out] = expected.as_slice() else { panic!("{expected:?}") };
    assert_eq!((buys.columns.as_slice(), buys.unordered), ([1, 0].as_slice(), true));
    assert_eq!(buys.rows[0].row.values(), [Value::Int64(3), Value::Int64(2)]);
    assert_eq!(out.output.node, place("views"), "of a sink that which it takes");
    assert!(matches!(at, Step::Rows { at: Some(2_000), .. }), "{at:?}");
    assert!(matches!(plain, Step::Rows { source, .. } if *source == place("plain")));
    let signs: Vec<_> = case.expect[0].rows.iter().map(|row| row.sign).collect();
    assert_eq!(signs, [Some(Sign::Insert), Some(Sign::In)]);
    assert_eq!(case.expectations().count(), 3);
}

#[test]
fn many_steps_within_bounds() {
    let steps = "      - advance: 1ms\n".repeat(10_000);
    let text = format!("topology: clicks.yaml\ntests:\n  - name: long\n    feed:\n{steps}");
    let loaded = loaded("long.test.yaml", &text);
    assert_eq!(loaded.cases.map(|cases| cases[0].steps.len()), Some(10_000));
}

proptest! {
    #[test]
    fn any_rubbish_is_read_or_told_of(parts in prop::collection::vec(
        prop::sample::select(vec![
            "tests:", "  - name: a", "    feed:", "      - ", "clicks: ", "[", "]", "{", "}", "user: 1", ",",
            "expect: ", "views", "watermark: ", "time: ", "-1", "99999999999999999999", "\n", "    ", "+I: ", "&a ",
            "*a", "|", "'", "\"", "only: ", "rows: ", "null", "advance: ", "5s", "fails: ",
        ]),
        0..40,
    )) {
        let text = format!("topology: clicks.yaml\n{}", parts.concat());
        let loaded = loaded("a.test.yaml", &text);
        prop_assert_eq!(loaded.cases.is_none(), loaded.diagnostics.has_errors(), "{}", loaded.render(Paint::Plain));
    }
}
