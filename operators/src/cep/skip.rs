//! Where matching goes on after a match.
//!
//! Every match has a first event. A strategy names an event of the match that was found; other matches,
//! partial ones or found ones that wait, are dropped when their first event lies before it (or is it).

use crate::cep::buffer::Position;
use crate::cep::matched::Matched;
use crate::cep::nfa::CepError;

/// Which other matches go when one has been found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfterMatchSkip {
    pub(super) to: To,
    pub(super) fail_on_miss: bool,
}

/// Up to which event of the match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum To {
    #[default]
    Nowhere,
    Next,
    PastLast,
    First(String),
    Last(String),
}

impl AfterMatchSkip {
    /// None: every possible match is found. The default.
    #[must_use]
    pub const fn no_skip() -> Self {
        Self { to: To::Nowhere, fail_on_miss: false }
    }

    /// Those that begin with the same event.
    #[must_use]
    pub const fn to_next() -> Self {
        Self { to: To::Next, fail_on_miss: false }
    }

    /// Those that begin up to the last event of the match: matches do not overlap.
    #[must_use]
    pub const fn past_last_event() -> Self {
        Self { to: To::PastLast, fail_on_miss: false }
    }

    /// Those that begin before the first event that `stage` has taken.
    #[must_use]
    pub fn to_first(stage: impl Into<String>) -> Self {
        Self { to: To::First(stage.into()), fail_on_miss: false }
    }

    /// Those that begin before the last event that `stage` has taken.
    #[must_use]
    pub fn to_last(stage: impl Into<String>) -> Self {
        Self { to: To::Last(stage.into()), fail_on_miss: false }
    }

    /// Fails when the stage has taken nothing in a match, or would have matching go on where the match
    /// has begun. Without it, nothing is skipped then.
    #[must_use]
    pub const fn fail_on_miss(mut self) -> Self {
        self.fail_on_miss = true;
        self
    }

    /// The stage it names.
    pub(super) fn stage(&self) -> Option<&str> {
        match &self.to {
            To::First(stage) | To::Last(stage) => Some(stage),
            To::Nowhere | To::Next | To::PastLast => None,
        }
    }

    pub(super) fn is_skip(&self) -> bool {
        self.to != To::Nowhere
    }

    /// Which matches go after `matched`.
    pub(super) fn after<T>(&self, matched: &Matched<'_, T>) -> Result<Option<Bound>, CepError> {
        let buffer = matched.buffer();
        let positions =
            || matched.chain().iter().map(|&entry| buffer.position(buffer.event(entry)));
        let (stage, last) = match &self.to {
            To::Nowhere => return Ok(None),
            To::Next => return Ok(positions().min().map(Bound::UpTo)),
            To::PastLast => return Ok(positions().max().map(Bound::UpTo)),
            To::First(stage) => (stage, false),
            To::Last(stage) => (stage, true),
        };
        let of_stage = matched.iter().zip(positions()).filter(|((name, _), _)| name == stage);
        let mut of_stage = of_stage.map(|(_, position)| position);
        let target = if last { of_stage.last() } else { of_stage.next() };
        if self.fail_on_miss {
            let stage = || stage.clone();
            let target = target.ok_or_else(|| CepError::SkipMissed { stage: stage() })?;
            if positions().min() == Some(target) {
                return Err(CepError::SkipToStart { stage: stage() });
            }
        }
        Ok(target.map(Bound::Before))
    }
}

/// Which matches a strategy drops, by their first event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    UpTo(Position),
    Before(Position),
}

impl Bound {
    pub(super) fn drops(self, start: Position) -> bool {
        match self {
            Self::UpTo(last) => start <= last,
            Self::Before(first) => start < first,
        }
    }
}
