//! What the recorded cases do not show: limits, pruning, long matches, strategies that fail.
//!
//! Apart from the matcher because together they would be too long a read.

use super::{AfterMatchSkip, CepError, Nfa, Outcome, PartialMatches, Pattern};
use tidegate_core::codec;
use tidegate_core::operator::BoxError;
use tidegate_core::time::Timestamp;

/// A stage that takes the character it is named after.
fn letters(pattern: Pattern<char>, letter: char) -> Pattern<char> {
    pattern.is(move |event| *event == letter)
}

fn begin(letter: char) -> Pattern<char> {
    letters(Pattern::begin(letter), letter)
}

/// The matches in `events`, one per millisecond, as text; what is kept goes through its bytes each time.
fn found(nfa: &mut Nfa<char>, events: &str) -> Result<Vec<String>, CepError> {
    let mut matches = PartialMatches::default();
    let mut found = Vec::new();
    let mut emit = |outcome: Outcome<'_, char>| match outcome {
        Outcome::Matched(matched) => found.push(matched.iter().map(|(_, event)| event).collect()),
        Outcome::TimedOut { partial, at } => {
            let partial: String = partial.iter().map(|(_, event)| event).collect();
            found.push(format!("{partial}!{}", at.millis()));
        }
    };
    for (at, event) in (0..).map(Timestamp).zip(events.chars()) {
        nfa.advance_time(&mut matches, at, &mut emit)?;
        nfa.process(&mut matches, event, at, &mut emit)?;
        matches = codec::from_cbor(&codec::to_cbor(&matches)).expect("whole");
    }
    Ok(found)
}

fn check(pattern: &Pattern<char>, events: &str, expected: &[&str]) {
    let mut nfa = pattern.build().expect("a pattern");
    assert_eq!(found(&mut nfa, events).expect("matched"), expected);
}

#[test]
fn a_pattern_that_branches_without_end_hits_the_limit_of_partial_matches() {
    let pattern = begin('a').one_or_more().allow_combinations();
    let mut nfa = letters(pattern.followed_by('b'), 'b').build().expect("a pattern");
    let error = found(&mut nfa, &"a".repeat(10_000));
    assert_eq!(error, Err(CepError::TooManyPartialMatches { limit: 10_000 }));
    let mut nfa = nfa.limits(100, 1_000);
    assert_eq!(found(&mut nfa, &"a".repeat(6)), Ok(vec![]));
    let error = found(&mut nfa, &"a".repeat(7));
    assert_eq!(error, Err(CepError::TooManyPartialMatches { limit: 100 }));
}

#[test]
fn what_a_key_that_hit_a_limit_had_found_is_not_emitted_for_another() {
    let pattern = begin('a').one_or_more().allow_combinations();
    let mut nfa = pattern.build().expect("a pattern").limits(6, 1_000);
    let error = found(&mut nfa, "aaa");
    assert_eq!(error, Err(CepError::TooManyPartialMatches { limit: 6 }));
    assert_eq!(found(&mut nfa, "a"), Ok(vec!["a".to_owned()]));
}

#[test]
fn partial_matches_that_grow_without_end_hit_the_limit_of_entries() {
    let pattern = begin('a').one_or_more().consecutive().greedy();
    let mut nfa = letters(pattern.next('b'), 'b').build().expect("a pattern");
    nfa = nfa.limits(1_000, 2_000);
    assert_eq!(found(&mut nfa, &"a".repeat(60)), Ok(vec![]));
    let error = found(&mut nfa, &"a".repeat(70));
    assert_eq!(error, Err(CepError::TooManyEntries { limit: 2_000 }));
}

#[test]
fn nothing_is_kept_when_no_partial_match_is_alive() {
    let pattern = letters(begin('a').followed_by('b'), 'b').within(100);
    let mut nfa = pattern.build().expect("a pattern");
    let mut matches = PartialMatches::default();
    let emit = &mut |_: Outcome<'_, char>| {};
    let mut most = 0;
    for at in 0..10_000 {
        nfa.advance_time(&mut matches, Timestamp(at), emit).expect("no strategy");
        let event = if at % 10 == 0 { 'a' } else { 'x' };
        nfa.process(&mut matches, event, Timestamp(at), emit).expect("few");
        assert!(matches.len() <= 10, "{}", matches.len());
        most = most.max(matches.entries()).max(matches.events());
    }
    assert!(most <= 2 * 10 + 4, "{most}");
    assert_eq!(nfa.deadline(&matches), Some(Timestamp(9_900 + 100)));
    nfa.advance_time(&mut matches, Timestamp(10_089), emit).expect("no strategy");
    assert_eq!((matches.len(), nfa.deadline(&matches)), (1, Some(Timestamp(10_090))));
    nfa.advance_time(&mut matches, Timestamp(10_090), emit).expect("no strategy");
    assert_eq!((matches.len(), matches.entries(), matches.events()), (0, 0, 0));
    assert!(matches.is_empty());
    assert_eq!(nfa.deadline(&matches), None);
}

#[test]
fn a_match_may_be_longer_than_any_stack() {
    let events = 200_000;
    let pattern = begin('s').next("a").is(|event| *event == 'a').one_or_more().consecutive();
    let mut nfa = letters(pattern.greedy().next('e'), 'e').build().expect("a pattern");
    let mut matches = PartialMatches::default();
    let mut lengths = Vec::new();
    let mut emit = |outcome: Outcome<'_, char>| {
        if let Outcome::Matched(matched) = outcome {
            lengths.push((matched.events("a").count(), matched.len()));
        }
    };
    for at in 0..events + 2 {
        let event = if at == 0 {
            's'
        } else if at <= events {
            'a'
        } else {
            'e'
        };
        nfa.process(&mut matches, event, Timestamp(at), &mut emit).expect("one partial match");
    }
    let events = usize::try_from(events).expect("few");
    assert_eq!(lengths, [(events, events + 2)]);
    assert!(matches.is_empty());
}

#[test]
fn a_strategy_can_fail_on_what_it_misses() {
    let optional = letters(begin('a').next('b'), 'b').optional();
    let pattern = letters(optional.next('c'), 'c');
    let skip = |skip: AfterMatchSkip| {
        let pattern = pattern.clone().after_match(skip.fail_on_miss());
        found(&mut pattern.build().expect("a pattern"), "abcac")
    };
    let missed = CepError::SkipMissed { stage: "b".into() };
    assert_eq!(skip(AfterMatchSkip::to_first("b")), Err(missed.clone()));
    assert_eq!(skip(AfterMatchSkip::to_last("b")), Err(missed));
    let start = CepError::SkipToStart { stage: "a".into() };
    assert_eq!(skip(AfterMatchSkip::to_last("a")), Err(start));
    assert_eq!(skip(AfterMatchSkip::to_last("c")), Ok(vec!["abc".into(), "ac".into()]));
}

#[test]
fn a_match_waits_for_earlier_ones_that_may_have_it_skipped() {
    let start = Pattern::begin("start").is(|event: &char| ['a', 'b'].contains(event));
    let open = start.is(|_| true).followed_by("end").satisfies(|end, taken| {
        taken.first("start").is_some_and(|start| start.to_ascii_uppercase() == *end)
    });
    let pattern = open.after_match(AfterMatchSkip::past_last_event()).within(10);
    check(&pattern, "abBA", &["aA"]);
    check(&pattern, "abBxxxxxxxA", &["a!10", "bB"]);
}

#[test]
fn an_absence_at_the_end_is_a_match_when_its_time_is_over() {
    let pattern = letters(begin('a').not_followed_by('b'), 'b').within(3);
    check(&pattern, "axxx", &["a"]);
    check(&pattern, "axbxx", &[]);
    check(&pattern, "aabxxx", &[]);
    let gap = letters(begin('a').not_followed_by('b'), 'b').within_from_previous(3);
    check(&gap, "axxxaxb", &["a"]);
}

#[test]
fn a_looping_group_of_optional_stages_ends() {
    let inner = letters(begin('a').optional().followed_by('b'), 'b').optional();
    let pattern = Pattern::begin("s").is(|event| *event == 's').followed_by_group(inner);
    let pattern = letters(pattern.one_or_more().followed_by('e'), 'e');
    let mut nfa = pattern.build().expect("a pattern");
    let found = found(&mut nfa, "sabe").expect("matched");
    assert!(found.contains(&"sabe".into()) && found.contains(&"se".into()), "{found:?}");
}

/// The character, or no answer for `?`.
fn sure(event: char) -> Result<char, BoxError> {
    if event == '?' { Err("nobody knows".into()) } else { Ok(event) }
}

#[test]
fn a_condition_without_an_answer_fails_or_does_not_hold_and_its_event_is_counted_once() {
    // Asked once for the event, once for each partial match, and before repetitions end.
    let pattern = Pattern::begin("a").try_is(|event: &char| Ok(sure(*event)? == 'a'));
    let pattern = pattern.one_or_more().try_until(|event| Ok(sure(*event)? == 'u'));
    let pattern = pattern
        .followed_by("b")
        .try_satisfies(|event, so_far| Ok(sure(*event)? == 'b' && so_far.first("a").is_some()));
    let nfa = pattern.build().expect("a pattern");
    let failure = CepError::NoAnswer { reason: "nobody knows".into() };
    assert_eq!(found(&mut nfa.clone(), "a?b"), Err(failure.clone()));
    assert_eq!(found(&mut nfa.clone(), "?"), Err(failure));
    let mut lenient = nfa.clone().skip_unanswered();
    assert_eq!(found(&mut lenient, "aa??b"), Ok(vec!["aab".into(), "ab".into(), "ab".into()]));
    assert_eq!((lenient.take_unanswered(), lenient.take_unanswered()), (2, 0));
    assert!(!lenient.passes_over(&'?'), "who is passed over is not counted");
    assert!(lenient.passes_over(&'x') == nfa.passes_over(&'x'));
}

#[test]
fn repetitions_that_end_by_what_was_taken_may_have_no_answer_either() {
    let pattern = begin('a').one_or_more().try_until_satisfies(|event, so_far| {
        let taken = so_far.events("a").count();
        if taken > 1 { Err("too many".into()) } else { Ok(*event == 'x') }
    });
    let mut nfa = letters(pattern.followed_by('b'), 'b').build().expect("a pattern");
    let failure = CepError::NoAnswer { reason: "too many".into() };
    assert_eq!(found(&mut nfa, "aaaa"), Err(failure));
    assert_eq!(found(&mut nfa, "axab"), Ok(vec!["ab".into(), "ab".into()]));
}
