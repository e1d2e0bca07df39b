//! The topology that a command is about: its file, what overrides it, and what is told of it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use tidegate_deploy::Registry;
use tidegate_topology::code::Code;
use tidegate_topology::diagnostic::{Diagnostic, Diagnostics, Paint};
use tidegate_topology::source::{Span, Unreadable};
use tidegate_topology::tree::Variables;
use tidegate_topology::{Loaded, Source, load};

/// What is wrong with what the user has given: nothing was started.
pub(crate) const REFUSED: u8 = 2;

/// Values in place of those of the file.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Overrides {
    /// Put a value, as YAML, in place of that of the file; may be given several times
    #[arg(long = "set", value_name = "NODE.PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

/// A topology, by its file.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// The topology
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

impl Args {
    /// The topology, with the warnings that there are told on standard error; nothing if it has errors, which are told
    /// likewise.
    pub(crate) fn load(&self, registry: &Registry) -> Option<Loaded> {
        let loaded = look(&self.file, &self.overrides, registry);
        if !loaded.diagnostics.is_empty() {
            eprint!("{}", loaded.render(paint(&std::io::stderr())));
        }
        (!loaded.diagnostics.has_errors()).then_some(loaded)
    }
}

/// Looks at a file. One that cannot be read is told of like any other mistake.
pub(crate) fn look(file: &Path, overrides: &Overrides, registry: &Registry) -> Loaded {
    match Source::read(file) {
        Ok(source) => {
            let source = source.with_overrides(&overrides.set);
            load(source, &Variables::of_process(), registry.kinds())
        }
        Err(unreadable) => unread(file, unreadable),
    }
}

/// A file of which nothing is known but why.
pub(crate) fn unread(file: &Path, unreadable: Unreadable) -> Loaded {
    let wrong = Diagnostic::new(Code::Unreadable, Span::default(), unreadable.message);
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(wrong.help(unreadable.help));
    Loaded {
        source: Source::new(file.display().to_string(), ""),
        tree: None,
        document: None,
        graph: None,
        plan: None,
        diagnostics,
    }
}

/// Colours for a terminal, unless `NO_COLOR` is set.
pub(crate) fn paint(to: &impl IsTerminal) -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if to.is_terminal() && !refused { Paint::Coloured } else { Paint::Plain }
}
