//! Standard input and output, as a process of its own sees them.

use super::drive::{feed, identity, read, schema, values};
use crate::{Layout, changelog_print_sink, print_sink, stdin_source};
use std::io::Write;
use std::process::{Command, Stdio};
use tidegate_core::changelog::Change;
use tidegate_core::sink::SinkFactory;
use tidegate_core::source::SourceFactory;
use tidegate_file::Malformed;
use tidegate_rows::format::CsvDialect;
use tidegate_rows::{Row, Value};

const CHILD: &str = "TIDEGATE_TEST_TERMINAL_CHILD";

fn layout() -> Layout {
    let schema = schema(&[("id", "int64"), ("name", "string?")]);
    Layout::csv(&schema, CsvDialect::default(), true).unwrap()
}

/// Copies standard input to standard output, by two subtasks that take turns; tells what it left out.
#[test]
fn the_child_of_the_terminal() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let source = stdin_source(&layout(), None).on_malformed(Malformed::Skip);
    let read = read(&source, source.enumerate(2).unwrap(), 2, true).unwrap();
    let dropped = read.1;
    let print = print_sink(&layout());
    let mut subtasks = [0, 1].map(|index| print.create(&identity(index)).unwrap());
    for (number, row) in values(read).into_iter().enumerate() {
        feed(&mut subtasks[number % 2], vec![row]).unwrap();
    }
    let sign = changelog_print_sink(&Layout::json(&layout().schema())).unwrap();
    let change = Change::delete(Row::new([Value::Int64(dropped as i64), Value::Null]));
    feed(&mut sign.create(&identity(0)).unwrap(), vec![change]).unwrap();
    let narrow = vec![Row::new([Value::Int64(9), Value::Null]), Row::new([Value::Null])];
    let error = feed(&mut print.create(&identity(0)).unwrap(), narrow).unwrap_err().to_string();
    assert!(error.starts_with("a record cannot be printed: "), "{error}");
}

#[test]
fn standard_input_is_read_to_its_end_and_rows_are_printed_below_one_header() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "tests::terminal::the_child_of_the_terminal", "--nocapture"]);
    child.env(CHILD, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let text = "\u{feff}name,id\r\n\"a\nb\",1\r\n\r\nx,two\nc,3\n,4";
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let expected = "id,name\n1,\"a\nb\"\n3,c\n4,\n{\"change\":\"-\",\"id\":1,\"name\":null}\n9,\n";
    assert!(said.contains(expected), "{said}");
}
