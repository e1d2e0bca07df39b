//! A node as a serde deserializer.
//!
//! Type errors are told here, where it is known both what was asked for and what is there.

use super::access::{EntryAccess, ItemAccess, VariantAccess};
use super::failure::Failure;
use super::spanned::{MANY, RAW, SPANNED, TEXT};
use super::{Notes, access};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::tree::{Node, Scalar, ScalarKind, Style, Value};
use serde::de::{Deserializer, Visitor};

/// A node that is decoded.
#[derive(Clone, Copy)]
pub(super) struct NodeDeserializer<'a> {
    pub(super) node: &'a Node,
    /// What is pointed at when something is missing.
    pub(super) owner: Span,
    pub(super) notes: &'a Notes,
}

impl<'a> NodeDeserializer<'a> {
    /// What is pointed at when the node itself is at fault: of a large one its key.
    pub(super) fn place(&self) -> Span {
        if self.node.scalar().is_some() { self.node.span } else { self.owner }
    }

    fn wrong(&self, expected: &str) -> Failure {
        let found = self.node.describe();
        let message = format!("expected {expected}, found {found}");
        let mut diagnostic = Diagnostic::new(Code::WrongType, self.place(), message);
        let text = self.node.scalar().map(|scalar| scalar.text.as_str());
        let help = match (expected, &self.node.value, text) {
            ("text", Value::Scalar(_), Some(text)) => {
                format!("if that is the text, put it in quotes: \"{text}\"")
            }
            ("a list", Value::Scalar(_), Some(text)) if text.len() < 60 => {
                format!("write it as a list: [{text}]")
            }
            ("a list", Value::Null, _) => "an empty list is written `[]`".into(),
            ("true or false", Value::Scalar(_), Some("yes" | "on" | "Yes" | "On" | "y")) => {
                "write `true`".into()
            }
            ("true or false", Value::Scalar(_), Some("no" | "off" | "No" | "Off" | "n")) => {
                "write `false`".into()
            }
            ("a whole number" | "a number", Value::Scalar(scalar), Some(text)) => {
                number_help(scalar, text)
            }
            _ => String::new(),
        };
        diagnostic = diagnostic.label(format!("this should be {expected}")).help(help);
        Failure::told(diagnostic, self.node.id)
    }

    fn text(&self) -> Result<&'a str, Failure> {
        match &self.node.value {
            Value::Scalar(Scalar { text, kind: ScalarKind::Text, .. }) => Ok(text),
            _ => Err(self.wrong("text")),
        }
    }

    fn int(&self, least: i128, most: i128) -> Result<i128, Failure> {
        let Some(ScalarKind::Int(number)) = self.node.scalar().map(|scalar| scalar.kind) else {
            return Err(self.wrong("a whole number"));
        };
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        let (bound, label) = if number < least {
            (format!("{least} or more"), "this is too small")
        } else {
            (format!("{most} or less"), "this is too large")
        };
        let message = format!("the number must be {bound}");
        let diagnostic = Diagnostic::new(Code::OutOfRange, self.node.span, message);
        Err(Failure::told(diagnostic.label(label), self.node.id))
    }

    fn float(&self) -> Result<f64, Failure> {
        match self.node.scalar().map(|scalar| scalar.kind) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number is asked for, not an exact one"
            )]
            Some(ScalarKind::Int(number)) => Ok(number as f64),
            Some(ScalarKind::Float(number)) if number.is_finite() => Ok(number),
            _ => Err(self.wrong("a number")),
        }
    }

    fn located<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| failure.within(self.node.id, self.place()))
    }

    fn map<'de, V: Visitor<'de>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Mapping(_) | Value::Null => {
                let result = visitor.visit_map(EntryAccess::new(self, fields));
                self.located(result)
            }
            _ => Err(self.wrong("a mapping")),
        }
    }
}

fn number_help(scalar: &Scalar, text: &str) -> String {
    match scalar.style {
        Style::SingleQuoted | Style::DoubleQuoted if text.parse::<f64>().is_ok() => {
            format!("write it without quotes: {text}")
        }
        _ => String::new(),
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            let number = self.int(<$number>::MIN as i128, <$number>::MAX as i128)?;
            self.located(visitor.$visit(number as $number))
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Null => self.located(visitor.visit_unit()),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) => self.deserialize_map(visitor),
            Value::Scalar(scalar) => self.located(match scalar.kind {
                ScalarKind::Bool(value) => visitor.visit_bool(value),
                ScalarKind::Int(number) => match i64::try_from(number) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => visitor.visit_i128(number),
                },
                ScalarKind::Float(number) => visitor.visit_f64(number),
                ScalarKind::Text => visitor.visit_str(&scalar.text),
            }),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Bool(value)) => self.located(visitor.visit_bool(value)),
            _ => Err(self.wrong("true or false")),
        }
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let number = self.float()?;
        self.located(visitor.visit_f64(number))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let number = self.float()?;
        self.located(visitor.visit_f64(number))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let text = self.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => self.located(visitor.visit_char(one)),
            _ => Err(self.wrong("one character")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let text = self.text()?;
        self.located(visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.node.value {
            Value::Null => self.located(visitor.visit_none()),
            _ => self.located(visitor.visit_some(self)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Null => self.located(visitor.visit_unit()),
            Value::Mapping(entries) if entries.is_empty() => self.located(visitor.visit_unit()),
            _ => Err(self.wrong("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == MANY && matches!(self.node.value, Value::Sequence(_)) {
            return self.deserialize_seq(visitor);
        }
        if name != TEXT {
            return self.located(visitor.visit_newtype_struct(self));
        }
        match self.node.scalar() {
            Some(scalar) => self.located(visitor.visit_str(&scalar.text)),
            None => Err(self.wrong("text")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            Value::Sequence(items) => {
                let items = ItemAccess::new(items, self.notes);
                self.located(visitor.visit_seq(items))
            }
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match name {
            SPANNED | RAW => self.located(visitor.visit_map(access::PlaceAccess::new(self))),
            _ => self.map(Some(fields), visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let variant = VariantAccess::new(self, variants)?;
        self.located(visitor.visit_enum(variant))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.located(visitor.visit_unit())
    }
}
