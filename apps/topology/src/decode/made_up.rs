//! Values for keys that are missing, so that the rest of a mapping can be looked at. What they are does
//! not matter: what is decoded with them is thrown away.

use super::failure::Failure;
use super::spanned::{RAW, SPANNED};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// How deep made-up values may lie within each other; a type that contains itself ends there.
const DEPTH: usize = 8;

/// A value that fits most types.
pub(super) struct MadeUp {
    depth: usize,
}

impl MadeUp {
    pub(super) const fn new() -> Self {
        Self { depth: 0 }
    }

    fn below(&self) -> Result<Self, Failure> {
        if self.depth >= DEPTH {
            return Err(Failure::custom("too deep"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

/// Reads as a duration, and as an expression.
const TEXT: &str = "1s";

macro_rules! made_up {
    ($($method:ident => $visit:ident($value:expr),)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for MadeUp {
    type Error = Failure;

    made_up! {
        deserialize_any => visit_str(TEXT),
        deserialize_str => visit_str(TEXT),
        deserialize_string => visit_str(TEXT),
        deserialize_bytes => visit_str(TEXT),
        deserialize_byte_buf => visit_str(TEXT),
        deserialize_identifier => visit_str(TEXT),
        deserialize_char => visit_char('a'),
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i8(1),
        deserialize_i16 => visit_i16(1),
        deserialize_i32 => visit_i32(1),
        deserialize_i64 => visit_i64(1),
        deserialize_u8 => visit_u8(1),
        deserialize_u16 => visit_u16(1),
        deserialize_u32 => visit_u32(1),
        deserialize_u64 => visit_u64(1),
        deserialize_f32 => visit_f32(0.5),
        deserialize_f64 => visit_f64(0.5),
        deserialize_seq => visit_seq(Nothing),
        deserialize_map => visit_map(Fields { of: MadeUp::new(), fields: [].iter() }),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        if name == super::TEXT {
            return visitor.visit_str(TEXT);
        }
        if name == super::MANY {
            return visitor.visit_seq(Nothing);
        }
        visitor.visit_newtype_struct(self.below()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Nothing)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_seq(Nothing)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let of = if matches!(name, SPANNED | RAW) { self } else { self.below()? };
        visitor.visit_map(Fields { of, fields: fields.iter() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let name = variants.first().copied().unwrap_or_default();
        visitor.visit_enum(Variant { name, options: self.below()? })
    }
}

/// An empty list.
struct Nothing;

impl<'de> SeqAccess<'de> for Nothing {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        _: T,
    ) -> Result<Option<T::Value>, Failure> {
        Ok(None)
    }
}

/// All fields of a struct.
struct Fields {
    of: MadeUp,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        self.fields.next().map(|field| seed.deserialize(StrDeserializer::new(field))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(MadeUp { depth: self.of.depth })
    }
}

/// The first variant of an enum.
struct Variant {
    name: &'static str,
    options: MadeUp,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Failure;
    type Variant = MadeUp;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, MadeUp), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.options))
    }
}

impl<'de> VariantAccess<'de> for MadeUp {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Nothing)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { of: self, fields: fields.iter() })
    }
}
