//! Expressions against SQLite: random ones, well typed by construction, over random rows.
//!
//! A test binary of its own because it brings SQLite along. Where the two differ by design, nothing is drawn:
//! - SQLite has no booleans: TRUE and FALSE are compared as 1 and 0.
//! - `/` and `%` by zero give NULL there and an error here: divisors are constants other than zero.
//! - Integer overflow turns into floats there and is an error here: where there is an error here, nothing is compared.
//! - A float that is NaN becomes NULL there: floats are drawn small, and never divided by zero.
//! - `1.5` is a float there and a decimal here: float constants are written with an exponent.
//! - LIKE ignores case there unless told otherwise: `PRAGMA case_sensitive_like`.
//! - UPPER, LOWER there know ASCII only: text is drawn from ASCII.
//! - SUBSTR there counts position 0 as one before the first character: positions are drawn from 1, lengths from 0.
//! - ROUND there goes through text with 15 digits: numbers are drawn as halves and quarters, which are exact.
//! - GREATEST and LEAST are MAX and MIN of several arguments there; IF is IIF; POSITION is INSTR, turned around; `||`, COALESCE,
//!   NULLIF, TRIM, REPLACE, ABS are the same. CHAR_LENGTH is LENGTH.
//! - IS DISTINCT FROM is IS NOT there in older releases; the bundled one has both.
//! - CAST of text there reads the longest number at its start; here it is an error: only numbers are cast.
//! - Comparing columns of different types there goes by storage class; here integers are widened: mixed comparisons are
//!   drawn between integers and floats only, where both do it by value.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rusqlite::Connection;
use rusqlite::types::Value as Sqlite;
use tidegate_rows::expression::{Expression, Functions};
use tidegate_rows::{DataType, Field, Row, Schema, Value};

/// An expression in both languages.
#[derive(Clone, Debug)]
struct Both {
    ours: String,
    theirs: String,
}

fn same(text: impl Into<String>) -> Both {
    let ours = text.into();
    Both { theirs: ours.clone(), ours }
}

/// Builds the same text in both languages, with the parts in place of `{}`.
fn build(ours: &str, theirs: &str, parts: &[&Both]) -> Both {
    let fill = |template: &str, pick: fn(&Both) -> &str| {
        let mut pieces = template.split("{}");
        let mut text = pieces.next().unwrap_or("").to_owned();
        for (piece, part) in pieces.zip(parts) {
            text.push_str(pick(part));
            text.push_str(piece);
        }
        text
    };
    Both { ours: fill(ours, |both| &both.ours), theirs: fill(theirs, |both| &both.theirs) }
}

type Part = BoxedStrategy<Both>;

fn one_of(texts: &[&'static str]) -> Part {
    prop::sample::select(texts.to_vec()).prop_map(same).boxed()
}

/// A template for parts of these types.
fn form(ours: &'static str, theirs: &'static str, parts: Vec<Part>) -> Part {
    parts.prop_map(move |parts| build(ours, theirs, &parts.iter().collect::<Vec<_>>())).boxed()
}

fn int(depth: u32) -> Part {
    let leaf = prop_oneof![
        2 => one_of(&["i", "j"]),
        1 => (-5i64..6).prop_map(|number| same(format!("({number})"))),
    ]
    .boxed();
    if depth == 0 {
        return leaf;
    }
    let (a, t, c) = (|| int(depth - 1), || text(depth - 1), || truth(depth - 1));
    let arithmetic = |sign: &'static str| form(sign, sign, vec![a(), a()]);
    prop_oneof![
        leaf,
        arithmetic("({} + {})"),
        arithmetic("({} - {})"),
        arithmetic("({} * {})"),
        form("({} / 3)", "({} / 3)", vec![a()]),
        form("({} % -4)", "({} % -4)", vec![a()]),
        form("(-{})", "(-{})", vec![a()]),
        form("ABS({})", "ABS({})", vec![a()]),
        form("SIGN({})", "SIGN({})", vec![a()]),
        form("CHAR_LENGTH({})", "LENGTH({})", vec![t()]),
        (t(), t()).prop_map(|(part, whole)| Both {
            ours: format!("POSITION({} IN {})", part.ours, whole.ours),
            theirs: format!("INSTR({}, {})", whole.theirs, part.theirs),
        }),
        form("COALESCE({}, {})", "COALESCE({}, {})", vec![a(), a()]),
        form("NULLIF({}, {})", "NULLIF({}, {})", vec![a(), a()]),
        form("GREATEST({}, {})", "MAX({}, {})", vec![a(), a()]),
        form("LEAST({}, {})", "MIN({}, {})", vec![a(), a()]),
        form("IF({}, {}, {})", "IIF({}, {}, {})", vec![c(), a(), a()]),
        form("CASE WHEN {} THEN {} END", "CASE WHEN {} THEN {} END", vec![c(), a()]),
        form(
            "CASE {} WHEN {} THEN {} ELSE {} END",
            "CASE {} WHEN {} THEN {} ELSE {} END",
            vec![a(), a(), a(), a()]
        ),
    ]
    .boxed()
}

fn float(depth: u32) -> Part {
    let leaf = prop_oneof![
        2 => one_of(&["x", "y"]),
        1 => (-20i64..21).prop_map(|quarters| same(format!("({}e0)", quarters as f64 / 4.0))),
    ]
    .boxed();
    if depth == 0 {
        return leaf;
    }
    let (a, i, c) = (|| float(depth - 1), || int(depth - 1), || truth(depth - 1));
    prop_oneof![
        leaf,
        form("({} + {})", "({} + {})", vec![a(), i()]),
        form("({} - {})", "({} - {})", vec![a(), a()]),
        form("({} * {})", "({} * {})", vec![a(), a()]),
        form("({} / 4e0)", "({} / 4e0)", vec![a()]),
        form("ABS({})", "ABS({})", vec![a()]),
        form("ROUND({})", "ROUND({})", vec![one_of(&["x", "y", "(x / 2)", "(y * 3e0)"])]),
        form("CAST({} AS float64)", "CAST({} AS REAL)", vec![i()]),
        form("COALESCE({}, {})", "COALESCE({}, {})", vec![a(), a()]),
        form(
            "CASE WHEN {} THEN {} ELSE {} END",
            "CASE WHEN {} THEN {} ELSE {} END",
            vec![c(), a(), a()]
        ),
    ]
    .boxed()
}

fn text(depth: u32) -> Part {
    let leaf = prop_oneof![
        2 => one_of(&["s", "t"]),
        1 => "[abA %_]{0,3}".prop_map(|text| same(format!("'{text}'"))),
    ]
    .boxed();
    if depth == 0 {
        return leaf;
    }
    let (a, c) = (|| text(depth - 1), || truth(depth - 1));
    let small = || (1i64..4).prop_map(|number| same(number.to_string())).boxed();
    prop_oneof![
        leaf,
        form("({} || {})", "({} || {})", vec![a(), a()]),
        form("UPPER({})", "UPPER({})", vec![a()]),
        form("LOWER({})", "LOWER({})", vec![a()]),
        form("TRIM({})", "TRIM({})", vec![a()]),
        form("LTRIM({}, 'a')", "LTRIM({}, 'a')", vec![a()]),
        form("RTRIM({})", "RTRIM({})", vec![a()]),
        form("SUBSTRING({}, {}, {})", "SUBSTR({}, {}, {})", vec![a(), small(), small()]),
        form("SUBSTRING({}, {})", "SUBSTR({}, {})", vec![a(), small()]),
        form("REPLACE({}, 'a', {})", "REPLACE({}, 'a', {})", vec![a(), a()]),
        form("COALESCE({}, {})", "COALESCE({}, {})", vec![a(), a()]),
        form("NULLIF({}, {})", "NULLIF({}, {})", vec![a(), a()]),
        form(
            "CASE WHEN {} THEN {} ELSE {} END",
            "CASE WHEN {} THEN {} ELSE {} END",
            vec![c(), a(), a()]
        ),
    ]
    .boxed()
}

fn comparison(left: Part, right: Part) -> Part {
    let sign = prop::sample::select(vec![
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "IS DISTINCT FROM",
        "IS NOT DISTINCT FROM",
    ]);
    (left, sign, right)
        .prop_map(|(left, sign, right)| {
            let template = format!("({{}} {sign} {{}})");
            build(&template, &template, &[&left, &right])
        })
        .boxed()
}

fn truth(depth: u32) -> Part {
    let leaf = prop_oneof![
        one_of(&["TRUE", "FALSE", "(i IS NULL)", "(s IS NOT NULL)"]),
        comparison(int(0), int(0)),
        comparison(text(0), text(0)),
    ]
    .boxed();
    if depth == 0 {
        return leaf;
    }
    let (a, i, t) = (|| truth(depth - 1), || int(depth - 1), || text(depth - 1));
    let x = || float(depth - 1);
    let shape = |template: &'static str, parts| form(template, template, parts);
    prop_oneof![
        leaf,
        shape("({} AND {})", vec![a(), a()]),
        shape("({} OR {})", vec![a(), a()]),
        shape("({} AND {} AND {})", vec![a(), a(), a()]),
        shape("(NOT {})", vec![a()]),
        shape("({} IS TRUE)", vec![a()]),
        shape("({} IS NOT FALSE)", vec![a()]),
        form("({} IS UNKNOWN)", "({} IS NULL)", vec![a()]),
        comparison(i(), i()),
        comparison(x(), i()),
        comparison(t(), t()),
        shape("({} BETWEEN {} AND {})", vec![i(), i(), i()]),
        shape("({} NOT BETWEEN {} AND {})", vec![t(), t(), t()]),
        shape("({} IN ({}, {}))", vec![i(), i(), i()]),
        shape("({} NOT IN (1, 2, NULL))", vec![i()]),
        shape("({} IN ('a', 'b', 'ab'))", vec![t()]),
        shape("({} LIKE {})", vec![t(), t()]),
        shape("({} NOT LIKE 'a%b')", vec![t()]),
        shape("({} LIKE '%a' ESCAPE '!')", vec![t()]),
    ]
    .boxed()
}

fn schema() -> Schema {
    Schema::new([
        Field::nullable("i", DataType::Int64),
        Field::nullable("j", DataType::Int64),
        Field::nullable("x", DataType::Float64),
        Field::nullable("y", DataType::Float64),
        Field::nullable("s", DataType::String),
        Field::nullable("t", DataType::String),
    ])
    .expect("names differ")
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let null = || Just(Value::Null);
    let int = || prop_oneof![4 => (-6i64..7).prop_map(Value::Int64), 1 => null()];
    let float =
        || prop_oneof![4 => (-30i64..31).prop_map(|n| Value::Float64(n as f64 / 4.0)), 1 => null()];
    let text = || prop_oneof![4 => "[abAB %_]{0,4}".prop_map(Value::string), 1 => null()];
    (int(), int(), float(), float(), text(), text())
        .prop_map(|(i, j, x, y, s, t)| vec![i, j, x, y, s, t])
}

fn bound(value: &Value) -> Sqlite {
    match value {
        Value::Int64(value) => Sqlite::Integer(*value),
        Value::Float64(value) => Sqlite::Real(*value),
        Value::String(value) => Sqlite::Text(value.to_string()),
        Value::Boolean(value) => Sqlite::Integer((*value).into()),
        _ => Sqlite::Null,
    }
}

fn agree(both: &Both, values: Vec<Value>) -> Result<(), TestCaseError> {
    let fail = |what: String| TestCaseError::fail(format!("{}: {what}", both.ours));
    let parsed = Expression::parse(&both.ours).map_err(|errors| fail(errors[0].to_string()))?;
    let checked = match parsed.check(&schema(), &Functions::built_in()) {
        Ok(checked) => checked,
        // What fails for every row, such as an overflow of constants, is no matter for SQLite.
        Err(errors) if errors.iter().all(|error| error.code.number() == "X108") => return Ok(()),
        Err(errors) => return Err(fail(errors[0].to_string())),
    };
    let bindings: Vec<Sqlite> = values.iter().map(bound).collect();
    let Ok(ours) = checked.value().evaluate(&Row::new(values)) else { return Ok(()) };
    let connection = Connection::open_in_memory().map_err(|error| fail(error.to_string()))?;
    connection
        .execute_batch("PRAGMA case_sensitive_like = 1")
        .map_err(|error| fail(error.to_string()))?;
    let query = format!(
        "SELECT {} FROM (SELECT ?1 AS i, ?2 AS j, ?3 AS x, ?4 AS y, ?5 AS s, ?6 AS t)",
        both.theirs
    );
    let theirs: Sqlite = connection
        .query_row(&query, rusqlite::params_from_iter(bindings), |row| row.get(0))
        .map_err(|error| fail(format!("SQLite: {error}")))?;
    // Zeros of both signs are equal to SQL.
    prop_assert_eq!(bound(&ours), theirs, "{} / {}", both.ours, both.theirs);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn conditions_agree(both in truth(3), values in row()) {
        agree(&both, values)?;
    }

    #[test]
    fn integers_agree(both in int(3), values in row()) {
        agree(&both, values)?;
    }

    #[test]
    fn floats_agree(both in float(3), values in row()) {
        agree(&both, values)?;
    }

    #[test]
    fn texts_agree(both in text(3), values in row()) {
        agree(&both, values)?;
    }
}
