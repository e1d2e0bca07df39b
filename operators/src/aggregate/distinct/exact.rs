//! `Distinct`: how many different 32-bit ids there are, exactly.
//!
//! A slice holds its ids as a set. A window that slides over many slices counts how often each id is in
//! them, so that an id leaves the result with the last slice that has it: each slide costs the ids that
//! enter and leave, whatever the window holds.

use super::bytes;
use super::ids::IdSet;
use super::multiset::Multiset;
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Counts the different ids of a field, exactly. For ids beyond 32 bits there is
/// [`super::DistinctWide`].
#[derive(Debug)]
pub struct Distinct<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, F: Fn(&T) -> u32> Distinct<T, F> {
    /// Counts the different values of `field`. Ids that lie close together take the least memory.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Distinct<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

/// The ids of a slice, or how often each is in the slices of a window.
#[derive(Clone, Debug)]
pub struct DistinctIds(Ids);

#[derive(Clone, Debug)]
enum Ids {
    Set(IdSet),
    Counted(Multiset),
}

impl Serialize for DistinctIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ids::Set(ids) => bytes::write(&ids.to_bytes(), serializer),
            Ids::Counted(_) => Err(S::Error::custom("a running count of ids is never stored")),
        }
    }
}

impl<'de> Deserialize<'de> for DistinctIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ids = bytes::read(deserializer, IdSet::from_bytes)?;
        Ok(Self(Ids::Set(ids)))
    }
}

/// What a slice holds.
fn set(ids: &DistinctIds) -> &IdSet {
    match &ids.0 {
        Ids::Set(ids) => ids,
        Ids::Counted(_) => unreachable!("a running count is never a part"),
    }
}

impl<T: Data, F> Aggregate for Distinct<T, F>
where
    F: Fn(&T) -> u32 + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = DistinctIds;
    type Out = u64;

    const INVERTIBLE: bool = true;

    fn create(&self) -> DistinctIds {
        DistinctIds(Ids::Set(IdSet::default()))
    }

    #[inline]
    fn add(&self, ids: &mut DistinctIds, value: &T) {
        match &mut ids.0 {
            Ids::Set(ids) => ids.insert((self.field)(value)),
            Ids::Counted(_) => unreachable!("no record is added to a running count"),
        }
    }

    fn merge(&self, ids: &mut DistinctIds, other: &DistinctIds) {
        match &mut ids.0 {
            Ids::Set(ids) => ids.union(set(other)),
            Ids::Counted(counts) => counts.put(|put| set(other).for_each(put)),
        }
    }

    fn result(&self, ids: &DistinctIds) -> u64 {
        match &ids.0 {
            Ids::Set(ids) => ids.len(),
            Ids::Counted(counts) => counts.distinct(),
        }
    }

    fn running(&self) -> DistinctIds {
        DistinctIds(Ids::Counted(Multiset::new()))
    }

    fn deduct(&self, ids: &mut DistinctIds, part: &DistinctIds) {
        match &mut ids.0 {
            Ids::Counted(counts) => counts.take(|take| set(part).for_each(take)),
            Ids::Set(_) => unreachable!("only a running count is deducted from"),
        }
    }
}
