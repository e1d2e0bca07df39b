//! Values with their places: what the model asks for where a later check has to point at something.

use crate::source::Span;
use crate::tree::NodeId;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// By this name of a newtype struct a type asks for the text of a scalar, whatever it reads as: an
/// expression may be `1` or `true`.
pub const TEXT: &str = "tidegate:text";

/// By this name of a newtype struct a type asks for a list, where one value counts as a list of one: a
/// list is visited as a sequence, anything else as a newtype struct.
pub const MANY: &str = "tidegate:many";

pub(super) const SPANNED: &str = "tidegate:spanned";
pub(super) const RAW: &str = "tidegate:raw";
pub(super) const FIELDS: &[&str] = &["start", "end", "id", "value"];

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
    /// Which node it is, to find places within its text.
    pub id: NodeId,
}

/// A value that is decoded later, by whoever knows its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Which node it is.
    pub id: NodeId,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(SPANNED, FIELDS, SpannedVisitor(PhantomData))
    }
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a topology file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
        let (span, id) = place(&mut parts)?;
        let _: Option<IgnoredAny> = parts.next_key()?;
        Ok(Spanned { value: parts.next_value()?, span, id })
    }
}

/// The first three of [`FIELDS`].
fn place<'de, A: MapAccess<'de>>(parts: &mut A) -> Result<(Span, NodeId), A::Error> {
    let mut numbers = [0; 3];
    for number in &mut numbers {
        let _: Option<IgnoredAny> = parts.next_key()?;
        *number = parts.next_value()?;
    }
    let [start, end, id] = numbers;
    Ok((Span::new(start, end), NodeId(u32::try_from(id).unwrap_or(u32::MAX))))
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(RAW, FIELDS, RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a topology file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Raw, A::Error> {
        let (span, id) = place(&mut parts)?;
        Ok(Raw { id, span })
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl JsonSchema for Raw {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Raw".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}
