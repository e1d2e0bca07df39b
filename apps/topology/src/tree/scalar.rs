//! How a scalar is written, what plain text reads as, and where in the file a part of it stands.
//!
//! Apart because a place within a text (of an expression, say) is a place in the file only after quotes,
//! escapes, folding and indentation have been taken back.

use super::{Scalar, ScalarKind};
use crate::source::Span;
use std::ops::Range;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'so'`.
    SingleQuoted,
    /// `"so"`.
    DoubleQuoted,
    /// `|` or `>` and lines below.
    Block,
}

impl Style {
    /// The style of the scalar that begins at a byte.
    pub(super) fn at(text: &str, start: usize) -> Self {
        match text.as_bytes().get(start) {
            Some(b'\'') => Self::SingleQuoted,
            Some(b'"') => Self::DoubleQuoted,
            Some(b'|' | b'>') => Self::Block,
            _ => Self::Plain,
        }
    }

    /// Whether variables are put in: where single quotes or a block say "take this as it is", they are not.
    pub(super) const fn interpolates(self) -> bool {
        matches!(self, Self::Plain | Self::DoubleQuoted)
    }

    /// The span of the scalar without what the parser counts in behind it.
    pub(super) fn whole(self, text: &str, span: Span) -> Span {
        let written = &text[span.range()];
        Span::new(span.start, span.start + written.trim_end().len())
    }
}

/// What plain text reads as.
pub(super) fn resolve(text: &str) -> ScalarKind {
    match text {
        "true" | "True" | "TRUE" => return ScalarKind::Bool(true),
        "false" | "False" | "FALSE" => return ScalarKind::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let leads = digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
    if digits.is_empty() || leads || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return ScalarKind::Text;
    }
    if let Ok(number) = text.parse::<i128>() {
        return ScalarKind::Int(number);
    }
    text.parse::<f64>().map_or(ScalarKind::Text, ScalarKind::Float)
}

impl Scalar {
    /// Where bytes of the text stand in the file; all of the scalar where that cannot be told.
    #[must_use]
    pub fn span_within(&self, file: &str, span: Span, within: Range<usize>) -> Span {
        if self.interpolated {
            return span;
        }
        let written = file.get(span.range()).unwrap_or("");
        let Some(places) = places(written, &self.text, self.style) else { return span };
        let last = places.len() - 1;
        let (start, end) = (within.start.min(last), within.end.min(last));
        if end <= start {
            return Span::new(span.start + places[start], span.start + places[start]);
        }
        // The end of the last byte, not the start of what follows: a fold may lie between.
        Span::new(
            span.start + places[start],
            span.start + places[end - 1] + width(written, places[end - 1]),
        )
    }
}

fn width(written: &str, at: usize) -> usize {
    written.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// For each byte of `text`, and for its end, the byte of `written` that it comes from.
fn places(written: &str, text: &str, style: Style) -> Option<Vec<usize>> {
    let mut at = match style {
        Style::Plain => 0,
        Style::SingleQuoted | Style::DoubleQuoted => 1,
        Style::Block => written.find('\n')? + 1,
    };
    if style == Style::Block && !text.starts_with([' ', '\n']) {
        at += blank(&written[at..]);
    }
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let source = written.get(at..)?;
        let taken = match style {
            Style::SingleQuoted if source.starts_with("''") => 2,
            Style::DoubleQuoted if source.starts_with('\\') => {
                let taken = escape(source)?;
                if source[1..].starts_with(['\n', '\r']) {
                    at += taken;
                    continue;
                }
                taken
            }
            _ if is_blank(c) => {
                let (wanted, there) = (blank(rest), blank(source));
                if there == 0 {
                    // The end of a block, whose last newline the span may lack.
                    if source.is_empty() && rest.trim().is_empty() { 0 } else { return None }
                } else if !source[..there].contains('\n') {
                    // Within a line blanks are themselves; what follows may be escapes of more of them.
                    if !source.starts_with(c) {
                        return None;
                    }
                    c.len_utf8()
                } else if rest[..wanted] == source[..there] {
                    c.len_utf8()
                } else {
                    places.extend(std::iter::repeat_n(at, wanted));
                    rest = &rest[wanted..];
                    at += there;
                    continue;
                }
            }
            _ if source.starts_with(c) => c.len_utf8(),
            _ => return None,
        };
        places.extend(std::iter::repeat_n(at, c.len_utf8()));
        rest = &rest[c.len_utf8()..];
        at += taken;
    }
    places.push(at);
    Some(places)
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches(is_blank).len()
}

/// The length of an escape in double quotes.
fn escape(source: &str) -> Option<usize> {
    let length = match source[1..].chars().next()? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        '\n' | '\r' => 1 + blank(&source[1..]),
        other => 1 + other.len_utf8(),
    };
    (length <= source.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks where the last word of `text` stands in what was written.
    fn check(written: &str, text: &str, style: Style, expected: Option<&str>) {
        let scalar =
            Scalar { text: text.to_owned(), kind: ScalarKind::Text, style, interpolated: false };
        let span = Span::new(0, written.len());
        let start = text.trim_end().rfind([' ', '\n', '\t']).map_or(0, |at| at + 1);
        let found = scalar.span_within(written, span, start..text.trim_end().len());
        assert_eq!(&written[found.range()], expected.unwrap_or(written), "{written}");
    }

    #[test]
    fn a_place_in_a_text_is_found_in_the_file() {
        check("a = b", "a = b", Style::Plain, Some("b"));
        check("a\n    = b", "a = b", Style::Plain, Some("b"));
        check("'it''s b'", "it's b", Style::SingleQuoted, Some("b"));
        check(r#""\u00e4 \"x\" b""#, "ä \"x\" b", Style::DoubleQuoted, Some("b"));
        check(r#"". \n\tb""#, ". \n\tb", Style::DoubleQuoted, Some("b"));
        check("\"a \\\n   b\"", "a b", Style::DoubleQuoted, Some("b"));
        check("|\n  a\n  b\n", "a\nb\n", Style::Block, Some("b"));
        check(">-\n  a\n  b\n", "a b", Style::Block, Some("b"));
        check("'another text'", "a b", Style::SingleQuoted, None);
    }
}
