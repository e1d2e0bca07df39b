//! What waits on one side of one key, in the order of time.
//!
//! Apart because its shape decides how fast a join is: most keys have one record waiting or none, which
//! then lies in the table's slot itself and costs no other look; only a second one makes a queue. Records
//! of equal time stand in the order in which they came.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::collections::VecDeque;
use std::ops::Range;
use tidegate_core::codec;
use tidegate_core::time::Timestamp;

/// Room in a new queue: more than two, so that it does not grow at once.
const QUEUE: usize = 4;

/// A record that waits for a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting<T> {
    /// When it came, by the clock of the join: its event time, or the wall clock at its arrival.
    pub(super) at: Timestamp,
    /// Whether it has had a partner.
    pub(super) matched: bool,
    /// The record.
    pub(super) value: T,
}

/// The records that wait.
#[derive(Clone, Debug, Default)]
pub(super) enum Buffer<T> {
    #[default]
    Empty,
    One(Waiting<T>),
    Many(VecDeque<Waiting<T>>),
}

impl<T> Buffer<T> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(_) => 1,
            Self::Many(queue) => queue.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn first(&self) -> Option<&Waiting<T>> {
        match self {
            Self::Empty => None,
            Self::One(only) => Some(only),
            Self::Many(queue) => queue.front(),
        }
    }

    /// Something that hangs on both ends of what waits.
    pub(super) fn ends(&self) -> i64 {
        match self {
            Self::Many(queue) => {
                let at = |end: Option<&Waiting<T>>| end.map_or(0, |end| end.at.millis());
                at(queue.front()) ^ at(queue.back())
            }
            Self::One(_) | Self::Empty => 0,
        }
    }

    pub(super) fn get(&self, position: usize) -> Option<&Waiting<T>> {
        match self {
            Self::One(only) if position == 0 => Some(only),
            Self::Many(queue) => queue.get(position),
            Self::One(_) | Self::Empty => None,
        }
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Waiting<T>> {
        match self {
            Self::One(only) if position == 0 => Some(only),
            Self::Many(queue) => queue.get_mut(position),
            Self::One(_) | Self::Empty => None,
        }
    }

    /// Puts a record in its place, behind those of equal time, and returns the place.
    pub(super) fn insert(&mut self, waiting: Waiting<T>) -> usize {
        let place = match self {
            Self::Empty => 0,
            Self::One(other) => usize::from(other.at <= waiting.at),
            Self::Many(queue) => match queue.back() {
                Some(last) if last.at > waiting.at => {
                    queue.partition_point(|other| other.at <= waiting.at)
                }
                _ => queue.len(),
            },
        };
        self.insert_at(place, waiting);
        place
    }

    /// As [`Buffer::insert`], but the place among records of equal time goes by their encoded bytes, so
    /// that it does not hang on the order in which they came.
    pub(super) fn insert_by_content(&mut self, waiting: Waiting<T>)
    where
        T: Serialize,
    {
        let Range { mut start, mut end } = self.range(waiting.at, waiting.at);
        if start == end {
            self.insert(waiting);
            return;
        }
        let content = codec::to_cbor(&waiting.value);
        while start < end {
            let middle = usize::midpoint(start, end);
            let other = &self.get(middle).expect("it is in the range").value;
            if codec::to_cbor(other) <= content { start = middle + 1 } else { end = middle }
        }
        self.insert_at(start, waiting);
    }

    fn insert_at(&mut self, place: usize, waiting: Waiting<T>) {
        if let Self::Many(queue) = self {
            queue.insert(place, waiting);
            return;
        }
        *self = match std::mem::take(self) {
            Self::One(other) => {
                let mut queue = VecDeque::with_capacity(QUEUE);
                queue.extend(if place == 0 { [waiting, other] } else { [other, waiting] });
                Self::Many(queue)
            }
            Self::Empty | Self::Many(_) => Self::One(waiting),
        };
    }

    /// Takes the record at `position` out.
    pub(super) fn remove(&mut self, position: usize) -> Option<Waiting<T>> {
        match self {
            Self::Many(queue) => {
                let removed = queue.remove(position);
                if queue.is_empty() {
                    *self = Self::Empty;
                }
                removed
            }
            Self::One(_) if position == 0 => match std::mem::take(self) {
                Self::One(only) => Some(only),
                Self::Empty | Self::Many(_) => unreachable!("it was one"),
            },
            Self::One(_) | Self::Empty => None,
        }
    }

    /// The places of the records of `from..=to`.
    pub(super) fn range(&self, from: Timestamp, to: Timestamp) -> Range<usize> {
        match self {
            Self::Empty => 0..0,
            Self::One(only) => 0..usize::from(from <= only.at && only.at <= to),
            Self::Many(queue) => {
                let start = queue.partition_point(|waiting| waiting.at < from);
                let end = queue.partition_point(|waiting| waiting.at <= to);
                start..end.max(start)
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting<T>> {
        (0..self.len()).filter_map(|position| self.get(position))
    }
}

impl<T> FromIterator<Waiting<T>> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = Waiting<T>>>(waiting: I) -> Self {
        let mut buffer = Self::Empty;
        for one in waiting {
            buffer.insert(one);
        }
        buffer
    }
}

/// In a snapshot a buffer is a list, and a record in it three fields without names.
impl<T: Serialize> Serialize for Buffer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|one| (one.at, one.matched, &one.value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Buffer<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = Vec::<(Timestamp, bool, T)>::deserialize(from)?;
        Ok(list.into_iter().map(|(at, matched, value)| Waiting { at, matched, value }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_in_the_order_of_time_and_then_of_arrival() {
        let mut buffer = Buffer::default();
        for (value, at) in [5, 3, 5, 9, 3, 1].into_iter().enumerate() {
            buffer.insert(Waiting { at: Timestamp(at), matched: false, value });
        }
        let values = |buffer: &Buffer<usize>| buffer.iter().map(|w| w.value).collect::<Vec<_>>();
        assert_eq!(values(&buffer), [5, 1, 4, 0, 2, 3]);
        assert_eq!(buffer.range(Timestamp(3), Timestamp(5)), 1..5);
        assert_eq!(buffer.range(Timestamp(6), Timestamp(8)), 5..5);
        assert_eq!(buffer.range(Timestamp(8), Timestamp(2)), 5..5);
        assert_eq!(buffer.remove(2).map(|w| w.value), Some(4));
        let bytes = codec::to_cbor(&buffer);
        let read: Buffer<usize> = codec::from_cbor(&bytes).expect("whole");
        assert_eq!(values(&read), values(&buffer));
        while !buffer.is_empty() {
            buffer.remove(0);
        }
        assert_eq!((buffer.first(), buffer.range(Timestamp::MIN, Timestamp::MAX)), (None, 0..0));
    }

    #[test]
    fn records_of_equal_time_can_stand_in_the_order_of_their_content() {
        for order in [[7, 3, 5, 3], [3, 7, 3, 5], [5, 7, 3, 3]] {
            let mut buffer = Buffer::<u8>::default();
            for at in [4, 1] {
                for value in order {
                    buffer.insert_by_content(Waiting { at: Timestamp(at), matched: false, value });
                }
            }
            let values: Vec<u8> = buffer.iter().map(|one| one.value).collect();
            assert_eq!(values, [3, 3, 5, 7, 3, 3, 5, 7]);
        }
    }
}
