//! Functions of text. Positions count characters, from one. Apart because what is read is mostly given back in part,
//! which borrows.

use super::{FunctionEntry, misuse, plain};
use crate::expression::datum::Datum::{self, Boolean, Int, Text as T};
use crate::expression::datum::Text;
use crate::limits::MAX_STRING_BYTES;
use compact_str::CompactString;

fn fits(bytes: usize) -> Result<(), String> {
    if bytes > MAX_STRING_BYTES {
        return Err(format!("the result has {bytes} bytes, of at most {MAX_STRING_BYTES}"));
    }
    Ok(())
}

/// The byte at which the character of this index begins; the end when there are fewer.
fn byte_of(text: &str, index: usize) -> usize {
    if text.is_ascii() {
        return index.min(text.len());
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// `length` characters from position `start`, which counts from the end when it is negative.
fn substring<'r>(text: &Text<'r>, start: i64, length: Option<i64>) -> Text<'r> {
    let count = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let first = if start > 0 {
        start - 1
    } else if start < 0 {
        count().saturating_add(start)
    } else {
        0
    };
    let end = length.map(|length| first.saturating_add(length.max(0)));
    let index = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
    let from = byte_of(text, index(first));
    let to = end.map_or(text.len(), |end| byte_of(text, index(end)));
    text.part(from, to.max(from))
}

fn trimmed<'r>(data: &[Datum<'r>], start: bool, end: bool) -> Result<Datum<'r>, String> {
    let (text, set): (&Text<'_>, &str) = match data {
        [T(text)] => (text, " "),
        [T(text), T(set)] => (text, set),
        _ => return misuse(),
    };
    let is_in = |character: char| set.contains(character);
    let left = if start { text.trim_start_matches(is_in) } else { text };
    let from = text.len() - left.len();
    let kept = if end { left.trim_end_matches(is_in) } else { left };
    let T(text) = &data[0] else { return misuse() };
    Ok(T(text.part(from, from + kept.len())))
}

fn padded<'r>(data: &[Datum<'r>], left: bool) -> Result<Datum<'r>, String> {
    let (text, length, pad): (_, _, &str) = match data {
        [T(text), Int(length)] => (text, *length, " "),
        [T(text), Int(length), T(pad)] => (text, *length, pad),
        _ => return misuse(),
    };
    let Ok(length) = usize::try_from(length) else { return Ok(Datum::Null) };
    let count = text.chars().count();
    if length <= count {
        return Ok(T(text.part(0, byte_of(text, length))));
    }
    if pad.is_empty() {
        return Ok(Datum::Null);
    }
    fits(length)?;
    let filling: CompactString = pad.chars().cycle().take(length - count).collect();
    fits(filling.len() + text.len())?;
    let parts: [&str; 2] = if left { [&filling, text] } else { [text, &filling] };
    Ok(Datum::text(parts.concat()))
}

fn joined(separator: &str, parts: &[Datum<'_>]) -> Result<Datum<'static>, String> {
    let mut joined = CompactString::default();
    let mut is_first = true;
    for part in parts {
        let T(part) = part else { continue };
        if !is_first {
            joined.push_str(separator);
        }
        is_first = false;
        joined.push_str(part);
        fits(joined.len())?;
    }
    Ok(Datum::text(joined))
}

fn replaced(text: &str, from: &str, to: &str) -> Result<Datum<'static>, String> {
    if from.is_empty() {
        return Ok(Datum::text(text));
    }
    let grown = text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len());
    if to.len() > from.len() {
        fits(grown)?;
    }
    Ok(Datum::text(text.replace(from, to)))
}

fn count(number: usize) -> Datum<'static> {
    Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn position<'r>(part: &str, text: &str) -> Datum<'r> {
    text.find(part).map_or(Int(0), |at| count(text[..at].chars().count() + 1))
}

/// The piece of this index, from zero.
fn split<'r>(text: &Text<'r>, separator: &str, index: i64) -> Datum<'r> {
    let Ok(index) = usize::try_from(index) else { return Datum::Null };
    if separator.is_empty() {
        return Datum::Null;
    }
    let Some(piece) = text.split(separator).nth(index) else { return Datum::Null };
    let start = piece.as_ptr() as usize - text.as_ptr() as usize;
    T(text.part(start, start + piece.len()))
}

/// Text in another case; what is ASCII is changed in place, which is much faster.
fn cased(text: &str, ascii: fn(&mut str), other: fn(&str) -> CompactString) -> CompactString {
    if !text.is_ascii() {
        return other(text);
    }
    let mut cased = CompactString::from(text);
    ascii(&mut cased);
    cased
}

fn initcap(text: &str) -> CompactString {
    let mut begins = true;
    let mut capital = CompactString::default();
    for character in text.chars() {
        if begins {
            capital.extend(character.to_uppercase());
        } else {
            capital.extend(character.to_lowercase());
        }
        begins = !character.is_alphanumeric();
    }
    capital
}

fn repeated(text: &str, times: i64) -> Result<Datum<'static>, String> {
    let times = usize::try_from(times).unwrap_or(0);
    fits(text.len().saturating_mul(times))?;
    Ok(Datum::text(text.repeat(times)))
}

fn overlaid(text: &str, new: &str, start: i64, length: i64) -> Result<Datum<'static>, String> {
    let Ok(skip) = usize::try_from(start.saturating_sub(1)) else { return Ok(Datum::Null) };
    let length = usize::try_from(length).unwrap_or(0);
    let (from, to) = (byte_of(text, skip), byte_of(text, skip.saturating_add(length)));
    Ok(Datum::text([&text[..from], new, &text[to..]].concat()))
}

pub(super) const TABLE: &[FunctionEntry] = &[
    plain(
        "||",
        &["||(left: string, right: string) -> string"],
        "Joins two texts; written between them.",
        &[("'a' || 'b'", "ab"), ("'a' || NULL", "NULL")],
        |data| joined("", data),
    ),
    plain(
        "CONCAT",
        &["CONCAT(text: string...) -> string"],
        "Joins texts; NULL if one is NULL.",
        &[("CONCAT('a', 'b', 'c')", "abc"), ("CONCAT('a', NULL)", "NULL")],
        |data| joined("", data),
    ),
    plain(
        "CONCAT_WS",
        &["CONCAT_WS(separator: string, text: string?...) -> string"],
        "Joins texts with a separator between them, leaving out NULLs.",
        &[("CONCAT_WS('-', 'a', NULL, 'b')", "a-b")],
        |data| match data {
            [T(separator), parts @ ..] => joined(separator, parts),
            _ => misuse(),
        },
    ),
    plain(
        "LOWER",
        &["LOWER(text: string) -> string"],
        "The text in lower case.",
        &[("LOWER('ABC')", "abc")],
        |data| match data {
            [T(text)] => Ok(Datum::text(cased(text, str::make_ascii_lowercase, |text| {
                CompactString::from_str_to_lowercase(text)
            }))),
            _ => misuse(),
        },
    ),
    plain(
        "UPPER",
        &["UPPER(text: string) -> string"],
        "The text in upper case.",
        &[("UPPER('abc')", "ABC")],
        |data| match data {
            [T(text)] => Ok(Datum::text(cased(text, str::make_ascii_uppercase, |text| {
                CompactString::from_str_to_uppercase(text)
            }))),
            _ => misuse(),
        },
    ),
    plain(
        "INITCAP",
        &["INITCAP(text: string) -> string"],
        "Each word with a capital first letter, the rest in lower case.",
        &[("INITCAP('hello wORLD')", "Hello World")],
        |data| match data {
            [T(text)] => Ok(Datum::text(initcap(text))),
            _ => misuse(),
        },
    ),
    plain(
        "TRIM",
        &["TRIM(text: string) -> string", "TRIM(text: string, characters: string) -> string"],
        "The text without blanks, or without these characters, at both ends; also TRIM(BOTH 'x' FROM text).",
        &[("TRIM('  a ')", "a"), ("TRIM(BOTH 'x' FROM 'xax')", "a")],
        |data| trimmed(data, true, true),
    ),
    plain(
        "LTRIM",
        &["LTRIM(text: string) -> string", "LTRIM(text: string, characters: string) -> string"],
        "The text without blanks, or without these characters, at its start.",
        &[("LTRIM('  a ')", "a "), ("TRIM(LEADING 'x' FROM 'xax')", "ax")],
        |data| trimmed(data, true, false),
    ),
    plain(
        "RTRIM",
        &["RTRIM(text: string) -> string", "RTRIM(text: string, characters: string) -> string"],
        "The text without blanks, or without these characters, at its end.",
        &[("RTRIM(' a  ')", " a"), ("TRIM(TRAILING 'x' FROM 'xax')", "xa")],
        |data| trimmed(data, false, true),
    ),
    plain(
        "SUBSTRING",
        &[
            "SUBSTRING(text: string, start: int64) -> string",
            "SUBSTRING(text: string, start: int64, length: int64) -> string",
        ],
        "The characters from a position on, which counts from the end when negative; also SUBSTRING(text FROM 2 FOR 3).",
        &[("SUBSTRING('stream', 2, 3)", "tre"), ("SUBSTRING('stream' FROM -2)", "am")],
        |data| match data {
            [T(text), Int(start)] => Ok(T(substring(text, *start, None))),
            [T(text), Int(start), Int(length)] => Ok(T(substring(text, *start, Some(*length)))),
            _ => misuse(),
        },
    ),
    plain(
        "LEFT",
        &["LEFT(text: string, length: int64) -> string"],
        "The first characters.",
        &[("LEFT('stream', 3)", "str")],
        |data| match data {
            [T(text), Int(length)] => Ok(T(substring(text, 1, Some(*length)))),
            _ => misuse(),
        },
    ),
    plain(
        "RIGHT",
        &["RIGHT(text: string, length: int64) -> string"],
        "The last characters.",
        &[("RIGHT('stream', 3)", "eam"), ("RIGHT('ab', 5)", "ab")],
        |data| match data {
            [T(text), Int(length)] if *length > 0 => {
                let characters = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                Ok(T(substring(text, (characters - length.min(&characters)) + 1, None)))
            }
            [T(text), Int(_)] => Ok(T(text.part(0, 0))),
            _ => misuse(),
        },
    ),
    plain(
        "CHAR_LENGTH",
        &["CHAR_LENGTH(text: string) -> int64"],
        "How many characters the text has.",
        &[("CHAR_LENGTH('né')", "2")],
        |data| match data {
            [T(text)] => Ok(count(text.chars().count())),
            _ => misuse(),
        },
    ),
    plain(
        "CHARACTER_LENGTH",
        &["CHARACTER_LENGTH(text: string) -> int64"],
        "How many characters the text has.",
        &[("CHARACTER_LENGTH('abc')", "3")],
        |data| match data {
            [T(text)] => Ok(count(text.chars().count())),
            _ => misuse(),
        },
    ),
    plain(
        "OCTET_LENGTH",
        &["OCTET_LENGTH(text: string) -> int64", "OCTET_LENGTH(bytes: bytes) -> int64"],
        "How many bytes the text has in UTF-8, or the bytes are.",
        &[("OCTET_LENGTH('né')", "3"), ("OCTET_LENGTH(x'0a0b')", "2")],
        |data| match data {
            [T(text)] => Ok(count(text.len())),
            [Datum::Other(value)] => match &**value {
                crate::Value::Bytes(bytes) => Ok(count(bytes.len())),
                _ => misuse(),
            },
            _ => misuse(),
        },
    ),
    plain(
        "POSITION",
        &["POSITION(part: string, text: string) -> int64"],
        "Where a part begins in a text, or 0; also POSITION('b' IN text).",
        &[("POSITION('re' IN 'stream')", "3"), ("POSITION('x', 'stream')", "0")],
        |data| match data {
            [T(part), T(text)] => Ok(position(part, text)),
            _ => misuse(),
        },
    ),
    plain(
        "REPLACE",
        &["REPLACE(text: string, from: string, to: string) -> string"],
        "The text with every occurrence of a part replaced.",
        &[("REPLACE('a-b-c', '-', '')", "abc")],
        |data| match data {
            [T(text), T(from), T(to)] => replaced(text, from, to),
            _ => misuse(),
        },
    ),
    plain(
        "OVERLAY_TEXT",
        &["OVERLAY_TEXT(text: string, new: string, start: int64, length: int64) -> string?"],
        "The text with some characters from a position on replaced by a new text.",
        &[("OVERLAY_TEXT('stream', 'XX', 2, 1)", "sXXream")],
        |data| match data {
            [T(text), T(new), Int(start), Int(length)] => overlaid(text, new, *start, *length),
            _ => misuse(),
        },
    ),
    plain(
        "LPAD",
        &[
            "LPAD(text: string, length: int64) -> string?",
            "LPAD(text: string, length: int64, pad: string) -> string?",
        ],
        "The text filled at its start, or cut, to a length.",
        &[("LPAD('7', 3, '0')", "007"), ("LPAD('abc', 2)", "ab")],
        |data| padded(data, true),
    ),
    plain(
        "RPAD",
        &[
            "RPAD(text: string, length: int64) -> string?",
            "RPAD(text: string, length: int64, pad: string) -> string?",
        ],
        "The text filled at its end, or cut, to a length.",
        &[("RPAD('7', 3, '0')", "700")],
        |data| padded(data, false),
    ),
    plain(
        "REVERSE",
        &["REVERSE(text: string) -> string"],
        "The characters in reverse order.",
        &[("REVERSE('abc')", "cba")],
        |data| match data {
            [T(text)] => Ok(Datum::text(text.chars().rev().collect::<CompactString>())),
            _ => misuse(),
        },
    ),
    plain(
        "REPEAT",
        &["REPEAT(text: string, times: int64) -> string"],
        "The text many times over.",
        &[("REPEAT('ab', 2)", "abab")],
        |data| match data {
            [T(text), Int(times)] => repeated(text, *times),
            _ => misuse(),
        },
    ),
    plain(
        "SPLIT_INDEX",
        &["SPLIT_INDEX(text: string, separator: string, index: int64) -> string?"],
        "The piece of this index, from 0, of a text that is split; NULL if there is none.",
        &[("SPLIT_INDEX('a/b/c', '/', 1)", "b"), ("SPLIT_INDEX('a', '/', 1)", "NULL")],
        |data| match data {
            [T(text), T(separator), Int(index)] => Ok(split(text, separator, *index)),
            _ => misuse(),
        },
    ),
    plain(
        "STARTS_WITH",
        &["STARTS_WITH(text: string, start: string) -> boolean"],
        "Whether a text begins so.",
        &[("STARTS_WITH('stream', 'st')", "TRUE")],
        |data| match data {
            [T(text), T(start)] => Ok(Boolean(text.starts_with(&**start))),
            _ => misuse(),
        },
    ),
    plain(
        "ENDS_WITH",
        &["ENDS_WITH(text: string, end: string) -> boolean"],
        "Whether a text ends so.",
        &[("ENDS_WITH('stream', 'st')", "FALSE")],
        |data| match data {
            [T(text), T(end)] => Ok(Boolean(text.ends_with(&**end))),
            _ => misuse(),
        },
    ),
    plain(
        "ASCII",
        &["ASCII(text: string) -> int64"],
        "The code point of the first character; 0 for an empty text.",
        &[("ASCII('A')", "65")],
        |data| match data {
            [T(text)] => Ok(Int(text.chars().next().map_or(0, |first| u32::from(first).into()))),
            _ => misuse(),
        },
    ),
    plain(
        "CHR",
        &["CHR(code: int64) -> string?"],
        "The character of a code point; NULL if there is none.",
        &[("CHR(65)", "A"), ("CHR(-1)", "NULL")],
        |data| match data {
            [Int(code)] => {
                let character = u32::try_from(*code).ok().and_then(char::from_u32);
                Ok(character.map_or(Datum::Null, |found| Datum::text(found.to_string())))
            }
            _ => misuse(),
        },
    ),
];
