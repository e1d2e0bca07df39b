//! The definition of windows, as naive as it can be: a list of all windows, each with all its records
//! and all its timers, searched from front to back for whatever is asked.

use std::collections::BTreeSet;
use tidegate_tests::harness::{Step, Step::*};

/// Records are (key, value).
pub(super) type In = (u8, u32);

/// Which windows there are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Sliding {
        size: i64,
        slide: i64,
        offset: i64,
    },
    /// The gap of even and of odd values.
    Session(i64, i64),
    Global,
}

/// When they fire.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// At their end.
    Default,
    Count(u64),
    /// At their end and at multiples of this before.
    Continuous(i64),
}

/// A window operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub(super) kind: Kind,
    /// Whether windows go by the wall clock.
    pub(super) processing: bool,
    pub(super) when: When,
    pub(super) purging: bool,
    pub(super) lateness: i64,
}

#[derive(Clone, Debug)]
struct OneWindow {
    key: u8,
    start: i64,
    end: i64,
    values: Vec<u32>,
    count: u64,
    next: Option<i64>,
    timers: BTreeSet<i64>,
}

/// What has happened so far.
pub(super) struct Model {
    spec: Spec,
    watermark: i64,
    clock: i64,
    windows: Vec<OneWindow>,
    pub(super) lines: Vec<String>,
    group: (Vec<String>, Vec<String>),
    pub(super) dropped: u64,
}

/// Before and after all time of the tests.
const BEGIN: i64 = i64::MIN / 2;
const END: i64 = i64::MAX / 2;

impl Spec {
    fn assign(&self, value: u32, at: i64) -> Vec<(i64, i64)> {
        match self.kind {
            Kind::Sliding { size, slide, offset } => {
                let starts = (-1500..1500).map(|k| offset + k * slide);
                let mut windows: Vec<_> = starts.map(|start| (start, start + size)).collect();
                windows.retain(|(start, end)| (*start..*end).contains(&at));
                windows
            }
            Kind::Session(even, odd) => {
                vec![(at, at + if value.is_multiple_of(2) { even } else { odd })]
            }
            Kind::Global => vec![(BEGIN, END)],
        }
    }

    fn goes_at(&self, end: i64) -> i64 {
        if self.processing { end - 1 } else { end - 1 + self.lateness }
    }
}

impl Model {
    fn fire(&mut self, at: usize) {
        let window = &mut self.windows[at];
        if !window.values.is_empty() {
            let mut values = window.values.clone();
            values.sort_unstable();
            let (start, end) = match self.spec.kind {
                Kind::Global => (i64::MIN, i64::MAX),
                _ => (window.start, window.end),
            };
            let last = if end == i64::MAX { end } else { end - 1 };
            self.group.0.push(format!("{} [{start}, {end}) {values:?} @{last}", window.key));
        }
        if self.spec.purging {
            window.values.clear();
        }
    }

    /// Now, by the clock that windows of this kind end by.
    fn now(&self) -> i64 {
        if self.spec.processing { self.clock } else { self.watermark }
    }

    fn record(&mut self, (key, value): In, timestamp: i64) {
        let at = if self.spec.processing { self.clock } else { timestamp };
        let mut skipped = true;
        for (mut start, mut end) in self.spec.assign(value, at) {
            let mut merged: Option<OneWindow> = None;
            if let Kind::Session(..) = self.spec.kind {
                let touches = |w: &&OneWindow| w.key == key && w.start <= end && start <= w.end;
                let mut parts: Vec<_> = self.windows.iter().filter(touches).cloned().collect();
                self.windows
                    .retain(|w| !parts.iter().any(|p| (p.key, p.start) == (w.key, w.start)));
                let one = parts.len() == 1;
                for part in parts.drain(..) {
                    let same = one && part.start <= start && end <= part.end;
                    (start, end) = (start.min(part.start), end.max(part.end));
                    let all = merged.get_or_insert_with(|| OneWindow {
                        values: vec![],
                        count: 0,
                        next: None,
                        ..part.clone()
                    });
                    all.values.extend(part.values);
                    all.count += part.count;
                    all.next = [all.next, part.next].into_iter().flatten().min();
                    if !same {
                        all.timers = all.next.into_iter().collect();
                        // A merged window that has not ended fires at its end.
                        if end - 1 > self.now() && matches!(self.spec.when, When::Default) {
                            all.timers.insert(end - 1);
                        }
                    }
                }
            }
            let late = !self.spec.processing && self.spec.goes_at(end) <= self.watermark;
            if late && merged.is_none() && !matches!(self.spec.kind, Kind::Global) {
                continue;
            }
            skipped = false;
            let known = |w: &OneWindow| (w.key, w.start, w.end) == (key, start, end);
            if let Some(merged) = merged {
                self.windows.push(OneWindow { start, end, ..merged });
            } else if !self.windows.iter().any(known) {
                let (values, timers) = (vec![], BTreeSet::new());
                self.windows.push(OneWindow {
                    key,
                    start,
                    end,
                    values,
                    count: 0,
                    next: None,
                    timers,
                });
            }
            let place = self.windows.iter().position(known).expect("it is there");
            self.windows[place].values.push(value);
            self.on_element(place, at);
        }
        if skipped && !self.spec.processing && timestamp + self.spec.lateness <= self.watermark {
            self.group.1.push(format!("late: ({key}, {value}) @{timestamp}"));
        } else if skipped {
            self.dropped += 1;
        }
    }

    fn on_element(&mut self, place: usize, at: i64) {
        let (spec, now) = (self.spec, self.now());
        let window = &mut self.windows[place];
        let last = window.end - 1;
        match spec.when {
            When::Count(n) => {
                window.count += 1;
                if window.count >= n {
                    window.count = 0;
                    self.fire(place);
                }
            }
            When::Default | When::Continuous(_) if !spec.processing && last <= now => {
                self.fire(place);
            }
            When::Default => drop(window.timers.insert(last)),
            When::Continuous(interval) => {
                if !spec.processing {
                    window.timers.insert(last);
                }
                if window.next.is_none() {
                    let next = (at.div_euclid(interval) + 1) * interval;
                    window.next = Some(next.min(last));
                    window.timers.extend(window.next);
                }
            }
        }
    }

    /// The clock of the windows goes to `to`: what is due first happens first.
    fn advance(&mut self, to: i64) {
        if self.spec.processing {
            self.clock = to;
        } else {
            self.watermark = to;
        }
        loop {
            let due = |window: &OneWindow| {
                let timer = window.timers.first().copied();
                let goes = match self.spec.kind {
                    Kind::Global => None,
                    _ => Some(self.spec.goes_at(window.end)),
                };
                [timer, goes].into_iter().flatten().min()
            };
            let next = self.windows.iter().enumerate().filter_map(|(i, w)| Some((due(w)?, i)));
            // A millisecond of the wall clock is over when the next one is there.
            let until = if self.spec.processing { to - 1 } else { to };
            let Some((at, place)) = next.min().filter(|(at, _)| *at <= until) else { return };
            self.elapse(place, at);
        }
    }

    fn elapse(&mut self, place: usize, at: i64) {
        let window = &mut self.windows[place];
        window.timers.remove(&at);
        let last = window.end - 1;
        match self.spec.when {
            When::Count(_) => {}
            When::Default if at == last => self.fire(place),
            When::Default => {}
            When::Continuous(_) if at == last => self.fire(place),
            When::Continuous(interval) if window.next == Some(at) => {
                let next = (at + interval).min(last);
                window.next = Some(next);
                window.timers.insert(next);
                self.fire(place);
            }
            When::Continuous(_) => {}
        }
        let window = &self.windows[place];
        if !matches!(self.spec.kind, Kind::Global) && self.spec.goes_at(window.end) == at {
            self.windows.remove(place);
        }
    }

    fn end_group(&mut self, with: String) {
        let (mut rows, mut late) = std::mem::take(&mut self.group);
        rows.sort();
        late.sort();
        self.lines.extend(rows.into_iter().chain(late).chain([with]));
    }

    pub(super) fn run(spec: Spec, steps: &[Step<In>]) -> Self {
        let mut model = Self {
            spec,
            watermark: BEGIN,
            clock: 0,
            windows: Vec::new(),
            lines: Vec::new(),
            group: Default::default(),
            dropped: 0,
        };
        for step in steps {
            match *step {
                Record(record, at) => model.record(record, at),
                Watermark(to) => {
                    if !spec.processing {
                        model.advance(to);
                    }
                    model.end_group(format!("W {to}"));
                }
                ProcessingTime(to) => {
                    if spec.processing {
                        model.advance(to);
                    }
                    model.end_group(format!("P {to}"));
                }
                End => {
                    if !spec.processing {
                        model.advance(END - 1);
                    }
                    model.end_group("End".into());
                }
                Status(_) => unreachable!("there is one input, and it is never idle"),
            }
        }
        model
    }

    /// Windows that are still there.
    pub(super) fn open(&self) -> usize {
        self.windows.len()
    }
}
