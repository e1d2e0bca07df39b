//! The automaton against a matcher that knows none: it tries every way of taking events, stage by stage,
//! and asks of two events in a row only whether the second may follow the first.
//!
//! Random patterns (contiguity, repetition, optional stages, absences, `within`) over random events;
//! without greedy stages, `until` and groups, which the recorded cases have.

use super::stage::Contiguity;
use super::{Nfa, Outcome, PartialMatches, Pattern};
use std::collections::BTreeMap;
use tidegate_core::codec;
use tidegate_core::time::Timestamp;

/// Patterns that are tried.
const PATTERNS: usize = 4_000;

pub(super) const LETTERS: [char; 3] = ['a', 'b', 'c'];

/// A letter, and its place among all.
type Event = (char, usize);

#[derive(Clone, Debug)]
struct Stage {
    /// A bit for each letter that fits.
    fits: usize,
    contiguity: Contiguity,
    between: Contiguity,
    least: usize,
    /// `usize::MAX` where there is no most.
    most: usize,
    optional: bool,
    /// A letter that must not come before the stage takes its first.
    absent: Option<usize>,
}

pub(super) fn is_in(letter: char, set: usize) -> bool {
    LETTERS.iter().position(|one| *one == letter).is_some_and(|place| set >> place & 1 == 1)
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn contiguity(&mut self) -> Contiguity {
        [Contiguity::Next, Contiguity::FollowedBy, Contiguity::FollowedByAny][self.below(3)]
    }

    fn stages(&mut self) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::new();
        for number in 0..=self.below(4) {
            let (contiguity, between) = (self.contiguity(), self.contiguity());
            let fits = 1 + self.below(6);
            let (least, most) =
                [(1, 1), (1, 1), (2, 2), (1, 3), (2, 3), (1, usize::MAX), (2, usize::MAX)]
                    [self.below(7)];
            let mut optional = self.below(4) == 0;
            let free = (0..3).filter(|letter| fits >> letter & 1 == 0).collect::<Vec<_>>();
            let may = number > 0 && !stages[number - 1].optional && self.below(3) == 0;
            let absent = may.then(|| free[self.below(free.len())]);
            optional &= absent.is_none();
            stages.push(Stage { fits, contiguity, between, least, most, optional, absent });
        }
        stages
    }
}

fn pattern(stages: &[Stage], within_ms: i64) -> Pattern<Event> {
    let mut pattern: Option<Pattern<Event>> = None;
    for (number, stage) in stages.iter().enumerate() {
        let name = number.to_string();
        if let Some(letter) = stage.absent {
            let before = pattern.take().expect("an absence follows something");
            let absent = before.not_followed_by(format!("not {name}"));
            pattern = Some(absent.is(move |event| event.0 == LETTERS[letter]));
        }
        let added = match (pattern.take(), stage.contiguity) {
            (None, _) => Pattern::begin(name),
            (Some(before), Contiguity::Next) => before.next(name),
            (Some(before), Contiguity::FollowedBy) => before.followed_by(name),
            (Some(before), _) => before.followed_by_any(name),
        };
        let fits = stage.fits;
        let mut added = added.is(move |event| is_in(event.0, fits));
        added = match (stage.least, stage.most) {
            (1, 1) => added,
            (least, usize::MAX) => added.times_or_more(least),
            (least, most) => added.times_between(least, most),
        };
        if stage.most > 1 {
            added = match stage.between {
                Contiguity::Next => added.consecutive(),
                Contiguity::FollowedByAny => added.allow_combinations(),
                _ => added,
            };
        }
        pattern = Some(if stage.optional { added.optional() } else { added });
    }
    pattern.expect("a pattern has a stage").within(within_ms)
}

/// Stage and position of each event of a match.
type Match = Vec<(usize, usize)>;

struct Model<'a> {
    stages: &'a [Stage],
    events: &'a [char],
    within_ms: i64,
    /// How often each match is found.
    found: BTreeMap<Match, usize>,
}

impl Model<'_> {
    /// Goes on from a stage that has taken `times` events.
    fn go(&mut self, stage: usize, times: usize, taken: &mut Match) {
        let Some(Stage { least, most, optional, .. }) = self.stages.get(stage).cloned() else {
            let ends = taken.first().zip(taken.last());
            if ends.is_some_and(|(first, last)| ((last.1 - first.1) as i64) < self.within_ms) {
                *self.found.entry(taken.clone()).or_default() += 1;
            }
            return;
        };
        if times >= least || times == 0 && optional {
            self.go(stage + 1, 0, taken);
        }
        if times < most {
            for event in self.next(stage, times, taken.last().map(|last| last.1)) {
                taken.push((stage, event));
                self.go(stage, times + 1, taken);
                taken.pop();
            }
        }
    }

    /// The events that a stage can take next.
    fn next(&self, number: usize, times: usize, last: Option<usize>) -> Vec<usize> {
        let stage = &self.stages[number];
        let fits = |event: &usize| is_in(self.events[*event], stage.fits);
        let Some(last) = last else { return (0..self.events.len()).filter(fits).collect() };
        let (contiguity, absent) = if times == 0 {
            (stage.contiguity, stage.absent)
        } else {
            (stage.between, self.stages.get(number + 1).and_then(|next| next.absent))
        };
        let mut later = (last + 1..self.events.len()).filter(fits);
        let candidates: Vec<usize> = match contiguity {
            Contiguity::Next => {
                later.next().filter(|event| *event == last + 1).into_iter().collect()
            }
            Contiguity::FollowedBy => later.next().into_iter().collect(),
            _ => later.collect(),
        };
        let happens = |event: usize| absent.is_some_and(|one| self.events[event] == LETTERS[one]);
        candidates.into_iter().filter(|event| !(last + 1..=*event).any(happens)).collect()
    }
}

fn matched(nfa: &mut Nfa<Event>, events: &[char], restored: bool) -> BTreeMap<Match, usize> {
    let mut matches = PartialMatches::default();
    let mut found = BTreeMap::new();
    let mut emit = |outcome: Outcome<'_, Event>| {
        if let Outcome::Matched(matched) = outcome {
            let number = |stage: &str| stage.parse().expect("a stage that takes has a number");
            let events = matched.iter().map(|(stage, (_, event))| (number(stage), *event));
            *found.entry(events.collect()).or_default() += 1;
        }
    };
    for (number, event) in events.iter().enumerate() {
        let at = Timestamp(i64::try_from(number).expect("few"));
        nfa.advance_time(&mut matches, at, &mut emit).expect("no strategy");
        if restored && nfa.passes_over(&(*event, number)) {
            continue;
        }
        nfa.process(&mut matches, (*event, number), at, &mut emit).expect("few");
        if restored {
            matches = codec::from_cbor(&codec::to_cbor(&matches)).expect("whole");
        }
    }
    nfa.advance_time(&mut matches, Timestamp::MAX, &mut emit).expect("no strategy");
    assert_eq!((matches.entries(), matches.events()), (0, 0), "all time is over");
    found
}

#[test]
fn the_automaton_finds_what_trying_every_way_finds() {
    let mut random = Random(7);
    let mut total = 0;
    for number in 0..PATTERNS {
        let stages = random.stages();
        let within_ms = 1 + random.below(12) as i64;
        let events: Vec<char> = (0..random.below(10)).map(|_| LETTERS[random.below(3)]).collect();
        let mut model =
            Model { stages: &stages, events: &events, within_ms, found: BTreeMap::new() };
        model.go(0, 0, &mut Match::new());
        let pattern = pattern(&stages, within_ms);
        let mut nfa = pattern.build().expect("a pattern");
        if number % 3 == 0 {
            nfa = nfa.without_time_outs();
        }
        let found = matched(&mut nfa, &events, number % 2 == 0);
        total += found.len();
        assert_eq!(found, model.found, "{events:?} within {within_ms}: {stages:#?}");
    }
    assert!(total > PATTERNS, "patterns that match: {total}");
}
