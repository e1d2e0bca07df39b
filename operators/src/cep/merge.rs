//! Two partial matches that are one.
//!
//! Apart because it is a step of its own behind the compiler's. Where a loop may be left and an event is
//! passed over, the construction goes on in two states: one that waits for the loop to take more, one that
//! waits for what follows. If these two have together just the edges of the state they come from, a partial
//! match in that state is the same as one in each of them, and it stays where it is: one instead of two,
//! and an event that only made two of one does nothing at all. Only where it would time out are they told
//! apart, by their number.

use crate::cep::automaton::{Action, Edge, State, StateId};
use crate::cep::condition::Guard;

/// Lets matches stay that would go to two states with the same edges.
pub(super) fn merge(states: &mut [State]) {
    for at in 0..states.len() {
        if let Some(edges) = merged(states, at) {
            states[at].edges = edges;
        }
    }
}

/// The edges of a state when it keeps what would go to two states with the same edges, if there are such.
fn merged(states: &[State], at: usize) -> Option<Vec<Edge>> {
    let edges = &states[at].edges;
    let ignores = edges.iter().enumerate().filter_map(|(place, edge)| match edge.action {
        Action::Ignore { to } if to as usize != at => Some((place, to as usize)),
        _ => None,
    });
    let ignores: Vec<_> = ignores.collect();
    let pairs = ignores.iter().flat_map(|one| ignores.iter().map(move |other| (*one, *other)));
    let mut pairs = pairs.filter(|((one, _), (other, _))| one < other);
    let ((one, _), (other, _)) = pairs.find(|((one, to), (other, on))| {
        is_both(&states[at], &states[*to], &states[*on]) && are_neighbours(&edges[*one..=*other])
    })?;
    let (left, right) = (edges[one].guard.clone(), edges[other].guard.clone());
    let mut edges = edges.clone();
    edges[one].guard = left.clone().and(right.clone().not());
    edges[other].guard = right.clone().and(left.clone().not());
    let to = StateId::try_from(at).expect("states are numbered so");
    edges.insert(one, Edge { guard: left.and(right), action: Action::Ignore { to } });
    edges.retain(|edge| edge.guard != Guard::Never);
    Some(edges)
}

/// Whether nothing comes between the first and the last of these edges where both are followed: the order
/// of partial matches decides which are skipped.
fn are_neighbours(edges: &[Edge]) -> bool {
    let [first, between @ .., last] = edges else { return false };
    let both = first.guard.clone().and(last.guard.clone());
    between.iter().all(|edge| both.excludes(&edge.guard))
}

/// Whether a state does what two do together, in the same order and the same time. One that stops, or whose
/// wait is the match, would do it to both.
fn is_both(state: &State, one: &State, other: &State) -> bool {
    let single =
        |state: &State| state.pending || state.edges.iter().any(|edge| edge.action == Action::Stop);
    let both = one.edges.iter().chain(&other.edges);
    let is_timed_alike = [one, other].iter().all(|one| one.within_ms == state.within_ms);
    is_timed_alike && ![state, one, other].into_iter().any(single) && both.eq(&state.edges)
}
