//! Patterns in a keyed stream: order of arrival, late events, time-outs, both clocks, and what is left.

use proptest::prelude::*;
use tidegate_core::element::{self, Batch};
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, Operator, OutputTag, Progress};
use tidegate_core::state::{KeyedState, OperatorState, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_operators::cep::{
    AfterMatchSkip, Cep, CepOperator, Matched, Outcome, PartialMatches, Pattern,
};
use tidegate_tests::harness::{Harness, Step, Step::*};

/// A key and a letter.
type Event = (u8, char);

const LATE: OutputTag<Event> = OutputTag::new("late");
const TIMED_OUT: OutputTag<String> = OutputTag::new("timed-out");

fn letter(pattern: Pattern<Event>, letter: char) -> Pattern<Event> {
    pattern.is(move |event: &Event| event.1 == letter)
}

/// An `a`, some `b`, and a `c` within so many milliseconds.
fn abc(within_ms: i64) -> Pattern<Event> {
    let begun = letter(letter(Pattern::begin("a"), 'a').followed_by("b"), 'b').one_or_more();
    letter(begun.followed_by("c"), 'c').within(within_ms)
}

fn text(matched: &Matched<'_, Event>) -> String {
    matched.iter().map(|(_, event)| event.1).collect()
}

fn cep(pattern: &Pattern<Event>) -> Cep<u8, Event, String> {
    Cep::new(pattern)
        .expect("a pattern")
        .side_output_late(LATE)
        .side_output_timed_out(TIMED_OUT, |key: &u8, partial, at| {
            format!("{key}{}!{}", text(partial), at.millis())
        })
}

fn harness(cep: Cep<u8, Event, String>) -> Harness<CepOperator<u8, Event, String>> {
    let select = |key: &u8, matched: &Matched<'_, Event>| format!("{key}{}", text(matched));
    let make = move || cep.clone().into_operator(|event| event.0, select);
    let harness = Harness::new(make).keyed_by(|event| event.0).show(String::clone);
    harness.side(LATE).side(TIMED_OUT)
}

#[test]
fn events_are_matched_in_the_order_of_their_times_when_the_watermark_has_come() {
    harness(cep(&abc(10))).check(
        &[
            Record((1, 'c'), 6),
            Record((1, 'b'), 3),
            Record((2, 'a'), 4),
            Record((1, 'a'), 2),
            Watermark(5),
            Record((1, 'b'), 5),
            Watermark(13),
            Record((2, 'c'), 14),
            Record((2, 'b'), 14),
            End,
        ],
        &[
            "W 5",
            "1abc @6",
            "late: (1, 'b') @5",
            "timed-out: \"1ab!12\" @12",
            "W 13",
            "timed-out: \"2a!14\" @14",
            "End",
        ],
    );
}

#[test]
fn of_events_with_equal_times_the_first_is_the_one_that_the_user_says() {
    let arrived = [Record((1, 'c'), 2), Record((1, 'b'), 2), Record((1, 'a'), 2), End];
    let timed_out = "timed-out: \"1a!12\" @12";
    harness(cep(&abc(10))).check(&arrived, &[timed_out, "End"]);
    let by_letter = cep(&abc(10)).order_ties_by(|one, other| one.1.cmp(&other.1));
    // The loop could have gone on.
    let timed_out = "timed-out: \"1ab!12\" @12";
    harness(by_letter).check(&arrived, &["1abc @2", timed_out, "End"]);
}

#[test]
fn by_processing_time_events_are_matched_as_they_arrive() {
    let none = i64::MIN;
    harness(cep(&abc(10)).processing_time()).check(
        &[
            ProcessingTime(100),
            Record((1, 'a'), 7),
            ProcessingTime(104),
            Record((1, 'b'), 3),
            Record((1, 'c'), 5),
            Record((2, 'a'), 5),
            ProcessingTime(120),
            End,
        ],
        &[
            "P 100",
            "P 104",
            &format!("1abc @{none}"),
            &format!("timed-out: \"1ab!110\" @{none}"),
            &format!("timed-out: \"2a!114\" @{none}"),
            "P 120",
            "End",
        ],
    );
}

#[test]
fn a_limit_that_is_reached_fails_the_job() {
    let pattern = letter(Pattern::begin("a"), 'a').one_or_more().allow_combinations();
    let cep = cep(&letter(pattern.followed_by("b"), 'b')).limits(100, 1_000);
    let mut steps: Vec<Step<Event>> = (0..20).map(|at| Record((1, 'a'), at)).collect();
    steps.push(End);
    let error = harness(cep).failure(&steps);
    assert!(error.contains("under key 1: a key has more than 100 partial matches"), "{error}");
    assert!(error.contains("narrow the pattern (`within`"), "{error}");
}

#[test]
fn a_pattern_of_all_combinations_over_ten_thousand_events_fails_instead_of_growing() {
    let pattern = letter(Pattern::begin("a"), 'a').one_or_more().allow_combinations();
    let cep = cep(&letter(pattern.followed_by("b"), 'b').within(100_000));
    let mut cep = cep.into_operator(|event: &Event| event.0, |_, matched| text(matched));
    let mut ctx = Context::new(16);
    let mut batch = Batch::new((0..10_000).map(|at| record(7, 'a', at)).collect(), Vec::new());
    cep.process(&mut batch, &mut ctx).expect("it waits");
    let error = cep.on_watermark(Timestamp(20_000), &mut ctx).expect_err("2^10,000 matches");
    let error = error.to_string();
    assert!(error.contains("under key 7: a key has more than 10000 partial matches"), "{error}");
}

fn record(key: u8, letter: char, at: i64) -> element::Record<Event> {
    element::Record { value: (key, letter), timestamp: Timestamp(at), key_hash: key.stable_hash() }
}

/// How many entries all states have.
struct Entries(u64);

impl StateVisitor for Entries {
    fn keyed(&mut self, _: &str, state: &mut dyn KeyedState) {
        self.0 += state.entries();
    }

    fn list(&mut self, _: &str, _: &mut dyn OperatorState) {}
}

#[test]
fn a_key_that_never_comes_again_is_forgotten_when_its_time_is_over() {
    let cep = Cep::new(&abc(10)).expect("a pattern");
    let mut cep = cep.into_operator(|event: &Event| event.0, |_: &u8, matched| text(matched));
    let mut ctx = Context::new(1024);
    let mut entries = |cep: &mut CepOperator<u8, Event, String>, watermark| {
        ctx.set_time(Timestamp(watermark), Timestamp::MIN);
        while cep.on_watermark(Timestamp(watermark), &mut ctx).expect("few") == Progress::More {}
        let mut entries = Entries(0);
        cep.states(&mut entries);
        entries.0
    };
    let keys = || 0..=255;
    let begun =
        keys().flat_map(|key| [record(key, 'a', 1), record(key, 'b', 4), record(key, 'x', 5)]);
    let mut input = Batch::new(begun.collect(), Vec::new());
    cep.process(&mut input, &mut Context::new(1024)).expect("it waits");
    assert_eq!(entries(&mut cep, 0), 2 * 256, "what no pattern looks at does not wait");
    assert_eq!(entries(&mut cep, 4), 256, "one per key");
    assert_eq!(entries(&mut cep, 10), 256);
    assert_eq!(entries(&mut cep, 11), 0);
}

/// What comes out when events are there all at once and in order; ties by letter, or by arrival.
fn model(pattern: &Pattern<Event>, events: &[(Event, i64)], by_letter: bool) -> Vec<String> {
    let mut rows = Vec::new();
    for key in 0..3 {
        let mut events: Vec<_> = events.iter().filter(|((of, _), _)| *of == key).collect();
        events.sort_by_key(|((_, letter), at)| (*at, by_letter.then_some(*letter)));
        let mut nfa = pattern.build().expect("a pattern");
        let mut matches = PartialMatches::default();
        let mut advance = |to: i64, event: Option<Event>| {
            let mut emit = |outcome: Outcome<'_, Event>| match outcome {
                Outcome::Matched(matched) => rows.push(format!("{key}{} @{to}", text(&matched))),
                Outcome::TimedOut { partial, at } => {
                    let (partial, at) = (text(&partial), at.millis());
                    rows.push(format!("timed-out: \"{key}{partial}!{at}\" @{at}"));
                }
            };
            nfa.advance_time(&mut matches, Timestamp(to), &mut emit).expect("no miss");
            if let Some(event) = event {
                nfa.process(&mut matches, event, Timestamp(to), &mut emit).expect("few");
            }
        };
        events.into_iter().for_each(|(event, at)| advance(*at, Some(*event)));
        advance(i64::MAX, None);
    }
    rows.sort();
    rows
}

fn steps() -> impl Strategy<Value = Vec<(Event, i64, bool)>> {
    let letter = prop::sample::select(vec!['a', 'b', 'c', 'x']);
    let event = (0..3u8, letter, -4..8i64, prop::bool::weighted(0.3));
    prop::collection::vec(event, 0..25).prop_map(|events| {
        let mut now = 0;
        let step = |(key, letter, by, watermark): (u8, char, i64, bool)| {
            now += by.max(0);
            ((key, letter), now + by.min(0), watermark)
        };
        events.into_iter().map(step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_order_of_arrival_and_the_watermarks_change_nothing(
        steps in steps(),
        within_ms in 1..30i64,
        skips in any::<bool>(),
        by_letter in any::<bool>(),
    ) {
        let mut pattern = abc(within_ms);
        if skips {
            pattern = pattern.after_match(AfterMatchSkip::past_last_event());
        }
        let (mut script, mut on_time) = (Vec::new(), Vec::new());
        let (mut watermark, mut newest, mut late) = (i64::MIN, i64::MIN, 0);
        for (event, at, advances) in steps {
            script.push(Record(event, at));
            newest = newest.max(at);
            if at > watermark { on_time.push((event, at)) } else { late += 1 }
            if advances && newest - 3 > watermark {
                watermark = newest - 3;
                script.push(Watermark(watermark));
            }
        }
        script.push(End);
        let mut cep = cep(&pattern);
        if by_letter {
            cep = cep.order_ties_by(|one, other| one.1.cmp(&other.1));
        }
        let outcome = harness(cep).run(&script);
        let is_row = |line: &&String| !line.starts_with(['W', 'E', 'l']);
        let mut rows: Vec<String> = outcome.lines.iter().filter(is_row).cloned().collect();
        rows.sort();
        prop_assert_eq!(rows, model(&pattern, &on_time, by_letter));
        prop_assert_eq!((outcome.entries, outcome.totals.late), (0, late));
    }
}
