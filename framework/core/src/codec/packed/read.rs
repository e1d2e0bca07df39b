//! Packed CBOR as serde's data model.
//!
//! CBOR says itself what follows, so nearly everything is read as what it is, whatever was asked for. What is
//! read may be anything at all: whatever its bytes say, it takes neither memory that they do not fill nor
//! more than [`DEPTH`] levels of the stack.

use super::super::DecodeError;
use super::{DEPTH, Shapes};
use ciborium_ll::{Decoder, Header, simple, tag};
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Error, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

impl Error for DecodeError {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Content(why.to_string())
    }
}

/// A number of so many bytes, and what follows it.
fn wide<const BYTES: usize>(rest: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let (bytes, rest) = rest.split_first_chunk::<BYTES>().ok_or(DecodeError::Truncated)?;
    let mut wide = [0; 8];
    wide[8 - BYTES..].copy_from_slice(bytes);
    Ok((u64::from_be_bytes(wide), rest))
}

/// Reads one value.
pub(super) struct Reader<'de, 's> {
    rest: &'de [u8],
    shapes: &'s Shapes,
    /// Levels that may still be gone down.
    depth: usize,
}

impl<'de, 's> Reader<'de, 's> {
    pub(super) const fn new(bytes: &'de [u8], shapes: &'s Shapes) -> Self {
        Self { rest: bytes, shapes, depth: DEPTH }
    }

    /// What has not been read.
    pub(super) const fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// The next header, with what has been read when it is.
    fn peek(&self) -> Result<(Header, &'de [u8]), DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        let (argument, rest) = match first & 0x1f {
            small @ 0..24 => (u64::from(small), rest),
            24 => wide::<1>(rest)?,
            25 => wide::<2>(rest)?,
            26 => wide::<4>(rest)?,
            27 => wide::<8>(rest)?,
            _ => return self.peek_seldom(),
        };
        let length = || usize::try_from(argument).map_or(Err(DecodeError::Truncated), Ok);
        let header = match first >> 5 {
            0 => Header::Positive(argument),
            1 => Header::Negative(argument),
            2 => Header::Bytes(Some(length()?)),
            3 => Header::Text(Some(length()?)),
            4 => Header::Array(Some(length()?)),
            5 => Header::Map(Some(length()?)),
            6 => Header::Tag(argument),
            7 if first & 0x1f < 24 => Header::Simple(argument as u8),
            _ => return self.peek_seldom(),
        };
        Ok((header, rest))
    }

    /// Numbers with a point, and what has no length.
    #[cold]
    fn peek_seldom(&self) -> Result<(Header, &'de [u8]), DecodeError> {
        let mut decoder = Decoder::from(self.rest);
        match decoder.pull() {
            Ok(header) => Ok((header, &self.rest[decoder.offset()..])),
            Err(ciborium_ll::Error::Io(_)) => Err(DecodeError::Truncated),
            Err(ciborium_ll::Error::Syntax(_)) => Err(DecodeError::custom("no CBOR")),
        }
    }

    fn pull(&mut self) -> Result<Header, DecodeError> {
        let (header, rest) = self.peek()?;
        self.rest = rest;
        Ok(header)
    }

    fn take(&mut self, length: usize) -> Result<&'de [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn text(&mut self, length: usize) -> Result<&'de str, DecodeError> {
        std::str::from_utf8(self.take(length)?).map_err(DecodeError::custom)
    }

    /// Reads what is within something else.
    fn within<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let less = self.depth.checked_sub(1);
        self.depth = less.ok_or_else(|| DecodeError::custom("values within values, too deep"))?;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    /// An integer that is too large for 64 bits.
    fn big<V: Visitor<'de>>(
        &mut self,
        negative: bool,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Header::Bytes(Some(length @ ..=16)) = self.pull()? else {
            return Err(DecodeError::custom("an integer of more than 128 bits"));
        };
        let digits = self.take(length)?;
        let bits = digits.iter().fold(0, |bits, digit| bits << 8 | u128::from(*digit));
        match i128::try_from(bits) {
            Ok(bits) if negative => visitor.visit_i128(!bits),
            Err(_) if negative => Err(DecodeError::custom("an integer of more than 128 bits")),
            _ => visitor.visit_u128(bits),
        }
    }

    /// All of an array or a map.
    fn items<T>(
        &mut self,
        length: Option<usize>,
        visit: impl FnOnce(&mut Items<'_, 'de, 's>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.within(|reader| {
            let mut items = Items { reader, left: length };
            let value = visit(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    /// A struct, behind its tag.
    fn fields<V: Visitor<'de>>(&mut self, tag: u64, visitor: V) -> Result<V::Value, DecodeError> {
        let shapes = self.shapes;
        let names = shapes.names(tag);
        let names = names.ok_or_else(|| DecodeError::custom(format!("unknown tag {tag}")))?;
        let found = self.pull()?;
        if !matches!(found, Header::Array(Some(length)) if length == names.len()) {
            return Err(DecodeError::custom("a struct of more or fewer fields than it has names"));
        }
        self.within(|reader| {
            let mut fields = Fields { reader, names };
            let value = visitor.visit_map(&mut fields)?;
            match fields.names {
                [] => Ok(value),
                left => Err(DecodeError::custom(format!("unread fields: {}", left.join(", ")))),
            }
        })
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de, '_> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.pull()? {
            Header::Positive(bits) => visitor.visit_u64(bits),
            Header::Negative(bits) => match i64::try_from(bits) {
                Ok(bits) => visitor.visit_i64(!bits),
                Err(_) => visitor.visit_i128(!i128::from(bits)),
            },
            Header::Float(value) => visitor.visit_f64(value),
            Header::Simple(simple::FALSE) => visitor.visit_bool(false),
            Header::Simple(simple::TRUE) => visitor.visit_bool(true),
            Header::Simple(simple::NULL) => visitor.visit_unit(),
            Header::Bytes(Some(length)) => visitor.visit_borrowed_bytes(self.take(length)?),
            Header::Text(Some(length)) => visitor.visit_borrowed_str(self.text(length)?),
            Header::Array(length) => self.items(length, |items| visitor.visit_seq(items)),
            Header::Map(length) => self.items(length, |items| visitor.visit_map(items)),
            Header::Tag(kind @ (tag::BIGPOS | tag::BIGNEG)) => {
                self.big(kind == tag::BIGNEG, visitor)
            }
            Header::Tag(tag) => self.fields(tag, visitor),
            header @ (Header::Simple(_) | Header::Break | Header::Bytes(_) | Header::Text(_)) => {
                Err(DecodeError::custom(format!("{header:?} stands for no value")))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.peek()? {
            (Header::Simple(simple::NULL), rest) => {
                self.rest = rest;
                visitor.visit_none()
            }
            // A level of its own: it takes no byte, so nothing else bounds it.
            _ => self.within(|reader| visitor.visit_some(reader)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.within(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.pull()? {
            Header::Text(Some(length)) => {
                visitor.visit_enum(BorrowedStrDeserializer::new(self.text(length)?))
            }
            Header::Map(Some(1)) => self.within(|reader| visitor.visit_enum(Variant { reader })),
            header => Err(DecodeError::custom(format!("{header:?} begins no variant"))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of an array or the entries of a map.
struct Items<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    /// Those that have not been read; of unknown number where it ends with a break.
    left: Option<usize>,
}

impl<'de> Items<'_, 'de, '_> {
    /// Whether there is another one; then it counts as read.
    fn step(&mut self) -> Result<bool, DecodeError> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => {
                let (Header::Break, rest) = self.reader.peek()? else { return Ok(true) };
                self.reader.rest = rest;
                self.left = Some(0);
                Ok(false)
            }
        }
    }

    fn finish(&mut self) -> Result<(), DecodeError> {
        if self.step()? { Err(DecodeError::custom("more elements than expected")) } else { Ok(()) }
    }

    fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    /// No more than there are bytes for.
    fn hint(&self) -> Option<usize> {
        self.left.map(|left| left.min(self.reader.rest.len()))
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de, '_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.step()? { self.value(seed).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de, '_> {
    type Error = DecodeError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.step()? { self.value(seed).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        self.value(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// The fields of a struct, with the names that stand elsewhere.
struct Fields<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
    /// Of those that have not been read.
    names: &'s [String],
}

impl<'de> de::MapAccess<'de> for &mut Fields<'_, 'de, '_> {
    type Error = DecodeError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((name, rest)) = self.names.split_first() else { return Ok(None) };
        self.names = rest;
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.names.len())
    }
}

/// A variant that holds something: the entry of a map.
struct Variant<'r, 'de, 's> {
    reader: &'r mut Reader<'de, 's>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de, '_> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), DecodeError> {
        Ok((seed.deserialize(&mut *self.reader)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de, '_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        de::Deserialize::deserialize(self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_any(self.reader, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_any(self.reader, visitor)
    }
}
