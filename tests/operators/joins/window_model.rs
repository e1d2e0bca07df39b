//! Windows of two streams by definition: every window is kept by itself, and looked through from end to
//! end.

use super::model::{In, Sheet, Step, Time, told};
use tidegate_operators::join::{JoinKind, Joined};
use tidegate_tests::harness::TwoInputStep;

/// Which windows there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    Sliding { size: i64, slide: i64, offset: i64 },
    Cumulating { size: i64, step: i64 },
    Session { gap: i64 },
}

impl Cut {
    /// The windows that contain `at`, as start and end.
    fn windows(self, at: i64) -> Vec<(i64, i64)> {
        let (starts, ends): (Vec<i64>, Vec<i64>) = match self {
            Self::Session { gap } => return vec![(at, at + gap)],
            Self::Sliding { size, slide, offset } => {
                let starts = (-60..60).map(|n| (at / slide + n) * slide + offset);
                starts.map(|start| (start, start + size)).unzip()
            }
            Self::Cumulating { size, step } => {
                let start = at.div_euclid(size) * size;
                (1..=size / step).map(|n| (start, start + n * step)).unzip()
            }
        };
        let windows = starts.into_iter().zip(ends);
        windows.filter(|(start, end)| *start <= at && at < *end).collect()
    }
}

/// A window of one key.
#[derive(Clone, Debug)]
struct Open {
    key: u8,
    window: (i64, i64),
    sides: [Vec<In>; 2],
    /// Whether it has fired for the end that it has now.
    fired: bool,
}

/// What comes of a window that fires.
pub(super) type Rows = fn(JoinKind, &[In], &[In]) -> Vec<String>;

pub(super) struct WindowModel {
    cut: Cut,
    lateness: i64,
    kind: JoinKind,
    rows: Rows,
    open: Vec<Open>,
    time: Time,
    sheet: Sheet,
    late: u64,
    dropped: u64,
}

impl WindowModel {
    /// The lines, and how many records are late and dropped.
    pub(super) fn run(
        (cut, lateness, kind): (Cut, i64, JoinKind),
        rows: Rows,
        steps: &[Step],
    ) -> (Vec<String>, u64, u64) {
        let (time, sheet) = (Time::new(), Sheet::default());
        let mut model =
            Self { cut, lateness, kind, rows, open: Vec::new(), time, sheet, late: 0, dropped: 0 };
        for step in steps {
            match *step {
                TwoInputStep::First(record, at) => model.record(0, record, at),
                TwoInputStep::Second(record, at) => model.record(1, record, at),
                _ => {
                    for watermark in model.time.advance(step) {
                        model.fire(watermark);
                        model.sheet.end_group(told(watermark));
                    }
                }
            }
        }
        (model.sheet.finish(), model.late, model.dropped)
    }

    fn is_closed(&self, end: i64, now: i64) -> bool {
        (end - 1).saturating_add(self.lateness) <= now
    }

    fn record(&mut self, side: usize, record: In, at: i64) {
        let now = self.time.now();
        let windows = self.cut.windows(at);
        let is_outside = windows.is_empty();
        let mut taken = false;
        for window in windows {
            taken |= match self.cut {
                Cut::Session { .. } => self.add_to_session(side, record, window),
                _ => !self.is_closed(window.1, now) && self.add(side, record, window),
            };
        }
        if taken {
            return;
        }
        if is_outside && at.saturating_add(self.lateness) > now {
            self.dropped += 1;
            return;
        }
        self.late += 1;
        let name = ["late-left", "late-right"][side];
        self.sheet.rows.push(format!("{name}: {record:?} @{at}"));
    }

    fn add(&mut self, side: usize, record: In, window: (i64, i64)) -> bool {
        let key = record.0;
        let known = |open: &Open| open.key == key && open.window == window;
        let place = self.open.iter().position(known).unwrap_or_else(|| {
            let sides = [Vec::new(), Vec::new()];
            self.open.push(Open { key, window, sides, fired: false });
            self.open.len() - 1
        });
        self.open[place].sides[side].push(record);
        if window.1 - 1 <= self.time.now() {
            self.emit(place);
        }
        true
    }

    fn add_to_session(&mut self, side: usize, record: In, window: (i64, i64)) -> bool {
        let key = record.0;
        let touches =
            |open: &Open| open.key == key && open.window.0 <= window.1 && window.0 <= open.window.1;
        let (mut touching, others): (Vec<_>, Vec<_>) = self.open.drain(..).partition(touches);
        self.open = others;
        if touching.is_empty() && self.is_closed(window.1, self.time.now()) {
            return false;
        }
        let sides = [Vec::new(), Vec::new()];
        touching.push(Open { key, window, sides, fired: false });
        let mut merged = touching.remove(0);
        for Open { window, sides: [left, right], .. } in touching {
            merged.window = (merged.window.0.min(window.0), merged.window.1.max(window.1));
            merged.sides[0].extend(left);
            merged.sides[1].extend(right);
        }
        merged.sides[side].push(record);
        merged.fired = merged.window.1 - 1 <= self.time.now();
        self.open.push(merged);
        let place = self.open.len() - 1;
        if self.open[place].fired {
            self.emit(place);
        }
        true
    }

    fn emit(&mut self, place: usize) {
        let Open { window: (start, end), sides: [left, right], fired, .. } = &mut self.open[place];
        *fired = true;
        for row in (self.rows)(self.kind, left, right) {
            self.sheet.rows.push(format!("([{start}, {end}) {row}) @{}", *end - 1));
        }
    }

    fn fire(&mut self, watermark: i64) {
        for place in 0..self.open.len() {
            if !self.open[place].fired && self.open[place].window.1 - 1 <= watermark {
                self.emit(place);
            }
        }
        let closed = |open: &Open| self.is_closed(open.window.1, watermark);
        let still = self.open.iter().filter(|open| !closed(open)).cloned().collect();
        self.open = still;
    }
}

/// All pairs, and what stays alone.
pub(super) fn pairs(kind: JoinKind, left: &[In], right: &[In]) -> Vec<String> {
    let mut rows: Vec<Joined<In, In>> = Vec::new();
    for one in left {
        rows.extend(right.iter().map(|other| Joined::Both(*one, *other)));
    }
    if right.is_empty() && kind.keeps_left() {
        rows.extend(left.iter().map(|one| Joined::Left(*one)));
    }
    if left.is_empty() && kind.keeps_right() {
        rows.extend(right.iter().map(|one| Joined::Right(*one)));
    }
    rows.iter().map(|row| format!("{row:?}")).collect()
}

/// Both sides in the order of their numbers, and how many records those are.
pub(super) fn both_sides(_: JoinKind, left: &[In], right: &[In]) -> Vec<String> {
    let sorted = |side: &[In]| {
        let mut side = side.to_vec();
        side.sort_unstable();
        side
    };
    let (left, right) = (sorted(left), sorted(right));
    vec![format!("{left:?} {right:?}"), format!("{}", left.len() + right.len())]
}
