//! What the functions under test must emit, by definition: one loop over the steps. For data that waits
//! the steps are brought into the order in which the first rules had been there before all data.

use super::judge::{In, LAST_COLOUR, LATER, Rule, TELL};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_tests::harness::TwoInputStep;

pub(super) type Step = TwoInputStep<In, Rule>;

/// Which function, and whether data waits for the first rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) keyed: bool,
    pub(super) holds: bool,
}

#[derive(Default)]
pub(super) struct Model {
    spec: Option<Spec>,
    limits: BTreeMap<u8, i64>,
    pub(super) counts: BTreeMap<u8, u32>,
    timers: BTreeSet<(i64, u8)>,
    inputs: [Option<i64>; 2],
    now: Option<i64>,
    /// While data waits: event time that is told with the next record only.
    untold: Option<i64>,
    waits: bool,
    rows: Vec<String>,
    pub(super) lines: Vec<String>,
}

/// The position of the step that lets data go.
fn release(steps: &[Step]) -> usize {
    let lets_go = |step: &Step| match *step {
        TwoInputStep::Second((colour, limit), _) => colour == LAST_COLOUR && limit >= 0,
        TwoInputStep::SecondEnd | TwoInputStep::End => true,
        _ => false,
    };
    steps.iter().position(lets_go).expect("the steps end")
}

impl Model {
    pub(super) fn run(spec: Spec, steps: &[Step]) -> Self {
        let mut model = Self { spec: Some(spec), waits: spec.holds, ..Self::default() };
        let from = if spec.holds { release(steps) + 1 } else { 0 };
        let (first, rest) = steps.split_at(from);
        let is_rule = |step: &&Step| matches!(step, TwoInputStep::Second(..));
        first.iter().filter(is_rule).for_each(|step| model.step(*step));
        first.iter().filter(|step| !is_rule(step)).for_each(|step| model.step(*step));
        model.waits = false;
        model.tell();
        rest.iter().for_each(|step| model.step(*step));
        model.end_group(None);
        model
    }

    fn end_group(&mut self, with: Option<String>) {
        self.rows.sort();
        self.lines.append(&mut self.rows);
        self.lines.extend(with);
    }

    fn tell(&mut self) {
        if let Some(at) = self.untold.take() {
            self.end_group(Some(format!("W {at}")));
        }
    }

    fn row(&mut self, row: &str, at: i64) {
        self.rows.push(format!("{row} @{at}"));
    }

    fn step(&mut self, step: Step) {
        match step {
            TwoInputStep::First(record, at) => {
                self.tell();
                self.data(record, at);
            }
            TwoInputStep::Second(rule, at) => self.rule(rule, at),
            TwoInputStep::FirstWatermark(at) => self.watermark(0, at),
            TwoInputStep::SecondWatermark(at) => self.watermark(1, at),
            TwoInputStep::Watermark(at) => {
                self.watermark(0, at);
                self.watermark(1, at);
            }
            TwoInputStep::SecondEnd => self.watermark(1, i64::MAX),
            TwoInputStep::End => {
                self.watermark(0, i64::MAX);
                self.watermark(1, i64::MAX);
            }
            TwoInputStep::ProcessingTime(_) => unreachable!("no function looks at the clock"),
        }
    }

    fn data(&mut self, (key, colour, number): In, at: i64) {
        let late = if self.now.is_some_and(|now| at <= now) { "late " } else { "" };
        let limit = self.limits.get(&colour).copied().unwrap_or(-1);
        if self.spec.is_some_and(|spec| spec.keyed) {
            let count = self.counts.entry(key).or_default();
            *count += 1;
            let row = format!("{late}{number}: {count} of {limit}");
            self.row(&row, at);
            self.timers.insert((at + LATER, key));
        } else {
            self.row(&format!("{late}{number}: {limit}"), at);
        }
    }

    fn rule(&mut self, (colour, limit): Rule, at: i64) {
        if limit < 0 {
            self.limits.remove(&colour);
        } else {
            self.limits.insert(colour, limit);
        }
        if limit == TELL {
            for (key, count) in std::mem::take(&mut self.counts) {
                self.row(&format!("{key} had {count}"), at);
                if count % 2 == 0 {
                    self.counts.insert(key, 0);
                }
            }
        }
    }

    fn watermark(&mut self, input: usize, at: i64) {
        self.inputs[input] = self.inputs[input].max(Some(at));
        let merged = self.inputs[0].min(self.inputs[1]);
        if merged <= self.now {
            return;
        }
        self.now = merged;
        let now = merged.expect("it is higher than another");
        while let Some(&(at, key)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            let count = self.counts.get(&key).copied().unwrap_or(0);
            let last = self.limits.get(&LAST_COLOUR).copied().unwrap_or(-1);
            self.row(&format!("{key} at {at}: {count} of {last}"), at);
        }
        if now == i64::MAX {
            self.untold = None;
            self.end_group(Some("End".to_owned()));
        } else if self.waits {
            self.untold = Some(now);
        } else {
            self.end_group(Some(format!("W {now}")));
        }
    }
}
