//! One CSV record cut into fields, by RFC 4180.
//!
//! Apart from what fields mean. It is code of our own because the usual parsers do not tell whether a field stood in
//! quotes, which is how an empty text differs from none; it is tested against one of them.

use memchr::{memchr, memchr3};
use std::borrow::Cow;

/// A field of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) quoted: bool,
}

/// The fields of one record, in order. Nothing follows an error.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    /// What is behind the delimiter read last; none behind the last field.
    rest: Option<&'a [u8]>,
    delimiter: u8,
    quoting: bool,
}

/// The record without the line end behind it.
pub(crate) fn without_line_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

impl<'a> Fields<'a> {
    /// The fields of a record, which may end with a line end.
    pub(crate) fn new(record: &'a [u8], delimiter: u8, quoting: bool) -> Self {
        Self { rest: Some(without_line_end(record)), delimiter, quoting }
    }

    fn bare(&mut self, text: &'a [u8]) -> Result<Field<'a>, &'static str> {
        let end = memchr3(self.delimiter, b'\n', b'\r', text);
        let field = match end {
            None => text,
            Some(end) if text[end] == self.delimiter => {
                self.rest = Some(&text[end + 1..]);
                &text[..end]
            }
            Some(_) => return Err("there is more than one line outside of quotes"),
        };
        Ok(Field { bytes: Cow::Borrowed(field), quoted: false })
    }

    /// A field behind its opening quote.
    fn in_quotes(&mut self, text: &'a [u8]) -> Result<Field<'a>, &'static str> {
        let mut bytes = Cow::Borrowed(&text[..0]);
        let mut rest = text;
        loop {
            let end = memchr(b'"', rest).ok_or("the closing quote of a field is missing")?;
            match &mut bytes {
                Cow::Borrowed(whole) => *whole = &rest[..end],
                Cow::Owned(whole) => whole.extend_from_slice(&rest[..end]),
            }
            match rest.get(end + 1) {
                None => break,
                Some(&next) if next == self.delimiter => {
                    self.rest = Some(&rest[end + 2..]);
                    break;
                }
                Some(b'"') => bytes.to_mut().push(b'"'),
                Some(_) => {
                    return Err(
                        "text follows the closing quote of a field; a quote within quotes is doubled",
                    );
                }
            }
            rest = &rest[end + 2..];
        }
        Ok(Field { bytes, quoted: true })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, &'static str>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        Some(match text.split_first() {
            Some((b'"', behind)) if self.quoting => self.in_quotes(behind),
            _ => self.bare(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(
        record: &[u8],
        delimiter: u8,
        quoting: bool,
    ) -> Result<Vec<(Vec<u8>, bool)>, &'static str> {
        let owned = |field: Field<'_>| (field.bytes.into_owned(), field.quoted);
        Fields::new(record, delimiter, quoting).map(|field| field.map(owned)).collect()
    }

    fn texts(record: &str) -> Result<Vec<String>, &'static str> {
        let shown = |(bytes, quoted): (Vec<u8>, bool)| {
            let text = String::from_utf8(bytes).expect("text");
            if quoted { format!("[{text}]") } else { text }
        };
        Ok(fields(record.as_bytes(), b',', true)?.into_iter().map(shown).collect())
    }

    #[test]
    fn records_are_cut_at_delimiters_outside_of_quotes() {
        for (record, expected) in [
            ("", &[""][..]),
            ("a,b\r\n", &["a", "b"]),
            (",", &["", ""]),
            ("\"\",\"a,\"\"b\"\"\n\"", &["[]", "[a,\"b\"\n]"]),
            ("a\"b\",c", &["a\"b\"", "c"]),
            ("\"\"\"\"", &["[\"]"]),
        ] {
            assert_eq!(texts(record).expect("a record"), expected, "{record}");
        }
        assert_eq!(
            fields(b"\"a;b", b';', false),
            Ok(vec![(b"\"a".into(), false), (b"b".into(), false)])
        );
    }

    #[test]
    fn what_is_no_record_is_told() {
        for (record, expected) in [
            ("a\nb", "there is more than one line outside of quotes"),
            ("\"a", "the closing quote of a field is missing"),
            (
                "\"a\"b",
                "text follows the closing quote of a field; a quote within quotes is doubled",
            ),
            ("\"a\"\"", "the closing quote of a field is missing"),
        ] {
            assert_eq!(texts(record), Err(expected), "{record}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_is_what_another_parser_cuts(
            record in r#"[ab,;"é\n\r ]{1,16}"#, delimiter in prop::sample::select(vec![b',', b';']), quoting: bool
        ) {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).flexible(true).delimiter(delimiter).quoting(quoting)
                .from_reader(record.as_bytes());
            let others: Vec<csv::ByteRecord> = reader.byte_records().collect::<Result<_, _>>().expect("memory");
            if let Ok(ours) = fields(record.as_bytes(), delimiter, quoting)
                && let [other] = &others[..]
                && !record.starts_with(['\n', '\r'])
            {
                let ours: Vec<&[u8]> = ours.iter().map(|(bytes, _)| &bytes[..]).collect();
                prop_assert_eq!(ours, other.iter().collect::<Vec<_>>());
            }
        }
    }
}
