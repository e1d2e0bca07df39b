//! The jobs that the chaos tests maltreat, in one program: the lessons as they are, one with a sink
//! that is too slow, one that asks a service, Nexmark, and the topologies of `config`.

mod lookup_job;
mod topology_job;

use clap::{Args, Parser};
use ecommerce::{
    AdClicks, BehaviorCounts, ChannelStats, Command, HotItems, HotPages, Lesson, LogMethods,
    LoginFail, OrderTimeout, Pv, TxMatch, UserSessions, Uv,
};
use lookup_job::Lookups;
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate_generator::ClickGenerator;
use topology_job::Topology;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One of the jobs that are maltreated.
#[derive(Parser)]
enum Jobs {
    AdClicks(Command<AdClicks>),
    BehaviorCounts(Command<BehaviorCounts>),
    ChannelStats(Command<ChannelStats>),
    HotItems(Command<HotItems>),
    HotPages(Command<HotPages>),
    LogMethods(Command<LogMethods>),
    LoginFail(Command<LoginFail>),
    Lookups(Command<Lookups>),
    Nexmark(nexmark::Command),
    OrderTimeout(Command<OrderTimeout>),
    Pv(Command<Pv>),
    SlowSink(Command<Counts>),
    Topology(Box<Topology>),
    TxMatch(Command<TxMatch>),
    UserSessions(Command<UserSessions>),
    Uv(Command<Uv>),
}

fn main() -> ExitCode {
    match Jobs::parse() {
        Jobs::AdClicks(command) => command.run(),
        Jobs::BehaviorCounts(command) => command.run(),
        Jobs::ChannelStats(command) => command.run(),
        Jobs::HotItems(command) => command.run(),
        Jobs::HotPages(command) => command.run(),
        Jobs::LogMethods(command) => command.run(),
        Jobs::LoginFail(command) => command.run(),
        Jobs::Lookups(command) => command.run(),
        Jobs::Nexmark(command) => command.run(),
        Jobs::OrderTimeout(command) => command.run(),
        Jobs::Pv(command) => command.run(),
        Jobs::SlowSink(command) => command.run(),
        Jobs::Topology(topology) => topology.run(),
        Jobs::TxMatch(command) => command.run(),
        Jobs::UserSessions(command) => command.run(),
        Jobs::Uv(command) => command.run(),
    }
}

/// Endless clicks, a count per item after each, and a sink that is far too slow for them.
#[derive(Args, Clone, Debug)]
struct Counts {
    /// What one subtask of the sink takes
    #[arg(long)]
    rows_per_second: u32,
}

impl Lesson for Counts {
    const ABOUT: &'static str = "Counts into a sink that is far too slow for them";

    fn job(&self) -> Job {
        let job = Job::new("slow-sink");
        job.source("clicks", ClickGenerator::new(7).items(10_000), WatermarkStrategy::none())
            .filter(|click| click.item_id > 0)
            .uid("page-views")
            .key_by(|click| click.item_id)
            .process(Tally::default)
            .uid("count")
            .rebalance()
            .sink("rows", SlowSink { rows_per_second: self.rows_per_second });
        job
    }
}

/// How often a key has been seen.
#[derive(Default)]
struct Tally {
    seen: ValueState<u64, u64>,
}

impl KeyedProcess for Tally {
    type Key = u64;
    type In = tidegate_generator::Click;
    type Out = u64;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        _: Self::In,
        ctx: &mut KeyedContext<'_, u64, u64>,
    ) -> Result<(), BoxError> {
        let seen = self.seen.get_or_insert_with(key, || 0);
        *seen += 1;
        ctx.emit(*seen);
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("seen", &mut self.seen);
    }
}

/// A sink that takes so many rows a second and drops them.
struct SlowSink {
    rows_per_second: u32,
}

/// Its end: rows that have come due may be taken, a thread wakes the subtask when more have.
struct SlowEnd {
    rows_per_second: u32,
    since: Instant,
    taken: u64,
    wake_later: Sender<Waker>,
}

impl Sink for SlowEnd {
    type In = u64;

    fn write(&mut self, input: &mut Batch<u64>, waker: &Waker) -> Result<(), BoxError> {
        let due = self.since.elapsed().as_secs_f64() * f64::from(self.rows_per_second);
        while self.taken < due as u64 {
            if input.take().is_none() {
                return Ok(());
            }
            self.taken += 1;
        }
        self.wake_later.send(waker.clone())?;
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for SlowSink {
    type In = u64;
    type Sink = SlowEnd;

    fn kind(&self) -> &'static str {
        "slow-sink"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<SlowEnd, BoxError> {
        let (wake_later, wakers) = mpsc::channel::<Waker>();
        thread::spawn(move || {
            for waker in wakers {
                thread::sleep(Duration::from_millis(5));
                waker.wake();
            }
        });
        let (rows_per_second, since) = (self.rows_per_second, Instant::now());
        Ok(SlowEnd { rows_per_second, since, taken: 0, wake_later })
    }
}
