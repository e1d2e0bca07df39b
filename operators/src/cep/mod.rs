//! Complex event processing: patterns in a stream.
//!
//! A [`Pattern`] says in which order events must come; [`Pattern::build`] compiles it to an [`Nfa`], which
//! finds its matches event by event. What it keeps of a key between two events is one value,
//! [`PartialMatches`]. The semantics are Flink's. [`Cep`] runs it over a keyed stream, in the order of
//! event time.
//!
//! ```
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::cep::{Outcome, PartialMatches, Pattern};
//!
//! struct Login {
//!     failed: bool,
//!     from: &'static str,
//! }
//!
//! let pattern = Pattern::begin("first")
//!     .is(|login: &Login| login.failed)
//!     .next("second")
//!     .is(|login| login.failed)
//!     .satisfies(|login, so_far| so_far.first("first").is_some_and(|one| one.from != login.from))
//!     .within(2_000);
//! let mut nfa = pattern.build()?;
//!
//! let (mut matches, mut found) = (PartialMatches::default(), Vec::new());
//! for (at, failed, from) in [(0, true, "a"), (500, true, "b"), (900, true, "b"), (4_000, true, "c")] {
//!     let mut emit = |outcome: Outcome<'_, Login>| {
//!         if let Outcome::Matched(matched) = outcome {
//!             found.push(matched.iter().map(|(_, login)| login.from).collect::<String>());
//!         }
//!     };
//!     nfa.advance_time(&mut matches, Timestamp(at), &mut emit)?;
//!     nfa.process(&mut matches, Login { failed, from }, Timestamp(at), &mut emit)?;
//! }
//! assert_eq!(found, ["ab"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside, from top to bottom: `stage` and `condition` are what the builder collects, `malformed` what it
//! refuses; `compile` draws the automaton (`draft`) and flattens it (`automaton`), `merge` makes
//! it split less, and `idle`
//! says which events it passes over wherever it stands; `nfa` walks it over
//! `partial` matches, whose events are in the `buffer`; `skip` says which matches go after one was found. Around it,
//! `operator` runs it over a keyed stream, whose events are `waiting` for the watermark.

#[cfg(test)]
mod adversary_tests;
mod automaton;
mod buffer;
mod compile;
mod condition;
mod draft;
mod few;
mod idle;
mod malformed;
mod matched;
mod merge;
#[cfg(test)]
mod model_tests;
mod nfa;
#[cfg(test)]
mod nfa_tests;
mod operator;
mod partial;
mod pattern;
mod skip;
mod stage;
mod waiting;

pub use malformed::{MAX_CONDITIONS, MAX_EDGES, MAX_STAGES, MalformedPattern};
pub use matched::Matched;
pub use nfa::{CepError, DEFAULT_MAX_ENTRIES, DEFAULT_MAX_PARTIAL_MATCHES, Emit, Nfa, Outcome};
pub use operator::{Cep, CepOperator};
pub use partial::PartialMatches;
pub use pattern::Pattern;
pub use skip::AfterMatchSkip;
