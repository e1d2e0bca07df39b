//! What came of tests, for people: expected and found rows side by side, what is missing and what is unexpected marked.

use super::Counts;
use std::fmt::Write;
use std::time::Duration;
use tidegate_deploy::unit_test::{Difference, Line, Verdict};
use tidegate_topology::Source;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::source::Span;
use tidegate_topology::unit_test::Case;

/// Rows as expected that are shown on either side of one that is not.
const AROUND: usize = 3;

/// Characters of a cell that are shown.
const WIDEST: usize = 40;

fn painted(paint: Paint, code: &str, text: &str) -> String {
    match paint {
        Paint::Plain => text.to_owned(),
        Paint::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
    }
}

/// For what is wrong.
pub(super) fn red(paint: Paint, text: &str) -> String {
    painted(paint, "1;31", text)
}

fn green(paint: Paint, text: &str) -> String {
    painted(paint, "32", text)
}

/// The word for a verdict.
pub(super) fn word(verdict: &Verdict, paint: Paint) -> String {
    match verdict {
        Verdict::Passed => green(paint, "ok"),
        _ => red(paint, "FAILED"),
    }
}

/// How many tests there were, and what came of them.
pub(super) fn summary(counts: &Counts, took: Duration, paint: Paint) -> String {
    let Counts { passed, failed, left_out, broken } = *counts;
    let word = if failed + broken == 0 { green(paint, "ok") } else { red(paint, "FAILED") };
    let mut said = format!("test result: {word}. {passed} passed; {failed} failed");
    if left_out > 0 {
        let _ = write!(said, "; {left_out} filtered out");
    }
    if broken > 0 {
        let files = if broken == 1 { "file" } else { "files" };
        let _ = write!(said, "; {broken} broken {files}");
    }
    let _ = write!(said, "; finished in {:.2}s", took.as_secs_f64());
    said
}

/// Why a test has not passed.
pub(super) fn failure(
    source: &Source,
    case: &Case,
    verdict: &Verdict,
    paint: Paint,
    out: &mut String,
) {
    let _ = writeln!(out, "---- {}: {} ----", source.name(), painted(paint, "1", &case.name));
    let fails = case.fails.as_ref();
    let (part, span) = fails.map_or(("", case.span), |(part, span)| (part.as_str(), *span));
    let at = place(source, span);
    let _ = match verdict {
        Verdict::Passed => Ok(()),
        Verdict::Differs(differences) => {
            differences.iter().for_each(|one| difference(source, one, paint, out));
            Ok(())
        }
        Verdict::Failed(why) => writeln!(out, "{at}: the job failed: {why}\n"),
        Verdict::DidNotFail => {
            writeln!(out, "{at}: the job should have failed with `{part}`, but it did not fail\n")
        }
        Verdict::FailedOtherwise(why) => {
            writeln!(out, "{at}: the job should have failed with `{part}`, but it says: {why}\n")
        }
    };
}

fn place(source: &Source, span: Span) -> String {
    let place = source.place(span.start);
    format!("{}:{}:{}", source.name(), place.line, place.column)
}

fn difference(source: &Source, difference: &Difference, paint: Paint, out: &mut String) {
    let Difference { span, name, columns, lines } = difference;
    let count = |is: fn(&Line) -> bool| lines.iter().filter(|line| is(line)).count();
    let counts = [
        (count(|line| matches!(line, Line::Missing(_))), "missing"),
        (count(|line| matches!(line, Line::Unexpected(_))), "unexpected"),
        (count(|line| matches!(line, Line::Other(..))), "different"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let (at, counts) = (place(source, *span), counts.join(", "));
    let _ = writeln!(out, "{at}: `{name}` gave other rows than expected: {counts}\n");
    table(columns, lines, paint, out);
    out.push('\n');
}

/// A line of the table: its mark and both sides.
struct Shown<'a> {
    mark: char,
    left: Option<&'a [String]>,
    right: Option<&'a [String]>,
}

impl<'a> From<&'a Line> for Shown<'a> {
    fn from(line: &'a Line) -> Self {
        let (mark, left, right) = match line {
            Line::Same(row) => (' ', Some(row), Some(row)),
            Line::Other(left, right) => ('~', Some(left), Some(right)),
            Line::Missing(row) => ('-', Some(row), None),
            Line::Unexpected(row) => ('+', None, Some(row)),
        };
        Self { mark, left: left.map(Vec::as_slice), right: right.map(Vec::as_slice) }
    }
}

fn table(columns: &[String], lines: &[Line], paint: Paint, out: &mut String) {
    let shown: Vec<Shown<'_>> = lines.iter().map(Shown::from).collect();
    let sides = shown.iter().flat_map(|line| [line.left, line.right]).flatten();
    let mut widths: Vec<usize> = columns.iter().map(|name| name.chars().count()).collect();
    for row in sides {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count()).min(WIDEST);
        }
    }
    let width = (widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)).max(8);
    let heads = format!("    {:width$}   found", "expected");
    let _ = writeln!(out, "{heads}");
    let names = side(Some(columns), &widths);
    let _ = writeln!(out, "{}", format!("    {names:width$}   {names}").trim_end());
    let mut skipped = 0;
    for (at, line) in shown.iter().enumerate() {
        let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(shown.len());
        if shown[near].iter().all(|line| line.mark == ' ') {
            skipped += 1;
            continue;
        }
        skip(&mut skipped, out);
        let (left, right) = (side(line.left, &widths), side(line.right, &widths));
        let text = format!("  {} {left:width$}   {right}", line.mark);
        let text = text.trim_end();
        let text = match line.mark {
            ' ' => text.to_owned(),
            '+' => green(paint, text),
            _ => red(paint, text),
        };
        let _ = writeln!(out, "{text}");
    }
    skip(&mut skipped, out);
}

fn skip(skipped: &mut usize, out: &mut String) {
    if *skipped > 0 {
        let rows = if *skipped == 1 { "row" } else { "rows" };
        let _ = writeln!(out, "    ... {skipped} {rows} as expected");
        *skipped = 0;
    }
}

/// The cells of one side, each as wide as its column.
fn side(row: Option<&[String]>, widths: &[usize]) -> String {
    let cells = row.unwrap_or_default().iter().zip(widths).map(|(cell, width)| {
        let short: String = if cell.chars().count() > *width {
            cell.chars().take(width - 1).chain(['…']).collect()
        } else {
            cell.clone()
        };
        format!("{short:width$}")
    });
    cells.collect::<Vec<_>>().join("  ")
}
