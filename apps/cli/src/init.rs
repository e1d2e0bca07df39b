//! `tidegate init`: a topology to begin with, or a program with an operator of its own.
//!
//! ```text
//! init NAME          NAME.yaml  NAME.test.yaml  schema/{topology,test}.json (if not there)
//! init NAME --app    NAME/{Cargo.toml, Cargo.lock, .gitignore, src/, NAME.yaml, NAME.test.yaml, schema/}
//! ```
//!
//! The templates are real files in `examples`, which are run as they are by the tests: here only their names are replaced.
//! An app gets the lock file of the checkout it depends on, so it builds with what is downloaded already. Nothing is
//! overwritten, and if one of the files is there none is written.

mod checkout;
mod name;

#[path = "../examples/app/spikes.rs"]
mod spikes;

use crate::output::print;
use crate::topology::REFUSED;
use checkout::Checkout;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::schema::{json_schema, test_json_schema};

const JOB: &str = include_str!("../examples/init/first-job.yaml");
const JOB_TEST: &str = include_str!("../examples/init/first-job.test.yaml");
const APP: &str = include_str!("../examples/app/first-app.yaml");
const APP_TEST: &str = include_str!("../examples/app/first-app.test.yaml");
const MANIFEST: &str = include_str!("../examples/app/app.toml");
const MAIN: &str = include_str!("../examples/app/main.rs");
const SPIKES: &str = include_str!("../examples/app/spikes.rs");

/// What to make.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name of the job, and of its files
    #[arg(value_name = "NAME")]
    name: String,
    /// Make a Rust program that brings along an operator and a function of its own
    #[arg(long)]
    app: bool,
    /// A checkout of Tidegate, on which the app depends [default: the one around the current folder]
    #[arg(long, value_name = "PATH", requires = "app")]
    tidegate: Option<PathBuf>,
}

/// Makes it, and says what to do next.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let made = if args.app { app(args) } else { topology(args, registry) };
    match made {
        Ok(told) => print(&told),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(REFUSED)
        }
    }
}

/// A file to be made.
struct New {
    path: PathBuf,
    text: String,
    /// One that is there will do: the schema, which belongs to all topologies of a folder.
    or_is_there: bool,
}

impl New {
    fn file(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), or_is_there: false }
    }
}

fn schemas(folder: &Path, registry: &Registry) -> [New; 2] {
    [("topology.json", json_schema(registry.kinds())), ("test.json", test_json_schema())].map(
        |(name, schema)| New {
            path: folder.join("schema").join(name),
            text: format!("{schema:#}\n"),
            or_is_there: true,
        },
    )
}

fn topology(args: &Args, registry: &Registry) -> Result<String, String> {
    let name = args.name.strip_suffix(".yaml").unwrap_or(&args.name);
    name::check_job(name)?;
    let named = |text: &str| text.replace("first-job", name);
    let mut files = vec![
        New::file(format!("{name}.yaml"), named(JOB)),
        New::file(format!("{name}.test.yaml"), named(JOB_TEST)),
    ];
    files.extend(schemas(Path::new(""), registry));
    let made = write(&files)?;
    let this = std::env::args_os().next().map(PathBuf::from);
    let this = this.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let this = this.as_deref().unwrap_or("tidegate");
    Ok(format!(
        "{made}
next:
  {this} run {name}.yaml          runs it: rows of its windows, then how it went
  {this} test {name}.test.yaml    runs its unit tests
  {this} explain {name}.yaml      shows columns, keys, time, and how it would run
  open {name}.yaml in an editor: its comments explain it
"
    ))
}

fn app(args: &Args) -> Result<String, String> {
    let name = args.name.as_str();
    name::check_app(name)?;
    let checkout = Checkout::find(args.tidegate.as_deref())?;
    // The schema knows what the app brings along, before it has been built once.
    let mut registry = Registry::default();
    let told = |error: Box<dyn std::error::Error>| error.to_string();
    spikes::register(&mut registry).map_err(told)?;
    let named = |text: &str| text.replace("first-app", name);
    let folder = Path::new(name);
    let mut files = vec![
        New::file(folder.join("Cargo.toml"), checkout.placed(&named(MANIFEST))),
        New::file(folder.join("Cargo.lock"), checkout.lock()?),
        New::file(folder.join(".gitignore"), "/target\n"),
        New::file(folder.join("src/main.rs"), MAIN),
        New::file(folder.join("src/spikes.rs"), SPIKES),
        New::file(folder.join(format!("{name}.yaml")), named(APP)),
        New::file(folder.join(format!("{name}.test.yaml")), named(APP_TEST)),
    ];
    files.extend(schemas(folder, &registry));
    let made = write(&files)?;
    Ok(format!(
        "{made}
next, in {name}:
  cargo run -- run {name}.yaml          builds it, which takes minutes the first time, and runs the topology
  cargo run -- test {name}.test.yaml    runs its unit tests
  cargo run -- explain {name}.yaml      shows columns, keys, time, and how it would run
  open src/spikes.rs in an editor: the operator `spikes` and the function `STARS`; cargo run -- --help shows all commands
"
    ))
}

/// Writes all of them, or says which one is in the way; says what was made.
fn write(files: &[New]) -> Result<String, String> {
    let in_the_way = files.iter().find(|file| !file.or_is_there && is_there(&file.path));
    if let Some(file) = in_the_way {
        return Err(format!(
            "{} is there, and is not overwritten: choose another name, or move it away",
            file.path.display()
        ));
    }
    let mut told = String::new();
    for file in files.iter().filter(|file| !is_there(&file.path)) {
        let cannot = |error| format!("{} cannot be written: {error}", file.path.display());
        if let Some(folder) = file.path.parent() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        // Somebody else may have made it since.
        let mut new = File::create_new(&file.path).map_err(cannot)?;
        new.write_all(file.text.as_bytes()).map_err(cannot)?;
        told.push_str(&format!("made {}\n", file.path.display()));
    }
    Ok(told)
}

/// Also a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
