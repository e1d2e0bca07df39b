//! The job that the chaos tests kill: `hot-items` with the flags of the real one, and a few more that
//! make hard moments frequent.

use clap::Parser;
use ecommerce::hot_items;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate_file::FileSink;
use tidegate_generator::ClickGenerator;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The most viewed items of each hour, every five minutes.
#[derive(Parser)]
struct Args {
    /// Clicks: user_id,item_id,category_id,behavior,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Folder for the rows: window_end, rank, item_id, count, tab-separated
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Items per window
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
    /// Seal the output at every barrier, so that every checkpoint publishes
    #[arg(long, hide = true)]
    eager: bool,
    /// Run under another name
    #[arg(long, hide = true)]
    job_name: Option<String>,
    /// Count generated clicks into a sink that takes so many a second
    #[arg(long, hide = true)]
    slow_rows_per_second: Option<u32>,
    #[command(flatten)]
    launch: LaunchArgs,
}

fn main() -> ExitCode {
    let Args { input, output, top, eager, job_name, slow_rows_per_second, launch } = Args::parse();
    let job = match (slow_rows_per_second, &output) {
        (Some(rows_per_second), _) => counts_into_a_slow_sink(rows_per_second),
        (None, Some(folder)) if eager || job_name.is_some() => {
            let job = Job::new(job_name.as_deref().unwrap_or("hot-items"));
            let age = if eager { Duration::ZERO } else { Duration::from_secs(60) };
            let sink = FileSink::lines(folder, hot_items::tab_separated).roll_after(age);
            hot_items::ranking(&job, input.as_deref(), top).sink("rows", sink);
            job
        }
        _ => hot_items::job(&hot_items::Ends { input, output }, top),
    };
    launch_with(job, &launch)
}

/// Endless clicks, a count per item after each, and a sink that is far too slow for them.
fn counts_into_a_slow_sink(rows_per_second: u32) -> Job {
    let job = Job::new("slow-sink");
    job.source("clicks", ClickGenerator::new(7).items(10_000), WatermarkStrategy::none())
        .filter(|click| click.item_id > 0)
        .uid("page-views")
        .key_by(|click| click.item_id)
        .process(Tally::default)
        .uid("count")
        .rebalance()
        .sink("rows", SlowSink { rows_per_second });
    job
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
