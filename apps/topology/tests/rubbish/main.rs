//! Rubbish in: whatever a file holds, it is read or refused, in bounded work, and what is said points into
//! the file.

mod by_chance;
#[path = "../../../../tests/fuzz/chance.rs"]
mod chance;
mod hostile;
#[path = "../../../../tests/fuzz/targets.rs"]
mod targets;

use proptest::prelude::*;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use tidegate_topology::code::Code;
use tidegate_topology::diagnostic::{Diagnostics, Paint};
use tidegate_topology::kinds::Kinds;
use tidegate_topology::tree::{self, Node, Value, Variables};
use tidegate_topology::{Loaded, Source, limits, load};

fn look(text: impl Into<String>) -> Loaded {
    let variables = [("A", "1"), ("B", "")].into_iter().collect();
    load(Source::new("rubbish.yaml", text), &variables, &Kinds::default())
}

fn check(text: &str) {
    targets::yaml(text.as_bytes());
}

fn corpus() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut texts = Vec::new();
    for folder in ["good", "broken"] {
        let files = fs::read_dir(tests.join(folder)).expect("the corpus");
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
        paths.sort();
        texts.extend(paths.iter().map(|path| fs::read_to_string(path).expect("a topology")));
    }
    texts
}

/// Text that is nearly a topology.
fn nearly_yaml() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "job",
        "name",
        "sources",
        "operators",
        "sinks",
        "inputs",
        "window",
        "filter",
        "a",
        "b",
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "\n  ",
        "\n    ",
        "'",
        "\"",
        "|",
        ">",
        "&a",
        "*a",
        "<<",
        "!x",
        "#",
        "1",
        "5s",
        "null",
        "true",
        "1e999",
        "${A}",
        "${",
        "\t",
        "ä",
        "\u{1f600}",
        "\r\n",
        "---",
        "\\",
        "?",
        "%",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn what_is_nearly_yaml_is_read_or_refused(text in nearly_yaml()) {
        check(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(source) = Source::from_bytes("bytes", bytes) {
            check(source.text());
        }
    }

    #[test]
    fn a_mutated_topology_is_read_or_refused(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..8, nearly_yaml()), 1..4),
    ) {
        let corpus = corpus();
        let mut text = which.get(&corpus).clone();
        for (at, length, put) in cuts {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end.max(start), &put[..put.floor_char_boundary(12)]);
        }
        check(&text);
    }
}

/// A value with the text that it is written as.
#[derive(Clone, Debug)]
enum Made {
    Text(String),
    List(Vec<Self>),
    Map(Vec<Self>),
}

fn made() -> impl Strategy<Value = Made> {
    let text = prop_oneof![
        "[a-z][a-z0-9]{0,8}".prop_map(Made::Text),
        "[ -~äß\n\t]{0,12}".prop_map(Made::Text),
    ];
    text.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Made::List),
            prop::collection::vec(inner, 1..4).prop_map(Made::Map),
        ]
    })
}

/// Writes a value as block or flow YAML, texts in double quotes.
fn write(made: &Made, indent: usize, flow: bool, out: &mut String) {
    let pad = " ".repeat(indent);
    match made {
        Made::Text(text) => {
            write!(out, "{}", serde_json::to_string(text).expect("JSON")).expect("text");
        }
        Made::List(items) if flow => {
            out.push('[');
            for item in items {
                write(item, 0, true, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        Made::Map(values) if flow => {
            out.push('{');
            for (at, value) in values.iter().enumerate() {
                write!(out, "k{at}: ").expect("text");
                write(value, 0, true, out);
                out.push_str(", ");
            }
            out.push('}');
        }
        Made::List(items) => {
            for item in items {
                write!(out, "\n{pad}- ").expect("text");
                write(item, indent + 2, matches!(item, Made::Text(_)), out);
            }
        }
        Made::Map(values) => {
            for (at, value) in values.iter().enumerate() {
                write!(out, "\n{pad}k{at}: ").expect("text");
                write(value, indent + 2, at % 2 == 1, out);
            }
        }
    }
}

fn same(node: &Node, made: &Made, text: &str) {
    match (&node.value, made) {
        (Value::Scalar(scalar), Made::Text(expected)) => {
            assert_eq!(&scalar.text, expected);
            let written = &text[node.span.range()];
            assert_eq!(written, serde_json::to_string(expected).expect("JSON"));
            // Each stretch of the text is found in the file, in its order.
            for (at, c) in expected.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                let span = scalar.span_within(text, node.span, at..at + c.len_utf8());
                assert_eq!(
                    text[span.range()].chars().next(),
                    Some(c),
                    "{expected:?} at {at} in {written}"
                );
            }
        }
        (Value::Sequence(items), Made::List(expected)) => {
            assert_eq!(items.len(), expected.len());
            items.iter().zip(expected).for_each(|(item, made)| same(item, made, text));
        }
        (Value::Mapping(entries), Made::Map(expected)) => {
            assert_eq!(entries.len(), expected.len());
            for (at, (entry, made)) in entries.iter().zip(expected).enumerate() {
                assert_eq!(&text[entry.key_span.range()], format!("k{at}"));
                assert!(entry.value.span.start >= entry.key_span.end);
                same(&entry.value, made, text);
            }
        }
        (value, made) => panic!("{value:?} is not {made:?}"),
    }
}

proptest! {
    #[test]
    fn the_tree_says_what_was_written_and_where(made in made(), flow in any::<bool>()) {
        let mut text = String::from("k: ");
        write(&made, 2, flow || matches!(made, Made::Text(_)), &mut text);
        text.push('\n');
        let source = Source::new("made.yaml", text.clone());
        let mut found = Diagnostics::new();
        let tree = tree::read(&source, &Variables::default(), &mut found);
        let only_variables = found.sorted().iter().all(|one| one.code == Code::MalformedVariable);
        prop_assert!(only_variables, "{:?}", found);
        let tree = tree.expect("a tree");
        if found.is_empty() && !text.contains("$") {
            same(&tree.entries()[0].value, &made, &text);
        }
    }
}

fn only_code(text: &str) -> Code {
    let loaded = look(text);
    let sorted = loaded.diagnostics.sorted();
    assert!(!sorted.is_empty(), "nothing was found");
    sorted[0].code
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("x-a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(only_code(&nested(limits::DEPTH + 1)), Code::TooMuch);
    assert_eq!(only_code(&nested(100_000)), Code::TooMuch);
    assert_ne!(only_code(&nested(limits::DEPTH - 4)), Code::TooMuch);
    let mut block = String::from("x-a:\n");
    for depth in 1..200 {
        let _ = writeln!(block, "{}a:", " ".repeat(depth));
    }
    assert_eq!(only_code(&block), Code::TooMuch);
}

#[test]
fn values_are_bounded() {
    let many = |count: usize| format!("x-a: [{}]\n", "1,".repeat(count));
    assert_eq!(only_code(&many(limits::NODES + 1)), Code::TooMuch);
    assert_ne!(only_code(&many(limits::NODES - 100)), Code::TooMuch);
}

#[test]
fn aliases_are_bounded() {
    let mut bomb = String::from("x-a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (before, name) in "abcdefghi".chars().zip("bcdefghij".chars()) {
        let ten = format!("*{before},").repeat(10);
        let _ = writeln!(bomb, "x-{name}: &{name} [{ten}]");
    }
    assert!(matches!(only_code(&bomb), Code::Alias | Code::TooMuch));
    assert_eq!(only_code("x-a: &a [*a]\n"), Code::Alias);
    assert_eq!(only_code("x-a: &a { b: &b [*a] }\n"), Code::Alias);
    assert_eq!(only_code("x-a: *b\n"), Code::Alias);
    // A few are fine, and what they stand for is counted.
    let loaded = look(format!("x-a: &a [1, 2]\nx-b: [{}]\n", "*a,".repeat(50)));
    assert_eq!(
        loaded.tree.expect("a tree").entry("x-b").expect("the list").value.children().count(),
        50
    );
}

#[test]
fn a_large_file_is_not_read() {
    let path = std::env::temp_dir().join(format!("tidegate-topology-{}.yaml", std::process::id()));
    let file = fs::File::create(&path).expect("a file");
    // A hole of 100 MB: to read it would be to allocate it.
    file.set_len(100 << 20).expect("a hole");
    let error = Source::read(&path).expect_err("a file that is too large");
    assert_eq!(error.message, "the file is too large: 104857600 bytes, more than 1 MiB");
    fs::remove_file(&path).expect("the file is still there");
    assert!(
        Source::read(&path).expect_err("no file").message.starts_with("the file cannot be read")
    );
    assert!(Source::read(&std::env::temp_dir()).is_err());
}

#[test]
fn no_more_is_said_than_anybody_reads() {
    let mut text = String::from("job: { name: a }\nsources:\n");
    for n in 0..500 {
        let _ = writeln!(text, "  s{n}: {{ file: {{ formt: json }} }}");
    }
    let loaded = look(text);
    assert_eq!(loaded.diagnostics.len(), limits::DIAGNOSTICS);
    assert!(loaded.diagnostics.left_out() > 300);
    assert!(loaded.render(Paint::Plain).contains("more that are not shown"));
}

#[test]
fn a_long_chain_of_nodes_is_walked_without_recursion() {
    let mut text = String::from(
        "job: { name: a }\nsources: { s0: { file: { path: in.json, format: json }, schema: { a: int64 } } }\noperators:\n",
    );
    for n in 1..2_000 {
        let _ = writeln!(text, "  s{n}: {{ inputs: [s{}], filter: a > {n} }}", n - 1);
    }
    text.push_str("sinks: { out: { inputs: [s1999], print: {} } }\n");
    let loaded = look(text);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(Paint::Plain));
    assert_eq!(loaded.graph.expect("a graph").order.len(), 2_001);
}
