//! `tidegate state`: what a job keeps, from its checkpoints, without touching them.
//!
//! ```text
//! DIR ── look_into: nothing is written or locked ──> manifests ── survey: whole or damaged, sizes ──> report: text, JSON
//!                                                        └── entries: bases and deltas merged ── decode ──> JSON lines
//! 0  told    1  there is no whole checkpoint, or nothing of that key    2  DIR is no state of a job, or what is asked for is not in it
//! ```
//!
//! What can be told of an entry: namespaces, keys and values are CBOR, which says itself what is a number, a text, a list or
//! a map, so every entry is shown as JSON without knowing the program that wrote it. Bytes stand as `{"base64": ..}`, and
//! so does what is no CBOR, with `"undecoded": why`. What CBOR cannot tell are the names of columns and the types of SQL:
//! of a job that is a topology, keys are `RowKey`s and rows have their columns by place, a timestamp is `{"t": millis}`
//! and a decimal `{"d": bytes}`. That is how they are shown, because a typed program may mean something else by such a
//! map, unless it is known what they are. A node that keeps rows has stored their columns with its state, in its meaning:
//! its rows have their names, and timestamps and decimals are read. With `--topology` that holds for all nodes, and
//! the columns of keys and the aggregates of windows have their names, too.
//!
//! A line of an export: `operator`, `state`, `key`, `value`; `namespace` where the state has one (the slice or window, the
//! time of a timer, the entry of a map); of an operator's lists, which have no keys, `subtask` in place of `key`.

mod decode;
mod entries;
mod names;
mod report;
mod rows;
mod survey;

use crate::output::print;
use crate::topology::{Overrides, REFUSED, look, paint};
use decode::Decoder;
use names::Names;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use survey::Survey;
use tidegate::state::ManifestLog;
use tidegate::state::upload::describe;
use tidegate_deploy::Registry;

/// Where to look, and for what.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the job was given as its --state-dir, or as its --checkpoint-storage
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Look into this checkpoint [default: the newest whole one]
    #[arg(long, value_name = "N")]
    checkpoint: Option<u64>,
    /// Show the states of one operator
    #[arg(long, value_name = "UID")]
    operator: Option<String>,
    /// Print what the operator keeps for a key, as JSON lines: a text, or JSON such as '[7,"a"]'
    #[arg(long, value_name = "KEY", requires = "operator")]
    key: Option<String>,
    /// Print every entry, of the operator or of all, as JSON lines
    #[arg(long, conflicts_with_all = ["key", "json"])]
    export: bool,
    /// The topology of the job: gives keys and aggregates their names, and reads timestamps and decimals
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "key")]
    json: bool,
}

/// Looks, and tells.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    match tell(args, registry) {
        Ok(ended) => ended,
        Err(why) => {
            eprint!("{why}");
            ExitCode::from(REFUSED)
        }
    }
}

fn refused(why: impl std::fmt::Display) -> String {
    format!("error: {why}\n")
}

fn tell(args: &Args, registry: &Registry) -> Result<ExitCode, String> {
    let storage = tidegate::look_into(&args.folder).map_err(refused)?;
    let log = ManifestLog::open(std::sync::Arc::clone(&storage));
    let (log, problems) = log.map_err(|error| refused(describe(&error)))?;
    let survey = Survey::of(&log, &problems, &*storage).map_err(refused)?;
    let Some(survey) = survey else {
        let shown = args.folder.display();
        let mut told = match log.manifests().last() {
            Some(claim) => format!(
                "{shown}: job `{}` has begun, and has written no checkpoint yet\n",
                claim.job.name
            ),
            None => format!("{shown}: there is no checkpoint\n"),
        };
        problems.iter().for_each(|problem| told.push_str(&format!("{problem}\n")));
        eprint!("{told}");
        return Ok(ExitCode::FAILURE);
    };
    let names = match &args.topology {
        Some(file) => topology(file, &survey.job.name, registry)?,
        None => Names::of_meanings(&survey.job.meanings),
    };
    let chosen = survey.choose(args.checkpoint).map_err(refused)?;
    if let Some(uid) = &args.operator {
        survey.expect_operator(uid).map_err(refused)?;
    }
    let decoder = Decoder::new(names);
    let ended = if chosen.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let manifest = survey.manifest(&log, chosen);
    if let (Some(uid), Some(key)) = (&args.operator, &args.key) {
        return entries::look_up(manifest, &*storage, uid, key, &decoder).map_err(refused);
    }
    if args.export {
        return entries::export(manifest, &*storage, args.operator.as_deref(), &decoder)
            .map_err(refused);
    }
    let operators = survey::operators(manifest, &*storage, args.operator.as_deref());
    let view = report::View { survey: &survey, chosen, operators: &operators };
    let told = match (args.json, &args.operator) {
        (true, _) => format!("{:#}\n", view.to_json()),
        (false, None) => view.to_text(),
        (false, Some(_)) => {
            let samples = entries::samples(manifest, &*storage, &operators, &decoder);
            view.to_detail(&samples)
        }
    };
    let printed = print(&told);
    Ok(if printed == ExitCode::SUCCESS { ended } else { printed })
}

/// The names that a topology has for what `job` keeps.
fn topology(file: &Path, job: &str, registry: &Registry) -> Result<Names, String> {
    let nothing = Overrides { set: Vec::new() };
    let loaded = look(file, &nothing, registry);
    let Some(plan) = loaded.plan.as_ref().filter(|_| !loaded.diagnostics.has_errors()) else {
        return Err(loaded.render(paint(&std::io::stderr())));
    };
    let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    match said.map(|said| said.name.value.to_string()) {
        Some(name) if name != job => Err(refused(format!(
            "{} is the topology of job `{name}`, but the state is of job `{job}`",
            file.display()
        ))),
        _ => Ok(Names::of(plan)),
    }
}
