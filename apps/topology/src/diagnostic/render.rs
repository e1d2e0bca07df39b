//! Diagnostics for people, with the line and the text underlined, and for programs, as JSON.

use super::{Diagnostic, Diagnostics, Severity};
use crate::code::Code;
use crate::limits;
use crate::source::Source;
use serde::Serialize;
use std::fmt::Write;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Plain text.
    Plain,
    /// With the colours of a terminal.
    Coloured,
}

impl Paint {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured if text.is_empty() => String::new(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

const BOLD: &str = "1";
const BLUE: &str = "1;34";

fn colour(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Error => ("error", "1;31"),
        Severity::Warning => ("warning", "1;33"),
    }
}

/// All diagnostics of a source, in the order of the file, and how many there are.
#[must_use]
pub fn render(source: &Source, diagnostics: &Diagnostics, paint: Paint) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        one(source, diagnostic, paint, &mut out);
        out.push('\n');
    }
    if !diagnostics.is_empty() {
        out.push_str(&summary(source, diagnostics));
        out.push('\n');
    }
    out
}

/// How many diagnostics there are, in one line.
#[must_use]
pub fn summary(source: &Source, diagnostics: &Diagnostics) -> String {
    let count =
        |severity| diagnostics.sorted().iter().filter(|one| one.severity() == severity).count();
    let many = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut said = match (errors, warnings) {
        (0, 0) => "no errors".to_owned(),
        (_, 0) => many(errors, "error"),
        (0, _) => many(warnings, "warning"),
        _ => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    };
    if diagnostics.left_out() > 0 {
        let _ = write!(said, ", and {} more that are not shown", diagnostics.left_out());
    }
    format!("{}: {said}", source.name())
}

fn one(source: &Source, diagnostic: &Diagnostic, paint: Paint, out: &mut String) {
    let (word, tint) = colour(diagnostic.severity());
    let head = paint.paint(tint, &format!("{word}[{}]", diagnostic.code.name()));
    let message = paint.paint(BOLD, &format!(": {}", diagnostic.message));
    let _ = writeln!(out, "{head}{message}");
    let help = paint.paint(BOLD, "help");
    if diagnostic.code == Code::Unreadable {
        let _ = writeln!(out, " {} {}", paint.paint(BLUE, "-->"), source.name());
        let _ = writeln!(out, "  {} {help}: {}", paint.paint(BLUE, "="), diagnostic.help);
        return;
    }
    let (origin, place) = source.origin(diagnostic.span.start);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let arrow = paint.paint(BLUE, "-->");
    let _ = writeln!(out, "{margin}{arrow} {}:{}:{}", origin, place.line, place.column);
    let bar = paint.paint(BLUE, "|");
    let excerpt = Excerpt::new(source, diagnostic);
    let _ = writeln!(out, "{margin} {bar}");
    let shown = format!("{} {bar} {}", paint.paint(BLUE, &number), excerpt.line);
    let _ = writeln!(out, "{}", shown.trim_end());
    let underline = paint.paint(tint, &"^".repeat(excerpt.width));
    let label = paint.paint(tint, &diagnostic.label);
    let pointed = format!("{margin} {bar} {}{underline} {label}", " ".repeat(excerpt.before));
    out.push_str(pointed.trim_end());
    out.push('\n');
    if !diagnostic.help.is_empty() {
        let _ = writeln!(out, "{margin} {} {help}: {}", paint.paint(BLUE, "="), diagnostic.help);
    }
}

/// A line as it is shown, and what of it is underlined, in characters.
struct Excerpt {
    line: String,
    before: usize,
    width: usize,
}

impl Excerpt {
    fn new(source: &Source, diagnostic: &Diagnostic) -> Self {
        let place = source.place(diagnostic.span.start);
        let end = source.place(diagnostic.span.end);
        let line: Vec<char> = source.line(place.line).chars().collect();
        let from = (place.column - 1).min(line.len());
        let to = if end.line == place.line { end.column - 1 } else { line.len() };
        let to = to.clamp(from, line.len().max(from));
        // A long line is shown around what is wrong.
        let half = limits::SHOWN_LINE / 2;
        let first = if line.len() > limits::SHOWN_LINE { from.saturating_sub(half) } else { 0 };
        let last = line.len().min(first + limits::SHOWN_LINE);
        let mut shown: String = line[first..last].iter().map(|c| visible(*c)).collect();
        let mut before = from - first;
        if first > 0 {
            shown.insert_str(0, "...");
            before += 3;
        }
        if last < line.len() {
            shown.push_str("...");
        }
        let width = to.min(last).saturating_sub(from).max(1);
        Self { line: shown.trim_end().to_owned(), before, width }
    }
}

/// Characters that move the cursor or cannot be seen are shown as one that can.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

#[derive(Serialize)]
struct Json<'a> {
    code: &'a str,
    severity: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    message: &'a str,
    label: &'a str,
    help: &'a str,
}

/// All diagnostics of a source as a JSON array, in the order of the file.
#[must_use]
pub fn to_json(source: &Source, diagnostics: &Diagnostics) -> serde_json::Value {
    let sorted = diagnostics.sorted();
    let all = sorted.iter().map(|one| {
        let (origin, start) = source.origin(one.span.start);
        let (_, end) = source.origin(one.span.end);
        let json = Json {
            code: one.code.name(),
            severity: colour(one.severity()).0,
            file: origin,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            message: &one.message,
            label: &one.label,
            help: &one.help,
        };
        serde_json::to_value(json).unwrap_or_default()
    });
    serde_json::Value::Array(all.collect())
}
