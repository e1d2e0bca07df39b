//! Patterns and streams that mean harm: long matches, many ways, the ends of time; and random patterns of
//! everything there is, against themselves without the short cuts.
//!
//! Apart from the tests of the matcher because none of it shows how a pattern is used.

use super::model_tests::{LETTERS, Random, is_in};
use super::{AfterMatchSkip, MalformedPattern, Matched, Nfa, Outcome, PartialMatches, Pattern};
use tidegate_core::time::Timestamp;

fn letter(pattern: Pattern<char>, letter: char) -> Pattern<char> {
    pattern.is(move |event| *event == letter)
}

fn text(matched: &Matched<'_, char>) -> String {
    matched
        .iter()
        .flat_map(|(stage, event)| {
            [stage, ":"].into_iter().map(str::to_owned).chain([event.to_string()])
        })
        .collect()
}

/// Matches, and partial matches that time out, in the order in which they come.
fn found(nfa: &mut Nfa<char>, events: &[char], short_cut: bool) -> Vec<(bool, String)> {
    let (mut matches, mut found) = (PartialMatches::default(), Vec::new());
    let mut emit = |outcome: Outcome<'_, char>| match outcome {
        Outcome::Matched(matched) => found.push((true, text(&matched))),
        Outcome::TimedOut { partial, at } => {
            found.push((false, format!("{} at {}", text(&partial), at.millis())));
        }
    };
    for (at, event) in (0..).map(Timestamp).zip(events) {
        nfa.advance_time(&mut matches, at, &mut emit).expect("no miss");
        if !(short_cut && nfa.passes_over(event)) {
            nfa.process(&mut matches, *event, at, &mut emit).expect("few");
        }
    }
    nfa.advance_time(&mut matches, Timestamp::MAX, &mut emit).expect("no miss");
    assert_eq!((matches.entries(), matches.events()), (0, 0), "all time is over");
    found
}

impl Random {
    /// A stage more, or the first one.
    fn stage(&mut self, before: Option<Pattern<char>>, name: &str) -> Pattern<char> {
        let mut pattern = match (before, self.below(7)) {
            (None, _) => Pattern::begin(name),
            (Some(before), 0) => before.not_next(name),
            (Some(before), 1) => before.not_followed_by(name),
            (Some(before), 2) => before.next(name),
            (Some(before), 3) => before.followed_by_any(name),
            (Some(before), _) => before.followed_by(name),
        };
        let fits = 1 + self.below(6);
        pattern = pattern.is(move |event| is_in(*event, fits));
        if self.below(5) == 0 {
            pattern = pattern.satisfies(|_, taken| taken.len().is_multiple_of(2));
        }
        self.quantified(pattern)
    }

    fn quantified(&mut self, pattern: Pattern<char>) -> Pattern<char> {
        let (pattern, repeats) = match self.below(7) {
            0 => (pattern.times(2), true),
            1 => (pattern.times_between(1, 3), true),
            2 => (pattern.times_or_more(2), true),
            3 | 4 => (pattern.one_or_more(), true),
            _ => (pattern, false),
        };
        let pattern = match self.below(4) {
            0 if repeats => pattern.consecutive(),
            1 if repeats => pattern.allow_combinations(),
            2 if repeats => pattern.greedy(),
            _ => pattern,
        };
        let stop = LETTERS[self.below(3)];
        let pattern = match self.below(6) {
            0 => pattern.until(move |event| *event == stop),
            1 => pattern.within_from_previous(3),
            _ => pattern,
        };
        if self.below(4) == 0 { pattern.optional() } else { pattern }
    }

    fn everything(&mut self) -> Pattern<char> {
        let mut pattern = self.stage(None, "a");
        for name in ["b", "c", "d"].iter().take(self.below(4)) {
            pattern = self.stage(Some(pattern), name);
        }
        if self.below(4) == 0 {
            let first = self.stage(None, "e");
            let group = self.stage(Some(first), "f");
            let grouped = pattern.followed_by_group(group);
            pattern = self.quantified(grouped);
        }
        let skip = match self.below(4) {
            0 => AfterMatchSkip::to_next(),
            1 => AfterMatchSkip::past_last_event(),
            _ => AfterMatchSkip::no_skip(),
        };
        let within_ms = 4 + self.below(6);
        pattern.within(i64::try_from(within_ms).expect("small")).after_match(skip)
    }
}

#[test]
fn short_cuts_change_nothing_in_any_pattern() {
    let mut random = Random(11);
    let (mut built, mut passed_over, mut total) = (0, 0, 0);
    while built < 6_000 {
        let Ok(nfa) = random.everything().build() else { continue };
        built += 1;
        let events: Vec<char> = (0..random.below(10)).map(|_| LETTERS[random.below(3)]).collect();
        let all = found(&mut nfa.clone(), &events, false);
        assert_eq!(found(&mut nfa.clone(), &events, true), all, "{events:?}");
        let mut merged = nfa.clone().without_time_outs();
        passed_over += events.iter().filter(|event| merged.passes_over(event)).count();
        let is_match = |(is_match, _): &(bool, String)| *is_match;
        let [mut left, mut right] = [all, found(&mut merged, &events, true)];
        left.retain(is_match);
        right.retain(is_match);
        total += left.len();
        assert_eq!(left, right, "{events:?}");
    }
    assert!(passed_over > 1_000 && total > 5_000, "passed over {passed_over}, found {total}");
}

#[test]
fn an_event_that_only_makes_two_of_one_partial_match_is_passed_over() {
    let ab = letter(letter(Pattern::begin("a"), 'a').followed_by("b"), 'b');
    for pattern in [ab.clone().one_or_more(), ab.one_or_more().greedy()] {
        let nfa = letter(pattern.followed_by("c"), 'c').build().expect("a pattern");
        assert!(!nfa.passes_over(&'x'), "it makes two of one, and both may time out");
        let merged = nfa.without_time_outs();
        assert!(merged.passes_over(&'x'));
        assert!(['a', 'b', 'c'].iter().all(|event| !merged.passes_over(event)));
    }
}

#[test]
fn a_condition_on_the_last_event_costs_the_same_however_much_has_matched() {
    let events = 100_000;
    let rising = Pattern::begin("rise").one_or_more().consecutive().greedy();
    let rising =
        rising.satisfies(|number: &i64, taken| taken.last("rise").is_none_or(|last| last < number));
    let pattern = rising.next("fall").after_match(AfterMatchSkip::past_last_event());
    let mut nfa = pattern.build().expect("a pattern").limits(1_000_000, 10_000_000);
    let mut matches = PartialMatches::default();
    let mut lengths = Vec::new();
    let mut emit = |outcome: Outcome<'_, i64>| {
        if let Outcome::Matched(matched) = outcome {
            lengths.push(matched.len());
        }
    };
    // Every event begins a match too; only the first is to be long.
    nfa.process(&mut matches, 0, Timestamp(0), &mut emit).expect("one");
    matches.alive.retain(|partial| partial.start.0 == Timestamp(0));
    for number in 1..events {
        nfa.process(&mut matches, number, Timestamp(number), &mut emit).expect("few");
        matches.alive.retain(|partial| partial.start.0 == Timestamp(0));
    }
    nfa.process(&mut matches, 0, Timestamp(events), &mut emit).expect("few");
    let events = usize::try_from(events).expect("few");
    assert_eq!(lengths.first(), Some(&(events + 1)));
}

#[test]
fn the_ends_of_time_are_times_like_others() {
    let pattern = letter(letter(Pattern::begin("a"), 'a').followed_by("b"), 'b');
    for (within_ms, from) in [(10, i64::MIN + 1), (10, -5), (10, i64::MAX - 9), (i64::MAX, 0)] {
        let mut nfa = pattern.clone().within(within_ms).build().expect("a pattern");
        let (mut matches, mut found) = (PartialMatches::default(), 0);
        let mut emit = |outcome: Outcome<'_, char>| {
            found += usize::from(matches!(outcome, Outcome::Matched(_)));
        };
        for (at, event) in [(from, 'a'), (from + 1, 'a'), (from + 8, 'b')] {
            nfa.advance_time(&mut matches, Timestamp(at), &mut emit).expect("no strategy");
            nfa.process(&mut matches, event, Timestamp(at), &mut emit).expect("few");
        }
        assert_eq!(found, 2, "within {within_ms} from {from}");
    }
}

#[test]
fn a_pattern_with_too_many_ways_is_refused() {
    let pair = |number: usize| {
        let first = Pattern::begin(format!("{number} first")).optional();
        first.followed_by(format!("{number} second")).is(|event: &char| *event == 'x').optional()
    };
    let groups = |count: usize| {
        let first = Pattern::begin("a").is(|event| *event == 'a');
        (0..count).fold(first, |pattern, number| pattern.followed_by_group(pair(number)).optional())
    };
    assert!(groups(4).build().is_ok());
    let refused = groups(40).build().err();
    assert!(matches!(refused, Some(MalformedPattern::TooManyWays(_))), "{refused:?}");
    let optional = (1..1_000).fold(Pattern::begin("0"), |pattern, number| {
        pattern.followed_by(number.to_string()).is(|event: &char| *event == 'x').optional()
    });
    let refused = optional.build().err();
    assert!(refused.is_some(), "a million edges");
}
