//! Progress where work is long: a bar on standard error.
//!
//! Apart because it is decoration, and there is one rule for all of it: only a terminal sees it, never a pipe or a file,
//! and nothing of it is left behind.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A bar; it goes away when this is dropped.
pub(crate) struct Progress(ProgressBar);

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Files.
    Files,
    /// Bytes that are read.
    Bytes,
    /// Milliseconds of a time that is known.
    Millis,
}

impl Unit {
    const fn template(self) -> &'static str {
        match self {
            Self::Files => "[{bar:30}] {pos} of {len} files, {msg}",
            Self::Bytes => "[{bar:30}] {bytes} of {total_bytes}, {eta} to go {msg}",
            Self::Millis => "[{bar:30}] {msg}",
        }
    }

    fn style(self) -> ProgressStyle {
        let style = ProgressStyle::with_template(self.template());
        style.expect("the tests read all templates").progress_chars("=> ")
    }
}

impl Progress {
    /// A bar of so many units in all.
    pub(crate) fn new(all: u64, unit: Unit) -> Self {
        // Standard error that is no terminal shows nothing: so says the library.
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
        Self(bar.with_style(unit.style()))
    }

    /// The same for work whose output goes by on a terminal: that is progress enough.
    pub(crate) fn beside_output(all: u64, unit: Unit) -> Self {
        if std::io::stdout().is_terminal() { Self::none() } else { Self::new(all, unit) }
    }

    /// No bar.
    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// So many units more are done.
    pub(crate) fn done(&self, units: u64) {
        self.0.inc(units);
    }

    /// So many units of `all` are done, and what is done now.
    pub(crate) fn stands(&self, units: u64, all: u64, message: String) {
        self.0.set_length(all);
        self.0.set_position(units);
        self.0.set_message(message);
    }

    /// What is done now.
    pub(crate) fn tell(&self, message: String) {
        self.0.set_message(message);
    }

    /// Has something printed, which may go to the same terminal.
    pub(crate) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for unit in [Unit::Files, Unit::Bytes, Unit::Millis] {
            assert!(ProgressStyle::with_template(unit.template()).is_ok(), "{unit:?}");
            let progress = Progress(ProgressBar::hidden().with_style(unit.style()));
            progress.stands(3, 7, "a.yaml".to_owned());
            progress.done(2);
            progress.tell("b.yaml".to_owned());
            let bar = &progress.0;
            assert_eq!(
                (bar.position(), bar.length(), bar.message()),
                (5, Some(7), "b.yaml".to_owned())
            );
            assert_eq!(progress.aside(|| 4), 4);
        }
    }
}
