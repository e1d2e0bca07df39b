//! What every part of the simulated world shares: chance, the trace, the faults that storage and sinks
//! suffer, and the complaints of the checkers.
//!
//! Apart because disk, sinks, sources and scheduler must draw from one sequence and write to one
//! trace, or the same seed would not give the same history.

use super::chance::Chance;
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How many of the last events a failure shows.
const KEPT_EVENTS: usize = 120;

/// A fault built into the simulation itself, which a checker must catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canary {
    /// None: the world is as it should be.
    None,
    /// The transport drops one batch.
    DropBatch,
    /// The transport drops one batch and the audit is fooled: the barrier's count is adjusted.
    DropBatchUnseen,
    /// A sink says nothing of an epoch that it has prepared.
    ForgetEpoch,
    /// A committer publishes nothing, once, and says that it has.
    SkipCommit,
    /// A sink publishes when it prepares.
    PublishEarly,
    /// After a fallback the newer output stays published.
    KeepNewer,
    /// Flush does nothing.
    LazyFlush,
    /// A subtask is told that its credit came back twice.
    DoubleCredit,
    /// Garbage collection is not told which checkpoints recovery has passed over.
    CountDamaged,
    /// A restore does not look whether the job was rescaled.
    IgnoreRescaling,
}

struct Inner {
    seed: u64,
    chance: Chance,
    hash: u64,
    events: VecDeque<String>,
    verbose: bool,
    violation: Option<String>,
    /// How many calls in a thousand fail.
    errors_per_mille: u64,
    /// Calls that are still likely to fail: trouble comes in bursts.
    burst: u64,
    /// Writes until the process dies in the middle of one.
    fuse: Option<u64>,
    dead: bool,
    canary: Canary,
    sleepers: Vec<Waker>,
}

/// A handle to the world's fate; a clone is the same.
#[derive(Clone)]
pub(crate) struct Fate(Arc<Mutex<Inner>>);

impl Fate {
    pub(crate) fn new(seed: u64, canary: Canary, verbose: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            seed,
            chance: Chance::new(seed),
            hash: 0xcbf2_9ce4_8422_2325,
            events: VecDeque::new(),
            verbose,
            violation: None,
            errors_per_mille: 0,
            burst: 0,
            fuse: None,
            dead: false,
            canary,
            sleepers: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Operators panic on purpose, and may do so while they draw.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.inner().seed
    }

    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.inner().chance)
    }

    /// Writes an event into the trace.
    pub(crate) fn note(&self, event: impl Display) {
        let event = event.to_string();
        let mut inner = self.inner();
        for byte in event.bytes() {
            inner.hash = (inner.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if inner.verbose {
            println!("{event}");
        }
        if inner.events.len() == KEPT_EVENTS {
            inner.events.pop_front();
        }
        inner.events.push_back(event);
    }

    /// Adds numbers to the trace without showing them.
    pub(crate) fn absorb(&self, numbers: &[u64]) {
        let mut inner = self.inner();
        for number in numbers {
            inner.hash = (inner.hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.inner().hash
    }

    pub(crate) fn last_events(&self) -> Vec<String> {
        self.inner().events.iter().cloned().collect()
    }

    /// A checker's complaint; the first one ends the history.
    pub(crate) fn violation(&self, what: impl Display) {
        let what = what.to_string();
        self.note(format_args!("VIOLATION: {what}"));
        self.inner().violation.get_or_insert(what);
    }

    pub(crate) fn violated(&self) -> Option<String> {
        self.inner().violation.clone()
    }

    pub(crate) fn set_errors(&self, per_mille: u64) {
        let mut inner = self.inner();
        (inner.errors_per_mille, inner.burst) = (per_mille, 0);
    }

    /// Whether a call fails by chance.
    pub(crate) fn fails(&self) -> bool {
        let mut inner = self.inner();
        let errors = inner.errors_per_mille;
        if inner.burst > 0 {
            inner.burst -= 1;
            return inner.chance.one_in(2);
        }
        let fails = errors > 0 && inner.chance.per_mille(errors);
        if fails && inner.chance.one_in(3) {
            inner.burst = inner.chance.below(8);
        }
        fails
    }

    /// The process will die in the middle of its `writes`th write from now on.
    pub(crate) fn light_fuse(&self, writes: u64) {
        self.inner().fuse = Some(writes);
    }

    /// Passes the point before a write; true when the process is dead and nothing is written.
    pub(crate) fn burns(&self) -> bool {
        let mut inner = self.inner();
        match inner.fuse {
            Some(0) => inner.dead = true,
            Some(left) => inner.fuse = Some(left - 1),
            None => {}
        }
        inner.dead
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.inner().dead
    }

    /// A new process: the fuse is out, and nobody sleeps any more.
    pub(crate) fn revive(&self) {
        let mut inner = self.inner();
        (inner.dead, inner.fuse) = (false, None);
        inner.sleepers.clear();
    }

    pub(crate) fn has_canary(&self, canary: Canary) -> bool {
        self.inner().canary == canary
    }

    /// Whether a canary that strikes once strikes now, with a chance of one in `n`.
    pub(crate) fn strikes(&self, canary: Canary, n: u64) -> bool {
        let mut inner = self.inner();
        if inner.canary != canary || !inner.chance.one_in(n) {
            return false;
        }
        inner.canary = Canary::None;
        true
    }

    /// Someone waits to be woken at any later time.
    pub(crate) fn doze(&self, waker: &Waker) {
        self.inner().sleepers.push(waker.clone());
    }

    pub(crate) fn sleepers(&self) -> usize {
        self.inner().sleepers.len()
    }

    /// Wakes one sleeper.
    pub(crate) fn wake_one(&self) {
        let waker = {
            let mut inner = self.inner();
            let sleepers = inner.sleepers.len();
            let at = inner.chance.index(sleepers);
            inner.sleepers.swap_remove(at)
        };
        waker.wake();
    }
}
