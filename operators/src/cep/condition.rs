//! What an event must be to be taken, and how the answers are remembered.
//!
//! A pattern asks the same question on many edges (a relaxed stage takes what fits and ignores what does
//! not) and of many partial matches. Edges therefore carry a [`Guard`], a formula over numbered
//! conditions; each condition is asked at most once per event, an iterative one once per partial match.

use crate::cep::matched::Matched;
use std::sync::Arc;
use tidegate_core::operator::BoxError;

type Simple<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;
type Iterative<T> = Arc<dyn Fn(&T, &Matched<'_, T>) -> bool + Send + Sync>;
type Fallible<T> = Arc<dyn Fn(&T) -> Result<bool, BoxError> + Send + Sync>;
type FallibleIterative<T> =
    Arc<dyn Fn(&T, &Matched<'_, T>) -> Result<bool, BoxError> + Send + Sync>;

/// A question about an event.
pub(super) enum Condition<T> {
    /// About it alone.
    Simple(Simple<T>),
    /// About it and what the partial match has taken before.
    Iterative(Iterative<T>),
    /// About it alone, and there may be no answer.
    Fallible(Fallible<T>),
    /// About it and what was taken before, and there may be no answer.
    FallibleIterative(FallibleIterative<T>),
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Simple(ask) => Self::Simple(Arc::clone(ask)),
            Self::Iterative(ask) => Self::Iterative(Arc::clone(ask)),
            Self::Fallible(ask) => Self::Fallible(Arc::clone(ask)),
            Self::FallibleIterative(ask) => Self::FallibleIterative(Arc::clone(ask)),
        }
    }
}

/// What a stage asks: conditions and how they hang together.
pub(super) enum Criterion<T> {
    Holds(Condition<T>),
    Both(Box<[Self; 2]>),
    Either(Box<[Self; 2]>),
}

impl<T> Clone for Criterion<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Holds(condition) => Self::Holds(condition.clone()),
            Self::Both(both) => Self::Both(both.clone()),
            Self::Either(either) => Self::Either(either.clone()),
        }
    }
}

impl<T> Criterion<T> {
    /// The same as a guard; its conditions are added to `conditions`.
    pub(super) fn lower(&self, conditions: &mut Vec<Condition<T>>) -> Guard {
        match self {
            Self::Holds(condition) => {
                conditions.push(condition.clone());
                Guard::Holds(conditions.len() - 1)
            }
            Self::Both(both) => {
                let [left, right] = &**both;
                left.lower(conditions).and(right.lower(conditions))
            }
            Self::Either(either) => {
                let [left, right] = &**either;
                left.lower(conditions).or(right.lower(conditions))
            }
        }
    }
}

/// When an edge may be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    Always,
    Never,
    Holds(usize),
    Not(Box<Guard>),
    Both(Box<[Guard; 2]>),
    Either(Box<[Guard; 2]>),
}

impl Guard {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, other) | (other, Self::Always) => other,
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (this, other) if this == other => this,
            (this, other) => Self::Both(Box::new([this, other])),
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (this, other) if this == other => this,
            (this, other) => Self::Either(Box::new([this, other])),
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}

/// Guards that speak of more conditions together than this are not looked through.
const LOOKED_THROUGH: u32 = 8;

impl Guard {
    /// The conditions it speaks of, as bits.
    fn speaks_of(&self) -> u64 {
        match self {
            Self::Always | Self::Never => 0,
            Self::Holds(number) => 1 << number,
            Self::Not(inner) => inner.speaks_of(),
            Self::Both(two) | Self::Either(two) => two[0].speaks_of() | two[1].speaks_of(),
        }
    }

    fn holds_if(&self, conditions: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Holds(number) => conditions >> number & 1 == 1,
            Self::Not(inner) => !inner.holds_if(conditions),
            Self::Both(both) => both.iter().all(|one| one.holds_if(conditions)),
            Self::Either(either) => either.iter().any(|one| one.holds_if(conditions)),
        }
    }

    /// Whether it is known that no event fulfils both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let all = self.speaks_of() | other.speaks_of();
        if all.count_ones() > LOOKED_THROUGH {
            return false;
        }
        let mut some = all;
        loop {
            if self.holds_if(some) && other.holds_if(some) {
                return false;
            }
            if some == 0 {
                return true;
            }
            some = (some - 1) & all;
        }
    }
}

/// What has been answered about one event.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: u64,
    holds: u64,
    /// Why a condition had no answer, the first time that one had none: then it does not hold.
    pub(super) failure: Option<BoxError>,
}

impl Answers {
    /// Forgets the answers that hang on the partial match.
    pub(super) const fn forget(&mut self, iterative: u64) {
        self.known &= !iterative;
    }

    fn known(&mut self, answer: Result<bool, BoxError>) -> bool {
        answer.unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            false
        })
    }

    pub(super) fn hold<T>(
        &mut self,
        guard: &Guard,
        conditions: &[Condition<T>],
        event: &T,
        taken: &Matched<'_, T>,
    ) -> bool {
        match guard {
            Guard::Always => true,
            Guard::Never => false,
            Guard::Holds(number) => {
                let bit = 1 << number;
                if self.known & bit == 0 {
                    let holds = match &conditions[*number] {
                        Condition::Simple(ask) => ask(event),
                        Condition::Iterative(ask) => ask(event, taken),
                        Condition::Fallible(ask) => self.known(ask(event)),
                        Condition::FallibleIterative(ask) => self.known(ask(event, taken)),
                    };
                    self.known |= bit;
                    self.holds = if holds { self.holds | bit } else { self.holds & !bit };
                }
                self.holds & bit != 0
            }
            Guard::Not(inner) => !self.hold(inner, conditions, event, taken),
            Guard::Both(both) => both.iter().all(|one| self.hold(one, conditions, event, taken)),
            Guard::Either(either) => {
                either.iter().any(|one| self.hold(one, conditions, event, taken))
            }
        }
    }
}

/// The conditions whose answers hang on the partial match, as bits.
pub(super) fn iterative<T>(conditions: &[Condition<T>]) -> u64 {
    let bits = conditions.iter().enumerate().map(|(number, condition)| match condition {
        Condition::Simple(_) | Condition::Fallible(_) => 0,
        Condition::Iterative(_) | Condition::FallibleIterative(_) => 1 << number,
    });
    bits.fold(0, |all, bit| all | bit)
}
