//! A byte string in a state: how accumulators store the own format of what they are made of.

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

/// Writes `bytes` as one byte string.
pub(super) fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Reads a byte string and makes of it what `parse` does; what it cannot parse is an error.
pub(super) fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, D::Error> {
    deserializer.deserialize_byte_buf(Parse(parse))
}

struct Parse<F>(F);

impl<T, F: FnOnce(&[u8]) -> Result<T, String>> Visitor<'_> for Parse<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        self.0(bytes).map_err(E::custom)
    }
}
