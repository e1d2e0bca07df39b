//! The launcher: gives every job the same flags, the same state folder, the same exit codes.
//!
//! ```text
//! 0  the job has finished, or was stopped and can be resumed
//! 1  the job failed
//! 2  the job was not started: the user must decide something first; nothing was changed
//! ```

use crate::job::Job;
use crate::progress::Progress;
use crate::settings::{CheckpointStorageChoice, MetricsAddress, Settings, StateBackend};
use crate::signals::on_signals;
use crate::state_folder::StateFolder;
use crate::summary::Summary;
use clap::{Args, Parser};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::fault::Fault;
use tidegate_core::key::MaxParallelism;
use tidegate_core::master::JobEnd;
use tidegate_core::node::NodeFactory;
use tidegate_core::operator::BoxError;
use tidegate_core::plan::Plan;
use tidegate_core::restart::RestartStrategy;
use tidegate_core::sink::Refusal;
use tidegate_runtime::telemetry::Telemetry;
use tidegate_runtime::{Execution, JobReport, Stats, execute};
use tokio::sync::mpsc;

/// Where metrics are served unless the user says otherwise.
const METRICS_ADDRESS: &str = "127.0.0.1:9249";

/// The flags that every job has. What no flag says is as in [`LaunchArgs::settings`].
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Running")]
pub struct LaunchArgs {
    /// What holds where no flag says otherwise.
    #[arg(skip)]
    pub settings: Settings,
    /// Subtasks per operator [default: 1]
    #[arg(long, value_name = "N")]
    pub parallelism: Option<u32>,
    /// Key groups: the most subtasks the job can ever have; fixed once it has state [default: 128]
    #[arg(long, value_name = "N")]
    pub max_parallelism: Option<u16>,
    /// Threads that subtasks run on [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_slots)]
    pub slots: Option<usize>,
    /// Where state is kept; the same folder goes on from the last checkpoint [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// sled: checkpoints hold what has changed; memory: each holds everything [default: sled]
    #[arg(long, value_enum)]
    pub state_backend: Option<StateBackend>,
    /// Where checkpoints go: sled (in the state folder), memory, or a file:// URL [default: sled]
    #[arg(long, value_name = "sled|memory|URL")]
    pub checkpoint_storage: Option<CheckpointStorageChoice>,
    /// Time between checkpoints, such as 500ms, 10s or 1m [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub checkpoint_interval: Option<Duration>,
    /// none, fixed-delay:ATTEMPTS:DELAY_MS, exponential-delay, failure-rate:FAILURES:INTERVAL_MS:DELAY_MS
    /// [default: exponential-delay]
    #[arg(long, value_name = "STRATEGY")]
    pub restart_strategy: Option<RestartStrategy>,
    /// Where Prometheus finds metrics; `none` for nowhere [default: 127.0.0.1:9249 if it is free]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_metrics_address)]
    pub metrics_addr: Option<MetricsAddress>,
    /// Records per second, all sources of the job together
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// What to log: error, warn, info, debug, or a filter such as `tidegate_runtime=debug`
    #[arg(long, default_value = "warn", value_name = "FILTER", value_parser = parse_filter)]
    pub log: String,
    /// Write the summary to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub summary_json: Option<PathBuf>,
    /// Start over: forget the job's state and remove its earlier output
    #[arg(long)]
    pub fresh: bool,
    /// Print what would run (chains, exchanges, parallelism) and exit
    #[arg(long)]
    pub explain: bool,
    /// When asked to stop, end the input and fire what is open, instead of leaving it to be resumed
    #[arg(long)]
    pub drain: bool,
    /// Panic, once, in the first subtask of an operator that reaches its Nth record
    #[arg(long, value_name = "UID:N", value_parser = parse_fault)]
    pub inject_fault: Option<(String, u64)>,
}

impl LaunchArgs {
    /// The settings with what the flags say.
    fn settings(&self) -> Result<Settings, BoxError> {
        let mut settings = self.settings.clone();
        let config = &mut settings.config;
        if let Some(number) = self.max_parallelism {
            config.max_parallelism = MaxParallelism::new(number).ok_or_else(|| {
                let limit = MaxParallelism::LIMIT;
                refusal(format!("--max-parallelism must lie between 1 and {limit}"))
            })?;
        }
        set(&mut config.parallelism, self.parallelism);
        set(&mut config.restart, self.restart_strategy);
        let interval = self.checkpoint_interval.map(|interval| interval.as_millis());
        let interval = interval.map(|millis| i64::try_from(millis).unwrap_or(i64::MAX));
        set(&mut config.checkpoint.interval_ms, interval);
        config.rate = self.rate.or(config.rate);
        config.drain_on_stop |= self.drain;
        settings.slots = self.slots.or(settings.slots);
        settings.state_dir = self.state_dir.clone().or(settings.state_dir);
        set(&mut settings.state_backend, self.state_backend);
        set(&mut settings.checkpoint_storage, self.checkpoint_storage.clone());
        settings.metrics = self.metrics_addr.or(settings.metrics);
        Ok(settings)
    }
}

fn set<T>(value: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *value = said;
    }
}

fn parse_metrics_address(text: &str) -> Result<MetricsAddress, String> {
    if text == "none" {
        return Ok(MetricsAddress::None);
    }
    let address =
        text.parse().map_err(|_| "expected an address such as 127.0.0.1:9249, or none")?;
    Ok(MetricsAddress::At(address))
}

fn parse_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; expected a level such as info, or target=level")),
    }
}

fn parse_slots(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(slots) if slots > 0 => Ok(slots),
        _ => Err("expected a number of threads above 0".into()),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("expected a number of records per second above 0".into()),
    }
}

fn parse_fault(text: &str) -> Result<(String, u64), String> {
    let parts = text.rsplit_once(':').and_then(|(uid, n)| Some((uid, n.parse::<u64>().ok()?)));
    match parts {
        Some((uid, record)) if record > 0 && !uid.is_empty() => Ok((uid.to_owned(), record)),
        _ => Err("expected an operator's uid and a record number, such as count:1000".into()),
    }
}

/// Reads a duration such as `250ms`, `10s`, `5m` or `1h`.
///
/// # Errors
/// What was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let millis = unit_ms.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    match millis {
        Some(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
        _ => Err("expected a time above 0, such as 500ms, 10s, 5m or 1h".into()),
    }
}

#[derive(Parser)]
struct OnlyLaunchArgs {
    #[command(flatten)]
    launch: LaunchArgs,
}

/// Runs `job` with the flags on the command line, for jobs that have none of their own.
#[must_use]
pub fn launch(job: Job) -> ExitCode {
    launch_with(job, &OnlyLaunchArgs::parse().launch)
}

/// Runs `job` with flags that were read before.
#[must_use]
pub fn launch_with(job: Job, args: &LaunchArgs) -> ExitCode {
    launch_and_then(job, args, |_| Ok(()))
}

/// As [`launch_with`], and lets `then` see the summary when the job has ended, however it did.
#[must_use]
pub fn launch_and_then(
    job: Job,
    args: &LaunchArgs,
    then: impl FnOnce(&Summary) -> Result<(), BoxError>,
) -> ExitCode {
    start_log(&args.log);
    tidegate_runtime::panics::log_unwatched();
    match run(job, args, then) {
        Ok(JobEnd::Finished | JobEnd::Stopped) => ExitCode::SUCCESS,
        Ok(JobEnd::Failed(cause)) => complain(&cause, 1),
        Ok(JobEnd::Refused(cause)) => complain(&cause, 2),
        Err(error) if error.downcast_ref::<Refusal>().is_some() => complain(&error.to_string(), 2),
        Err(error) => complain(&error.to_string(), 1),
    }
}

fn complain(what: &str, code: u8) -> ExitCode {
    eprintln!("error: {what}");
    ExitCode::from(code)
}

pub(crate) fn refusal(what: impl std::fmt::Display) -> BoxError {
    Refusal(what.to_string()).into()
}

fn start_log(filter: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A program may have set up its own before.
    drop(subscriber.try_init());
}

fn run(
    job: Job,
    args: &LaunchArgs,
    then: impl FnOnce(&Summary) -> Result<(), BoxError>,
) -> Result<JobEnd, BoxError> {
    let settings = args.settings()?;
    let graph = job.into_graph().map_err(refusal)?;
    let (parallelism, max) = (settings.config.parallelism, settings.config.max_parallelism);
    let plan = Plan::new(graph, parallelism, max).map_err(refusal)?;
    if args.explain {
        print!("{}", plan.explain());
        return Ok(JobEnd::Finished);
    }
    let (stop, stopped) = mpsc::unbounded_channel();
    watch_signals(stop)?;
    // All that can be refused without looking at the state comes before anything is forgotten.
    let fault = fault(args, &plan)?;
    check_inputs(&plan)?;
    let stats = Stats::default();
    let telemetry = serve_metrics(settings.metrics, &plan, &stats)?;
    let folder = StateFolder::open(settings.state_dir.as_deref(), &plan.graph.name, args.fresh)?;
    let storage = folder.storage(&settings.checkpoint_storage, args.fresh)?;
    if args.fresh {
        discard_output(&plan)?;
    }
    let progress = Progress::start(&plan, &stats);
    let incremental = settings.state_backend == StateBackend::Sled;
    let report_plan = plan.clone();
    let execution = Execution {
        plan,
        config: settings.config,
        storage,
        incremental,
        slots: settings.slots.unwrap_or_else(cores).max(1),
        fault,
        stats: stats.clone(),
        rate: None,
        stop: stopped,
    };
    let result = execute(execution);
    drop((progress, telemetry));
    let report: JobReport = result?;
    let summary = Summary::new(&report_plan, &report, &stats);
    // Where nothing has run there is nothing to sum up: the refusal says all.
    if !matches!(report.end, JobEnd::Refused(_)) {
        summary.print();
    }
    if let Some(path) = &args.summary_json {
        summary.write(path)?;
    }
    then(&summary)?;
    Ok(report.end)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn fault(args: &LaunchArgs, plan: &Plan) -> Result<Option<Arc<Fault>>, BoxError> {
    let Some((uid, record)) = &args.inject_fault else { return Ok(None) };
    let uids: Vec<&str> = plan.graph.nodes.iter().map(|node| node.uid.as_str()).collect();
    if !uids.contains(&uid.as_str()) {
        let known = uids.join(", ");
        return Err(refusal(format!("--inject-fault: no operator `{uid}`; there are {known}")));
    }
    Ok(Some(Arc::new(Fault::new(uid.clone(), *record))))
}

/// Refuses inputs that are not there.
pub(crate) fn check_inputs(plan: &Plan) -> Result<(), BoxError> {
    for node in &plan.graph.nodes {
        if let NodeFactory::Source(source) = &node.factory {
            source.fingerprint()?;
        }
    }
    Ok(())
}

fn discard_output(plan: &Plan) -> Result<(), BoxError> {
    for node in &plan.graph.nodes {
        if let NodeFactory::Sink(sink) = &node.factory {
            sink.committer()?.discard()?;
        }
    }
    Ok(())
}

fn serve_metrics(
    wanted: Option<MetricsAddress>,
    plan: &Plan,
    stats: &Stats,
) -> Result<Option<Telemetry>, BoxError> {
    match wanted {
        Some(MetricsAddress::None) => Ok(None),
        Some(MetricsAddress::At(address)) => {
            let served = Telemetry::serve(address, plan, stats.clone());
            let help = "choose another --metrics-addr, or `none`";
            Ok(Some(served.map_err(|why| refusal(format!("{why}; {help}")))?))
        }
        None => {
            let address = METRICS_ADDRESS.parse().expect("a constant address is well-formed");
            // Another job on this machine may have the default address: that is no reason not to run.
            let served = Telemetry::serve(address, plan, stats.clone());
            let warn = |why: &String| {
                tracing::warn!(
                    "{why}; the job runs without: choose another --metrics-addr, or `none`"
                );
            };
            Ok(served.inspect_err(warn).ok())
        }
    }
}

/// Asks for a stop at the first SIGINT or SIGTERM, and ends the process at the second.
fn watch_signals(stop: mpsc::UnboundedSender<()>) -> Result<(), BoxError> {
    let first = move |_| {
        eprintln!("stopping with a checkpoint; once more to stop at once");
        stop.send(()).is_ok()
    };
    let again = |_| {
        eprintln!("stopped at once; start again to go on from the last checkpoint");
        std::process::exit(1);
    };
    on_signals(first, again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_mistakes_are_explained() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "0s", "10", "s", "-1s", "1d", "99999999999999999999s"] {
            assert!(parse_duration(wrong).is_err_and(|e| e.contains("such as 500ms")), "{wrong}");
        }
        assert_eq!(parse_fault("count:10"), Ok(("count".into(), 10)));
        assert!(parse_fault("count").is_err() && parse_fault("count:0").is_err());
        assert_eq!(parse_slots("2"), Ok(2));
        for wrong in ["0", "-1", "two"] {
            assert!(parse_slots(wrong).is_err_and(|e| e.contains("above 0")), "{wrong}");
        }
        assert!(parse_filter("info").is_ok() && parse_filter("=,=").is_err());
    }
}
