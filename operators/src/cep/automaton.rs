//! The automaton that a pattern has been compiled to, as the matcher walks it.
//!
//! The compiler draws states that pass on without taking an event (Flink's PROCEED edges). Here those are
//! gone: a state has every edge that can be reached over them, under the guards of the whole way, so that
//! one look at the state of a partial match says all that an event can do to it.

use crate::cep::condition::Guard;

/// A state's number. It stands in snapshots, so compiling a pattern must always number alike.
pub(super) type StateId = u32;

/// All states of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// Names of the stages; an entry of the match buffer names its stage by position.
    pub(super) stages: Vec<String>,
    pub(super) states: Vec<State>,
    pub(super) start: StateId,
    /// From the first event of a match to its last.
    pub(super) within_ms: Option<i64>,
    /// Holds for events that do nothing in any state.
    pub(super) idle: Guard,
    /// Whether any state has a time of its own.
    pub(super) has_timed_states: bool,
}

/// What a partial match waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) edges: Vec<Edge>,
    /// How long, from its newest event.
    pub(super) within_ms: Option<i64>,
    /// Whether the wait itself is the match: what must not happen has not when it is over.
    pub(super) pending: bool,
}

/// What an event can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) guard: Guard,
    pub(super) action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is passed over.
    Ignore { to: StateId },
    /// It is passed over, and the match is complete without it.
    Finish,
    /// A stage takes it.
    Take { stage: u16, to: Taken },
    /// It is what must not happen.
    Stop,
}

/// Where taking an event leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// To a complete match.
    Finish,
    /// To a state; and to a complete match as well where the guard holds.
    State { to: StateId, finishes: Guard },
}
