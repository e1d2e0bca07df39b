//! Bare integer keys, as cheap as a source can be: what remains to be measured is everything else.

use crate::counted::{Counted, CountedSplit, Formula};
use crate::hash::{below, splitmix64};
use crate::limits::RECORDS_MAX;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;

/// A stream of `records` keys; record `n` has event time `n / 1,000` ms.
///
/// ```
/// use tidegate_generator::Sequence;
/// let million = Sequence::new(1_000_000).keys(1_000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    records: u64,
    keys: u64,
}

impl Sequence {
    /// A stream of `records` keys, all 64-bit integers being equally likely.
    #[must_use]
    pub const fn new(records: u64) -> Self {
        Self { records, keys: u64::MAX }
    }

    /// Draws the keys from `0..keys`.
    #[must_use]
    pub const fn keys(mut self, keys: u64) -> Self {
        self.keys = keys;
        self
    }

    /// The `n`th key.
    #[inline]
    #[must_use]
    pub fn key(&self, n: u64) -> u64 {
        below(splitmix64(0, n), self.keys)
    }
}

/// The key of each position.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    keys: u64,
}

impl Formula for Keys {
    type Out = u64;

    #[inline]
    fn record(&self, n: u64) -> (u64, Timestamp) {
        (below(splitmix64(0, n), self.keys), Timestamp((n / 1_000) as i64))
    }
}

impl SourceFactory for Sequence {
    type Out = u64;
    type Split = CountedSplit;
    type Source = Counted<Keys>;

    fn kind(&self) -> &'static str {
        "sequence"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<CountedSplit>, BoxError> {
        if self.records > RECORDS_MAX || self.keys == 0 {
            let Self { records, keys } = self;
            return Err(Box::new(Refusal(format!(
                "a sequence of {records} records over {keys} keys cannot be: \
                 it has at most {RECORDS_MAX} records and at least one key"
            ))));
        }
        Ok(CountedSplit::share(Some(self.records), parallelism))
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(format!("{self:?}")))
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<CountedSplit>,
    ) -> Result<Counted<Keys>, BoxError> {
        Ok(Counted::new(Keys { keys: self.keys }, splits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::tests::drain;

    #[test]
    fn keys_stay_below_their_number_and_all_occur() {
        let source = Sequence::new(10_000).keys(100);
        let mut seen = [0; 100];
        for split in source.enumerate(2).unwrap() {
            let keys = Keys { keys: source.keys };
            for (key, _) in drain(&mut Counted::new(keys, vec![split]), 512).0 {
                seen[key as usize] += 1;
            }
        }
        assert_eq!(seen.iter().sum::<u32>(), 10_000);
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
    }

    #[test]
    fn a_sequence_without_keys_is_refused() {
        let refused = Sequence::new(1).keys(0).enumerate(1).unwrap_err();
        assert!(refused.downcast_ref::<Refusal>().is_some(), "{refused}");
    }
}
