//! The rows of one side of one key, in the order of their arrival.
//!
//! Apart because its shape decides how fast the join is: a single row lies in the table's slot itself and
//! costs no other look.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use tidegate_core::time::Timestamp;

/// A row of a side.
#[derive(Clone, Debug)]
pub(super) struct Row<T> {
    /// When it came, by the wall clock.
    pub(super) at: Timestamp,
    /// How many partners it has had and not lost again; only counted where rows come out alone.
    pub(super) partners: u32,
    pub(super) value: T,
}

/// The rows of a side.
#[derive(Clone, Debug, Default)]
pub(super) enum Rows<T> {
    #[default]
    Empty,
    One(Row<T>),
    Many(Vec<Row<T>>),
}

/// Room in a new list: more than two, so that it does not grow at once.
const LIST: usize = 4;

impl<T> Rows<T> {
    fn as_slice(&self) -> &[Row<T>] {
        match self {
            Self::Empty => &[],
            Self::One(row) => std::slice::from_ref(row),
            Self::Many(rows) => rows,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Row<T>> {
        self.as_slice().iter()
    }

    pub(super) fn get(&self, position: usize) -> Option<&Row<T>> {
        self.as_slice().get(position)
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Row<T>> {
        match self {
            Self::Empty => None,
            Self::One(row) => (position == 0).then_some(row),
            Self::Many(rows) => rows.get_mut(position),
        }
    }

    /// Something that hangs on what does not lie in the slot.
    pub(super) fn touch(&self) -> i64 {
        match self {
            Self::Many(rows) => rows.last().map_or(0, |row| row.at.millis()),
            Self::One(_) | Self::Empty => 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, row: Row<T>) {
        if let Self::Many(rows) = self {
            rows.push(row);
            return;
        }
        *self = match std::mem::take(self) {
            Self::One(first) => {
                let mut rows = Vec::with_capacity(LIST);
                rows.extend([first, row]);
                Self::Many(rows)
            }
            Self::Empty | Self::Many(_) => Self::One(row),
        };
    }

    pub(super) fn remove(&mut self, position: usize) -> Option<Row<T>> {
        match self {
            Self::Many(rows) if position < rows.len() => {
                let removed = rows.remove(position);
                if rows.is_empty() {
                    *self = Self::Empty;
                }
                Some(removed)
            }
            Self::One(_) if position == 0 => match std::mem::take(self) {
                Self::One(only) => Some(only),
                Self::Empty | Self::Many(_) => unreachable!("it was one"),
            },
            Self::Empty | Self::One(_) | Self::Many(_) => None,
        }
    }

    /// Removes the first `count` rows.
    pub(super) fn remove_first(&mut self, count: usize) {
        match self {
            Self::Many(rows) if count < rows.len() => drop(rows.drain(..count)),
            Self::Empty | Self::One(_) | Self::Many(_) if count > 0 => *self = Self::Empty,
            Self::Empty | Self::One(_) | Self::Many(_) => {}
        }
    }
}

impl<T: Serialize> Serialize for Rows<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|row| (row.at, row.partners, &row.value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rows = Self::Empty;
        for (at, partners, value) in Vec::deserialize(deserializer)? {
            rows.push(Row { at, partners, value });
        }
        Ok(rows)
    }
}
