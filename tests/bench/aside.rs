//! One side of a comparison, in a process of its own that tells of itself in a line of JSON.
//!
//! Apart from the benches because other engines are measured beside several of them: those are in
//! `tests/bench/peers`, outside the workspace, and come as the path of their program.

use super::{child, median};
use serde_json::{Map, Value};
use std::path::Path;

/// The other engines.
pub const PEERS: [&str; 2] = ["timely", "renoir"];

/// The runs of one side.
#[derive(Clone, Debug)]
pub struct Aside {
    /// What it is called.
    pub name: &'static str,
    /// What the last run said of itself.
    pub last: Value,
    rates: Vec<f64>,
    cpu: Vec<f64>,
}

impl Aside {
    /// A side that has not run.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, last: Value::Null, rates: Vec::new(), cpu: Vec::new() }
    }

    /// Runs it once; returns events per second.
    ///
    /// # Errors
    /// What the process said when it failed.
    pub fn run(&mut self, program: &Path, args: &[String]) -> Result<f64, String> {
        let side = [self.name].into_iter().chain(args.iter().map(String::as_str));
        self.last = child::line(program, &side.collect::<Vec<_>>())?;
        let number = |field: &str| self.last[field].as_f64().unwrap_or(0.0);
        let rate = number("events_per_second");
        self.rates.push(rate);
        self.cpu.push(number("cpu_seconds") * 1e9 / number("events"));
        Ok(rate)
    }

    /// Forgets its runs.
    pub fn forget(&mut self) {
        self.rates.clear();
        self.cpu.clear();
    }

    /// The median of events per second.
    pub fn rate(&mut self) -> Option<f64> {
        median(&mut self.rates)
    }

    /// The median of CPU nanoseconds per event.
    pub fn cpu_ns(&mut self) -> Option<f64> {
        median(&mut self.cpu).map(f64::round)
    }

    /// Adds both medians to a line, behind its name.
    pub fn tell(&mut self, line: &mut Map<String, Value>) {
        let (rate, cpu) = (self.rate(), self.cpu_ns());
        line.insert(format!("{}_events_per_second", self.name), rate.into());
        line.insert(format!("{}_cpu_ns_per_event", self.name), cpu.into());
    }
}
