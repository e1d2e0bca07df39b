//! The types of a row's columns. Apart from their text (`type_text`), which is what users write in YAML.

use compact_str::CompactString;
use std::fmt::Display;
use std::sync::Arc;

/// A type in a sentence, such as `this is an int64`.
pub(crate) fn in_words(data_type: impl Display) -> String {
    let name = data_type.to_string();
    match name.as_str() {
        "bytes" | "bytes?" | "NULL" => name,
        name if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}

/// What a value can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `true` or `false`.
    Boolean,
    /// A signed integer of 64 bits.
    Int64,
    /// An IEEE 754 number of 64 bits.
    Float64,
    /// An exact decimal number of up to 28 digits, of which any part may stand behind the point.
    Decimal,
    /// Text in UTF-8.
    String,
    /// An instant: milliseconds since the epoch, UTC.
    Timestamp,
    /// Bytes without a meaning of their own.
    Bytes,
    /// A list of equally typed elements.
    List(Box<FieldType>),
    /// A record within the record. It has at least one field, and no two of the same name.
    Struct(Arc<[Field]>),
}

impl DataType {
    /// A list of such elements, none of which is NULL.
    #[must_use]
    pub fn list_of(element: Self) -> Self {
        Self::List(Box::new(element.required()))
    }

    /// This type without NULL.
    #[must_use]
    pub const fn required(self) -> FieldType {
        FieldType { data_type: self, nullable: false }
    }

    /// This type or NULL.
    #[must_use]
    pub const fn nullable(self) -> FieldType {
        FieldType { data_type: self, nullable: true }
    }

    /// Whether arithmetic works on it.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Int64 | Self::Float64 | Self::Decimal)
    }
}

/// A type and whether NULL is allowed beside its values; written with a trailing `?` then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// The type.
    pub data_type: DataType,
    /// Whether a value may be NULL.
    pub nullable: bool,
}

/// A name with a type: a column of a schema, or a field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// The name; its case matters.
    pub name: CompactString,
    /// The type.
    pub data_type: DataType,
    /// Whether a value may be NULL.
    pub nullable: bool,
}

impl Field {
    /// A field that is never NULL.
    pub fn required(name: impl Into<CompactString>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type, nullable: false }
    }

    /// A field that may be NULL.
    pub fn nullable(name: impl Into<CompactString>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type, nullable: true }
    }

    /// Its type without its name.
    #[must_use]
    pub fn field_type(&self) -> FieldType {
        FieldType { data_type: self.data_type.clone(), nullable: self.nullable }
    }
}
