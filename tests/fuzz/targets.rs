//! What is fuzzed of topologies: a function for each target, which is given any bytes and panics when a promise is broken.
//!
//! Apart from the programs of the fuzzer because the tests of the workspace run the same functions, over a corpus that is
//! changed by chance (`chance.rs`): `apps/topology/tests/rubbish/by_chance.rs`.

use std::sync::{Arc, LazyLock};
use tidegate_rows::expression::{Checked, Expression, ExpressionError, Functions};
use tidegate_rows::{DataType, Field, Row, Schema, Value};
use tidegate_topology::diagnostic::{Diagnostics, Paint, to_json};
use tidegate_topology::kinds::Kinds;
use tidegate_topology::tree::Node;
use tidegate_topology::{Source, limits, load, source::Unreadable, unit_test as tests};

/// A topology: it is read or refused; every place lies in the text, and nothing is said without words.
///
/// # Panics
/// When that is not so.
pub(crate) fn yaml(bytes: &[u8]) {
    let Ok(source) = Source::from_bytes("fuzz.yaml", bytes.to_vec()) else { return };
    let text = source.text().to_owned();
    let variables = [("A", "1"), ("B", "")].into_iter().collect();
    let loaded = load(source, &variables, &Kinds::default());
    sound(&loaded.diagnostics, &text);
    let rendered = loaded.render(Paint::Plain);
    assert_eq!(rendered.is_empty(), loaded.diagnostics.is_empty());
    assert!(to_json(&loaded.source, &loaded.diagnostics).is_array());
    if let Some(tree) = &loaded.tree {
        spans(tree, &text);
    }
    assert!(loaded.plan.is_some() || loaded.diagnostics.has_errors(), "refused without a word");
}

fn sound(diagnostics: &Diagnostics, text: &str) {
    for one in diagnostics.sorted() {
        assert!(one.span.start <= one.span.end && one.span.end <= text.len(), "{one:?}");
        assert!(text.is_char_boundary(one.span.start) && text.is_char_boundary(one.span.end));
        assert!(!one.message.is_empty() && !one.message.contains('\u{1}'), "{one:?}");
    }
    assert!(diagnostics.len() <= limits::DIAGNOSTICS);
}

/// A file with tests of a topology: as a topology, and what is read of it fits the topology.
///
/// # Panics
/// When that is not so.
pub(crate) fn unit_test(bytes: &[u8]) {
    let topology = include_str!("../../apps/topology/tests/broken_tests/clicks.yaml");
    let find = |name: &str| match name {
        "clicks.yaml" => Ok(Source::new(name, topology)),
        _ => Err(Unreadable { message: "there is no such file".into(), help: "look".into() }),
    };
    let Ok(source) = Source::from_bytes("clicks.test.yaml", bytes.to_vec()) else { return };
    let text = source.text().to_owned();
    let loaded = tests::load(source, &find, &Kinds::default());
    sound(&loaded.diagnostics, &text);
    let rendered = loaded.render(Paint::Plain);
    let Some(cases) = &loaded.cases else {
        return assert!(!rendered.is_empty(), "refused without a word");
    };
    assert!(!loaded.diagnostics.has_errors(), "{rendered}");
    for case in cases {
        assert!(text.get(case.span.range()).is_some());
        for expected in case.expectations() {
            assert!(text.get(expected.span.range()).is_some());
            assert_eq!(expected.columns.len(), expected.schema.len());
            for one in &expected.rows {
                assert_eq!(one.row.fits(&expected.schema), Ok(()));
            }
        }
    }
}

fn spans(node: &Node, text: &str) {
    assert!(text.get(node.span.range()).is_some(), "{:?} lies outside", node.span);
    for entry in node.entries() {
        assert!(text.get(entry.key_span.range()).is_some());
    }
    node.children().for_each(|child| spans(child, text));
}

/// An expression: it is refused with places in its text, in this house's words, or it is compiled; then it has a value of
/// its type for every row, or an error with a place.
///
/// # Panics
/// When that is not so.
pub(crate) fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = match Expression::parse(text) {
        Ok(parsed) => parsed,
        Err(errors) => return refused(text, &errors),
    };
    let World { schema, functions, rows } = &*WORLD;
    let checked = match parsed.check(schema, functions) {
        Ok(checked) => checked,
        Err(errors) => return refused(text, &errors),
    };
    assert!(checked.columns().iter().all(|column| *column < schema.len()));
    for row in rows {
        evaluated(&checked, row, text);
    }
    conjuncts(&parsed, &checked);
}

fn refused(text: &str, errors: &[ExpressionError]) {
    assert!(!errors.is_empty(), "refused without a word");
    for error in errors {
        assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?} lies outside");
        let said = &error.message;
        assert!(!said.is_empty() && said.len() < 2_000, "{said}");
        for of_the_parser in ["infix", "sql parser", "Expected", "BUG", "EOF"] {
            // What is quoted is the user's.
            let quoted = text.contains(of_the_parser);
            assert!(quoted || !said.contains(of_the_parser), "{said}");
        }
    }
}

fn evaluated(checked: &Checked, row: &Row, text: &str) {
    match checked.value().evaluate(row) {
        Ok(value) => {
            let fits = value.fits(checked.data_type(), checked.nullable());
            assert!(fits, "{} is no {checked:?}", value.shown());
            let constant = checked.constant();
            assert!(constant.is_none_or(|constant| *constant == value), "{constant:?} {value:?}");
            if let Ok(predicate) = checked.predicate() {
                assert_eq!(predicate.test(row), Ok(value == Value::Boolean(true)));
            }
        }
        Err(error) => {
            assert!(!checked.value().never_fails(), "{error}");
            assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}");
            assert!(!error.message.is_empty());
        }
    }
}

/// A condition is TRUE just where its parts are.
fn conjuncts(parsed: &Expression, whole: &Checked) {
    let (Ok(whole), World { schema, functions, rows }) = (whole.predicate(), &*WORLD) else {
        return;
    };
    let parts = parsed.conjuncts().into_iter().map(|part| {
        let checked = part.check(schema, functions).ok()?;
        checked.predicate().ok()
    });
    let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return };
    for row in rows {
        let parts: Result<Vec<bool>, _> = parts.iter().map(|part| part.test(row)).collect();
        if let (Ok(whole), Ok(parts)) = (whole.test(row), parts) {
            assert_eq!(whole, parts.into_iter().all(|one| one));
        }
    }
}

/// What expressions are checked for and see.
struct World {
    schema: Schema,
    functions: Functions,
    rows: Vec<Row>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let inner =
        vec![Field::required("id", DataType::Int64), Field::nullable("name", DataType::String)];
    let columns = [
        Field::required("i", DataType::Int64),
        Field::nullable("n", DataType::Int64),
        Field::nullable("f", DataType::Float64),
        Field::nullable("d", DataType::Decimal),
        Field::nullable("s", DataType::String),
        Field::nullable("t", DataType::Timestamp),
        Field::nullable("b", DataType::Boolean),
        Field::nullable("x", DataType::Bytes),
        Field::nullable("xs", DataType::list_of(DataType::Int64)),
        Field::nullable("u", DataType::Struct(inner.into())),
    ];
    let schema = Schema::new(columns).expect("names that differ");
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
    let some = Row::new([
        Value::Int64(7),
        Value::Int64(-1),
        Value::Float64(120.5),
        decimal("12.50"),
        Value::string("Buch ä {\"a\": 1}"),
        Value::Timestamp(1_795_786_200_000),
        Value::Boolean(true),
        Value::Bytes(Arc::from(&b"\0\xff"[..])),
        Value::list([Value::Int64(10), Value::Int64(20)]),
        Value::structure([Value::Int64(1), Value::Null]),
    ]);
    let none = std::iter::once(Value::Int64(0)).chain((1..10).map(|_| Value::Null)).collect();
    let most = Row::new([
        Value::Int64(i64::MIN),
        Value::Int64(i64::MAX),
        Value::Float64(f64::NAN),
        decimal("79228162514264337593543950335"),
        Value::string("x".repeat(300)),
        Value::Timestamp(i64::MAX),
        Value::Boolean(false),
        Value::Bytes(Arc::from(&b""[..])),
        Value::list([]),
        Value::structure([Value::Int64(i64::MIN), Value::string("")]),
    ]);
    World { schema, functions: Functions::built_in(), rows: vec![some, none, most] }
});
