//! A job that asks a service about each of its records.
//!
//! Apart from the lessons because it needs the service, which the test plays. What follows the lookups
//! are windows of a millisecond: a record that came out behind its watermark would be missing there.

use clap::Args;
use ecommerce::Lesson;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tidegate::operators::aggregate::Sum;
use tidegate::operators::async_io::Asked;
use tidegate::prelude::*;
use tidegate_file::FileSink;
use tidegate_generator::Sequence;
use tidegate_tests::lookups;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The service leaves a caller without any answer now and then: the caller then gives up.
const PATIENCE: Duration = Duration::from_millis(150);

/// For a record and all its calls, in milliseconds: longer than the service is ever bad in a row.
const TIMEOUT_MS: i64 = 60_000;

/// Sums of what a service says about numbers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Lookups {
    /// Where the service is
    #[arg(long, overrides_with = "service")]
    service: SocketAddr,
    /// Results in the order of the records
    #[arg(long)]
    ordered: bool,
    /// Believe answers for so many milliseconds
    #[arg(long)]
    cached_ms: Option<i64>,
    /// Folder for the rows
    #[arg(long)]
    output: PathBuf,
    /// Beside the launcher's other flags of a job with files
    #[arg(long, default_value = "1m", value_parser = tidegate::parse_duration)]
    roll_after: Duration,
}

impl Lesson for Lookups {
    const ABOUT: &'static str = "Sums of what a service says about numbers";

    fn job(&self) -> Job {
        let job = Job::new("lookups");
        let numbers = Sequence::new(lookups::RECORDS).keys(lookups::KEYS);
        let wait = if self.ordered { AsyncWait::ordered } else { AsyncWait::unordered };
        let retry = Retry::exponential(u32::MAX, 1, 20);
        let (service, cached_ms) = (self.service, self.cached_ms);
        let line = |row: &Windowed<u64, u64>| {
            format!("{}\t{}\t{}", row.window.start.millis(), row.key, row.value)
        };
        job.source("numbers", numbers, WatermarkStrategy::monotonous().each_record())
            .key_by(|number| *number)
            .async_wait(wait(TIMEOUT_MS).capacity(64).retry(retry), move || {
                let join = LookupJoin::new(Client { service }, |number: &u64| *number).inner();
                match cached_ms {
                    Some(ttl_ms) => join.cached(LookupCache::new(100, ttl_ms)),
                    None => join,
                }
            })
            .uid("lookup")
            .flat_map(Joined::into_pair)
            .uid("found")
            .key_by(|(number, _)| number % lookups::GROUPS)
            .window(Window::tumbling(1))
            .aggregate(Sum::of(|(_, value): &(u64, u64)| *value))
            .uid("sum")
            .sink("rows", FileSink::lines(&self.output, line).roll_after(self.roll_after));
        job
    }
}

/// Asks the service, by a connection for each question.
struct Client {
    service: SocketAddr,
}

impl Lookup for Client {
    type Key = u64;
    type Value = u64;

    fn look_up(&mut self, number: &u64) -> Asked<u64> {
        let (service, question) = (self.service, format!("{number}\n"));
        let ask = async move {
            let mut connection = TcpStream::connect(service).await?;
            connection.write_all(question.as_bytes()).await?;
            let mut said = String::new();
            connection.read_to_string(&mut said).await?;
            Ok::<_, BoxError>(match said.trim() {
                "none" => None,
                value => Some(value.parse()?),
            })
        };
        Box::pin(async move { tokio::time::timeout(PATIENCE, ask).await? })
    }
}
