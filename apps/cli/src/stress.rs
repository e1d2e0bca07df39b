//! `tidegate stress`: the highest rate that a topology keeps up with, what limits it, and how late results are then.
//!
//! ```text
//! FILE ── rehearsal: endless input, sinks that drop ──> job at a rate that can be changed while it runs
//!   search: which rate is tried next <── judge: has it kept up, who is slow <── watch: counters, latencies
//!   └─> report: text or JSON, plot: SVG
//! ```

mod judge;
mod latency;
mod plot;
mod rehearsal;
mod report;
mod search;
mod watch;

use crate::number;
use crate::output::print;
use crate::progress::{Progress, Unit};
use crate::topology::{self, REFUSED};
use report::{Report, Row};
use search::{Limits, Outcome, Phase, Search};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tidegate::core::operator::BoxError;
use tidegate::core::restart::RestartStrategy;
use tidegate::{Interrupt, Running, Settings};
use tidegate_deploy::{Registry, build, settings};
use tidegate_topology::Loaded;
use watch::{Over, Step, Watch};

/// The shortest step: one in which a source reads a few times at any rate.
const STEP_MIN: f64 = 0.05;

/// What to stress, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: topology::Args,
    /// The rate that is tried first, in records per second of all sources together
    #[arg(long, value_name = "N", default_value = "100k", value_parser = number::count)]
    start_rate: f64,
    /// The highest rate that is tried
    #[arg(long, value_name = "N", default_value = "1G", value_parser = number::count)]
    max_rate: f64,
    /// How long each rate is tried
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = step)]
    step: f64,
    /// How long the rate that was found is held
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = step)]
    hold: f64,
    /// How close to find it, in percent
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    precision: f64,
    /// Let sinks write for real: print to the terminal, write their files. Else they drop what comes
    #[arg(long)]
    keep_sinks: bool,
    /// Draw the steps and the latencies into this file, as SVG
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn step(text: &str) -> Result<f64, String> {
    let seconds = number::seconds(text)?;
    if seconds < STEP_MIN {
        return Err(format!("too short to see anything; {} at least", number::in_time(STEP_MIN)));
    }
    if seconds > 86_400.0 {
        return Err("that is longer than a day; a few seconds will do".to_owned());
    }
    Ok(seconds)
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (0.5..=50.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a percentage between 0.5 and 50, such as 5".to_owned()),
    }
}

/// Finds the rate. Fails if there is none. Asked to stop (Ctrl-C), it tells what it has found by then.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let Some(loaded) = args.topology.load(registry) else { return ExitCode::from(REFUSED) };
    // Not after minutes of work.
    if let Some(path) = &args.plot
        && let Err(error) = std::fs::File::options().create(true).append(true).open(path)
    {
        eprintln!("error: --plot: {} cannot be written: {error}", path.display());
        return ExitCode::from(REFUSED);
    }
    let watched = Interrupt::watch();
    let done = watched.and_then(|interrupt| {
        Ok((stress(args, &loaded, registry, &interrupt)?, interrupt.exit_code()))
    });
    let (report, interrupted) = match done {
        Ok(done) => done,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(REFUSED);
        }
    };
    let told = if args.json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
    let printed = print(&told);
    if let Some(path) = &args.plot
        && !(report.rows.is_empty() && interrupted.is_some())
        && let Err(why) = draw(path, &report)
    {
        eprintln!("error: --plot: {why}");
        return ExitCode::FAILURE;
    }
    match interrupted {
        Some(code) => ExitCode::from(code),
        None if report.found() => printed,
        None => ExitCode::FAILURE,
    }
}

fn draw(path: &PathBuf, report: &Report) -> Result<(), String> {
    let svg = plot::plot(report)?;
    std::fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()))
}

/// How a topology is run here: what fails has failed, and nothing of the real job's is touched.
fn rehearsed(loaded: &Loaded) -> (String, Settings) {
    let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    let name = said.map_or_else(|| "job".to_owned(), |job| job.name.value.to_string());
    let mut settings = said.map(settings).unwrap_or_default();
    settings.config.restart = RestartStrategy::None;
    settings.config.rate = None;
    (name, settings)
}

fn stress(
    args: &Args,
    loaded: &Loaded,
    registry: &Registry,
    interrupt: &Interrupt,
) -> Result<Report, BoxError> {
    let (name, settings) = rehearsed(loaded);
    let mut plan = loaded.plan.clone().ok_or("the topology has errors")?;
    let changed = rehearsal::rehearse(&mut plan, args.keep_sinks);
    let job = build(&name, &plan, registry)?;
    let watch = Watch::new(Running::start(job, &settings, 0.0)?, interrupt.clone());
    let limits = Limits { start: args.start_rate, max: args.max_rate, precision: args.precision };
    let mut search = Search::new(limits);
    let mut rows = Vec::new();
    let bar = Progress::new(0, Unit::Millis);
    let verdict = loop {
        let trial = match search.next() {
            Err(verdict) => break verdict.clone(),
            Ok(trial) => trial,
        };
        let seconds = if trial.phase == Phase::Hold { args.hold } else { args.step };
        let span = Duration::from_secs_f64(seconds);
        let progress = &mut |elapsed: Duration| show(&bar, trial, elapsed, span);
        let outcome = match watch.step(trial.rate, span, progress)? {
            Err(over) => ended(over),
            Ok(step) => {
                let outcome = outcome(&step);
                rows.push(Row { trial, step, outcome: outcome.clone() });
                outcome
            }
        };
        let outcome = match outcome {
            Outcome::Behind { achieved } => match watch.drain()? {
                Ok(()) => Outcome::Behind { achieved },
                Err(over) => ended(over),
            },
            other => other,
        };
        search.observe(outcome);
    };
    drop(bar);
    watch.stop();
    Ok(Report { job: name, changed, rows, verdict, hold_seconds: args.hold })
}

/// A step in which all sources have ended has offered nothing.
fn outcome(step: &Step) -> Outcome {
    if step.seen.offered > 0.0 { step.seen.outcome() } else { Outcome::Ended }
}

fn ended(over: Over) -> Outcome {
    match over {
        Over::Ended => Outcome::Ended,
        Over::Failed(cause) => Outcome::Failed(cause),
        Over::Interrupted => Outcome::Interrupted,
    }
}

fn show(bar: &Progress, trial: search::Trial, elapsed: Duration, span: Duration) {
    let (word, rate) = (trial.phase.word(), number::grouped(trial.rate));
    let (seconds, of) = (elapsed.as_secs_f64(), span.as_secs_f64());
    let message = format!("{word}: {rate} records/s, {seconds:.0} of {of:.0} s");
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    bar.stands(millis(elapsed), millis(span), message);
}
