//! Joins by definition: lists of records, looked through from end to end.

use tidegate_core::time::Timestamp;
use tidegate_operators::join::{Interval, JoinKind, Joined, Pairing, Reason, Unmatched};
use tidegate_tests::harness::TwoInputStep;

/// A record: key and number.
pub(super) type In = (u8, u32);
pub(super) type Step = TwoInputStep<In, In>;

/// What a join is asked to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) interval: Interval,
    pub(super) kind: JoinKind,
    pub(super) pairing: Pairing,
    pub(super) processing: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    record: In,
    at: i64,
    matched: bool,
}

/// The lines of a run, the rows before each watermark sorted.
#[derive(Default)]
pub(super) struct Sheet {
    lines: Vec<String>,
    pub(super) rows: Vec<String>,
}

impl Sheet {
    pub(super) fn end_group(&mut self, with: String) {
        self.rows.sort();
        self.lines.append(&mut self.rows);
        self.lines.push(with);
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        self.rows.sort();
        self.lines.append(&mut self.rows);
        self.lines
    }
}

/// Sorts the rows before each watermark.
pub(super) fn sorted(lines: &[String]) -> Vec<String> {
    let mut sheet = Sheet::default();
    for line in lines {
        if line.contains(" @") {
            sheet.rows.push(line.clone());
        } else {
            sheet.end_group(line.clone());
        }
    }
    sheet.finish()
}

/// Event time of an operator with two inputs.
pub(super) struct Time {
    inputs: [i64; 2],
}

impl Time {
    pub(super) const fn new() -> Self {
        Self { inputs: [i64::MIN; 2] }
    }

    pub(super) fn now(&self) -> i64 {
        self.inputs[0].min(self.inputs[1])
    }

    /// The operator's watermarks that a step brings.
    pub(super) fn advance(&mut self, step: &Step) -> Vec<i64> {
        let advances: &[(usize, i64)] = match *step {
            TwoInputStep::FirstWatermark(at) => &[(0, at)],
            TwoInputStep::SecondWatermark(at) => &[(1, at)],
            TwoInputStep::Watermark(at) => &[(0, at), (1, at)],
            TwoInputStep::End => &[(0, i64::MAX), (1, i64::MAX)],
            _ => &[],
        };
        let mut seen = Vec::new();
        for &(input, at) in advances {
            let before = self.now();
            self.inputs[input] = at;
            if self.now() > before {
                seen.push(self.now());
            }
        }
        seen
    }
}

pub(super) fn told(watermark: i64) -> String {
    if watermark == i64::MAX { "End".to_owned() } else { format!("W {watermark}") }
}

/// Interval joins and outer joins.
pub(super) struct Model {
    spec: Spec,
    sides: [Vec<Waiting>; 2],
    time: Time,
    clock: i64,
    sheet: Sheet,
    pub(super) late: u64,
}

impl Model {
    pub(super) const NO_TIME: i64 = i64::MIN;

    pub(super) fn run(spec: Spec, steps: &[Step]) -> (Vec<String>, u64) {
        let mut model = Self {
            spec,
            sides: [Vec::new(), Vec::new()],
            time: Time::new(),
            clock: 0,
            sheet: Sheet::default(),
            late: 0,
        };
        for step in steps {
            match *step {
                TwoInputStep::First(record, at) => model.record(0, record, at),
                TwoInputStep::Second(record, at) => model.record(1, record, at),
                TwoInputStep::ProcessingTime(at) => {
                    model.clock = at;
                    if spec.processing {
                        model.expire(at);
                    }
                    model.sheet.end_group(format!("P {at}"));
                }
                _ => {
                    for watermark in model.time.advance(step) {
                        if !spec.processing || watermark == i64::MAX {
                            model.expire(watermark);
                        }
                        model.sheet.end_group(told(watermark));
                    }
                }
            }
        }
        (model.sheet.finish(), model.late)
    }

    fn belong_together(&self, left: i64, right: i64) -> bool {
        let Interval { lower_ms, upper_ms } = self.spec.interval;
        (lower_ms..=upper_ms).contains(&(right - left))
    }

    fn once(&self, side: usize) -> bool {
        match self.spec.pairing {
            Pairing::OneToOne => true,
            Pairing::OneToMany => side == 1,
            Pairing::ManyToOne => side == 0,
            Pairing::ManyToMany => false,
        }
    }

    fn record(&mut self, side: usize, record: In, timestamp: i64) {
        if !self.spec.processing && timestamp <= self.time.now() {
            self.late += 1;
            let name = ["late-left", "late-right"][side];
            return self.sheet.rows.push(format!("{name}: {record:?} @{timestamp}"));
        }
        let at = if self.spec.processing { self.clock } else { timestamp };
        let mut partners: Vec<usize> = (0..self.sides[1 - side].len())
            .filter(|&other| {
                let other = &self.sides[1 - side][other];
                let (left, right) = if side == 0 { (at, other.at) } else { (other.at, at) };
                other.record.0 == record.0 && self.belong_together(left, right)
            })
            .collect();
        partners.sort_by_key(|&other| self.sides[1 - side][other].at);
        if self.once(side) {
            partners.truncate(1);
        }
        for &partner in &partners {
            let other = &mut self.sides[1 - side][partner];
            other.matched = true;
            let pair = if side == 0 { (record, other.record) } else { (other.record, record) };
            let time = if self.spec.processing { timestamp } else { timestamp.max(other.at) };
            let row = Joined::Both(pair.0, pair.1);
            self.sheet.rows.push(format!("{row:?} @{time}"));
        }
        if self.once(1 - side) {
            self.sides[1 - side].retain(|other| !other.matched);
        }
        let matched = !partners.is_empty();
        if !(matched && self.once(side)) {
            self.sides[side].push(Waiting { record, at, matched });
        }
    }

    fn expire(&mut self, until: i64) {
        let Interval { lower_ms, upper_ms } = self.spec.interval;
        let waits = [upper_ms.max(0), (-lower_ms).max(0)];
        let keeps = [self.spec.kind.keeps_left(), self.spec.kind.keeps_right()];
        for side in 0..2 {
            let due = |waiting: &Waiting| waiting.at + waits[side];
            for gone in self.sides[side].iter().filter(|w| due(w) <= until) {
                if keeps[side] && !gone.matched {
                    let row = if side == 0 {
                        Joined::Left(gone.record)
                    } else {
                        Joined::Right(gone.record)
                    };
                    let time = if self.spec.processing { Self::NO_TIME } else { due(gone) };
                    self.sheet.rows.push(format!("{row:?} @{time}"));
                }
            }
            self.sides[side].retain(|waiting| due(waiting) > until);
        }
    }
}

/// A decision of a reconciliation, the time at which it is certain, and its row.
type Decision = (i64, String);

/// The rows of a reconciliation of records that are all there: `(timestamp, record)` for each side.
pub(super) fn decisions(
    interval: Interval,
    left: &[(i64, In)],
    right: &[(i64, In)],
) -> Vec<Decision> {
    let Interval { lower_ms, upper_ms } = interval;
    let alone = |side: &str, (at, record): (i64, In), wait_ms: i64| {
        let timestamp = Timestamp(at);
        let row = Unmatched { record, timestamp, reason: Reason::Expired };
        let due = at + wait_ms.max(0);
        (due, format!("{side}: {row:?} @{due}"))
    };
    let mut decisions = Vec::new();
    for key in 0..=u8::MAX {
        let of_key = |side: &[(i64, In)]| {
            let mut side: Vec<_> = side.iter().copied().filter(|(_, r)| r.0 == key).collect();
            side.sort_unstable();
            side.into_iter().peekable()
        };
        let (mut left, mut right) = (of_key(left), of_key(right));
        loop {
            match (left.peek().copied(), right.peek().copied()) {
                (Some(l), Some(r)) if (lower_ms..=upper_ms).contains(&(r.0 - l.0)) => {
                    let at = l.0.max(r.0);
                    decisions.push((at, format!("{:?} @{at}", (l.1, r.1))));
                    left.next();
                    right.next();
                }
                (Some(l), Some(r)) if r.0 - l.0 > upper_ms => {
                    decisions.push(alone("alone-left", l, upper_ms));
                    left.next();
                }
                (_, Some(r)) => {
                    decisions.push(alone("alone-right", r, -lower_ms));
                    right.next();
                }
                (Some(l), None) => {
                    decisions.push(alone("alone-left", l, upper_ms));
                    left.next();
                }
                (None, None) => break,
            }
        }
    }
    decisions
}

/// The lines of a reconciliation: what was in time is decided about as if all of it had been there.
pub(super) fn reconciled(interval: Interval, steps: &[Step]) -> (Vec<String>, u64) {
    let mut time = Time::new();
    let (mut sides, mut late) = ([Vec::new(), Vec::new()], 0);
    let mut groups = vec![(Vec::new(), None)];
    for step in steps {
        let (side, record, at) = match *step {
            TwoInputStep::First(record, at) => (0, record, at),
            TwoInputStep::Second(record, at) => (1, record, at),
            _ => {
                for watermark in time.advance(step) {
                    groups.last_mut().expect("there is one").1 = Some(watermark);
                    groups.push((Vec::new(), None));
                }
                continue;
            }
        };
        if at > time.now() {
            sides[side].push((at, record));
        } else {
            late += 1;
            let row = Unmatched { record, timestamp: Timestamp(at), reason: Reason::Late };
            let name = ["alone-left", "alone-right"][side];
            groups.last_mut().expect("there is one").0.push(format!("{name}: {row:?} @{at}"));
        }
    }
    for (at, row) in decisions(interval, &sides[0], &sides[1]) {
        let group = groups.iter_mut().find(|group| group.1.is_some_and(|until| at <= until));
        group.expect("the end comes").0.push(row);
    }
    let mut sheet = Sheet::default();
    for (rows, watermark) in groups {
        sheet.rows = rows;
        if let Some(watermark) = watermark {
            sheet.end_group(told(watermark));
        }
    }
    (sheet.finish(), late)
}

/// How many pairs there can be at most: by augmenting paths.
pub(super) fn most_pairs(interval: Interval, left: &[(i64, In)], right: &[(i64, In)]) -> usize {
    let fits = |l: &(i64, In), r: &(i64, In)| {
        l.1.0 == r.1.0 && (interval.lower_ms..=interval.upper_ms).contains(&(r.0 - l.0))
    };
    fn augment(
        from: usize,
        edges: &[Vec<usize>],
        seen: &mut [bool],
        taken: &mut [Option<usize>],
    ) -> bool {
        edges[from].iter().any(|&to| {
            if std::mem::replace(&mut seen[to], true) {
                return false;
            }
            let free = taken[to].is_none_or(|other| augment(other, edges, seen, taken));
            if free {
                taken[to] = Some(from);
            }
            free
        })
    }
    let edges: Vec<Vec<usize>> =
        left.iter().map(|l| (0..right.len()).filter(|&r| fits(l, &right[r])).collect()).collect();
    let mut taken = vec![None; right.len()];
    (0..left.len())
        .filter(|&l| augment(l, &edges, &mut vec![false; right.len()], &mut taken))
        .count()
}
