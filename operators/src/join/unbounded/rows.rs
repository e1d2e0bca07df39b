//! The rows of one side of one key, in the order of their arrival.
//!
//! Apart because its shape decides how fast the join is: a single row lies in the table's slot itself and
//! costs no other look; several are shared with a capture that is being written, and copied only when one
//! comes or goes meanwhile.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt::Debug;
use std::sync::Arc;
use tidegate_core::time::Timestamp;

/// How many partners a row has had and not lost again, where that is counted: where rows come out alone.
pub(super) trait Partners:
    Copy + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    fn of(count: usize) -> Self;
}

impl Partners for () {
    fn of(_: usize) {}
}

impl Partners for u32 {
    fn of(count: usize) -> Self {
        Self::try_from(count).unwrap_or(Self::MAX)
    }
}

/// A row of a side.
#[derive(Clone, Debug)]
pub(super) struct Row<T, P> {
    /// When it came, by the wall clock.
    pub(super) at: Timestamp,
    pub(super) partners: P,
    pub(super) value: T,
}

/// The rows of a side.
#[derive(Clone, Debug, Default)]
pub(super) enum Rows<T, P> {
    #[default]
    Empty,
    One(Row<T, P>),
    Many(Arc<Vec<Row<T, P>>>),
}

/// Room in a new list: more than two, so that it does not grow at once.
const LIST: usize = 4;

impl<T, P> Rows<T, P> {
    fn as_slice(&self) -> &[Row<T, P>] {
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

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Row<T, P>> {
        self.as_slice().iter()
    }

    pub(super) fn get(&self, position: usize) -> Option<&Row<T, P>> {
        self.as_slice().get(position)
    }

    /// Something that hangs on what does not lie in the slot.
    pub(super) fn touch(&self) -> i64 {
        match self {
            Self::Many(rows) => rows.last().map_or(0, |row| row.at.millis()),
            Self::One(_) | Self::Empty => 0,
        }
    }
}

impl<T: Clone, P: Partners> Rows<T, P> {
    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Row<T, P>> {
        match self {
            Self::Empty => None,
            Self::One(row) => (position == 0).then_some(row),
            Self::Many(rows) => Arc::make_mut(rows).get_mut(position),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, row: Row<T, P>) {
        match self {
            Self::Empty => *self = Self::One(row),
            Self::Many(rows) => Arc::make_mut(rows).push(row),
            Self::One(_) => {
                let mut rows = Vec::with_capacity(LIST);
                rows.extend(self.remove(0));
                rows.push(row);
                *self = Self::Many(Arc::new(rows));
            }
        }
    }

    pub(super) fn remove(&mut self, position: usize) -> Option<Row<T, P>> {
        match self {
            Self::Many(rows) if position < rows.len() => {
                let removed = Arc::make_mut(rows).remove(position);
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
            Self::Many(rows) if count < rows.len() => drop(Arc::make_mut(rows).drain(..count)),
            Self::Empty | Self::One(_) | Self::Many(_) if count > 0 => *self = Self::Empty,
            Self::Empty | Self::One(_) | Self::Many(_) => {}
        }
    }
}

impl<T: Serialize, P: Partners> Serialize for Rows<T, P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|row| (row.at, row.partners, &row.value)))
    }
}

impl<'de, T: Clone + Deserialize<'de>, P: Partners> Deserialize<'de> for Rows<T, P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rows = Self::Empty;
        for (at, partners, value) in Vec::deserialize(deserializer)? {
            rows.push(Row { at, partners, value });
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(rows: &Rows<u32, u32>) -> Vec<u32> {
        rows.iter().map(|row| row.value).collect()
    }

    #[test]
    fn a_capture_costs_no_copy_and_keeps_its_rows_whatever_comes_or_goes() {
        let row = |value| Row { at: Timestamp(7), partners: 0, value };
        let mut rows = Rows::default();
        (1..=3).for_each(|value| rows.push(row(value)));
        let captured = rows.clone();
        assert!(std::ptr::eq(captured.as_slice(), rows.as_slice()), "shared until one changes");
        rows.push(row(4));
        assert_eq!(rows.remove(0).map(|row| row.value), Some(1));
        rows.get_mut(0).expect("2 is the first now").partners = 9;
        rows.remove_first(2);
        assert_eq!((values(&captured), values(&rows)), (vec![1, 2, 3], vec![4]));
        assert!(captured.iter().all(|row| row.partners == 0));
    }
}
