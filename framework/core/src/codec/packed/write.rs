//! serde's data model as packed CBOR; a struct's fields are in [`fields`](super::fields).

use super::fields::{Fields, Known};
use ciborium_ll::{Encoder, Header, simple, tag};
use serde::ser::{self, Serialize};
use std::fmt;

/// Kinds of items: the first three bits of each, RFC 8949 section 3.
const POSITIVE: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// Ends an array or map of unknown length.
const BREAK: u8 = 0xff;

/// What a type says that refuses to be serialized.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

/// Writes one value.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) known: &'a mut Vec<Known>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, known: &'a mut Vec<Known>) -> Self {
        Self { out, known }
    }

    /// The head of an item: its kind, and its value, length or tag in as few bytes as it takes.
    pub(super) fn head(&mut self, major: u8, argument: u64) {
        let first = major << 5;
        match argument {
            0..24 => self.out.push(first | argument as u8),
            24..0x100 => self.out.extend_from_slice(&[first | 24, argument as u8]),
            0x100..0x1_0000 => {
                let [a, b] = (argument as u16).to_be_bytes();
                self.out.extend_from_slice(&[first | 25, a, b]);
            }
            0x1_0000..0x1_0000_0000 => {
                let [a, b, c, d] = (argument as u32).to_be_bytes();
                self.out.extend_from_slice(&[first | 26, a, b, c, d]);
            }
            _ => {
                let [a, b, c, d, e, f, g, h] = argument.to_be_bytes();
                self.out.extend_from_slice(&[first | 27, a, b, c, d, e, f, g, h]);
            }
        }
    }

    /// The head of an array or map; without a length one that ends with a break.
    fn collection(&mut self, major: u8, length: Option<usize>) {
        match length {
            Some(length) => self.head(major, length as u64),
            None => self.out.push(major << 5 | 31),
        }
    }

    /// Begins the only entry of a map: how a variant stands before what it holds.
    fn push_variant(&mut self, variant: &str) {
        self.head(MAP, 1);
        self.push_text(variant);
    }

    fn push_text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// An integer, of which `bits` are told: itself, or if it is negative, minus one minus itself.
    fn push_integer(&mut self, negative: bool, bits: u128) {
        match (u64::try_from(bits), negative) {
            (Ok(bits), false) => self.head(POSITIVE, bits),
            (Ok(bits), true) => self.head(NEGATIVE, bits),
            (Err(_), _) => {
                let bytes = bits.to_be_bytes();
                let digits = &bytes[bits.leading_zeros() as usize / 8..];
                self.head(TAG, if negative { tag::BIGNEG } else { tag::BIGPOS });
                self.head(BYTES, digits.len() as u64);
                self.out.extend_from_slice(digits);
            }
        }
    }
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Items<'w, 'a>;
    type SerializeTuple = Items<'w, 'a>;
    type SerializeTupleStruct = Items<'w, 'a>;
    type SerializeTupleVariant = Items<'w, 'a>;
    type SerializeMap = Items<'w, 'a>;
    type SerializeStruct = Fields<'w, 'a>;
    type SerializeStructVariant = Fields<'w, 'a>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.head(SIMPLE, if value { simple::TRUE } else { simple::FALSE }.into());
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Refused> {
        match u64::try_from(value) {
            Ok(value) => self.head(POSITIVE, value),
            Err(_) => self.head(NEGATIVE, !value as u64),
        }
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Refused> {
        let negative = value < 0;
        self.push_integer(negative, if negative { !value } else { value } as u128);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Refused> {
        self.head(POSITIVE, value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Refused> {
        self.push_integer(false, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        // As short as it can be without loss.
        let mut encoder = Encoder::from(&mut *self.out);
        encoder.push(Header::Float(value)).expect("memory can be written");
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.push_text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.push_text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.head(BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.head(SIMPLE, simple::NULL.into());
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Refused> {
        self.push_text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.push_variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'w, 'a>, Refused> {
        self.collection(ARRAY, len);
        Ok(Items { writer: self, endless: len.is_none() })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'w, 'a>, Refused> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'w, 'a>, Refused> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'w, 'a>, Refused> {
        // The one way in which `ciborium` lets a value carry a tag of its own; it could not be told from a struct's.
        if of == "@@TAG@@" {
            return Err(Refused("state cannot hold tagged CBOR".to_owned()));
        }
        self.push_variant(variant);
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Items<'w, 'a>, Refused> {
        self.collection(MAP, len);
        Ok(Items { writer: self, endless: len.is_none() })
    }

    fn serialize_struct(self, of: &'static str, fields: usize) -> Result<Fields<'w, 'a>, Refused> {
        Ok(Fields::begin(self, of, fields))
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'w, 'a>, Refused> {
        self.push_variant(variant);
        self.serialize_struct(of, len)
    }
}

/// The elements of an array or the entries of a map.
pub(super) struct Items<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// Their number was not known when they began.
    endless: bool,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        if self.endless {
            self.writer.out.push(BREAK);
        }
    }
}

macro_rules! items {
    ($($kind:ident . $item:ident),*) => {$(
        impl ser::$kind for Items<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.item(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

items!(
    SerializeSeq.serialize_element,
    SerializeTuple.serialize_element,
    SerializeTupleStruct.serialize_field,
    SerializeTupleVariant.serialize_field
);

impl ser::SerializeMap for Items<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.item(value)
    }

    fn end(self) -> Result<(), Refused> {
        self.finish();
        Ok(())
    }
}
