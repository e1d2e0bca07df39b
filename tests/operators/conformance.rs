//! The recorded cases of other engines, in every way of running; and that the runner lets nothing pass
//! that it does not understand.

use std::collections::BTreeMap;
use tidegate_tests::conformance::{AREAS, Way, load, parse};
use tidegate_tests::shared_material;

fn check(way: Way) {
    let Some(folder) = shared_material::find("conformance") else { return };
    let cases = load(&[folder]).expect("the shared cases");
    let mut run: BTreeMap<&str, usize> = AREAS.iter().map(|(area, _)| (*area, 0)).collect();
    let mut failed = Vec::new();
    for case in &cases {
        let Some(count) = run.get_mut(case.area.as_str()) else { continue };
        *count += 1;
        if let Err(difference) = case.run(way) {
            failed.push(format!("{}: {difference}", case.id));
        }
    }
    println!("{way}: {run:?}");
    assert!(failed.is_empty(), "{way}:\n  {}", failed.join("\n  "));
    assert!(run.values().all(|count| *count > 0), "an area without cases: {run:?}");
}

#[test]
fn cases_hold_as_they_stand() {
    check(Way::Plain);
}

#[test]
fn cases_hold_with_a_restore_after_every_step() {
    check(Way::Restored);
}

#[test]
fn cases_hold_with_an_output_that_is_full_after_every_row() {
    check(Way::OutputFull);
}

/// What the runner says to one case of two steps, with something in it replaced.
fn verdict(from: &str, to: &str) -> Result<(), String> {
    let text = r#"{"schema": "conformance-v1", "area": "process_timers", "cases": [{
        "id": "a/1", "hidden": false, "origin": "here", "order": "exact",
        "operator": {"kind": "process_timers", "keyed": true,
            "function": "emit 'IN:'+value; side output int-out: value; side output long-out: value"},
        "steps": [{"op": "element", "input": 0, "value": 4, "ts": 7, "expect": [
            {"kind": "record", "value": "IN:4", "ts": 7},
            {"kind": "side_output", "tag": "int-out", "value": 4, "ts": 7},
            {"kind": "side_output", "tag": "long-out", "value": 4, "ts": 7}]},
            {"op": "watermark", "input": 0, "ts": 9, "expect": [{"kind": "watermark", "ts": 9}]}]}]}"#;
    assert!(from.is_empty() || text.contains(from), "{from}");
    let cases = parse(&text.replace(from, to))?;
    cases[0].run(Way::Plain)
}

#[test]
fn what_the_runner_does_not_understand_is_a_failure() {
    assert_eq!(verdict("\"hidden\"", "\"hidden\""), Ok(()));
    for (from, to, said) in [
        ("\"area\": \"process_timers\"", "\"area\": \"tea\"", "`tea` is not built yet"),
        ("emit 'IN:'+value;", "emit twice;", "is not known"),
        ("\"keyed\": true", "\"keyed\": 7", "cannot be run"),
        ("\"keyed\": true", "\"keyed\": true, \"slots\": 3", "unknown field `slots`"),
        ("\"origin\": \"here\"", "\"origin\": \"here\", \"why\": 1", "unknown field `why`"),
        ("\"op\": \"watermark\"", "\"op\": \"flood\"", "unknown variant `flood`"),
        ("\"op\": \"watermark\"", "\"op\": \"watermark\", \"id\": 1", "unknown field `id`"),
        ("\"ts\": 9}]}", "\"ts\": 9, \"key\": 1}]}", "unknown field `key`"),
        ("\"exact\"", "\"any\"", "unknown variant `any`"),
        ("int-out\"", "out\"", "there is no such side output"),
        ("\"input\": 0, \"value\"", "\"input\": 1, \"value\"", "no input 1"),
        ("conformance-v1", "conformance-v2", "the schema is `conformance-v2"),
    ] {
        let error = verdict(from, to).expect_err(to);
        assert!(error.contains(said), "{to}: {error}");
    }
}

#[test]
fn a_difference_names_the_step_and_both_sides() {
    for (from, to, said) in [
        (
            "\"IN:4\", \"ts\": 7",
            "\"IN:4\", \"ts\": 8",
            "step 1 (element 4 @7 on input 0): expected [\"IN:4\" @8], got [\"IN:4\" @7]",
        ),
        (
            "[{\"kind\": \"watermark\", \"ts\": 9}]",
            "[]",
            "step 2 (watermark 9 on input 0): expected nothing, got [watermark 9]",
        ),
    ] {
        assert_eq!(verdict(from, to).expect_err(to), said);
    }
}
