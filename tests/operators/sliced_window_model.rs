//! Sliced windows against the definition: a list of records per window and key.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::operator::OutputTag;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_operators::aggregate::{BloomCount, Distinct, DistinctWide, Fold, HyperLogLog};
use tidegate_operators::window::{SlicedWindow, Window};
use tidegate_tests::harness::{Harness, Step, Step::*};

const LATE: OutputTag<(u8, u32)> = OutputTag::new("late");

/// Every window keeps every record, as Flink's operator does without slices.
struct Model {
    window: Window,
    /// What a row shows of the values of its window, which ascend.
    show: fn(&[u32]) -> String,
    watermark: i64,
    /// By end of window, then key.
    windows: BTreeMap<i64, BTreeMap<u8, Vec<u32>>>,
    lines: Vec<String>,
    group: (Vec<String>, Vec<String>),
    dropped: u64,
}

impl Model {
    fn start(&self, end: i64) -> i64 {
        let Window { size_ms, cumulates, offset_ms, .. } = self.window;
        if cumulates { end - 1 - (end - 1 - offset_ms).rem_euclid(size_ms) } else { end - size_ms }
    }

    /// The ends of the windows that contain `at`, the last one first.
    fn ends(&self, at: i64) -> Vec<i64> {
        let Window { size_ms, slide_ms, cumulates, offset_ms, .. } = self.window;
        if cumulates {
            let start = at - (at - offset_ms).rem_euclid(size_ms);
            let ends = (1..=size_ms / slide_ms).rev().map(|k| start + k * slide_ms);
            return ends.filter(|end| *end > at).collect();
        }
        let last_start = at - (at - offset_ms).rem_euclid(slide_ms);
        let starts = (0..).map(|k| last_start - k * slide_ms);
        starts.take_while(|start| start + size_ms > at).map(|start| start + size_ms).collect()
    }

    fn row(&mut self, end: i64, key: u8) {
        let mut values = self.windows[&end][&key].clone();
        values.sort_unstable();
        let start = self.start(end);
        let shown = (self.show)(&values);
        self.group.0.push(format!("{key} [{start}, {end}) {shown} @{}", end - 1));
    }

    fn record(&mut self, key: u8, value: u32, at: i64) {
        let allowed_lateness_ms = self.window.allowed_lateness_ms;
        let mut skipped = true;
        for end in self.ends(at) {
            if end - 1 + allowed_lateness_ms <= self.watermark {
                continue;
            }
            skipped = false;
            self.windows.entry(end).or_default().entry(key).or_default().push(value);
            if end - 1 <= self.watermark {
                self.row(end, key);
            }
        }
        if skipped && at + allowed_lateness_ms <= self.watermark {
            self.group.1.push(format!("late: ({key}, {value}) @{at}"));
        } else if skipped {
            self.dropped += 1;
        }
    }

    fn advance(&mut self, to: i64) {
        let due = |end: &&i64| **end - 1 > self.watermark && **end - 1 <= to;
        for end in self.windows.keys().filter(due).copied().collect::<Vec<_>>() {
            for key in self.windows[&end].keys().copied().collect::<Vec<_>>() {
                self.row(end, key);
            }
        }
        self.watermark = to;
        let lateness = self.window.allowed_lateness_ms;
        self.windows.retain(|end, _| end - 1 + lateness > to);
    }

    fn end_group(&mut self, with: String) {
        let (mut rows, mut late) = std::mem::take(&mut self.group);
        rows.sort();
        late.sort();
        self.lines.extend(rows.into_iter().chain(late).chain([with]));
    }

    fn run(window: Window, show: fn(&[u32]) -> String, steps: &[Step<(u8, u32)>]) -> Self {
        let mut model = Self {
            window,
            show,
            watermark: i64::MIN / 2,
            windows: BTreeMap::new(),
            lines: Vec::new(),
            group: Default::default(),
            dropped: 0,
        };
        for step in steps {
            match *step {
                Record((key, value), at) => model.record(key, value, at),
                Watermark(to) => {
                    model.advance(to);
                    model.end_group(format!("W {to}"));
                }
                ProcessingTime(to) => model.end_group(format!("P {to}")),
                Status(status) => model.end_group(format!("{status:?}")),
                End => {
                    model.advance(i64::MAX / 2);
                    model.end_group("End".into());
                }
            }
        }
        model
    }
}

pub(crate) fn windows() -> impl Strategy<Value = Window> {
    (1..30i64, 1..30i64, 0..4u8, -50..50i64, prop_oneof![Just(0), 1..40i64]).prop_map(
        |(size, slide, kind, offset, lateness)| {
            let window = match kind {
                0 => Window::tumbling(size),
                1 => Window::cumulating(size * slide, size),
                2 => Window::sliding(size + slide, slide.min(3)),
                _ => Window::sliding(size, slide),
            };
            window.offset(offset).allowed_lateness(lateness)
        },
    )
}

/// Records up to 40 ms out of order on both sides of the watermark, which advances now and then.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step<(u8, u32)>>> {
    let step = (0..10u8, 0..4u8, -40..40i64, 0..30i64);
    prop::collection::vec(step, 1..40).prop_map(|drawn| {
        let mut watermark = -30;
        let mut steps = Vec::new();
        for (value, (kind, key, distance, advance)) in drawn.into_iter().enumerate() {
            if kind < 7 {
                steps.push(Record((key, value as u32), watermark + distance));
            } else if advance > 0 {
                watermark += advance;
                steps.push(Watermark(watermark));
            } else {
                steps.push(ProcessingTime(value as i64));
            }
        }
        steps.push(End);
        steps
    })
}

/// Runs an aggregate of lists and compares it with the model.
fn check<A>(list: A, window: Window, steps: &[Step<(u8, u32)>]) -> Result<(), TestCaseError>
where
    A: Aggregate<In = (u8, u32), Out = Vec<u32>>,
{
    let make = move || {
        let key = |record: &(u8, u32)| record.0;
        SlicedWindow::new(window, list.clone(), key).expect("valid").side_output_late(LATE)
    };
    let harness = Harness::new(make).keyed_by(|record| record.0).side(LATE).unordered();
    let outcome = harness
        .show(|row| {
            let mut values = row.value.clone();
            values.sort_unstable();
            format!("{} {} {values:?}", row.key, row.window)
        })
        .run(steps);
    let model = Model::run(window, |values| format!("{values:?}"), steps);
    prop_assert_eq!(outcome.lines, model.lines);
    prop_assert_eq!(outcome.totals.dropped, model.dropped);
    prop_assert_eq!(outcome.entries, 0);
    Ok(())
}

/// Runs a distinct count of [`visitor`]s and compares it with sets.
fn check_distinct<A>(
    count: A,
    window: Window,
    steps: &[Step<(u8, u32)>],
) -> Result<(), TestCaseError>
where
    A: Aggregate<In = (u8, u32), Out = u64>,
{
    let make = move || {
        let key = |record: &(u8, u32)| record.0;
        SlicedWindow::new(window, count.clone(), key).expect("valid").side_output_late(LATE)
    };
    let harness = Harness::new(make).keyed_by(|record| record.0).side(LATE).unordered();
    let outcome =
        harness.show(|row| format!("{} {} {}", row.key, row.window, row.value)).run(steps);
    let distinct = |values: &[u32]| {
        values.iter().map(|value| visitor(*value)).collect::<BTreeSet<_>>().len().to_string()
    };
    prop_assert_eq!(outcome.lines, Model::run(window, distinct, steps).lines);
    Ok(())
}

/// Some come again, in several chunks of a bitmap.
const fn visitor(value: u32) -> u32 {
    value % 23 * 40_000
}

/// A list out of which values can be taken again; it asserts what a window may ask of it.
#[derive(Clone)]
struct Takeable;

/// The values, and whether it runs from window to window.
type Values = (Vec<u32>, bool);

impl Aggregate for Takeable {
    type In = (u8, u32);
    type Accumulator = Values;
    type Out = Vec<u32>;

    const INVERTIBLE: bool = true;

    fn create(&self) -> Values {
        (Vec::new(), false)
    }

    fn add(&self, (values, runs): &mut Values, record: &(u8, u32)) {
        assert!(!*runs, "no record is added to what runs");
        values.push(record.1);
    }

    fn merge(&self, (values, _): &mut Values, (other, runs): &Values) {
        assert!(!*runs, "what runs is merged into nothing");
        values.extend(other);
    }

    fn result(&self, (values, _): &Values) -> Vec<u32> {
        values.clone()
    }

    fn running(&self) -> Values {
        (Vec::new(), true)
    }

    fn deduct(&self, (values, runs): &mut Values, (part, _): &Values) {
        assert!(*runs, "only what runs is deducted from");
        for gone in part {
            let at = values.iter().position(|value| value == gone);
            values.remove(at.expect("only what was merged is deducted"));
        }
    }
}

fn list() -> Fold<(u8, u32), Vec<u32>> {
    Fold::new(
        Vec::new(),
        |list: &mut Vec<u32>, record: &(u8, u32)| list.push(record.1),
        |list, other| list.extend(other),
    )
}

proptest! {
    #[test]
    fn sliced_windows_give_what_windows_of_lists_give(window in windows(), steps in steps()) {
        check(list(), window, &steps)?;
    }

    #[test]
    fn deducting_what_leaves_gives_what_windows_of_lists_give(
        window in windows(),
        steps in steps(),
    ) {
        check(Takeable, window, &steps)?;
    }
    #[test]
    fn distinct_counts_are_those_of_a_set_per_window(window in windows(), steps in steps()) {
        check_distinct(Distinct::of(|record: &(u8, u32)| visitor(record.1)), window, &steps)?;
        let wide = DistinctWide::of(|record: &(u8, u32)| u64::from(visitor(record.1)) << 30);
        check_distinct(wide, window, &steps)?;
        // So few values are within half a value of the truth.
        check_distinct(HyperLogLog::of(|record: &(u8, u32)| visitor(record.1)), window, &steps)?;
        let filter = BloomCount::of(|record: &(u8, u32)| visitor(record.1), 1_000, 0.01);
        check_distinct(filter, window, &steps)?;
    }
}
