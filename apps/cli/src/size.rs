//! `tidegate size`: the sizing sheet. From a few numbers to state, checkpoints, network, disk, cores and memory, each line
//! with its formula.
//!
//! ```text
//! flags ──────────────────────────┐
//! FILE ── plan ── topology ───────┼─> model ── sheet (costs: what this engine has measured) ──> text, JSON
//! URL  ── scrape ── measured ─────┘
//! ```

mod asked;
mod costs;
mod measured;
mod model;
mod numbers;
mod scrape;
mod sheet;
mod topology;

use crate::number;
use crate::output::print;
use crate::topology::{Overrides, REFUSED, look, paint};
use asked::{Asked, Flags, OfNode, of_node};
use costs::Work;
use model::{Given, Held, Model, Node};
use sheet::Sheet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;
use tidegate::{Settings, StateBackend};
use tidegate_deploy::{Registry, settings};

/// By how much rows of a topology may be dearer than typed records.
const ROWS: f64 = 3.0;

/// Seconds of an outage unless another is said, and in which it is made up for.
const OUTAGE: f64 = 60.0;
const CATCH_UP: f64 = 300.0;

/// What to size: a topology, a running job, or numbers alone.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A topology: nodes, windows, types of keys, parallelism and checkpoints are taken from it
    #[arg(value_name = "FILE", conflicts_with = "metrics")]
    file: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// A running job, by the address of its metrics, such as http://127.0.0.1:9249
    #[arg(long, value_name = "URL")]
    metrics: Option<String>,
    /// How long to measure it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = number::seconds)]
    over: f64,
    /// Records per second of all sources together
    #[arg(long, value_name = "N", value_parser = number::count)]
    events_per_second: Option<f64>,
    /// Bytes of a record where it comes from
    #[arg(long, value_name = "SIZE", value_parser = number::bytes)]
    bytes_per_event: Option<f64>,
    /// Distinct keys, of all nodes or of one; may be given several times
    #[arg(long, value_name = "[NODE=]N", value_parser = keys)]
    keys: Vec<OfNode>,
    /// Bytes of a key and what is kept for it, likewise
    #[arg(long, value_name = "[NODE=]SIZE", value_parser = state)]
    state_per_key: Vec<OfNode>,
    /// How long records are kept where nothing else bounds it, likewise
    #[arg(long, value_name = "[NODE=]TIME", value_parser = retention)]
    retention: Vec<OfNode>,
    /// The share of what comes that a node takes, such as views=0.9; 1 by default
    #[arg(long, value_name = "NODE=SHARE", value_parser = share)]
    share: Vec<OfNode>,
    /// Updates of state per second [default: one per record]
    #[arg(long, value_name = "N", value_parser = number::count, conflicts_with = "file")]
    updates_per_second: Option<f64>,
    /// Windows: size, and slide if they overlap; may be given several times
    #[arg(long, value_name = "SIZE[/SLIDE]", value_parser = window, conflicts_with = "file")]
    window: Vec<Window>,
    /// The share of the records that goes to other subtasks by key
    #[arg(long, value_name = "SHARE", value_parser = part, default_value = "1", conflicts_with = "file")]
    exchange_share: f64,
    /// Subtasks per operator [default: what the topology says, or 1]
    #[arg(long, value_name = "N", value_parser = whole)]
    parallelism: Option<f64>,
    /// Time between checkpoints [default: what the topology says, or 10s]
    #[arg(long, value_name = "TIME", value_parser = number::seconds)]
    checkpoint_interval: Option<f64>,
    /// Completed checkpoints that are kept [default: what the topology says, or 3]
    #[arg(long, value_name = "N", value_parser = whole)]
    retained: Option<f64>,
    /// Copies that the storage of checkpoints keeps [default: 1]
    #[arg(long, value_name = "N", value_parser = whole)]
    replication: Option<f64>,
    /// Among how many machines exchanges would go [default: 1]
    #[arg(long, value_name = "N", value_parser = whole)]
    machines: Option<f64>,
    /// For how long the job may be away after a failure [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = number::seconds)]
    outage: Option<f64>,
    /// Within which time it has caught up then [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = number::seconds)]
    catch_up: Option<f64>,
    /// CPU nanoseconds per record, if you have measured it
    #[arg(long, value_name = "N", value_parser = number::count)]
    cpu_ns_per_event: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A size and a slide, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    size: f64,
    slide: f64,
}

fn keys(text: &str) -> Result<OfNode, String> {
    of_node(text, number::count)
}

fn state(text: &str) -> Result<OfNode, String> {
    of_node(text, number::bytes)
}

fn retention(text: &str) -> Result<OfNode, String> {
    of_node(text, number::seconds)
}

fn share(text: &str) -> Result<OfNode, String> {
    let share = of_node(text, part)?;
    if share.node.is_none() {
        return Err("say of which node, as in views=0.9".to_owned());
    }
    Ok(share)
}

fn part(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        _ => Err("write a share between 0 and 1, such as 0.9".to_owned()),
    }
}

fn whole(text: &str) -> Result<f64, String> {
    match text.trim().parse::<u32>() {
        Ok(number @ 1..=32_768) => Ok(f64::from(number)),
        _ => Err("write a whole number between 1 and 32768".to_owned()),
    }
}

fn window(text: &str) -> Result<Window, String> {
    let (size, slide) = text.split_once('/').unwrap_or((text, text));
    let (size, slide) = (number::seconds(size)?, number::seconds(slide)?);
    if slide > size {
        return Err(format!(
            "the slide is longer than the size, so that records between two windows are lost; did you mean {}/{}?",
            text.split('/').nth(1).unwrap_or(""),
            text.split('/').next().unwrap_or("")
        ));
    }
    Ok(Window { size, slide })
}

/// Prints the sheet.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let model = match (&args.file, &args.metrics) {
        (Some(file), _) => of_file(args, file, registry),
        (None, Some(url)) => of_job(args, url),
        (None, None) => numbers::of_flags(args),
    };
    match model {
        Ok(model) => {
            let sheet = Sheet::new(&model);
            print(&if args.json { format!("{:#}\n", sheet.to_json()) } else { sheet.to_text() })
        }
        Err(why) => {
            eprint!("{why}");
            ExitCode::from(REFUSED)
        }
    }
}

impl Args {
    fn flags(&self) -> Flags {
        Flags {
            keys: self.keys.clone(),
            state_per_key: self.state_per_key.clone(),
            retention: self.retention.clone(),
            share: self.share.clone(),
        }
    }

    /// What holds of any job; `said` is what else is known of how it runs, and by whom.
    fn model(&self, title: String, events: Given, said: &Settings, by: &str) -> Model {
        let config = &said.config;
        let known = |flag: Option<f64>, name: &str, value: f64| match flag {
            Some(value) => Given::new(value, name),
            None => Given::new(value, by),
        };
        let interval = config.checkpoint.interval_ms.max(1) as f64 / 1e3;
        Model {
            title,
            events,
            event_bytes: self.bytes_per_event.map(|bytes| Given::new(bytes, "--bytes-per-event")),
            parallelism: known(self.parallelism, "--parallelism", f64::from(config.parallelism)),
            interval: known(self.checkpoint_interval, "--checkpoint-interval", interval),
            retained: known(self.retained, "--retained", config.checkpoint.retained as f64),
            incremental: said.state_backend == StateBackend::Sled,
            replication: Given::or(self.replication, "--replication", 1.0),
            machines: Given::or(self.machines, "--machines", 1.0),
            outage: Given::or(self.outage, "--outage", OUTAGE),
            catch_up: Given::or(self.catch_up, "--catch-up", CATCH_UP),
            cpu_ns: self.cpu_ns_per_event.map(|ns| Given::new(ns, "--cpu-ns-per-event")),
            rows: 1.0,
            measured_checkpoint: None,
            nodes: Vec::new(),
        }
    }
}

/// From a topology.
fn of_file(args: &Args, file: &Path, registry: &Registry) -> Result<Model, String> {
    let loaded = look(file, &args.overrides, registry);
    let told = loaded.render(paint(&std::io::stderr()));
    let (Some(plan), false) = (&loaded.plan, loaded.diagnostics.has_errors()) else {
        return Err(told);
    };
    if !loaded.diagnostics.is_empty() {
        eprint!("{told}");
    }
    let job = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    let said = job.map(settings).unwrap_or_default();
    let flags = args.flags();
    let mut asked = Asked::new(&flags);
    let nodes = topology::nodes(plan, args.events_per_second.unwrap_or(1.0), &mut asked);
    let mut complaint = asked.complaint();
    if args.events_per_second.is_none() {
        let rate = "--events-per-second N: how many records come from all sources together";
        complaint = Some(match complaint {
            Some(others) => format!("{others}\n  {rate}"),
            None => format!("some numbers are not in the topology; say them:\n  {rate}"),
        });
    }
    if let Some(complaint) = complaint {
        return Err(format!("error: {complaint}\n"));
    }
    let events = Given::new(args.events_per_second.unwrap_or(1.0), "--events-per-second");
    let title =
        job.map_or_else(|| file.display().to_string(), |job| format!("job {}", job.name.value));
    let mut model = args.model(title, events, &said, "the topology, or default");
    model.rows = ROWS;
    model.nodes = nodes;
    Ok(model)
}

/// From a running job.
fn of_job(args: &Args, url: &str) -> Result<Model, String> {
    let said = |why: String| format!("error: {why}\n");
    let before = scrape::scrape(url).map_err(said)?;
    eprintln!("measuring for {} ...", number::in_time(args.over));
    wait(Duration::from_secs_f64(args.over));
    let after = scrape::scrape(url).map_err(said)?;
    let measured = measured::measure(&before, &after, args.over).map_err(said)?;
    let by = format!("measured at {url}");
    let events = Given::new(
        args.events_per_second.unwrap_or(measured.events),
        match args.events_per_second {
            Some(_) => "--events-per-second".to_owned(),
            None => by.clone(),
        },
    );
    let entry = args.state_per_key.last().map(|one| one.value);
    if measured.entries > 0.0 && entry.is_none() {
        return Err(said(format!(
            "the job holds {} entries of state, but not how large they are: --state-per-key SIZE says it",
            number::grouped(measured.entries)
        )));
    }
    let title = format!("job {}, measured for {}", measured.job, number::in_time(args.over));
    let mut model = args.model(title, events, &Settings::default(), "default");
    if args.parallelism.is_none() {
        model.parallelism = Given::new(measured.parallelism, by.clone());
    }
    let busiest = measured.busiest.map_or_else(String::new, |(vertex, share)| {
        format!("; the busiest subtask, of {vertex}, works {:.0} % of its time", share * 100.0)
    });
    model.cpu_ns.get_or_insert(Given::new(
        measured.cpu_ns,
        format!("time in which subtasks worked, {by}{busiest}"),
    ));
    model.measured_checkpoint = measured.checkpoint;
    if let Some(entry) = entry.filter(|_| measured.entries > 0.0) {
        model.nodes.push(Node {
            name: "all state".to_owned(),
            rate: model.events.value,
            exchange_bytes: args.bytes_per_event,
            work: Work::PassOn,
            held: Held::Keys {
                keys: Given::new(measured.entries, by),
                entry: Given::new(entry, "--state-per-key"),
                updates: Given::new(model.events.value, "one per record"),
                pieces: None,
            },
        });
    }
    Ok(model)
}

/// Lets time pass.
fn wait(time: Duration) {
    let (_open, nothing) = mpsc::channel::<()>();
    // Nobody sends: it ends when the time is over.
    let _is_over = nothing.recv_timeout(time).is_err();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: Args,
    }

    fn sheet(words: &[&str]) -> Result<Sheet, String> {
        let words = ["size"].iter().chain(words);
        let only = Only::try_parse_from(words).map_err(|error| error.to_string())?;
        numbers::of_flags(&only.args).map(|model| Sheet::new(&model))
    }

    fn value(sheet: &Sheet, section: &str, name: &str) -> f64 {
        let line = sheet.lines.iter().find(|line| line.section == section && line.name == name);
        line.unwrap_or_else(|| panic!("no line {section}, {name} in\n{}", sheet.to_text())).value
    }

    #[test]
    fn a_sheet_can_be_checked_by_hand() {
        let sheet = sheet(&[
            "--events-per-second=1M",
            "--bytes-per-event=200",
            "--keys=10M",
            "--state-per-key=100",
            "--updates-per-second=1000",
            "--parallelism=4",
            "--replication=3",
            "--machines=4",
        ]);
        let sheet = sheet.expect("all is there");
        let is = |section, name, expected: f64| {
            let found = value(&sheet, section, name);
            assert!((found / expected - 1.0).abs() < 1e-3, "{section}, {name}: {found}");
        };
        is("state", "state by key", 1e9);
        // 1,000 updates/s for 10 s hit 9,995 of 10 M keys.
        is("checkpoints", "bytes of each", 999_500.0);
        is("checkpoints", "bandwidth", 99_950.0);
        is("network", "input", 2e8);
        is("network", "exchange to state by key", 2e8);
        is("network", "of it between machines", 1.5e8);
        is("network", "checkpoints", 299_850.0);
        is("disk", "checkpoints", (2e9 + 3.0 * 999_500.0) * 3.0);
        is("memory", "state", (1e9 + 9e7) * 16.0 / 7.0);
        is("memory", "channels, when full", 4.0 * 4.0 * 8.0 * 65_536.0);
        let busy = value(&sheet, "cores", "busy");
        is("cores", "while all is well", busy / 0.7);
    }

    #[test]
    fn windows_are_kept_in_slices_that_they_share() {
        let sheet = sheet(&[
            "--events-per-second=1k",
            "--bytes-per-event=100",
            "--keys=10",
            "--state-per-key=50",
            "--window=1h/10s",
            "--window=1m",
        ]);
        let sheet = sheet.expect("all is there");
        assert!((value(&sheet, "state", "window 1 h/10 s: entries") - 3_610.0).abs() < 0.1);
        assert!((value(&sheet, "state", "window 60 s: entries") - 20.0).abs() < 0.1);
    }

    #[test]
    fn what_is_missing_is_asked_for_at_once() {
        let why = sheet(&["--keys=5"]).expect_err("much is missing");
        for flag in ["--events-per-second", "--bytes-per-event", "--state-per-key", "--metrics"] {
            assert!(why.contains(flag), "{flag} is not in\n{why}");
        }
        assert!(!why.contains("--keys N"), "{why}");
    }

    #[test]
    fn rubbish_is_refused_with_what_was_expected() {
        for (flag, part) in [
            ("--events-per-second=0", "above 0"),
            ("--events-per-second=-5", "above 0"),
            ("--events-per-second=1e99", "no machine"),
            ("--bytes-per-event=2 parsecs", "64KiB"),
            ("--window=10s/1h", "did you mean 1h/10s"),
            ("--window=10", "with its unit"),
            ("--parallelism=0", "between 1 and 32768"),
            ("--parallelism=1.5", "between 1 and 32768"),
            ("--exchange-share=2", "between 0 and 1"),
            ("--share=0.5", "of which node"),
            ("--keys=top=x", "such as 500"),
        ] {
            let why = sheet(&[flag]).expect_err("rubbish");
            assert!(why.contains(part), "{flag}: {why}");
        }
        let all = ["--events-per-second=1", "--bytes-per-event=1", "--state-per-key=1"];
        let why = sheet(&[&all[..], &["--keys=top=5"]].concat()).expect_err("no nodes");
        assert!(why.contains("without a FILE"), "{why}");
    }

    #[test]
    fn no_numbers_that_are_taken_lead_to_any_that_are_none() {
        let extreme = ["0.000001", "1e15"];
        for events in extreme {
            for keys in extreme {
                let sheet = sheet(&[
                    &format!("--events-per-second={events}"),
                    "--bytes-per-event=1e15",
                    &format!("--keys={keys}"),
                    "--state-per-key=1e15",
                    "--window=365d/1ms",
                ]);
                let sheet = sheet.expect("all is there");
                for line in &sheet.lines {
                    assert!(line.value.is_finite() && line.value >= 0.0, "{line:?}");
                }
            }
        }
    }
}
