//! The tests: many seeds, seeds that once found a bug, and canaries that the checkers must catch.
//!
//! Apart from the world, which knows one history only.

use super::fate::{Canary, Fate};
use super::jobs::Shape;
use super::world::World;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 200;

/// How one history ended.
struct Outcome {
    hash: u64,
    violation: Option<String>,
    events: Vec<String>,
    summary: String,
    fallbacks: u64,
}

thread_local! {
    static SIMULATING: Cell<bool> = const { Cell::new(false) };
}

/// Operators panic on purpose; what they say is in the trace.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !SIMULATING.get() {
                before(info);
            }
        }));
    });
}

fn history(seed: u64, canary: Canary, verbose: bool) -> Outcome {
    quiet_panics();
    let fate = Fate::new(seed, canary, verbose);
    SIMULATING.set(true);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(fate.clone(), canary);
        world.run();
        (world.summary(), world.fallbacks)
    }));
    SIMULATING.set(false);
    let (summary, fallbacks) = ran.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        fate.violation(format_args!("a panic outside any task: {said:?}"));
        (String::new(), 0)
    });
    let (hash, violation, events) = (fate.hash(), fate.violated(), fate.last_events());
    Outcome { hash, violation, events, summary, fallbacks }
}

/// Runs a seed twice; says what was wrong with it.
fn check(seed: u64) -> Result<Outcome, String> {
    let first = history(seed, Canary::None, false);
    if let Some(violation) = &first.violation {
        let events = first.events.join("\n  ");
        return Err(format!("seed {seed}: {violation}\nlast events:\n  {events}"));
    }
    let second = history(seed, Canary::None, false);
    if first.hash != second.hash {
        return Err(format!("seed {seed} gave two histories: {:x}, {:x}", first.hash, second.hash));
    }
    Ok(first)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_history_is_exactly_once_and_comes_to_its_end() {
    if let Some(seed) = number("TIDEGATE_SEED") {
        let outcome = history(seed, Canary::None, true);
        assert_eq!(outcome.violation, None, "seed {seed}");
        println!("seed {seed}: {}", outcome.summary);
        return;
    }
    let seeds = number("TIDEGATE_SEEDS").unwrap_or(SEEDS);
    let from = number("TIDEGATE_FIRST_SEED").unwrap_or(0);
    let (mut failures, mut fallbacks) = (Vec::new(), 0);
    let firsts = [0, Shape::LATER_SEEDS, Shape::LATEST_SEEDS];
    for seed in firsts.into_iter().flat_map(|first| first + from..first + from + seeds) {
        match check(seed) {
            Ok(outcome) => fallbacks += outcome.fallbacks,
            Err(failure) => failures.push(failure),
        }
    }
    let shown: Vec<&String> = failures.iter().take(3).collect();
    let some = shown.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n\n");
    let firsts: Vec<&str> = failures.iter().filter_map(|f| f.lines().next()).collect();
    assert!(failures.is_empty(), "{some}\n\n{} failed:\n{}", firsts.len(), firsts.join("\n"));
    assert!(seeds < SEEDS || fallbacks > 0, "no history fell back to an older checkpoint");
}

/// Seeds that have found a bug, with what it was.
const FOUND: &[(u64, &str)] = &[
    (0, "the master wanted ticks for a time that had passed while it committed"),
    (43, "an operator kept event time that its inputs had lost by a rescaling"),
    (166, "two captures of one step shared their beginnings, and state was lost"),
    (718, "a delta of fired timers outweighed those left"),
    (988, "a manifest that was written counted as not written"),
    (999, "garbage collection deleted the checkpoint that the job had fallen back to"),
    (1168, "event time ended while an idle channel had not"),
    (1426, "a manifest that was written counted as not written"),
    (1510, "garbage collection deleted the checkpoint that the job had fallen back to"),
    (4484, "a manifest that was written counted as not written"),
];

#[test]
fn seeds_that_have_found_a_bug_stay_sound() {
    for (seed, bug) in FOUND {
        if let Err(failure) = check(*seed) {
            panic!("once: {bug}\n{failure}");
        }
    }
}

/// A fault in the world itself, which the checkers must find in some of the seeds.
fn caught(canary: Canary, complaint: &str) {
    caught_within(0..600, canary, complaint);
}

fn caught_within(mut seeds: Range<u64>, canary: Canary, complaint: &str) {
    let complaint_of = |seed| Some((seed, history(seed, canary, false).violation?));
    let found = seeds.find_map(complaint_of);
    let (seed, found) = found.unwrap_or_else(|| panic!("{canary:?} was not caught"));
    assert!(
        found.contains(complaint),
        "{canary:?}, seed {seed}, was caught by another checker: {found}"
    );
    println!("{canary:?} was caught at seed {seed}: {found}");
}

#[test]
fn a_dropped_batch_is_caught_by_the_audit_of_its_channel() {
    caught(Canary::DropBatch, "audit broken on edge");
}

#[test]
fn a_dropped_batch_that_the_channel_hides_is_caught_by_the_audit_of_its_edge() {
    caught(Canary::DropBatchUnseen, "the audit is broken");
}

#[test]
fn an_epoch_that_a_sink_forgets_is_caught_by_the_audit_of_its_rows() {
    caught(Canary::ForgetEpoch, "rows written");
}

#[test]
fn a_commit_that_does_nothing_is_caught_by_the_ledger() {
    caught(Canary::SkipCommit, "rows are missing");
}

#[test]
fn output_published_before_its_manifest_is_caught_by_the_ledger() {
    caught(Canary::PublishEarly, "nobody fell back");
}

#[test]
fn output_that_a_fallback_leaves_published_is_caught_by_the_ledger() {
    // Its rows come again, or a file of its name does.
    caught(Canary::KeepNewer, "file");
}

#[test]
fn a_flush_that_does_nothing_is_caught() {
    caught(Canary::LazyFlush, "is not durable and whole");
}

#[test]
fn a_credit_given_twice_is_caught_by_the_bound_of_its_channel() {
    caught(Canary::DoubleCredit, "batches");
}

#[test]
fn a_checkpoint_deleted_under_a_job_that_fell_back_to_it_is_caught() {
    caught(Canary::CountDamaged, "");
}

#[test]
fn event_time_that_a_rescaled_operator_keeps_is_caught_by_the_ledger() {
    caught_within(11_000..12_000, Canary::IgnoreRescaling, "a row");
}
