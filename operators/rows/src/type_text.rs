//! Types as users write them: `int64`, `string?`, `list<float64>`, `struct<a: int64, b: string?>`.
//!
//! Apart from the types because reading is where users slip: each error says what was read and what it should
//! have been. What is printed is read back as the same type.

use crate::data_type::{DataType, Field, FieldType};
use crate::limits::{MAX_TYPE_BYTES, MAX_TYPE_DEPTH};
use crate::suggest::nearest;
use compact_str::CompactString;
use std::fmt;
use std::str::FromStr;

const NAMES: [(&str, DataType); 7] = [
    ("boolean", DataType::Boolean),
    ("int64", DataType::Int64),
    ("float64", DataType::Float64),
    ("decimal", DataType::Decimal),
    ("string", DataType::String),
    ("timestamp", DataType::Timestamp),
    ("bytes", DataType::Bytes),
];

const ALL: &str = "boolean, int64, float64, decimal, string, timestamp, bytes, list<...>, struct<name: type, ...>";

/// What other systems call our types.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("boolean", &["bool", "bit", "logical"]),
    (
        "int64",
        &[
            "int", "integer", "long", "bigint", "smallint", "tinyint", "short", "byte", "i64",
            "i32", "u64", "u32", "int8", "int16", "int32", "uint64", "uint32",
        ],
    ),
    ("float64", &["float", "double", "real", "f64", "f32", "float32", "double precision"]),
    ("decimal", &["numeric", "number", "money", "bigdecimal", "dec"]),
    ("string", &["str", "text", "varchar", "char", "nvarchar", "clob", "utf8", "uuid"]),
    ("timestamp", &["time", "date", "datetime", "timestamp_ltz", "timestamptz", "instant"]),
    ("bytes", &["binary", "varbinary", "blob", "bytea", "raw"]),
    ("list<...>", &["array", "vec", "multiset", "set", "list"]),
    ("struct<...>", &["row", "record", "object", "map", "tuple", "struct"]),
];

/// Why a text is no type. The position counts bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at byte {position} of the type")]
pub struct TypeError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// Where it was found.
    pub position: usize,
}

/// The name under which this house knows what elsewhere is called `word`, or what it resembles.
fn meant(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let elsewhere = ELSEWHERE.iter().find(|(_, names)| names.contains(&lower.as_str()));
    let here = NAMES.iter().map(|(name, _)| *name).chain(["list", "struct"]);
    elsewhere.map(|(name, _)| *name).or_else(|| nearest(word, here))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, position: usize, message: impl Into<String>) -> Result<T, TypeError> {
        Err(TypeError { message: message.into(), position })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes `token` if it comes next.
    fn takes(&mut self, token: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, token: char, within: &str) -> Result<(), TypeError> {
        if self.takes(token) {
            return Ok(());
        }
        let found = match self.rest().chars().next() {
            Some(found) => format!("found `{found}`"),
            None => "the text ends".to_owned(),
        };
        self.fail(self.at, format!("expected `{token}` {within}, but {found}"))
    }

    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn field_type(&mut self, depth: usize) -> Result<FieldType, TypeError> {
        self.skip_blanks();
        let start = self.at;
        if depth > MAX_TYPE_DEPTH {
            return self.fail(start, format!("types are nested at most {MAX_TYPE_DEPTH} deep"));
        }
        let word = self.word();
        let data_type = match word {
            "list" if self.takes('<') => {
                let element = self.field_type(depth + 1)?;
                self.expect('>', "after the element's type of a list")?;
                DataType::List(Box::new(element))
            }
            "struct" if self.takes('<') => DataType::Struct(self.fields(depth)?.into()),
            _ => match NAMES.iter().find(|(name, _)| *name == word) {
                Some((_, data_type)) => data_type.clone(),
                None => return self.unknown(start, word),
            },
        };
        let nullable = self.takes('?');
        if nullable && self.takes('?') {
            return self.fail(self.at - 1, "one `?` is enough to allow NULL");
        }
        Ok(FieldType { data_type, nullable })
    }

    fn unknown<T>(&mut self, start: usize, word: &str) -> Result<T, TypeError> {
        if word.is_empty() {
            return match self.rest().chars().next() {
                None => self.fail(start, format!("a type is missing; there are {ALL}")),
                Some(found) => {
                    self.fail(start, format!("expected a type, found `{found}`; there are {ALL}"))
                }
            };
        }
        if self.rest().starts_with('(') && meant(word).is_some_and(|name| !name.contains('<')) {
            let name = meant(word).unwrap_or(word);
            return self.fail(start, format!("types take no length or precision: write `{name}`"));
        }
        let shown: String = word.chars().take(40).collect();
        match meant(word) {
            Some(name) => {
                self.fail(start, format!("there is no type `{shown}`; did you mean `{name}`?"))
            }
            None => self.fail(start, format!("there is no type `{shown}`; there are {ALL}")),
        }
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<Field>, TypeError> {
        let mut fields: Vec<Field> = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.at;
            let name = self.name()?;
            if fields.iter().any(|field| field.name == name) {
                return self.fail(start, format!("two fields of a struct are named `{name}`"));
            }
            self.expect(':', &format!("and a type after the field's name `{name}`"))?;
            let FieldType { data_type, nullable } = self.field_type(depth + 1)?;
            fields.push(Field { name, data_type, nullable });
            if self.takes('>') {
                return Ok(fields);
            }
            self.expect(',', "or `>` after a field of a struct")?;
        }
    }

    /// A field's name; one that is no word stands in double quotes, in which a quote is doubled.
    fn name(&mut self) -> Result<CompactString, TypeError> {
        let start = self.at;
        if !self.takes('"') {
            let word = self.word();
            return match word {
                "" => self.fail(start, "expected a field's name, as in `struct<a: int64>`"),
                word => Ok(word.into()),
            };
        }
        let mut name = CompactString::default();
        loop {
            let Some(end) = self.rest().find('"') else {
                return self.fail(start, "the quote that begins here does not end");
            };
            name.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                return Ok(name);
            }
            name.push('"');
            self.at += 1;
        }
    }
}

impl FromStr for FieldType {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        let mut reader = Reader { text, at: 0 };
        if text.len() > MAX_TYPE_BYTES {
            let message = format!("the text of a type has at most {MAX_TYPE_BYTES} bytes");
            return reader.fail(MAX_TYPE_BYTES, message);
        }
        let read = reader.field_type(1)?;
        reader.skip_blanks();
        if !reader.rest().is_empty() {
            let rest: String = reader.rest().chars().take(20).collect();
            return reader.fail(reader.at, format!("the type ends before `{rest}`"));
        }
        Ok(read)
    }
}

impl FromStr for DataType {
    type Err = TypeError;

    /// The type without a trailing `?`.
    fn from_str(text: &str) -> Result<Self, TypeError> {
        let read = FieldType::from_str(text)?;
        if read.nullable {
            let message = format!("a `?` cannot stand here: write `{}`", read.data_type);
            return Err(TypeError { message, position: text.trim_end().len() - 1 });
        }
        Ok(read.data_type)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.data_type, if self.nullable { "?" } else { "" })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(element) => write!(f, "list<{element}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, field) in fields.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    let is_word = field.name.chars().all(|c| c.is_alphanumeric() || c == '_');
                    if is_word && !field.name.is_empty() {
                        f.write_str(&field.name)?;
                    } else {
                        write!(f, "\"{}\"", field.name.replace('"', "\"\""))?;
                    }
                    let optional = if field.nullable { "?" } else { "" };
                    write!(f, ": {}{optional}", field.data_type)?;
                }
                f.write_str(">")
            }
            plain => match NAMES.iter().find(|(_, data_type)| data_type == plain) {
                Some((name, _)) => f.write_str(name),
                None => f.write_str("value"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use proptest::prelude::*;

    fn check_error(text: &str, expected: &str) {
        let error = FieldType::from_str(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }

    #[test]
    fn types_are_read_as_users_write_them() {
        for (text, printed) in [
            ("int64", "int64"),
            (" string ? ", "string?"),
            ("list<int64>", "list<int64>"),
            ("list < float64? >?", "list<float64?>?"),
            ("struct<a:int64,b : string?>", "struct<a: int64, b: string?>"),
            (
                "struct<\"a b\"\"c\": list<struct<x: bytes>>>",
                "struct<\"a b\"\"c\": list<struct<x: bytes>>>",
            ),
        ] {
            assert_eq!(FieldType::from_str(text).expect(text).to_string(), printed);
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        check_error("int", "there is no type `int`; did you mean `int64`?, at byte 0 of the type");
        check_error(
            "list<long>",
            "there is no type `long`; did you mean `int64`?, at byte 5 of the type",
        );
        check_error(
            "strin",
            "there is no type `strin`; did you mean `string`?, at byte 0 of the type",
        );
        check_error(
            "Boolean",
            "there is no type `Boolean`; did you mean `boolean`?, at byte 0 of the type",
        );
        check_error(
            "varchar(20)",
            "types take no length or precision: write `string`, at byte 0 of the type",
        );
        check_error(
            "list",
            "there is no type `list`; did you mean `list<...>`?, at byte 0 of the type",
        );
        check_error("", &format!("a type is missing; there are {ALL}, at byte 0 of the type"));
        check_error(
            "xyzzy",
            &format!("there is no type `xyzzy`; there are {ALL}, at byte 0 of the type"),
        );
        check_error(
            "list<int64",
            "expected `>` after the element's type of a list, but the text ends, at byte 10 of the type",
        );
        check_error(
            "struct<a int64>",
            "expected `:` and a type after the field's name `a`, but found `i`, at byte 9 of the type",
        );
        check_error(
            "struct<a: int64, a: string>",
            "two fields of a struct are named `a`, at byte 17 of the type",
        );
        check_error(
            "struct<>",
            "expected a field's name, as in `struct<a: int64>`, at byte 7 of the type",
        );
        check_error("int64 string", "the type ends before `string`, at byte 6 of the type");
        check_error("int64??", "one `?` is enough to allow NULL, at byte 6 of the type");
        let error = DataType::from_str("int64?").expect_err("nullable");
        assert_eq!(
            error.to_string(),
            "a `?` cannot stand here: write `int64`, at byte 5 of the type"
        );
    }

    #[test]
    fn deep_and_long_texts_are_refused() {
        let deep = "list<".repeat(10_000);
        let error = FieldType::from_str(&deep).expect_err("deep");
        assert!(error.message.contains("nested at most"), "{error}");
        let long = "x".repeat(MAX_TYPE_BYTES + 1);
        assert!(FieldType::from_str(&long).is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(field_type in generate::field_type()) {
            prop_assert_eq!(FieldType::from_str(&field_type.to_string()), Ok(field_type));
        }

        #[test]
        fn rubbish_is_an_error_within_the_text(text in "[a-z<>?:, \"é6]{0,40}") {
            if let Err(error) = FieldType::from_str(&text) {
                prop_assert!(error.position <= text.len());
                prop_assert!(text.is_char_boundary(error.position));
            }
        }
    }
}
