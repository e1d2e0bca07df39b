//! A list that is short as a rule.
//!
//! Apart because its shape decides how fast patterns are over many keys: most keys have one partial match
//! that has taken one event. A single element lies where the list itself does, so that what is kept of
//! such a key is one place in memory; only a second one makes a list elsewhere.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, DerefMut};

/// Room in a new list: more than two, so that it does not grow at once.
const LIST: usize = 4;

#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    One(T),
    /// Any number; none, to begin with.
    Many(Vec<T>),
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> Few<T> {
    #[inline]
    pub(super) fn push(&mut self, element: T) {
        match self {
            Self::Many(list) if list.capacity() == 0 => *self = Self::One(element),
            Self::Many(list) => list.push(element),
            Self::One(_) => {
                if let Self::One(first) = std::mem::take(self) {
                    let mut list = Vec::with_capacity(LIST);
                    list.extend([first, element]);
                    *self = Self::Many(list);
                }
            }
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        match self {
            Self::One(only) if keep(only) => {}
            Self::One(_) => *self = Self::default(),
            Self::Many(list) => list.retain(keep),
        }
    }

    /// As [`Few::retain`]; the first `first` stay anyway.
    pub(super) fn retain_behind(&mut self, first: usize, mut keep: impl FnMut(&T) -> bool) {
        let mut place = 0;
        self.retain(|element| {
            place += 1;
            place <= first || keep(element)
        });
    }

    pub(super) fn remove_first(&mut self, first: usize) {
        let mut place = 0;
        self.retain(|_| {
            place += 1;
            place > first
        });
    }

    pub(super) fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// Holds what `other` does.
    pub(super) fn assign(&mut self, other: &[T])
    where
        T: Copy,
    {
        match self {
            Self::One(only) if other.len() == 1 => *only = other[0],
            _ => {
                self.clear();
                other.iter().for_each(|element| self.push(*element));
            }
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Many(list) => list,
        }
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(only) => std::slice::from_mut(only),
            Self::Many(list) => list,
        }
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut few = Self::default();
        elements.into_iter().for_each(|element| few.push(element));
        few
    }
}

/// In a snapshot it is a list.
impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::codec;

    #[test]
    fn it_holds_what_a_list_holds_whatever_is_done_to_it() {
        let (mut few, mut list) = (Few::default(), Vec::new());
        let mut seed = 1u64;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (what, number) = (seed >> 61, seed >> 40);
            match what {
                0 => {
                    few.retain(|one| one % 2 == number % 2);
                    list.retain(|one| one % 2 == number % 2);
                }
                1 => {
                    few.remove_first(2);
                    list.drain(..list.len().min(2));
                }
                2 => {
                    list.truncate(usize::try_from(number % 3).expect("small"));
                    few.assign(&list);
                }
                3 => {
                    few.retain_behind(3, |one| one % 2 == 0);
                    let mut place = 0..;
                    list.retain(|one| place.next() < Some(3) || one % 2 == 0);
                }
                4 => few = codec::from_cbor(&codec::to_cbor(&few)).expect("whole"),
                _ => {
                    few.push(number);
                    list.push(number);
                }
            }
            assert_eq!(*few, *list);
        }
    }
}
