//! Texts that are more than text: expressions, names, types; and lists of them.

use crate::code::Code;
use crate::decode::{Mistake, Spanned, TEXT};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use tidegate_rows::FieldType;

use super::quantity::Duration;

/// A SQL expression over the columns of a record, such as `price * 0.9` or `behavior = 'pv'`.
pub type Expression = Spanned<Text>;

/// An aggregate such as `count()`, `sum(price)` or `count() FILTER (WHERE price > 10)`.
pub type AggregateText = Spanned<Text>;

/// The name of a column, a node or a stage.
pub type Name = Spanned<Text>;

/// The text of a scalar, whatever it reads as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| {
            if text.trim().is_empty() {
                let mistake = Mistake::new(Code::EmptyText, "this text is empty");
                return Err(mistake.label("something must be said here"));
            }
            Ok(Self(text.to_owned()))
        })
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// Reads the text of a scalar by `read`.
pub(super) fn read_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl Fn(&str) -> Result<T, Mistake>,
) -> Result<T, D::Error> {
    struct TextVisitor<F>(F);

    impl<'de, T, F: Fn(&str) -> Result<T, Mistake>> Visitor<'de> for TextVisitor<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(E::custom)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
            inner.deserialize_str(self)
        }
    }

    deserializer.deserialize_newtype_struct(TEXT, TextVisitor(read))
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Many<T>(pub Vec<T>);

impl<T> std::ops::Deref for Many<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ManyVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                one: D,
            ) -> Result<Many<T>, D::Error> {
                T::deserialize(one).map(|one| Many(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Many(all))
            }
        }

        deserializer.deserialize_newtype_struct(crate::decode::MANY, ManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one.clone(), { "type": "array", "items": one }] })
    }
}

/// Names with values, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T>(pub Vec<(Spanned<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = &(Spanned<String>, T)> {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entries<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    all.push(entry);
                }
                Ok(Entries(all))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Entries_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeText(pub FieldType);

/// The columns of a source with their types.
pub type SchemaText = Entries<Spanned<TypeText>>;

impl<'de> Deserialize<'de> for TypeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| {
            text.parse::<FieldType>().map(Self).map_err(|error| {
                Mistake::new(Code::UnknownType, format!("`{text}` is no type")).label(error.message)
            })
        })
    }
}

impl JsonSchema for TypeText {
    fn schema_name() -> Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The type of a column: boolean, int64, float64, decimal, string, timestamp, bytes, list<type> or struct<name: type, ...>. A `?` behind it allows NULL.",
            "type": "string",
            "examples": ["int64", "string", "timestamp", "float64?", "list<string>", "struct<x: int64, y: int64>"],
        })
    }
}

/// How long something is kept: a duration, or `forever`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// As long as the job lives.
    Forever,
    /// For so long.
    For(Duration),
}

impl<'de> Deserialize<'de> for Retain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| match text {
            "forever" => Ok(Self::Forever),
            other => match Duration::read(other) {
                Ok(duration) => Ok(Self::For(duration)),
                Err(mistake) if mistake.has_help("did you mean") => Err(mistake),
                Err(mistake) => Err(mistake.help("write a duration such as `24h`, or `forever`")),
            },
        })
    }
}

impl JsonSchema for Retain {
    fn schema_name() -> Cow<'static, str> {
        "Retain".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How long something is kept: a duration such as `24h`, or `forever`. There is no default: forgetting changes results, and never forgetting fills the memory.",
            "type": "string",
            "pattern": "^forever$|^\\s*([0-9]+\\s*(ms|s|m|h|d|w)\\s*)+$|\\$\\{",
            "examples": ["forever", "24h"],
        })
    }
}
