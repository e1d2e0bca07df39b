//! Records that are no rows, and rows that a format cannot write. Apart because all formats report them alike.

use crate::limits::{MAX_SHOWN_CHARACTERS, MAX_SHOWN_RECORD};
use std::fmt;

/// A record that is no row of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The column in which it shows, as a path where it is within a struct or a list; none when the record as a whole
    /// is wrong.
    pub column: Option<String>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// The record, shortened.
    pub record: String,
}

impl Malformed {
    #[cold]
    pub(crate) fn new(column: Option<String>, message: impl Into<String>, record: &[u8]) -> Self {
        let message = shortened(&message.into(), 4 * MAX_SHOWN_RECORD);
        // A character has at most four bytes; the rest need not be looked at.
        let start = record.get(..4 * (MAX_SHOWN_RECORD + 1)).unwrap_or(record);
        let record = shortened(String::from_utf8_lossy(start).trim_end(), MAX_SHOWN_RECORD);
        Self { column, message, record }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = &self.column {
            write!(f, "column `{column}`: ")?;
        }
        write!(f, "{}, in the record `{}`", self.message, self.record)
    }
}

impl std::error::Error for Malformed {}

/// A row that the format cannot write, or that is not of its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row cannot be written: column `{column}`: {message}")]
pub struct Unwritable {
    /// The column.
    pub column: String,
    /// What is wrong with its value.
    pub message: String,
}

fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text in an error: in quotes, shortened.
pub(crate) fn quoted(text: &str) -> String {
    let start = shortened(text, MAX_SHOWN_CHARACTERS);
    format!("'{}'", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_records_and_messages_are_shortened_between_characters() {
        let record = "é".repeat(1_000_000);
        let malformed =
            Malformed::new(Some("a.b".into()), "x".repeat(1_000_000), record.as_bytes());
        assert!(malformed.to_string().len() < 2_000);
        assert!(malformed.record.ends_with("é..."), "{}", malformed.record);
        let broken = Malformed::new(None, "no text", b"a\xff\r\n");
        assert_eq!(broken.to_string(), "no text, in the record `a\u{fffd}`");
        assert_eq!(quoted("a'\n"), r"'a\'\n'");
    }
}
