//! The floor of each Nexmark query: what one would write by hand for just this stream.
//!
//! A loop over the same generator: no framework, no channels, no checkpoints, no exchange, no watermark that
//! waits. Events come in order, so a window ends when an event behind it comes, and nothing is ever late. On
//! several threads each has its share of the events to itself, and nobody brings the shares together: less
//! work than any engine can do with.

mod joins;
mod stateless;
mod statistics;
mod windows;

use std::hint::black_box;
use tidegate_core::time::Timestamp;
use tidegate_generator::{Event, Formula, NexmarkGenerator};

/// One query over one share of the events.
pub(super) trait Floor: Default {
    /// Takes an event, and returns how many rows came of it.
    fn take(&mut self, event: Event, at: Timestamp) -> u64;

    /// The events have ended: the rows that are left.
    fn end(&mut self) -> u64 {
        0
    }
}

/// A row is made, and looked at.
fn row<T>(row: T) -> u64 {
    drop(black_box(row));
    1
}

/// Which events.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Events in all.
    pub events: u64,
    /// Threads that share them.
    pub threads: u64,
    /// Events per second of event time.
    pub events_per_second: u64,
}

/// Runs the floor of a query; returns its rows, or `None` when there is no such query.
///
/// # Panics
/// When there are no such events.
#[must_use]
pub fn run(query: &str, share: Share) -> Option<u64> {
    let run = by_name(query)?;
    let rows = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..share.threads).map(|first| scope.spawn(move || run(share, first))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a floor does not panic")).sum()
    });
    Some(rows)
}

/// Whether a query has a floor.
#[must_use]
pub fn has(query: &str) -> bool {
    by_name(query).is_some()
}

fn by_name(query: &str) -> Option<fn(Share, u64) -> u64> {
    Some(match query {
        "generator" => each::<stateless::Generator>,
        "q0" => each::<stateless::Q0>,
        "q1" => each::<stateless::Q1>,
        "q2" => each::<stateless::Q2>,
        "q3" => each::<joins::Q3>,
        "q4" => each::<joins::Q4>,
        "q5" => each::<windows::Q5>,
        "q6" => each::<joins::Q6>,
        "q7" => each::<windows::Q7>,
        "q8" => each::<windows::Q8>,
        "q9" => each::<joins::Q9>,
        "q11" => each::<windows::Q11>,
        "q12" => each::<windows::Q12>,
        "q13" => each::<stateless::Q13>,
        "q14" => each::<stateless::Q14>,
        "q15" => each::<statistics::Q15>,
        "q16" => each::<statistics::Q16>,
        "q17" => each::<statistics::Q17>,
        "q18" => each::<statistics::Q18>,
        "q19" => each::<statistics::Q19>,
        "q20" => each::<joins::Q20>,
        "xq20" => each::<joins::BothKept>,
        "q21" => each::<stateless::Q21>,
        "q22" => each::<stateless::Q22>,
        _ => return None,
    })
}

/// The share of the events that begins with `first`.
fn each<F: Floor>(share: Share, first: u64) -> u64 {
    let generator = NexmarkGenerator::new(1).events_per_second(share.events_per_second);
    let events = generator.formula().expect("such events can be made");
    let (mut floor, mut rows, mut n) = (F::default(), 0, first);
    while n < share.events {
        let (event, at) = events.record(n);
        rows += floor.take(event, at);
        n += share.threads;
    }
    black_box(rows + floor.end())
}
