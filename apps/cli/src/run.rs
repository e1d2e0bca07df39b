//! `tidegate run`: a job from a file.

use crate::topology::{self, REFUSED};
use std::process::ExitCode;
use tidegate::LaunchArgs;
use tidegate_deploy::{Registry, deploy, settings};

/// What to run, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    topology: topology::Args,
    #[command(flatten)]
    launch: LaunchArgs,
}

/// Runs the job. Flags go before what the file says.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let Some(loaded) = args.topology.load(registry) else { return ExitCode::from(REFUSED) };
    let job = match deploy(&loaded, registry) {
        Ok(job) => job,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(REFUSED);
        }
    };
    let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    let settings = said.map(settings).unwrap_or_default();
    tidegate::launch_with(job, &LaunchArgs { settings, ..args.launch.clone() })
}
