//! The ways to run an operator, whatever its inputs are: life after life, until the steps are through.
//!
//! Apart from the harnesses, which know types: here a step is what it does to the task.

use super::life::{Blueprint, Life, Saved};
use super::log::Log;
use super::{GROUPS, Mode, OTHERS, Outcome, RECORD_BY_RECORD, RESCALED, Recording};
use std::sync::{Arc, Mutex};
use tidegate_core::element::{Element, Status};
use tidegate_core::gate::Port;
use tidegate_core::output::OutputEdge;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::stage::Stage;
use tidegate_core::time::Timestamp;

/// What a step does to the task.
pub(super) enum Act {
    /// A record arrives on a channel, at the subtask that owns its key.
    Record { channel: usize, key_hash: u64, element: Element },
    /// A record arrives on a channel of every subtask.
    Broadcast(usize, Box<dyn Fn() -> Element>),
    /// Event time advances on these channels.
    Watermark(Vec<usize>, Timestamp),
    /// The wall clock advances.
    Clock(Timestamp),
    /// Channels fall idle or wake up.
    Status(Vec<usize>, Status),
    /// Channels end.
    End(Vec<usize>),
}

/// The steps of a test.
pub(super) trait Script {
    /// How many there are.
    fn steps(&self) -> usize;

    /// What the step `at` does.
    fn act(&self, at: usize) -> Act;

    /// The records and watermarks from step `at` on that can come as one batch: its channel, the batch,
    /// and how many steps that is.
    fn batch(&self, at: usize) -> Option<(usize, Element, usize)>;
}

/// An operator and its surroundings.
pub(super) struct Rig<'a> {
    /// Makes the operator with an output that is full at so many records.
    pub(super) stage: &'a dyn Fn(Option<usize>) -> Box<dyn Stage>,
    /// Makes the edges that write down what it emits.
    pub(super) edges: &'a dyn Fn(&Recording) -> Vec<Box<dyn OutputEdge>>,
    /// The operator input that each channel feeds.
    pub(super) inputs: &'a [Port],
    pub(super) keyed: bool,
    pub(super) unordered: bool,
    /// Whether watermarks differ between subtasks.
    pub(super) own_time: bool,
    /// Whether an input goes to all subtasks, so that together they take more records.
    pub(super) broadcasts: bool,
}

impl Rig<'_> {
    /// Runs the steps in every mode and returns what they agree on.
    pub(super) fn agreed(&self, script: &dyn Script) -> Result<Outcome, String> {
        let first = self.run_in(RECORD_BY_RECORD, script);
        for mode in OTHERS {
            if !self.keyed && mode.lives.iter().any(|parallelism| *parallelism > 1) {
                continue;
            }
            let other = self.run_in(mode, script);
            let rescaled = mode.name == RESCALED.name;
            let by_row = self.unordered || rescaled;
            let (mut left, mut right) = (outcome(&other, by_row), outcome(&first, by_row));
            if rescaled && self.broadcasts {
                [&mut left, &mut right].into_iter().flatten().for_each(|o| o.totals.records_in = 0);
            }
            if rescaled && self.own_time {
                [&mut left, &mut right].into_iter().flatten().for_each(Outcome::keep_rows);
            }
            assert_eq!(left, right, "{} (left) differs from record by record", mode.name);
        }
        outcome(&first, self.unordered)
    }

    /// Runs `before` record by record, then throws the operator away; a new one goes on from a snapshot
    /// when the wall clock shows `clock` and the first of `after` has arrived.
    pub(super) fn restarted(
        &self,
        before: &dyn Script,
        clock: i64,
        after: &dyn Script,
    ) -> Result<Outcome, String> {
        let (log, mode) = (Arc::default(), RECORD_BY_RECORD);
        let run = || {
            let mut life = self.begin(mode, &log, &Saved::empty(Timestamp(0)), 1)?;
            (0..before.steps()).try_for_each(|at| step(before.act(at), &mut life, &log))?;
            let mut saved = life.snapshot()?;
            saved.clock = Timestamp(clock);
            let mut life = self.begin(mode, &log, &saved, 1)?;
            (0..after.steps()).try_for_each(|at| step(after.act(at), &mut life, &log))?;
            ran(&mut life, &log)
        };
        outcome(&run(), self.unordered)
    }

    fn run_in(&self, mode: Mode, script: &dyn Script) -> Result<Ran, String> {
        let log: Arc<Mutex<Log>> = Arc::default();
        if self.own_time && mode.name == RESCALED.name {
            log.lock().expect("no thread has failed").forget_time();
        }
        let mut lives = mode.lives.iter().copied().cycle();
        let mut ended: Vec<usize> = Vec::new();
        let begin = |saved: &Saved, parallelism, ended: &[usize]| {
            let mut life = self.begin(mode, &log, saved, parallelism)?;
            life.wake()?;
            // The end is not in a snapshot: whoever sends says it again.
            all(&mut life, ended, || Element::EndOfData).map(|()| life)
        };
        let mut life = begin(&Saved::empty(Timestamp(0)), lives.next().unwrap_or(1), &ended)?;
        let mut at = 0;
        while at < script.steps() {
            if mode.batched
                && let Some((channel, batch, length)) = script.batch(at)
            {
                life.feed(0, channel, batch)?;
                at += length;
                continue;
            }
            let act = script.act(at);
            if let Act::End(channels) = &act {
                ended.extend(channels);
            }
            step(act, &mut life, &log)?;
            at += 1;
            if at < script.steps()
                && let Some(parallelism) = lives.next()
            {
                life = begin(&life.snapshot()?, parallelism, &ended)?;
            }
        }
        ran(&mut life, &log)
    }

    /// A life that goes on from `saved`.
    fn begin(
        &self,
        mode: Mode,
        log: &Arc<Mutex<Log>>,
        saved: &Saved,
        parallelism: u32,
    ) -> Result<Life, String> {
        log.lock().expect("no thread has failed").begin(parallelism as usize);
        let edges = |subtask| {
            (self.edges)(&Recording { log: Arc::clone(log), subtask, fills_up: mode.full })
        };
        let (stage, inputs, full) = (self.stage, self.inputs, mode.full);
        Life::begin(&Blueprint { stage, edges: &edges, inputs, full }, saved, parallelism)
    }
}

fn step(act: Act, life: &mut Life, log: &Mutex<Log>) -> Result<(), String> {
    match act {
        Act::Record { channel, key_hash, element } => {
            let owner = GROUPS.owner(GROUPS.group_of(key_hash), life.parallelism());
            life.feed(owner as usize, channel, element)
        }
        Act::Broadcast(channel, element) => life.feed_all(channel, element),
        Act::Watermark(channels, at) => all(life, &channels, || Element::Watermark(at)),
        Act::Status(channels, status) => all(life, &channels, || Element::Status(status)),
        Act::End(channels) => all(life, &channels, || Element::EndOfData),
        Act::Clock(at) => {
            life.advance_clock(at)?;
            let mut log = log.lock().expect("no thread has failed");
            let with = format!("P {}", at.millis());
            (0..life.parallelism()).for_each(|task| log.end_group(task as usize, &with));
            Ok(())
        }
    }
}

fn all(life: &mut Life, channels: &[usize], element: impl Fn() -> Element) -> Result<(), String> {
    channels.iter().try_for_each(|channel| life.feed_all(*channel, &element))
}

/// What came of a run.
struct Ran {
    log: Log,
    totals: OperatorTotals,
    entries: u64,
}

fn ran(life: &mut Life, log: &Mutex<Log>) -> Result<Ran, String> {
    let (totals, entries) = (life.snapshot()?.totals, life.entries());
    let log = log.lock().expect("no thread has failed").clone();
    Ok(Ran { log, totals, entries })
}

fn outcome(ran: &Result<Ran, String>, by_row: bool) -> Result<Outcome, String> {
    let Ran { log, totals, entries } = ran.as_ref().map_err(Clone::clone)?;
    Ok(Outcome { lines: log.lines(by_row), totals: *totals, entries: *entries })
}
