//! A short run of the fuzzer's targets, without the fuzzer; the fuzzer itself, which sees which code a change reaches, is in
//! `tests/fuzz`.
//!
//! `TIDEGATE_FUZZ_ROUNDS=1000000 cargo test -p tidegate-topology --test rubbish by_chance` runs longer.

use crate::chance::smoke;
use crate::{corpus, targets};
use std::fs;
use std::path::Path;

/// The examples of every built-in function, and expressions of each form.
fn expressions() -> Vec<String> {
    let forms = [
        "i = 7 and (n > -1 or b) and not (f is null)",
        "case when i > 3 then s when n in (1, 2, null) then 'x' else u.name end",
        "case i when 1 then d else cast(f as decimal) end + 1.50",
        "s like '%a_' escape '!' or s not like 'b%' and s between 'a' and 'z'",
        "t + interval '5' minute > timestamp '2026-11-27 12:00:00' and extract(hour from t) = 3",
        "coalesce(n, i) * 2 - i / 3 % 4 is distinct from nullif(i, 7)",
        "xs[1] + xs[i] > 0 and u is not null and \"u\".id <> 1",
        "try_cast(s as bigint) is null or s || 'ä' = upper(trim(s))",
        "i == 1 && !b ? 'a' : 'b'",
    ];
    let built_in = tidegate_rows::expression::built_ins().flat_map(|one| one.examples);
    let examples = built_in.map(|(expression, _)| (*expression).to_owned());
    forms.map(str::to_owned).into_iter().chain(examples).collect()
}

/// The texts of a folder's files whose names end so, by name.
fn files(folder: &Path, end: &str) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    assert!(!files.is_empty(), "nothing ends in {end}");
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).expect("a text")).collect()
}

#[test]
fn any_topology_is_read_or_refused() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let lessons =
        files(&config, ".yaml").into_iter().chain(files(&config.join("nexmark"), ".yaml"));
    smoke("yaml", targets::yaml, &corpus().into_iter().chain(lessons).collect::<Vec<_>>());
}

#[test]
fn any_expression_is_compiled_or_refused_and_has_values_of_its_type() {
    let expressions = expressions();
    assert!(expressions.len() > 100, "each function has an example");
    smoke("expression", targets::expression, &expressions);
}

#[test]
fn any_tests_are_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_tests");
    let texts = files(&folder, ".test.yaml");
    let whole = "tests:
  - name: a
    feed:
      - clicks: [{ user: 1, item: 2, behavior: buy, at: '2017-11-26T01:00:00Z' }, &b { user: 1, item: 2, at: 1970-01-01 }]
      - watermark: { clicks: 2017-11-26T01:00:00Z, keys: -5 }
      - time: 10000
      - advance: 1m 5s
      - expect: { views.buys: { rows: [*b], unordered: true, only: [item, user] }, out: [] }
      - { keys: [{ key: 1 }], at: 5 }
    expect:
      changes: [{ +I: { n: 1 } }, { '-': { n: 1 } }]
    fails: no such thing
    end: false
".to_owned();
    let texts = texts.into_iter().chain([whole]);
    smoke("unit_test", targets::unit_test, &texts.collect::<Vec<_>>());
}
