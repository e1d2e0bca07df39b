//! Text as cheap as a number: a slice of the pool that all made-up text is cut from, or a text of its own.
//!
//! Making up letters for every event would cost more than most queries do. A slice of a pool made once is
//! real text all the same; what comes from elsewhere (a file, a snapshot) is held by itself.

use super::pool;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tidegate_core::key::{self, Key};

/// An immutable text; a copy costs no allocation.
#[derive(Clone)]
pub struct Text(Held);

#[derive(Clone)]
enum Held {
    Slice(Slice),
    Own(Arc<str>),
}

/// A part of the pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Held::Slice(slice) => pool::text(*slice),
            Held::Own(text) => text,
        }
    }
}

impl From<Slice> for Text {
    #[inline]
    fn from(slice: Slice) -> Self {
        Self(Held::Slice(slice))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Held::Own(text.into()))
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Key for Text {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        key::write_str(self, out);
    }

    fn stable_hash(&self) -> u64 {
        key::hash_str(self)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::<str>::deserialize(deserializer).map(|text| Self(Held::Own(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::codec;

    #[test]
    fn a_slice_is_equal_to_the_same_text_held_by_itself() {
        let slice = Text::from(Slice { start: 7, length: 40 });
        let own = Text::from(slice.as_str());
        assert_eq!(slice, own);
        assert_eq!(slice.cmp(&own), Ordering::Equal);
        assert_eq!(slice.stable_hash(), own.stable_hash());
        assert_eq!(own.stable_hash(), Arc::<str>::from(slice.as_str()).stable_hash());
        let read: Text = codec::from_cbor(&codec::to_cbor(&slice)).unwrap();
        assert_eq!(read, slice);
        assert_eq!(format!("{slice}"), own.as_str());
    }

    #[test]
    fn a_text_is_no_larger_than_a_pointer_and_a_length() {
        assert_eq!(size_of::<Text>(), 16);
    }
}
