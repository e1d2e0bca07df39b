//! Temporal joins: against their definition over disordered streams, in every way of running, and some
//! cases by hand.

use super::model::{In, Sheet, Step, Time, sorted, told};
use super::properties::{LATE_LEFT, LATE_RIGHT, arriving, events, key, records, rows, steps};
use proptest::prelude::*;
use std::collections::BTreeSet;
use tidegate_operators::join::{Joined, TemporalJoin, TemporalJoinOperator, Validity};
use tidegate_tests::harness::{Outcome, TwoInputStep::*, TwoInputs};

#[derive(Clone, Copy, Debug)]
struct Spec {
    validity: Validity,
    left_outer: bool,
    /// Every so many versions one is a tombstone.
    tombstone_every: u32,
}

fn harness(spec: Spec) -> TwoInputs<TemporalJoinOperator<u8, In, In>> {
    let make = move || {
        let join = TemporalJoin::new(spec.validity);
        let join = join.tombstones(move |(_, n): &In| n.is_multiple_of(spec.tombstone_every));
        let join = if spec.left_outer { join.left_outer() } else { join };
        let join = join.side_output_late_left(LATE_LEFT).side_output_late_versions(LATE_RIGHT);
        join.into_operator(key, key)
    };
    TwoInputs::new(make, key, key).side(LATE_LEFT).side(LATE_RIGHT)
}

/// A version that was taken: when it is from, which it is, and whether it is a tombstone.
type Version = (i64, In, bool);

struct Model {
    spec: Spec,
    waiting: Vec<(i64, In)>,
    versions: Vec<Version>,
    time: Time,
    sheet: Sheet,
    late: u64,
}

impl Model {
    /// The lines, how many records are late, and how many keys have a version in the end.
    fn run(spec: Spec, steps: &[Step]) -> (Vec<String>, u64, u64) {
        let (time, sheet) = (Time::new(), Sheet::default());
        let (waiting, versions) = (Vec::new(), Vec::new());
        let mut model = Self { spec, waiting, versions, time, sheet, late: 0 };
        for step in steps {
            match *step {
                First(record, at) if at > model.time.now() => {
                    model.waiting.push((at, record));
                }
                First(record, at) => model.is_late("late-left", record, at),
                Second(record, at) => model.version(record, at),
                _ => {
                    for watermark in model.time.advance(step) {
                        model.join(watermark);
                        model.sheet.end_group(told(watermark));
                    }
                }
            }
        }
        let keys: BTreeSet<u8> = model.versions.iter().map(|(_, record, _)| record.0).collect();
        let left = keys.into_iter().filter(|key| model.valid(*key, i64::MAX - 1).is_some());
        let left = left.count() as u64;
        (model.sheet.finish(), model.late, left)
    }

    fn is_late(&mut self, name: &str, record: In, at: i64) {
        self.late += 1;
        self.sheet.rows.push(format!("{name}: {record:?} @{at}"));
    }

    fn end(&self, at: i64) -> i64 {
        match self.spec.validity {
            Validity::UntilReplaced => i64::MAX,
            Validity::AtMostMs(millis) => at + millis,
        }
    }

    /// The newest version at `at`, if it is no tombstone; of equal times the one that came last.
    fn newest(&self, key: u8, at: i64) -> Option<Version> {
        let known = self.versions.iter().filter(|v| v.1.0 == key && v.0 <= at);
        known.max_by_key(|version| version.0).copied().filter(|version| !version.2)
    }

    /// The version that is valid behind `now`.
    fn valid(&self, key: u8, now: i64) -> Option<Version> {
        self.newest(key, now).filter(|version| now < self.end(version.0))
    }

    fn version(&mut self, record: In, at: i64) {
        let now = self.time.now();
        let too_late = |valid: Version| at < valid.0;
        let of_use = self.end(at) > now && !self.valid(record.0, now).is_none_or(too_late);
        if at > now || of_use {
            let is_tombstone = record.1.is_multiple_of(self.spec.tombstone_every);
            self.versions.push((at, record, is_tombstone));
        } else {
            self.is_late("late-right", record, at);
        }
    }

    fn join(&mut self, watermark: i64) {
        let due = |(at, _): &(i64, In)| *at <= watermark;
        let (due, waiting): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(due);
        self.waiting = waiting;
        for (at, record) in due {
            let version = self.newest(record.0, at).filter(|version| at <= self.end(version.0));
            let row: Option<Joined<In, In>> = match version {
                Some((_, version, _)) => Some(Joined::Both(record, version)),
                None => self.spec.left_outer.then_some(Joined::Left(record)),
            };
            self.sheet.rows.extend(row.map(|row| format!("{row:?} @{at}")));
        }
    }
}

fn specs() -> impl Strategy<Value = Spec> {
    let validity =
        prop_oneof![Just(Validity::UntilReplaced), (0..20i64).prop_map(Validity::AtMostMs),];
    (validity, any::<bool>(), 2..9u32).prop_map(|(validity, left_outer, tombstone_every)| Spec {
        validity,
        left_outer,
        tombstone_every,
    })
}

fn run(spec: Spec, steps: &[Step]) -> Outcome {
    harness(spec).run(steps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_temporal_join_emits_what_its_definition_says(spec in specs(), events in events()) {
        let steps = steps(&events, false);
        let outcome = run(spec, &steps);
        let (lines, late, left) = Model::run(spec, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, 0));
        prop_assert_eq!(outcome.entries, left);
    }

    #[test]
    fn versions_join_alike_in_whatever_order_they_arrive(
        spec in specs(),
        records in records(),
        seed in any::<u64>(),
        lag in 0..30i64,
    ) {
        let mut seen = BTreeSet::new();
        let mut records = records;
        // Of two versions of the same time the last one counts.
        records.retain(|record| !record.0 || seen.insert(*record));
        let (one, other) = (arriving(&records, 0, 0), arriving(&records, seed, lag));
        prop_assert_eq!(rows(&run(spec, &one)), rows(&run(spec, &other)));
    }
}

const PLAIN: Spec =
    Spec { validity: Validity::UntilReplaced, left_outer: true, tombstone_every: 10 };

#[test]
fn a_record_waits_for_versions_of_its_time_and_takes_the_newest() {
    let steps: [Step; 6] = [
        First((1, 1), 10),
        Second((1, 12), 11),
        Watermark(9),
        Second((1, 11), 10),
        Watermark(12),
        End,
    ];
    harness(PLAIN).check(&steps, &["W 9", "Both((1, 1), (1, 11)) @10", "W 12", "End"]);
}

#[test]
fn a_version_that_is_late_holds_for_what_comes_unless_it_was_overtaken_or_deleted() {
    let steps: [Step; 12] = [
        Second((1, 11), 10),
        Second((2, 12), 10),
        Second((2, 20), 15),
        First((1, 1), 20),
        Watermark(20),
        // Newer than what is valid, older, and of a key that was deleted at 15.
        Second((1, 13), 18),
        Second((1, 14), 17),
        Second((2, 15), 14),
        First((1, 2), 21),
        First((2, 3), 21),
        First((1, 4), 20),
        Watermark(30),
    ];
    let outcome = harness(PLAIN).unordered().run(&steps);
    let expected = [
        "Both((1, 1), (1, 11)) @20",
        "W 20",
        "Both((1, 2), (1, 13)) @21",
        "Left((2, 3)) @21",
        "late-left: (1, 4) @20",
        "late-right: (1, 14) @17",
        "late-right: (2, 15) @14",
        "W 30",
    ];
    assert_eq!(outcome.lines, expected);
    assert_eq!((outcome.totals.late, outcome.totals.dropped, outcome.entries), (3, 0, 1));
}

#[test]
fn only_the_version_that_is_valid_at_the_watermark_is_kept() {
    let mut steps: Vec<Step> = (1..100).map(|n| Second((1, 10 * n + 1), i64::from(n))).collect();
    steps.push(Watermark(50));
    steps.extend([First((1, 7), 51), Watermark(98)]);
    let kept = harness(Spec { validity: Validity::AtMostMs(5), ..PLAIN });
    let outcome = kept.run(&steps);
    assert_eq!(outcome.lines, ["W 50", "Both((1, 7), (1, 511)) @51", "W 98"]);
    assert_eq!(outcome.entries, 1);
    // Not even that one when it is over.
    steps.push(Watermark(104));
    assert_eq!(kept.run(&steps).entries, 0);
}
