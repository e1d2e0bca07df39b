//! Which events do nothing, whatever has matched so far.
//!
//! Apart from the matcher because it is known before a key's partial matches are: most events of a stream
//! are passed over by a pattern of relaxed stages wherever it stands, and those need not wait for the
//! watermark, nor stand in a snapshot.

use crate::cep::automaton::{Action, Edge, State, StateId, Taken};
use crate::cep::condition::Guard;

/// The guard of such events: no state that a partial match can be in does anything but stay as it is.
/// Conditions in `iterative` hang on what has matched and may turn out either way.
pub(super) fn guard(states: &[State], start: StateId, iterative: u64) -> Guard {
    let mut parts: Vec<Guard> = Vec::new();
    let mut add = |guard: Guard| {
        if !parts.contains(&guard) {
            parts.push(guard);
        }
    };
    for edge in &states[start as usize].edges {
        // What is always about to begin is only begun by taking an event.
        if matches!(edge.action, Action::Take { .. }) {
            add(bound(&edge.guard, iterative, true).not());
        }
    }
    for state in reachable(states, start) {
        let mut stays = Guard::Never;
        for Edge { guard, action } in &states[state as usize].edges {
            if matches!(action, Action::Ignore { to } if *to == state) {
                stays = stays.or(bound(guard, iterative, false));
            } else {
                add(bound(guard, iterative, true).not());
            }
        }
        add(stays);
    }
    parts.into_iter().fold(Guard::Always, Guard::and)
}

/// The states in which a partial match can wait.
fn reachable(states: &[State], start: StateId) -> Vec<StateId> {
    let (mut seen, mut reached) = (vec![false; states.len()], Vec::new());
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        for edge in &states[state as usize].edges {
            let (Action::Ignore { to } | Action::Take { to: Taken::State { to, .. }, .. }) =
                edge.action
            else {
                continue;
            };
            if !std::mem::replace(&mut seen[to as usize], true) {
                reached.push(to);
                open.push(to);
            }
        }
    }
    reached
}

/// Holds wherever `guard` may hold (`may`), or only where it must, whatever iterative conditions say.
fn bound(guard: &Guard, iterative: u64, may: bool) -> Guard {
    match guard {
        Guard::Holds(number) if iterative >> number & 1 == 1 => {
            [Guard::Never, Guard::Always][usize::from(may)].clone()
        }
        Guard::Always | Guard::Never | Guard::Holds(_) => guard.clone(),
        Guard::Not(inner) => bound(inner, iterative, !may).not(),
        Guard::Both(both) => {
            let [left, right] = &**both;
            bound(left, iterative, may).and(bound(right, iterative, may))
        }
        Guard::Either(either) => {
            let [left, right] = &**either;
            bound(left, iterative, may).or(bound(right, iterative, may))
        }
    }
}
