//! The JSON Schemas beside the files that they are for, as an editor sees them: with a validator that is not of this house.
//!
//! A schema that refuses what is taken is wrong. The other way round it sees the form of a file, and of what is said of form
//! it must see every piece; what it cannot know stands in a list.

use boon::{Compiler, ErrorKind, InstanceToken, SchemaIndex, Schemas, ValidationError};
use serde_json::{Map, Number, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tidegate_topology::code::Code;
use tidegate_topology::diagnostic::{Diagnostic, Diagnostics, Paint, Severity};
use tidegate_topology::kinds::Kinds;
use tidegate_topology::source::{Span, Unreadable};
use tidegate_topology::tree::{self, Node, ScalarKind, Value, Variables};
use tidegate_topology::{Source, load, unit_test};

/// What is no matter of form: the file as a text, names that belong together, columns, expressions, and values with a
/// grammar or a meaning of their own.
const UNSEEN: &[Code] = &[
    // The text.
    Code::Syntax,
    Code::DuplicateKey,
    Code::KeyNotText,
    Code::UnsetVariable,
    Code::MalformedVariable,
    // Keys that do not go together, and values beside their words and units.
    Code::Contradiction,
    Code::BadTimeZone,
    Code::BadName,
    Code::OutOfRange,
    Code::BadAggregate,
    Code::UnknownFunction,
    Code::UnknownType,
    Code::EmptyText,
    Code::BadPath,
    // The graph.
    Code::UnknownInput,
    Code::UnknownSideOutput,
    Code::WrongInputs,
    Code::Cycle,
    Code::SinkAsInput,
    Code::DuplicateName,
    Code::NoSource,
    Code::SameInputTwice,
    Code::MissingWatermark,
    Code::Retracting,
    Code::Parallelism,
    Code::BadWindow,
    Code::BadTrigger,
    Code::DuplicateColumn,
    Code::BadPattern,
    Code::BadInterval,
    // Columns and rows.
    Code::UnlikeSchemas,
    Code::KeyMismatch,
    Code::BadKey,
    Code::BadRow,
    Code::Unwritable,
    Code::ReservedColumn,
    // What tests say of their topology.
    Code::BadTopology,
    Code::UnknownTested,
    Code::BadStep,
    Code::BadExpectation,
    Code::BadTime,
    // Expressions.
    Code::ExpressionLimit,
    Code::ExpressionSyntax,
    Code::ExpressionUnsupported,
    Code::UnknownColumn,
    Code::UnknownScalar,
    Code::TypeMismatch,
    Code::ArgumentCount,
    Code::InvalidCast,
    Code::UnknownField,
    Code::InvalidConstant,
    Code::AlwaysFails,
    Code::UntypedNull,
    Code::WrongResult,
];

/// Codes of form where they are a matter of meaning.
const BY_MEANING: &[(&str, Code)] = &[
    // Columns and event time are needed by some formats and sources.
    ("columns_missing.yaml", Code::MissingKey),
    ("event_time_of_numbers.yaml", Code::MissingKey),
    ("stdin.yaml", Code::MissingKey),
    // Here also a path that is empty.
    ("folder.yaml", Code::MissingKey),
    // A program registers lookups by name.
    ("lookup_unknown.yaml", Code::UnknownKind),
    // `9000000d` is too long.
    ("times.test.yaml", Code::BadDuration),
];

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of some folders, and their texts.
fn files(folders: &[&str], is_test: bool) -> Vec<(String, String)> {
    let all = folders.iter().flat_map(|path| fs::read_dir(folder(path)).expect("a folder"));
    let mut paths: Vec<PathBuf> = all.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    paths.retain(|path| path.to_string_lossy().ends_with(".test.yaml") == is_test);
    // Of a kind that only the program `nexmark` knows.
    paths.retain(|path| !path.ends_with("q6.yaml"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a text");
        (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

/// A schema as it lies in the repository.
struct Checker {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Checker {
    fn of(name: &str) -> Self {
        let text = fs::read_to_string(folder("../../config/schema").join(name)).expect("a schema");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(name, serde_json::from_str(&text).expect("JSON")).expect("a name");
        // It is checked against the schema of draft 7 itself.
        let index =
            compiler.compile(name, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    /// What the schema says against a file: where, and what.
    fn refusals(&self, tree: &Node, text: &str) -> Vec<(Span, String)> {
        let (instance, mut found) = (as_json(tree, text), Vec::new());
        if let Err(error) = self.schemas.validate(&instance, self.index) {
            innermost(&error, tree, &mut found);
        }
        found
    }
}

/// The refusals that have no others as their cause, by their places in the file: a value with its key.
fn innermost(error: &ValidationError<'_, '_>, tree: &Node, found: &mut Vec<(Span, String)>) {
    if !error.causes.is_empty() {
        return error.causes.iter().for_each(|cause| innermost(cause, tree, found));
    }
    // What is said of the whole file stands at its beginning: else it would hide everything.
    let (mut at, mut place) = (tree, Span::new(0, tree.span.start + 1));
    for token in &error.instance_location.tokens {
        (at, place) = match token {
            InstanceToken::Prop(key) => {
                let entry = at.entry(key).expect("a key of the file");
                (&entry.value, entry.key_span.to(entry.value.span))
            }
            InstanceToken::Item(index) => {
                let item = at.children().nth(*index).expect("an item of the file");
                (item, item.span)
            }
        };
    }
    let told = format!("{}: {}", error.instance_location, error.kind);
    match &error.kind {
        ErrorKind::AdditionalProperties { got } => {
            let entries = got.iter().filter_map(|key| at.entry(key));
            found.extend(entries.map(|entry| (entry.key_span, told.clone())));
        }
        _ => found.push((place, told)),
    }
}

/// What an editor sees: aliases and merges are resolved, variables are not, and `20_000` is text in YAML 1.2.
fn as_json(node: &Node, text: &str) -> serde_json::Value {
    match &node.value {
        Value::Null => json!(null),
        Value::Sequence(items) => items.iter().map(|item| as_json(item, text)).collect(),
        Value::Mapping(entries) => {
            let member = |entry: &tree::Entry| (entry.key.clone(), as_json(&entry.value, text));
            serde_json::Value::Object(entries.iter().map(member).collect::<Map<_, _>>())
        }
        Value::Scalar(scalar) if scalar.interpolated => {
            json!(text[node.span.range()].trim_matches('"'))
        }
        Value::Scalar(scalar) if scalar.text.contains('_') => json!(scalar.text),
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Bool(truth) => json!(truth),
            ScalarKind::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => json!(number),
                (_, Ok(number)) => json!(number),
                _ => json!(number as f64),
            },
            ScalarKind::Float(number) => {
                Number::from_f64(number).map_or(json!(scalar.text), Into::into)
            }
            ScalarKind::Text => json!(scalar.text),
        },
    }
}

fn variables() -> Variables {
    [("DATA", "data/clicks.csv"), ("EMPTY", "")].into_iter().collect()
}

/// The tree of a file, if it is YAML.
fn tree_of(text: &str) -> Option<Node> {
    tree::read(&Source::new("a.yaml", text), &variables(), &mut Diagnostics::new())
}

#[test]
fn what_is_taken_is_valid() {
    let (topologies, tests) = (Checker::of("topology.json"), Checker::of("test.json"));
    let folders = ["../../config", "../../config/nexmark", "tests/good", "../cli/examples/init"];
    let mut wrong = Vec::new();
    let (of_topologies, of_tests) = (files(&folders, false), files(&folders, true));
    assert!(
        of_topologies.len() > 45 && of_tests.len() >= 4,
        "{} {}",
        of_topologies.len(),
        of_tests.len()
    );
    let (of_topologies, of_tests) = (of_topologies.iter(), of_tests.iter());
    let all =
        of_topologies.map(|file| (file, &topologies)).chain(of_tests.map(|file| (file, &tests)));
    for ((name, text), schema) in all {
        let Some(tree) = tree_of(text) else { continue };
        let told = schema.refusals(&tree, text);
        wrong.extend(told.into_iter().map(|(_, told)| format!("{name}{told}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_variable_stands_for_any_value_and_digits_may_be_grouped() {
    let text = r#"job:
  name: ${A:-a}
  parallelism: ${A:-2}
  rate: ${A:-1.5}
  checkpoint: { mode: "${A:-exactly-once}", interval: "${A:-5s}" }
  metrics:
    enabled: ${A:-false}
sources:
  clicks:
    generator: { clicks: { events: 20_000, seed: 7 } }
    schema: { user_id: int64, item_id: int64, category_id: int64, behavior: string, timestamp: int64 }
    event_time: { timestamp: "TO_TIMESTAMP_LTZ(timestamp, 0)", watermark: "${A:-monotonous}" }
sinks:
  none: { inputs: clicks, discard: }
"#;
    let loaded = load(Source::new("a.yaml", text), &Variables::default(), &Kinds::default());
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.render(Paint::Plain));
    let tree = tree_of(text).expect("YAML");
    assert_eq!(Checker::of("topology.json").refusals(&tree, text), []);
    // What stands for a number must still be one.
    for (right, wrong) in [
        ("${A:-2}", "two"),
        ("20_000", "20k"),
        ("${A:-false}", "yes"),
        ("${A:-monotonous}", "mono"),
    ] {
        let text = text.replace(right, wrong);
        let tree = tree_of(&text).expect("YAML");
        assert!(!Checker::of("topology.json").refusals(&tree, &text).is_empty(), "{wrong}");
    }
}

/// The codes of what the loader says against a file where the schema says nothing.
fn unseen(tree: &Node, text: &str, found: &Diagnostics, schema: &Checker) -> BTreeSet<Code> {
    let told = schema.refusals(tree, text);
    let meets = |one: Span, other: Span| one.start <= other.end && other.start <= one.end;
    let is_seen = |one: &Diagnostic| told.iter().any(|(place, _)| meets(*place, one.span));
    let errors = found.sorted().into_iter().filter(|one| one.severity() == Severity::Error);
    errors.filter(|one| !is_seen(one)).map(|one| one.code).collect()
}

#[test]
fn what_is_wrong_in_form_is_seen() {
    let (of_topologies, of_tests) = (Checker::of("topology.json"), Checker::of("test.json"));
    let (mut missed, mut codes, mut meant) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut look = |name: &str, found: BTreeSet<Code>| {
        for code in found {
            let by_meaning = BY_MEANING.iter().position(|one| *one == (name, code));
            match by_meaning {
                Some(at) => drop(meant.insert(at)),
                None if UNSEEN.contains(&code) => drop(codes.insert(code)),
                None => missed.push(format!("{name}: {}", code.name())),
            }
        }
    };
    for (name, text) in files(&["tests/broken"], false) {
        let Some(tree) = tree_of(&text) else { continue };
        let loaded = load(Source::new(&*name, &*text), &variables(), &Kinds::default());
        look(&name, unseen(&tree, &text, &loaded.diagnostics, &of_topologies));
    }
    let find = |name: &str| {
        let read = fs::read_to_string(folder("tests/broken_tests").join(name));
        let lost = |_| Unreadable { message: "it is not there".into(), help: "look".into() };
        read.map(|text| Source::new(name, text)).map_err(lost)
    };
    for (name, text) in files(&["tests/broken_tests"], true) {
        let Some(tree) = tree_of(&text) else { continue };
        let loaded = unit_test::load(Source::new(&*name, &*text), &find, &Kinds::default());
        look(&name, unseen(&tree, &text, &loaded.diagnostics, &of_tests));
    }
    assert!(missed.is_empty(), "the schema does not see\n{}", missed.join("\n"));
    let listed = UNSEEN.iter().filter(|code| !codes.contains(code)).map(|code| code.name());
    let seen: Vec<&str> = listed.collect();
    assert!(seen.is_empty(), "the schema sees each {seen:?}: take them off the list");
    let all = BY_MEANING.iter().enumerate().filter(|(at, _)| !meant.contains(at));
    let idle: Vec<_> = all.map(|(_, one)| one).collect();
    assert!(idle.is_empty(), "the schema sees {idle:?}: take them off the list");
}
