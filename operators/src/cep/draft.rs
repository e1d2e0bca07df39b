//! The automaton while it is drawn: states with TAKE, IGNORE and PROCEED edges, and how the last are
//! followed in advance.

use crate::cep::automaton::{Action, Edge, State, StateId, Taken};
use crate::cep::condition::Guard;
use std::collections::HashMap;

/// What a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    /// A match is complete.
    Final,
    /// Something has happened that must not.
    Stop,
    /// A match is complete if nothing happens in time.
    Pending,
}

/// What an edge does with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Take,
    Ignore,
    /// Nothing: it leads on to where the event is looked at.
    Proceed,
}

#[derive(Clone, Debug)]
pub(super) struct DraftEdge {
    action: Move,
    to: StateId,
    pub(super) guard: Guard,
}

#[derive(Debug)]
struct DraftState {
    kind: Kind,
    stage: u16,
    within_ms: Option<i64>,
    edges: Vec<DraftEdge>,
}

/// States and edges.
#[derive(Debug, Default)]
pub(super) struct Draft {
    states: Vec<DraftState>,
}

impl Draft {
    pub(super) fn add(&mut self, kind: Kind, stage: u16, within_ms: Option<i64>) -> StateId {
        self.states.push(DraftState { kind, stage, within_ms, edges: Vec::new() });
        StateId::try_from(self.states.len() - 1).expect("the check has counted the stages")
    }

    fn state(&self, state: StateId) -> &DraftState {
        &self.states[state as usize]
    }

    pub(super) fn kind(&self, state: StateId) -> Kind {
        self.state(state).kind
    }

    pub(super) fn edge(&mut self, from: StateId, action: Move, to: StateId, guard: Guard) {
        self.states[from as usize].edges.push(DraftEdge { action, to, guard });
    }

    pub(super) fn edges_mut(&mut self, state: StateId) -> &mut [DraftEdge] {
        &mut self.states[state as usize].edges
    }

    /// A state like `state`; edges to itself lead to the new one.
    pub(super) fn copy(&mut self, state: StateId) -> StateId {
        let DraftState { kind, stage, .. } = *self.state(state);
        let copy = self.add(kind, stage, None);
        for DraftEdge { action, to, guard } in self.state(state).edges.clone() {
            self.edge(copy, action, if to == state { copy } else { to }, guard);
        }
        copy
    }

    /// A state like `state`, and like those that it proceeds to, without the ways to the stop states of
    /// the stages `over`.
    pub(super) fn copy_without_stops(&mut self, state: StateId, over: &[u16]) -> StateId {
        self.copy_on(state, over, &mut HashMap::new())
    }

    fn copy_on(
        &mut self,
        state: StateId,
        over: &[u16],
        copies: &mut HashMap<StateId, StateId>,
    ) -> StateId {
        if let Some(copy) = copies.get(&state) {
            return *copy;
        }
        let DraftState { kind, stage, .. } = *self.state(state);
        let copy = self.add(kind, stage, None);
        copies.insert(state, copy);
        for DraftEdge { action, to, guard } in self.state(state).edges.clone() {
            let stops = self.kind(to) == Kind::Stop;
            let to = match action {
                Move::Proceed if stops && over.contains(&self.state(to).stage) => continue,
                Move::Proceed if !stops => self.copy_on(to, over, copies),
                _ if to == state => copy,
                _ => to,
            };
            self.edge(copy, action, to, guard);
        }
        copy
    }

    /// The states without PROCEED edges; `None` where more than `most` edges can be reached from all of
    /// them.
    pub(super) fn finish(&self, most: usize) -> Option<Vec<State>> {
        let mut left = most;
        let ids = 0..self.states.len();
        let ids = ids.map(|id| StateId::try_from(id).expect("as when it was added"));
        let taken = ids.clone().map(|state| self.taken(state, &mut left));
        let taken: Vec<Taken> = taken.collect::<Option<_>>()?;
        ids.map(|state| self.finished(state, &taken, &mut left)).collect()
    }

    fn finished(&self, state: StateId, taken: &[Taken], left: &mut usize) -> Option<State> {
        let mut edges = Vec::new();
        self.reach(state, left, |stage, edge, guard| {
            let action = match (edge.action, self.kind(edge.to)) {
                (Move::Proceed, Kind::Stop) => Action::Stop,
                (Move::Proceed, _) => return,
                (Move::Ignore, Kind::Final) => Action::Finish,
                (Move::Ignore, _) => Action::Ignore { to: edge.to },
                (Move::Take, _) => Action::Take { stage, to: taken[edge.to as usize].clone() },
            };
            if guard != Guard::Never {
                edges.push(Edge { guard, action });
            }
        })?;
        let DraftState { kind, within_ms, .. } = *self.state(state);
        Some(State { edges, within_ms, pending: kind == Kind::Pending })
    }

    /// Where taking an event leads that leads to `to`.
    fn taken(&self, to: StateId, left: &mut usize) -> Option<Taken> {
        if self.kind(to) == Kind::Final {
            return Some(Taken::Finish);
        }
        let mut finishes = Guard::Never;
        self.reach(to, left, |_, edge, guard| {
            if edge.action == Move::Proceed && self.kind(edge.to) == Kind::Final {
                finishes = std::mem::replace(&mut finishes, Guard::Never).or(guard);
            }
        })?;
        Some(Taken::State { to, finishes })
    }

    /// Visits the edges that can be reached from `state` over PROCEED, those included, with the stage
    /// they belong to and the guards of the whole way. A way that comes back to where it has been is not
    /// followed on. `None` where there are more than are `left`.
    fn reach(
        &self,
        state: StateId,
        left: &mut usize,
        mut visit: impl FnMut(u16, &DraftEdge, Guard),
    ) -> Option<()> {
        let mut ways = vec![(vec![state], Guard::Always)];
        while let Some((way, guard)) = ways.pop() {
            let state = way.last().copied().expect("a way has a beginning");
            let DraftState { stage, edges, .. } = self.state(state);
            for edge in edges {
                *left = left.checked_sub(1)?;
                let guard = guard.clone().and(edge.guard.clone());
                visit(*stage, edge, guard.clone());
                if edge.action == Move::Proceed && !way.contains(&edge.to) {
                    let way = way.iter().copied().chain([edge.to]).collect();
                    ways.push((way, guard));
                }
            }
        }
        Some(())
    }
}
