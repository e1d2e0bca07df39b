//! `tidegate explain`: what a topology amounts to, and how it would run.

use crate::output::print;
use crate::topology::{self, REFUSED};
use clap::ValueEnum;
use std::process::ExitCode;
use tidegate::core::plan::Plan;
use tidegate_deploy::{Registry, deploy, settings};
use tidegate_topology::{Loaded, explain};

/// What to explain, and in which form.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: topology::Args,
    /// In which form
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// In which form a plan is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Node by node, then how they would run: chains, exchanges, subtasks
    Text,
    /// A diagram of Mermaid
    Mermaid,
    /// A diagram of Graphviz
    Dot,
}

/// Explains the topology.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let Some(loaded) = args.topology.load(registry) else { return ExitCode::from(REFUSED) };
    let Some(plan) = &loaded.plan else { return ExitCode::from(REFUSED) };
    match args.format {
        Form::Mermaid => print(&explain::mermaid(plan)),
        Form::Dot => print(&explain::dot(plan)),
        Form::Text => match physical(&loaded, registry) {
            Ok(physical) => print(&format!("{}\n{physical}", explain::text(plan))),
            Err(why) => {
                eprintln!("error: {why}");
                ExitCode::from(REFUSED)
            }
        },
    }
}

/// How it would run.
fn physical(loaded: &Loaded, registry: &Registry) -> Result<String, String> {
    let job = deploy(loaded, registry).map_err(|error| error.to_string())?;
    let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    let config = said.map(settings).unwrap_or_default().config;
    let plan = Plan::new(job.into_graph()?, config.parallelism, config.max_parallelism);
    plan.map(|plan| plan.explain()).map_err(|error| error.to_string())
}
