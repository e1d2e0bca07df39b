//! The keys of a struct and the words of an enum, as serde's derived code tells them to a deserializer:
//! asked of the type itself, so that no list beside it can differ.

use super::failure::Failure;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

/// The keys of a struct; none of anything else.
#[must_use]
pub fn keys<T: DeserializeOwned>() -> &'static [&'static str] {
    shape::<T>().0
}

/// The words of an enum; none of anything else.
#[must_use]
pub fn words<T: DeserializeOwned>() -> &'static [&'static str] {
    shape::<T>().1
}

#[derive(Default)]
struct Shape(&'static [&'static str], &'static [&'static str]);

fn shape<T: DeserializeOwned>() -> Shape {
    let mut shape = Shape::default();
    // It always fails: there is nothing to decode.
    drop(T::deserialize(Asked(&mut shape)));
    shape
}

struct Asked<'a>(&'a mut Shape);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Failure> {
        Err(Failure::custom("nothing to decode"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Failure> {
        self.0.0 = fields;
        Err(Failure::custom("nothing to decode"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Failure> {
        self.0.1 = variants;
        Err(Failure::custom("nothing to decode"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
