//! The world of one seed: what outlives a process, the scheduler, and the faults.
//!
//! Apart from the process, which it starts, schedules and kills. Everything that happens is one of a
//! few kinds of event, drawn by weight; faults end at some point, and then the job must finish.

use super::chance::Chance;
use super::disk::Disk;
use super::fate::{Canary, Fate};
use super::jobs::{Job, Tuning};
use super::output::Output;
use super::process::{Party, Process};
use super::start::{self, Started};
use tidegate_core::master::{Event, JobEnd};
use tidegate_core::plan::SubtaskId;
use tidegate_core::time::Timestamp;

/// Events after which a history that has not ended is stuck.
const MOST_EVENTS: u64 = 150_000;

/// What is left of the faults of a history.
#[derive(Clone, Copy, Debug)]
struct Faults {
    /// From this event on nothing goes wrong any more.
    calm_from: u64,
    errors_per_mille: u64,
    crashes: u64,
    failures: u64,
    stops: u64,
    timeouts: u64,
}

impl Faults {
    fn draw(chance: &mut Chance) -> Self {
        Self {
            calm_from: chance.pick(&[1_500, 4_000, 8_000]),
            errors_per_mille: chance.pick(&[0, 2, 10, 40]),
            crashes: chance.below(6),
            failures: chance.below(6),
            stops: chance.below(3),
            timeouts: chance.below(3),
        }
    }
}

/// How likely the kinds of events are.
#[derive(Clone, Copy, Debug)]
struct Pace {
    mail: u64,
    step: u64,
    work: u64,
    wake: u64,
    tick: u64,
}

impl Pace {
    fn draw(chance: &mut Chance) -> Self {
        Self {
            mail: chance.pick(&[20, 60, 60, 100]),
            step: chance.pick(&[10, 30, 60]),
            work: chance.pick(&[1, 6, 20]),
            wake: chance.pick(&[2, 10, 30]),
            tick: chance.pick(&[1, 4, 10]),
        }
    }
}

/// The world.
pub(crate) struct World {
    fate: Fate,
    pub(crate) disk: Disk,
    pub(crate) output: Output,
    pub(crate) job: Job,
    process: Option<Process>,
    now: Timestamp,
    events: u64,
    faults: Faults,
    pace: Pace,
    pub(crate) retained: usize,
    pub(crate) incremental: bool,
    pub(crate) fallbacks: u64,
    /// Whether some run had another parallelism than the one before.
    pub(crate) rescaled: bool,
    last_tuning: Option<Tuning>,
    finished: bool,
}

impl World {
    pub(crate) fn new(fate: Fate, canary: Canary) -> Self {
        let seed = fate.seed();
        let (job, faults, pace, retained, incremental) = fate.draw(|chance| {
            let (job, mut faults) = (Job::draw(seed, chance), Faults::draw(chance));
            if matches!(canary, Canary::KeepNewer | Canary::LazyFlush | Canary::CountDamaged) {
                (faults.crashes, faults.calm_from) = (6, 8_000);
            }
            let retained = chance.between(1, 3) as usize;
            (job, faults, Pace::draw(chance), retained, !chance.one_in(4))
        });
        let output = Output::new(fate.clone(), job.model());
        fate.note(format_args!("{:?}, idle {}, {faults:?}, {pace:?}", job.shape, job.idles));
        fate.set_errors(faults.errors_per_mille);
        Self {
            disk: Disk::new(fate.clone()),
            output,
            job,
            process: None,
            now: Timestamp(1_000),
            events: 0,
            faults,
            pace,
            retained,
            incremental,
            fallbacks: 0,
            rescaled: false,
            last_tuning: None,
            finished: false,
            fate,
        }
    }

    /// Runs the history to its end.
    pub(crate) fn run(&mut self) {
        while !self.finished && self.fate.violated().is_none() {
            self.events += 1;
            if self.events == self.faults.calm_from {
                self.fate.note("calm");
                self.fate.set_errors(0);
            }
            if self.events > MOST_EVENTS {
                let who = self.process.as_ref().map(Process::who_waits).unwrap_or_default();
                self.fate.violation(format_args!("the job does not finish:\n{who}"));
            }
            match &self.process {
                None => self.start(),
                Some(_) => self.happen(),
            }
        }
    }

    fn is_calm(&self) -> bool {
        self.events >= self.faults.calm_from
    }

    fn start(&mut self) {
        let tuning = match self.last_tuning {
            Some(last) if self.fate.draw(|chance| chance.one_in(2)) => last,
            _ => self.fate.draw(Tuning::draw),
        };
        self.rescaled |= self.last_tuning.is_some_and(|last| {
            last.parallelism != tuning.parallelism || last.uneven || tuning.uneven
        });
        self.last_tuning = Some(tuning);
        self.now = self.now.plus(5);
        self.fate.note(format_args!("--- start at {}: {tuning:?}", self.now));
        match start::start(self, &self.fate.clone(), tuning, self.now) {
            Ok(Started::Running(process)) => self.process = Some(*process),
            Ok(Started::Finished) => self.conclude(),
            Err(cause) => {
                self.fate.note(format_args!("not started: {cause}"));
                self.end_process(true);
            }
        }
        let (crashes, calm) = (self.faults.crashes, self.is_calm());
        if crashes > 0 && !calm && self.fate.draw(|chance| chance.one_in(3)) {
            self.faults.crashes -= 1;
            self.fate.light_fuse(self.fate.draw(|chance| chance.below(60)));
        }
    }

    /// The job has finished: judge what it leaves.
    fn conclude(&mut self) {
        self.finished = true;
        self.fate.set_errors(0);
        self.fate.revive();
        if let Err(why) = self.output.judge(!self.rescaled && !self.job.idles) {
            self.fate.violation(why);
        }
        if self.output.pending() > 0 {
            self.fate.violation("pending output is left");
        }
        if let Err(why) = start::check_garbage(self) {
            self.fate.violation(why);
        }
    }

    fn end_process(&mut self, crash: bool) {
        self.process = None;
        if crash {
            self.disk.crash();
            self.output.crash();
        } else {
            self.disk.settle();
        }
        self.fate.revive();
        if crash && !self.is_calm() && self.fate.draw(|chance| chance.one_in(4)) {
            start::rot_newest(&self.disk, &self.fate);
        }
    }

    /// Something happens.
    fn happen(&mut self) {
        let Some(process) = &mut self.process else { return };
        if self.fate.is_dead() {
            self.fate.note("--- died in the middle of a write");
            return self.end_process(true);
        }
        if let Some(end) = &process.end {
            if matches!(end, JobEnd::Refused(_)) {
                self.fate.violation(format_args!("{end:?}"));
            }
            let crash = self.fate.draw(|chance| chance.one_in(2));
            return self.end_process(crash);
        }
        if self.events < self.faults.calm_from && self.fate.draw(|chance| chance.one_in(150)) {
            return self.fault();
        }
        let pairs = process.mail.len();
        let ready = process.ready(self.now);
        let weight = |weight: u64, number: usize| if number > 0 { weight } else { 0 };
        let sleepers = self.fate.sleepers();
        let weights = [
            weight(self.pace.mail, pairs),
            weight(self.pace.step, ready.len()),
            weight(self.pace.work, process.work.len()),
            weight(self.pace.wake, sleepers),
            self.pace.tick,
        ];
        let busy = weights[..4].iter().any(|&weight| weight > 0);
        match self.fate.draw(|chance| chance.weighted(&weights)) {
            Some(0) => {
                let at = self.fate.draw(|chance| chance.index(pairs));
                let pair = process.mail.keys().nth(at).copied();
                pair.into_iter().for_each(|pair| process.deliver(pair, self.now));
                self.fate.absorb(&[0, at as u64]);
            }
            Some(1) => {
                let (id, attempt) = self.fate.draw(|chance| chance.pick(&ready));
                self.fate.absorb(&[1, id.vertex as u64, id.index.into()]);
                process.step(id, attempt, self.now);
            }
            Some(2) => {
                let at = self.fate.draw(|chance| chance.index(process.work.len()));
                process.run_work(at, self.now);
            }
            Some(3) => self.fate.wake_one(),
            _ => self.tick(busy),
        }
    }

    fn tick(&mut self, busy: bool) {
        let Some(process) = &mut self.process else { return };
        let step = self.fate.draw(|chance| chance.between(1, 30)) as i64;
        let mut now = self.now.plus(step);
        if !busy {
            match process.next_deadline() {
                Some(at) => now = now.max(at),
                None => {
                    let who = process.who_waits();
                    return self.fate.violation(format_args!("nothing can happen:\n{who}"));
                }
            }
        }
        self.now = now;
        self.fate.absorb(&[4, now.millis() as u64]);
        process.tick(now);
    }

    fn fault(&mut self) {
        let Some(process) = &mut self.process else { return };
        let Faults { crashes, failures, stops, timeouts, .. } = self.faults;
        let weights = [crashes, failures, stops, timeouts, 1, 1];
        match self.fate.draw(|chance| chance.weighted(&weights)) {
            Some(0) => {
                self.faults.crashes -= 1;
                self.fate.note("--- crash");
                self.end_process(true);
            }
            Some(1) => {
                self.faults.failures -= 1;
                let running: Vec<(SubtaskId, u32)> = process
                    .regions
                    .iter()
                    .flat_map(|region| region.subtasks.values())
                    .filter(|subtask| subtask.task.is_some())
                    .map(|subtask| (subtask.id, subtask.attempt))
                    .collect();
                if !running.is_empty() {
                    let (id, attempt) = self.fate.draw(|chance| chance.pick(&running));
                    self.fate.note(format_args!("--- subtask {id} fails"));
                    process.fail(id, attempt, "simulated failure");
                }
            }
            Some(2) => {
                self.faults.stops -= 1;
                self.fate.note("--- stop");
                process.feed(Event::StopRequested, self.now);
            }
            Some(3) => {
                self.faults.timeouts -= 1;
                self.now = self.now.plus(start::TIMEOUT_MS);
                self.fate.note("--- time passes");
                process.tick(self.now);
            }
            Some(4) => process.repeat_stale_answer(),
            _ => self.pace = self.fate.draw(Pace::draw),
        }
    }

    /// How the history went, for people.
    pub(crate) fn summary(&self) -> String {
        let (published, expected) = self.output.progress();
        format!(
            "{} events, {:?}, {published} of {expected} rows, {} fallbacks",
            self.events, self.job.shape, self.fallbacks
        )
    }
}

impl Process {
    /// Who waits for what, when nothing goes on.
    pub(crate) fn who_waits(&self) -> String {
        let mut said = format!(
            "work {}, mail {:?}, checkpoint {:?}\n",
            self.work.len(),
            self.mail.iter().map(|(pair, letters)| (pair, letters.len())).collect::<Vec<_>>(),
            self.master.awaited()
        );
        for subtask in self.regions.iter().flat_map(|region| region.subtasks.values()) {
            let Party::Subtask(id, attempt) = subtask.party() else { continue };
            let task = subtask.task.as_ref().map(|task| {
                let gate = task.gate();
                (gate.is_dry(), gate.is_aligning(), gate.watermark(), task.credit_use())
            });
            said.push_str(&format!(
                "{id} attempt {attempt}: {:?}, running {}, storing {}, stopping {}, \
                 (dry, aligning, watermark, credits) {task:?}\n",
                subtask.outcome, subtask.running, subtask.storing, subtask.stopping
            ));
        }
        said
    }
}
