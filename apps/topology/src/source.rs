//! The text of a file, and where in it a byte stands for a person: line and column.
//!
//! Apart because everything else speaks of bytes alone; only what is shown needs lines.

use crate::limits;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// A stretch of a source, in bytes; the end lies behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl Span {
    /// From `start` to `end`; an end before the start is the start.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// From the start of this to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }

    /// As a range of bytes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A place in a source as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// A file that is being looked at.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
    /// The first byte of each line.
    lines: Vec<usize>,
    /// The first byte of each override, which stand behind the file.
    overrides: Vec<usize>,
}

/// Why there is no text to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What happened.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Source {
    /// A text that is called `name` in diagnostics.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let behind = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(behind.map(|(at, _)| at + 1)).collect();
        Self { name: name.into(), text, lines, overrides: Vec::new() }
    }

    /// The same file with overrides such as `views.filter=x > 1`. They stand in lines behind it, so that whatever is
    /// wrong with one has a place to be shown at.
    #[must_use]
    pub fn with_overrides<S: AsRef<str>>(self, overrides: &[S]) -> Self {
        let Self { name, mut text, .. } = self;
        let mut starts = Vec::with_capacity(overrides.len());
        for one in overrides {
            text.push('\n');
            starts.push(text.len());
            text.push_str(one.as_ref());
        }
        Self { overrides: starts, ..Self::new(name, text) }
    }

    /// The text of the file, without what overrides it.
    #[must_use]
    pub fn file(&self) -> &str {
        let end = self.overrides.first().map_or(self.text.len(), |start| start - 1);
        &self.text[..end]
    }

    /// The overrides, as spans.
    pub fn overrides(&self) -> impl Iterator<Item = Span> + '_ {
        let ends = self.overrides.iter().skip(1).map(|start| start - 1).chain([self.text.len()]);
        self.overrides.iter().zip(ends).map(|(start, end)| Span::new(*start, end))
    }

    /// The name of what a byte stands in, and its place there: the file, or an override.
    #[must_use]
    pub fn origin(&self, at: usize) -> (&str, Place) {
        let place = self.place(at);
        let before = self.overrides.partition_point(|start| *start <= at);
        match before.checked_sub(1).and_then(|last| self.overrides.get(last)) {
            None => (&self.name, place),
            Some(start) => {
                ("--set", Place { line: place.line - self.place(*start).line + 1, ..place })
            }
        }
    }

    /// Bytes that are called `name` in diagnostics.
    ///
    /// # Errors
    /// When they are too many or no UTF-8, and where.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Unreadable> {
        if bytes.len() as u64 > limits::FILE_BYTES {
            return Err(too_large(None));
        }
        String::from_utf8(bytes).map(|text| Self::new(name, text)).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
            Unreadable {
                message: format!("the file is not UTF-8: byte {valid}, in line {line}"),
                help: "save it as UTF-8; compressed or binary files are no topologies".into(),
            }
        })
    }

    /// Reads a file. Its size is looked at before its contents, and no more than the limit is read.
    ///
    /// # Errors
    /// When it is not there, is too large, or is no UTF-8.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let cannot = |error: std::io::Error| Unreadable {
            message: format!("the file cannot be read: {error}"),
            help: "check the path and the permissions".into(),
        };
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(Unreadable {
                message: "this is a folder, not a file".into(),
                help: "name the topology in it".into(),
            });
        }
        if metadata.len() > limits::FILE_BYTES {
            return Err(too_large(Some(metadata.len())));
        }
        let mut bytes = Vec::new();
        file.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
        Self::from_bytes(path.display().to_string(), bytes)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; what lies outside or within a character is left out.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        let (start, end) = (self.floor(span.start), self.floor(span.end));
        self.text.get(start..end).unwrap_or("")
    }

    /// The start of the character that `at` lies in.
    fn floor(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at.min(self.text.len()))
    }

    /// Where a byte stands.
    #[must_use]
    pub fn place(&self, at: usize) -> Place {
        let at = self.floor(at);
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let column = self.text[self.lines[line - 1]..at].chars().count() + 1;
        Place { line, column }
    }

    /// The text of a line, counted from 1, without its end.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|line| self.lines.get(line)) else {
            return "";
        };
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        self.text[*start..end].trim_end_matches('\r')
    }

    /// The first byte of a line, counted from 1; the end of the text for a line behind it.
    #[must_use]
    pub fn start_of_line(&self, line: usize) -> usize {
        line.checked_sub(1)
            .and_then(|line| self.lines.get(line))
            .copied()
            .unwrap_or(self.text.len())
    }

    /// The byte at a place, as far as there is one.
    #[must_use]
    pub fn byte_at(&self, place: Place) -> usize {
        let start = self.start_of_line(place.line);
        let line = self.line(place.line);
        let within = line.char_indices().nth(place.column.saturating_sub(1));
        start + within.map_or(line.len(), |(at, _)| at)
    }
}

fn too_large(bytes: Option<u64>) -> Unreadable {
    let limit = limits::FILE_BYTES >> 20;
    let size = bytes.map_or_else(String::new, |bytes| format!("{bytes} bytes, "));
    Unreadable {
        message: format!("the file is too large: {size}more than {limit} MiB"),
        help: "a topology is a description; put data into a file that a source reads".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column_in_characters() {
        let source = Source::new("a", "α: β\r\nx: y\n");
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        assert_eq!(source.place("α: ".len()), Place { line: 1, column: 4 });
        assert_eq!(source.place(1), Place { line: 1, column: 1 });
        assert_eq!(source.line(1), "α: β");
        assert_eq!(source.place(source.text().find('x').unwrap()), Place { line: 2, column: 1 });
        assert_eq!(source.place(usize::MAX), Place { line: 3, column: 1 });
        assert_eq!(source.line(3), "");
        assert_eq!(source.line(0), "");
        for at in (0..source.text().len()).filter(|at| source.text().is_char_boundary(*at)) {
            let byte = source.text().as_bytes()[at];
            if byte != b'\n' && byte != b'\r' {
                assert_eq!(source.byte_at(source.place(at)), at);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_line() {
        let error = Source::from_bytes("a", b"a: b\nc: \xff".to_vec()).unwrap_err();
        assert_eq!(error.message, "the file is not UTF-8: byte 8, in line 2");
        let large = vec![b'a'; limits::FILE_BYTES as usize + 1];
        let error = Source::from_bytes("a", large).unwrap_err();
        assert!(error.message.contains("more than 1 MiB"), "{}", error.message);
    }
}
