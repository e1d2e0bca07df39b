//! Packed CBOR: structs without the names of their fields, which are said once beside all values.
//!
//! CBOR (RFC 8949) as serde writes it makes a map of a struct, so a million equal structs repeat the names of
//! their fields a million times: often half of what there is. Packed, a struct is the array of its fields
//! behind a tag, and [`Shapes`] say which names the tag stands for. All else is as `ciborium` writes it.
//! Fields are still found by name: one may be added that has a default, be renamed with an alias, or move.
//!
//! A tag is made of the names, not counted. So equal keys are equal bytes whoever wrote them, and entries go from
//! one delta to another as bytes when deltas are merged.

mod fields;
mod read;
mod write;

use super::DecodeError;
use fields::Known;
use read::Reader;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use write::Writer;
use xxhash_rust::xxh3::xxh3_64;

/// The tags of structs: above all that are registered, below the last one of 32 bits, which is reserved.
const TAGS: std::ops::Range<u32> = 1 << 31..u32::MAX;

/// Values may stand within each other this deep, as with `ciborium`.
const DEPTH: usize = 256;

/// The names that the tags of packed structs stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shapes(BTreeMap<u32, Vec<String>>);

impl Shapes {
    /// The value that `bytes` hold, all of them.
    ///
    /// # Errors
    /// [`DecodeError::Content`] when the bytes do not hold a `T`.
    pub fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let mut reader = Reader::new(bytes, self);
        let value = T::deserialize(&mut reader)?;
        match reader.rest() {
            [] => Ok(value),
            rest => Err(DecodeError::Content(format!("{} bytes follow the value", rest.len()))),
        }
    }

    /// Adds those of `other`.
    ///
    /// # Errors
    /// [`DecodeError::Content`] when a tag stands for something else there: two structs of one state whose
    /// names come to the same 31 bits.
    pub fn add(&mut self, other: &Self) -> Result<(), DecodeError> {
        for (tag, names) in &other.0 {
            let known = self.0.entry(*tag).or_insert_with(|| names.clone());
            if known != names {
                let [known, names] = [&*known, names].map(|names| names.join(", "));
                let why = format!("structs of fields [{known}] and [{names}] have one tag, {tag}");
                return Err(DecodeError::Content(why));
            }
        }
        Ok(())
    }

    fn names(&self, tag: u64) -> Option<&[String]> {
        Some(self.0.get(&u32::try_from(tag).ok()?)?)
    }
}

/// Writes packed values, and learns the shapes of their structs meanwhile.
#[derive(Debug, Default)]
pub struct Packer {
    known: Vec<Known>,
}

impl Packer {
    /// Packed CBOR of `value`, appended to `out`.
    ///
    /// # Panics
    /// When the type's own `Serialize` refuses: writing to memory itself cannot fail.
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T, out: &mut Vec<u8>) {
        value
            .serialize(&mut Writer::new(out, &mut self.known))
            .expect("a state type must be serializable as CBOR");
    }

    /// The shapes of what was written.
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        Shapes(self.known.iter().map(Known::shape).collect())
    }
}

/// The tag of a struct with these fields.
fn tag_of(names: &[&'static str]) -> u32 {
    let mut bytes = Vec::new();
    names.iter().for_each(|name| super::write_field(name.as_bytes(), &mut bytes));
    TAGS.start + (xxh3_64(&bytes) % u64::from(TAGS.end - TAGS.start)) as u32
}

#[cfg(test)]
mod tests;
