//! What is kept of the records that were aggregated. Apart because it is stored: names here are for ever.
//!
//! There is one of it for each key of each slice, so it is small, and where there is one call it lies in the table itself:
//! nothing is allocated for it, and nothing looked up elsewhere.

use super::error::Failures;
use super::numbers::{DecimalTotal, Wide};
use super::percentile::Histogram;
use super::top_k::Frequencies;
use crate::value::Value;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use tidegate_operators::aggregate::{SeenValues, Sketch, WideIds};

/// What is kept for one call.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Part {
    /// How many.
    #[serde(rename = "n")]
    Count(u64),
    /// The total of integers, and how many they are.
    #[serde(rename = "i")]
    Int(Wide, u64),
    /// The total of floats, and how many they are.
    #[serde(rename = "f")]
    Float(f64, u64),
    /// The total of decimals, and how many they are.
    #[serde(rename = "d")]
    Decimal(Box<DecimalTotal>, u64),
    /// The least or the largest.
    #[serde(rename = "x")]
    Extreme(Option<Value>),
    /// The first or the last, and when it was.
    #[serde(rename = "o")]
    Ordered(Option<(i64, Value)>),
    /// The different ones.
    #[serde(rename = "u")]
    Distinct(Box<WideIds>),
    /// A sketch of the different ones.
    #[serde(rename = "h")]
    Sketch(Box<Sketch>),
    /// A filter of the different ones.
    #[serde(rename = "b")]
    Seen(Box<SeenValues>),
    /// How often each is there.
    #[serde(rename = "k")]
    Frequencies(Frequencies),
    /// How often each magnitude is there.
    #[serde(rename = "p")]
    Histogram(Histogram),
}

const _: () = assert!(size_of::<RowAccumulator>() <= 32, "each key of each window has one");

/// What is kept of the rows that a [`RowAggregate`](super::RowAggregate) was given.
#[derive(Clone, Debug)]
pub struct RowAccumulator(Kept);

#[derive(Clone, Debug)]
enum Kept {
    /// Of one call that has not failed.
    One(Part),
    Many(Box<[Part]>, Option<Box<Failures>>),
}

impl RowAccumulator {
    /// Of these parts, one for each call.
    pub(crate) fn new(parts: impl ExactSizeIterator<Item = Part>) -> Self {
        Self::with_failures(parts.collect(), None)
    }

    /// Of one call.
    #[inline]
    pub(crate) const fn one(part: Part) -> Self {
        Self(Kept::One(part))
    }

    fn with_failures(parts: Vec<Part>, failures: Option<Box<Failures>>) -> Self {
        match (<[Part; 1]>::try_from(parts), failures) {
            (Ok([part]), None) => Self::one(part),
            (Ok(part), failures) => Self(Kept::Many(part.into(), failures)),
            (Err(parts), failures) => Self(Kept::Many(parts.into(), failures)),
        }
    }

    /// What is kept for each call.
    #[inline]
    pub(crate) fn parts(&self) -> &[Part] {
        match &self.0 {
            Kept::One(part) => std::slice::from_ref(part),
            Kept::Many(parts, _) => parts,
        }
    }

    /// What is kept for each call, to be changed.
    #[inline]
    pub(crate) fn parts_mut(&mut self) -> &mut [Part] {
        match &mut self.0 {
            Kept::One(part) => std::slice::from_mut(part),
            Kept::Many(parts, _) => parts,
        }
    }

    /// The records that failed.
    #[inline]
    pub(crate) fn failures(&self) -> Option<&Failures> {
        match &self.0 {
            Kept::One(_) => None,
            Kept::Many(_, failures) => failures.as_deref(),
        }
    }

    /// Changes what has failed.
    #[cold]
    pub(crate) fn change_failures(&mut self, change: impl FnOnce(&mut Option<Box<Failures>>)) {
        if let Kept::One(part) = &mut self.0 {
            let part = std::mem::replace(part, Part::Count(0));
            self.0 = Kept::Many(Box::new([part]), None);
        }
        if let Kept::Many(_, failures) = &mut self.0 {
            change(failures);
        }
    }
}

/// An accumulator as it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored<P, F> {
    #[serde(rename = "p")]
    parts: P,
    #[serde(rename = "f", default = "Option::default", skip_serializing_if = "Option::is_none")]
    failures: Option<F>,
}

impl Serialize for RowAccumulator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored { parts: self.parts(), failures: self.failures() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RowAccumulator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { parts, failures } =
            Stored::<Vec<Part>, Box<Failures>>::deserialize(deserializer)?;
        Ok(Self::with_failures(parts, failures))
    }
}
