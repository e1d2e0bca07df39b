//! The records of one side of a key in one stretch of time, in the order of their arrival.
//!
//! Apart from [`super::super::buffer`], which keeps records in the order of time: a window takes them as
//! they come. Most keys have one record there, which lies in the table's slot itself.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Room in a bag of several: more than two, so that it does not grow at once.
const ROOM: usize = 4;

#[derive(Clone, Debug, Default)]
pub(crate) enum Bag<T> {
    #[default]
    Empty,
    One(T),
    Many(Vec<T>),
}

impl<T> Bag<T> {
    pub(crate) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        match self {
            Self::Many(values) => values.push(value),
            Self::Empty | Self::One(_) => {
                *self = match std::mem::take(self) {
                    Self::One(other) => {
                        let mut values = Vec::with_capacity(ROOM);
                        values.extend([other, value]);
                        Self::Many(values)
                    }
                    Self::Empty | Self::Many(_) => Self::One(value),
                };
            }
        }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Empty => &[],
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(values) => values,
        }
    }

    /// Takes in all that `later` holds.
    pub(crate) fn append(&mut self, later: Self) {
        let mut values = std::mem::take(self).into_values();
        values.extend(later.into_values());
        *self = Self::from_values(values);
    }

    fn into_values(self) -> Vec<T> {
        match self {
            Self::Empty => Vec::new(),
            Self::One(only) => vec![only],
            Self::Many(values) => values,
        }
    }

    fn from_values(mut values: Vec<T>) -> Self {
        match values.len() {
            0 => Self::Empty,
            1 => values.pop().map_or(Self::Empty, Self::One),
            _ => Self::Many(values),
        }
    }
}

/// In a snapshot a bag is a list.
impl<T: Serialize> Serialize for Bag<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bag<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from_values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::codec;

    #[test]
    fn records_stand_in_the_order_of_arrival_and_survive_a_snapshot() {
        for records in 0..4u8 {
            let mut bag = Bag::Empty;
            (0..records).for_each(|n| bag.push(n));
            let read: Bag<u8> = codec::from_cbor(&codec::to_cbor(&bag)).expect("whole");
            assert_eq!(read.as_slice(), bag.as_slice());
            let expected: Vec<u8> = (0..records).chain(0..records).collect();
            bag.append(read);
            assert_eq!((bag.as_slice(), bag.is_empty()), (&expected[..], records == 0));
        }
    }
}
