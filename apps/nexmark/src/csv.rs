//! A row as a line of CSV, as the results of the reference are written.
//!
//! A field is quoted if it holds a comma, a quote or a newline, is empty, or reads `\N`, which is what
//! stands for no value.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use std::fmt::Display;
use std::io::Write;
use tidegate::prelude::Timestamp;
use tidegate_rows::Value;

/// The line of a row, field by field.
pub(crate) struct Csv<'a> {
    line: &'a mut Vec<u8>,
    begun: bool,
}

impl<'a> Csv<'a> {
    /// Appends to `line`.
    pub(crate) const fn new(line: &'a mut Vec<u8>) -> Self {
        Self { line, begun: false }
    }

    fn field(mut self, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        if self.begun {
            self.line.push(b',');
        }
        self.begun = true;
        write(self.line);
        self
    }

    fn plain(self, value: impl Display) -> Self {
        self.field(|line| write!(line, "{value}").expect("a vector takes what is written"))
    }

    /// A whole number.
    pub(crate) fn number(self, number: u64) -> Self {
        self.plain(number)
    }

    /// A number of thousandths, with its three decimals.
    pub(crate) fn thousandths(self, number: u64) -> Self {
        self.plain(format_args!("{}.{:03}", number / 1000, number % 1000))
    }

    /// A point in time, to the millisecond.
    pub(crate) fn time(self, at: Timestamp) -> Self {
        self.plain(at_utc(at, "%Y-%m-%d %H:%M:%S%.3f"))
    }

    /// A text.
    pub(crate) fn text(self, text: &str) -> Self {
        let quoted = text.is_empty() || text == "\\N" || text.contains([',', '"', '\n', '\r']);
        if quoted {
            self.plain(format_args!("\"{}\"", text.replace('"', "\"\"")))
        } else {
            self.field(|line| line.extend_from_slice(text.as_bytes()))
        }
    }

    /// A text, or nothing.
    pub(crate) fn text_or_null(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    fn null(self) -> Self {
        self.field(|line| line.extend_from_slice(b"\\N"))
    }

    /// A value of a topology.
    pub(crate) fn value(self, value: &Value) -> Self {
        match value {
            Value::Null => self.null(),
            Value::Int64(number) => self.plain(number),
            Value::Decimal(number) => self.plain(number),
            Value::Timestamp(millis) => self.time(Timestamp(*millis)),
            Value::String(text) => self.text(text),
            other => self.text(&other.to_string()),
        }
    }
}

/// A point in time in words, as `format` (that of `strftime`) says.
pub(crate) fn at_utc(at: Timestamp, format: &str) -> String {
    let instant = Instant::from_millisecond(at.millis()).unwrap_or(Instant::MAX);
    instant.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_reference_writes_them() {
        let mut line = Vec::new();
        Csv::new(&mut line)
            .number(7)
            .thousandths(110_488_180)
            .thousandths(5)
            .time(Timestamp(1_700_006_300_004))
            .text("plain \\ text")
            .text("with, comma and \"quote\"")
            .text("")
            .text("\\N")
            .text_or_null(None);
        let expected = "7,110488.180,0.005,2023-11-14 23:58:20.004,plain \\ text,\
                        \"with, comma and \"\"quote\"\"\",\"\",\"\\N\",\\N";
        assert_eq!(String::from_utf8(line).as_deref(), Ok(expected));
    }

    #[test]
    fn values_of_rows_are_written_likewise() {
        let mut line = Vec::new();
        let price = "110488.180".parse().map(Value::Decimal).unwrap_or(Value::Null);
        let csv = Csv::new(&mut line).value(&Value::Null).value(&Value::Int64(-7)).value(&price);
        csv.value(&Value::Timestamp(1_700_006_300_004))
            .value(&Value::string("a,b"))
            .value(&Value::Boolean(true));
        let expected = "\\N,-7,110488.180,2023-11-14 23:58:20.004,\"a,b\",TRUE";
        assert_eq!(String::from_utf8(line).as_deref(), Ok(expected));
    }
}
