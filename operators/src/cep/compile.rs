//! From a pattern to its automaton: Flink's construction, from the last stage to the first.
//!
//! Each stage becomes a state that leads to what was built before it. TAKE leads on with the event, IGNORE
//! stays without it, PROCEED leads on without looking at it (an optional stage that is left out, a loop
//! that is left). Repetition by number is written out, a loop without end leads back to itself. Where a
//! stage may be left out and an event ignored, a second state without the PROCEED takes over after the
//! ignored event, so that leaving it out is tried once and not once per event.
//! An absence becomes PROCEED edges to a stop state from all states it covers; taking an event in an
//! optional stage behind it ends the absence, so that stage leads to a copy of what follows without them.
//! A greedy stage forbids what follows all events that the stage itself would take.

use crate::cep::automaton::{Automaton, StateId};
use crate::cep::condition::{Condition, Guard, iterative};
use crate::cep::draft::{Draft, Kind, Move};
use crate::cep::idle;
use crate::cep::malformed::{MAX_CONDITIONS, MAX_EDGES, MalformedPattern};
use crate::cep::pattern::Pattern;
use crate::cep::stage::{Contiguity, Quantifier, Stage};
use std::collections::HashMap;

/// The automaton of a pattern that has been checked, and the conditions its guards speak of.
pub(super) fn compile<T>(
    pattern: &Pattern<T>,
) -> Result<(Automaton, Vec<Condition<T>>), MalformedPattern> {
    let mut lowering = Lowering { conditions: Vec::new(), names: Vec::new() };
    let nodes = lowering.stages(&pattern.stages);
    if lowering.conditions.len() > MAX_CONDITIONS {
        return Err(MalformedPattern::TooManyConditions(lowering.conditions.len()));
    }
    let mut compiler = Compiler {
        within_ms: pattern.within_ms,
        draft: Draft::default(),
        named: vec![false; lowering.names.len()],
        stops: HashMap::new(),
        ungreedy: HashMap::new(),
    };
    let end = compiler.draft.add(Kind::Final, 0, None);
    let start = compiler.sequence(&nodes, None, None, end);
    let states = compiler.draft.finish(MAX_EDGES);
    let states = states.ok_or(MalformedPattern::TooManyWays(MAX_EDGES))?;
    let (stages, within_ms) = (lowering.names, pattern.within_ms);
    let has_timed_states = states.iter().any(|state| state.within_ms.is_some());
    let idle = idle::guard(&states, start, iterative(&lowering.conditions));
    let automaton = Automaton { stages, states, start, within_ms, idle, has_timed_states };
    Ok((automaton, lowering.conditions))
}

/// A stage with its conditions numbered.
struct Node {
    stage: u16,
    contiguity: Contiguity,
    group: Option<Vec<Self>>,
    guard: Guard,
    until: Option<Guard>,
    quantifier: Quantifier,
    between: Contiguity,
    optional: bool,
    greedy: bool,
    within_previous_ms: Option<i64>,
    repeats_within_ms: Option<i64>,
}

struct Lowering<T> {
    conditions: Vec<Condition<T>>,
    names: Vec<String>,
}

impl<T> Lowering<T> {
    fn stages(&mut self, stages: &[Stage<T>]) -> Vec<Node> {
        stages.iter().map(|stage| self.stage(stage)).collect()
    }

    fn stage(&mut self, stage: &Stage<T>) -> Node {
        let number = u16::try_from(self.names.len()).expect("the check has counted the stages");
        self.names.push(stage.name.clone());
        let conditions = &mut self.conditions;
        let guard = stage.criterion.as_ref().map_or(Guard::Always, |one| one.lower(conditions));
        let until = stage.until.as_ref().map(|one| one.lower(conditions));
        Node {
            stage: number,
            contiguity: stage.contiguity,
            group: stage.group.as_ref().map(|group| self.stages(group)),
            guard,
            until,
            quantifier: stage.quantifier,
            between: stage.between.unwrap_or(Contiguity::FollowedBy),
            optional: stage.optional,
            greedy: stage.greedy,
            within_previous_ms: stage.within_previous_ms,
            repeats_within_ms: stage.repeats_within_ms,
        }
    }
}

/// The group whose stages are being built, and for which of its rounds.
#[derive(Clone, Copy)]
struct Round<'a> {
    group: &'a Node,
    first: bool,
}

/// The stage that is being built, and what stands around it.
#[derive(Clone, Copy)]
struct Place<'a> {
    nodes: &'a [Node],
    at: usize,
    round: Option<Round<'a>>,
    /// What follows the group.
    behind: Option<&'a Node>,
}

impl<'a> Place<'a> {
    fn node(&self) -> &'a Node {
        &self.nodes[self.at]
    }

    fn following(&self) -> Option<&'a Node> {
        self.nodes.get(self.at + 1).or(self.behind)
    }

    /// The group whose first stage this is: what the group says of what lies before it holds for it.
    fn heads(&self) -> Option<Round<'a>> {
        self.round.filter(|_| self.at == 0)
    }

    /// When an edge of an inner stage may be followed: not after the event that ends the group's loop.
    fn unless_group_ends(&self, guard: Guard) -> Guard {
        unless(guard, self.round.and_then(|round| round.group.until.as_ref()))
    }

    fn take(&self, node: &Node) -> Guard {
        self.unless_group_ends(node.guard.clone())
    }

    /// What is passed over before the first event of the stage.
    fn ignore(&self) -> Option<Guard> {
        let contiguity = match self.heads() {
            Some(Round { group, first: true }) => group.contiguity,
            Some(Round { group, first: false }) => group.between,
            None => self.node().contiguity,
        };
        self.passed_over(contiguity)
    }

    /// What is passed over between its events.
    fn ignore_between(&self) -> Option<Guard> {
        let between = self.heads().map_or(self.node().between, |round| round.group.between);
        self.passed_over(between)
    }

    fn passed_over(&self, contiguity: Contiguity) -> Option<Guard> {
        let guard = match contiguity {
            Contiguity::FollowedBy => self.node().guard.clone().not(),
            Contiguity::FollowedByAny => Guard::Always,
            Contiguity::Next | Contiguity::NotNext | Contiguity::NotFollowedBy => return None,
        };
        Some(self.unless_group_ends(guard))
    }

    /// The absences that the stage ends: those before it, with nothing but optional stages between.
    fn absences(&self) -> Vec<&'a Node> {
        let before = self.nodes[..self.at].iter().rev();
        let absent = |node: &&Node| node.contiguity == Contiguity::NotFollowedBy;
        before.take_while(|node| node.optional || absent(node)).filter(absent).collect()
    }

    /// Whether all events may be passed over because the group, which begins here, may be left out.
    fn begins_optional_group(&self) -> bool {
        self.heads().is_some_and(|round| round.first && round.group.optional)
    }
}

fn unless(guard: Guard, until: Option<&Guard>) -> Guard {
    until.into_iter().fold(guard, |guard, until| until.clone().not().and(guard))
}

/// One repetition of a stage.
struct Repetition {
    take: Guard,
    ignore: Option<Guard>,
    /// Where leaving it out leads, if that is possible.
    proceed: Option<StateId>,
    /// Of a group's.
    first: bool,
}

struct Compiler {
    within_ms: Option<i64>,
    draft: Draft,
    /// The stages that have a state.
    named: Vec<bool>,
    stops: HashMap<u16, StateId>,
    /// What follows a greedy loop, as it was before the loop forbade it events.
    ungreedy: HashMap<StateId, StateId>,
}

impl Compiler {
    fn sequence(
        &mut self,
        nodes: &[Node],
        round: Option<Round<'_>>,
        behind: Option<&Node>,
        mut sink: StateId,
    ) -> StateId {
        for at in (0..nodes.len()).rev() {
            let place = Place { nodes, at, round, behind };
            let node = place.node();
            sink = match node.contiguity {
                Contiguity::NotFollowedBy => self.absence_at_the_end(place, sink),
                Contiguity::NotNext => self.not_next(place, sink),
                _ => self.stage(place, sink),
            };
        }
        sink
    }

    /// A state for stage `node`; `takes` if its wait is measured.
    fn state(&mut self, node: &Node, kind: Kind, takes: bool) -> StateId {
        let named = std::mem::replace(&mut self.named[usize::from(node.stage)], true);
        let within = match node.quantifier {
            Quantifier::One => node.within_previous_ms,
            _ if named => node.repeats_within_ms,
            _ => None,
        };
        self.draft.add(kind, node.stage, within.filter(|_| takes))
    }

    fn stop(&mut self, node: &Node) -> StateId {
        if let Some(stop) = self.stops.get(&node.stage) {
            return *stop;
        }
        let stop = self.state(node, Kind::Stop, false);
        self.stops.insert(node.stage, stop);
        stop
    }

    /// An absence that nothing follows is a state of its own; others are edges of what follows.
    fn absence_at_the_end(&mut self, place: Place<'_>, sink: StateId) -> StateId {
        let node = place.node();
        let timed = self.within_ms.or(node.within_previous_ms).is_some();
        if !timed || self.draft.kind(sink) != Kind::Final {
            return sink;
        }
        let state = self.state(node, Kind::Pending, true);
        let stop = self.stop(node);
        let absent = place.take(node);
        self.draft.edge(state, Move::Proceed, stop, absent.clone());
        self.draft.edge(state, Move::Ignore, state, absent.not());
        state
    }

    fn not_next(&mut self, place: Place<'_>, sink: StateId) -> StateId {
        let node = place.node();
        let state = self.state(node, Kind::Normal, true);
        let stop = self.stop(node);
        let absent = place.take(node);
        // At the end the event after, whatever it is, completes the match.
        let last = self.draft.kind(sink) == Kind::Final;
        let action = if last { Move::Ignore } else { Move::Proceed };
        self.draft.edge(state, action, sink, absent.clone().not());
        self.draft.edge(state, Move::Proceed, stop, absent);
        state
    }

    fn stage(&mut self, place: Place<'_>, sink: StateId) -> StateId {
        let node = place.node();
        let state = match node.quantifier {
            Quantifier::AtLeast(times) => {
                let after = self.without_absences(place, sink);
                let looping = self.looping(place, after);
                self.times(place, looping, sink, (times, times))
            }
            Quantifier::Times { from, to } => self.times(place, sink, sink, (from, to)),
            Quantifier::One => {
                let proceed = node.optional.then_some(sink);
                let (take, ignore) = (place.take(node), place.ignore());
                self.single(place, sink, Repetition { take, ignore, proceed, first: true })
            }
        };
        self.stop_at_absences(place, state);
        state
    }

    fn times(
        &mut self,
        place: Place<'_>,
        sink: StateId,
        proceed: StateId,
        (from, to): (usize, usize),
    ) -> StateId {
        let node = place.node();
        let take = unless(place.take(node), node.until.as_ref());
        let between = place.ignore_between().map(|guard| unless(guard, node.until.as_ref()));
        if node.greedy && from != to {
            self.forbid(sink, &take);
        }
        let mut sink = sink;
        for number in (1..to).rev() {
            let proceed = (number >= from).then_some(proceed);
            let (take, ignore) = (take.clone(), between.clone());
            sink = self.single(place, sink, Repetition { take, ignore, proceed, first: false });
            self.stop_at_following_absence(place, sink);
        }
        let proceed = node.optional.then_some(proceed);
        self.single(place, sink, Repetition { take, ignore: place.ignore(), proceed, first: true })
    }

    fn single(&mut self, place: Place<'_>, sink: StateId, one: Repetition) -> StateId {
        let node = place.node();
        if let Some(group) = &node.group {
            let round = Round { group: node, first: one.first };
            let state = self.sequence(group, Some(round), place.following(), sink);
            if let Some(proceed) = one.proceed {
                let guard = place.unless_group_ends(Guard::Always);
                self.draft.edge(state, Move::Proceed, proceed, guard);
            }
            return state;
        }
        let state = self.state(node, Kind::Normal, true);
        let after = self.without_absences(place, sink);
        self.draft.edge(state, Move::Take, after, one.take.clone());
        if let Some(proceed) = one.proceed {
            let plain = self.ungreedy.get(&proceed).copied().unwrap_or(proceed);
            self.leave(place, state, proceed, plain);
        }
        if let Some(ignore) = one.ignore {
            let waiting = if one.proceed.is_some() || place.begins_optional_group() {
                let waiting = self.state(node, Kind::Normal, false);
                self.draft.edge(waiting, Move::Take, after, one.take);
                self.draft.edge(waiting, Move::Ignore, waiting, ignore.clone());
                // Behind the stage's first event the absence before it is over, and the one behind it
                // counts. Flink takes the first for the second here, once an event was passed over.
                if one.first {
                    self.stop_at_absences(place, waiting);
                } else {
                    self.stop_at_following_absence(place, waiting);
                }
                waiting
            } else {
                state
            };
            self.draft.edge(state, Move::Ignore, waiting, ignore);
        }
        state
    }

    /// A stage that follows itself.
    fn looping(&mut self, place: Place<'_>, sink: StateId) -> StateId {
        let node = place.node();
        if let Some(group) = &node.group {
            let again = self.state(node, Kind::Normal, true);
            let round = Round { group: node, first: false };
            let state = self.sequence(group, Some(round), place.following(), again);
            let guard = place.unless_group_ends(Guard::Always);
            self.draft.edge(state, Move::Proceed, sink, guard.clone());
            self.draft.edge(again, Move::Proceed, state, guard);
            return state;
        }
        let until = node.until.as_ref();
        let ignore = place.ignore_between().map(|guard| unless(guard, until));
        let take = unless(place.take(node), until);
        let state = self.state(node, Kind::Normal, true);
        if node.greedy {
            let plain = until.map_or(sink, |_| self.draft.copy(sink));
            self.leave(place, state, sink, plain);
            self.ungreedy.insert(sink, plain);
            let forbidden = place.take(node);
            self.forbid(sink, &forbidden);
        } else {
            self.leave(place, state, sink, sink);
        }
        self.draft.edge(state, Move::Take, state, take.clone());
        self.stop_at_following_absence(place, state);
        if let Some(ignore) = ignore {
            let waiting = self.state(node, Kind::Normal, false);
            self.draft.edge(waiting, Move::Take, state, take);
            self.draft.edge(waiting, Move::Ignore, waiting, ignore.clone());
            self.draft.edge(state, Move::Ignore, waiting, ignore);
            self.stop_at_following_absence(place, waiting);
        }
        state
    }

    /// On to what follows; after the event that ends a greedy loop, to what follows as if it were not
    /// greedy: the loop will take no more.
    fn leave(&mut self, place: Place<'_>, state: StateId, sink: StateId, plain: StateId) {
        let node = place.node();
        let always = place.unless_group_ends(Guard::Always);
        match node.until.as_ref().filter(|_| node.greedy) {
            Some(until) => {
                self.draft.edge(state, Move::Proceed, plain, always.clone().and(until.clone()));
                self.draft.edge(state, Move::Proceed, sink, always.and(until.clone().not()));
            }
            None => self.draft.edge(state, Move::Proceed, sink, always),
        }
    }

    /// Nothing happens in `state` on events that a greedy stage before it would take.
    fn forbid(&mut self, state: StateId, take: &Guard) {
        for edge in self.draft.edges_mut(state) {
            edge.guard = edge.guard.clone().and(take.clone().not());
        }
    }

    fn stop_at_absences(&mut self, place: Place<'_>, state: StateId) {
        for absent in place.absences() {
            let stop = self.stop(absent);
            self.draft.edge(state, Move::Proceed, stop, place.take(absent));
        }
    }

    /// Between the events of a stage that repeats, what must not follow the stage must not happen either.
    fn stop_at_following_absence(&mut self, place: Place<'_>, state: StateId) {
        let following = place.following();
        let absent = following.filter(|node| node.contiguity == Contiguity::NotFollowedBy);
        if let Some(absent) = absent {
            let stop = self.stop(absent);
            self.draft.edge(state, Move::Proceed, stop, place.take(absent));
        }
    }

    /// What follows an optional stage, for the way on which the stage has taken an event: absences before
    /// it are over.
    fn without_absences(&mut self, place: Place<'_>, sink: StateId) -> StateId {
        let absences = place.absences();
        if !place.node().optional || absences.is_empty() {
            return sink;
        }
        let over: Vec<u16> = absences.iter().map(|node| node.stage).collect();
        self.draft.copy_without_stops(sink, &over)
    }
}
