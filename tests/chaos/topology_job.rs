//! A topology of `config` as a job to be maltreated: its flags are those of a lesson, so that the tests start both alike.

use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tidegate::{LaunchArgs, parse_duration};
use tidegate_deploy::{Registry, deploy, settings};
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::document::Role;
use tidegate_topology::tree::Variables;
use tidegate_topology::{Source, load};

/// A topology whose sinks write files: `out` into the folder for rows, others into folders of their names within.
#[derive(Args, Clone, Debug)]
pub(crate) struct Topology {
    /// Its name within `config`
    #[arg(long)]
    topology: String,
    /// The file that its only source reads
    #[arg(long)]
    input: Option<PathBuf>,
    /// The file that its source `orders` reads
    #[arg(long)]
    orders: Option<PathBuf>,
    /// The file that its source `receipts` reads
    #[arg(long)]
    receipts: Option<PathBuf>,
    /// The folder for the rows
    #[arg(long)]
    output: PathBuf,
    /// When files are full
    #[arg(long, default_value = "1m", value_parser = parse_duration)]
    roll_after: Duration,
    /// Further overrides
    #[arg(long)]
    set: Vec<String>,
    #[command(flatten)]
    launch: LaunchArgs,
}

impl Topology {
    /// Runs it.
    pub(crate) fn run(&self) -> ExitCode {
        let registry = Registry::default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let path = folder.join(format!("{}.yaml", self.topology));
        let source = Source::read(&path).expect("a topology of the folder");
        let variables = Variables::from_iter([("ACCESS_LOG", "access.log")]);
        let look = |overrides: &[String]| {
            let source = source.clone().with_overrides(overrides);
            load(source, &variables, registry.kinds())
        };
        let plan = look(&[]).plan.expect("a topology without mistakes");
        let first = plan.nodes[0].name.as_str();
        let inputs = [(first, &self.input), ("orders", &self.orders), ("receipts", &self.receipts)];
        let files = inputs.iter().filter_map(|(node, file)| Some((node, file.as_ref()?)));
        let mut overrides: Vec<String> =
            files.map(|(node, file)| format!("{node}.file.path={}", file.display())).collect();
        for sink in plan.nodes.iter().filter(|node| node.role == Role::Sink).map(|node| &node.name)
        {
            let own = if sink == "out" { self.output.clone() } else { self.output.join(sink) };
            overrides.push(format!("{sink}.file.directory={}", own.display()));
            overrides.push(format!("{sink}.file.roll.after={}ms", self.roll_after.as_millis()));
        }
        overrides.extend(self.set.iter().cloned());
        let loaded = look(&overrides);
        assert!(!loaded.diagnostics.has_errors(), "{}", loaded.render(Paint::Plain));
        let job = deploy(&loaded, &registry).expect("what was checked can be built");
        let said = loaded.document.and_then(|document| document.job).expect("a job");
        let launch = LaunchArgs { settings: settings(&said), ..self.launch.clone() };
        tidegate::launch_with(job, &launch)
    }
}
