//! Lesson: patterns that run out of time. Which orders were paid, and which were not in time?
//!
//! Of each order, its creation and the payment that follows within fifteen minutes are a match. Where no
//! payment comes, that is no match but just as worth knowing: when the fifteen minutes of event time are
//! over, what has matched so far, the creation alone, goes to a side output. A payment in the very last
//! millisecond counts, one after exactly fifteen minutes does not.
//!
//! The log is out of order by up to six seconds, so a payment may be read before its order is.
//!
//! With `--by state` the same rows come from a function with state and timers: `order_timeout_by_state.rs`.

use crate::lesson::{Lesson, Output};
use crate::order_timeout_by_state::OpenOrders;
use crate::payments::{OrderEvent, OrderStep};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// How far the order log is out of order.
const DISORDER_MS: i64 = 6_000;

/// In so long an order must be paid.
pub(crate) const PAY_WITHIN_MS: i64 = 900_000;

const TIMED_OUT: OutputTag<String> = OutputTag::new("timed-out");

/// How unpaid orders are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// By a pattern
    #[default]
    Cep,
    /// By a function with state and timers
    State,
}

/// Orders that were paid within fifteen minutes, and those that were not.
#[derive(Args, Clone, Debug)]
pub struct OrderTimeout {
    /// Order log: order,create or pay,transaction,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// How unpaid orders are found
    #[arg(long, value_enum, default_value_t)]
    by: By,
    #[command(flatten)]
    output: Output,
}

impl Lesson for OrderTimeout {
    const ABOUT: &'static str =
        "Orders that were paid within fifteen minutes, and those that were not";

    fn job(&self) -> Job {
        let job = Job::new("order-timeout");
        let log = FileSource::csv::<OrderEvent>(&self.input).timestamp(OrderEvent::timestamp);
        let delay = WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS);
        let orders = job.source("orders", log, delay).key_by(|event| event.order);
        let rows = match self.by {
            By::Cep => {
                let pattern = Pattern::begin("create")
                    .is(|event: &OrderEvent| event.step == OrderStep::Create)
                    .followed_by("pay")
                    .is(|event| event.step == OrderStep::Pay)
                    .within(PAY_WITHIN_MS);
                let in_time = orders
                    .pattern(&pattern)
                    .order_ties_by(|one, other| one.step.cmp(&other.step))
                    .timed_out_output(&TIMED_OUT, |order, created, at| {
                        timed_out(*order, times(created).chain([at]))
                    })
                    .select(|order, matched| paid(*order, times(matched)))
                    .uid("in-time");
                let timed_out = in_time.side_output(&TIMED_OUT);
                in_time.union(&timed_out)
            }
            By::State => orders.process(OpenOrders::default).uid("open-orders"),
        };
        self.output.take(&rows, String::clone);
        job
    }
}

fn times(matched: &Matched<'_, OrderEvent>) -> impl Iterator<Item = Timestamp> {
    matched.iter().map(|(_, event)| event.timestamp())
}

/// A row of the result for an order that was created and paid at `times`.
pub(crate) fn paid(order: u64, times: impl Iterator<Item = Timestamp>) -> String {
    row("PAID", order, times)
}

/// A row of the result for an order that was created, and whose time was over, at `times`.
pub(crate) fn timed_out(order: u64, times: impl Iterator<Item = Timestamp>) -> String {
    row("TIMEOUT", order, times)
}

fn row(what: &str, order: u64, times: impl Iterator<Item = Timestamp>) -> String {
    times.fold(format!("{what},{order}"), |row, at| format!("{row},{}", at.millis()))
}
