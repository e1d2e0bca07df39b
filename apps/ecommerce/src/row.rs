//! How rows stand in files: tab-separated, a window as its start and end in epoch milliseconds.

use std::fmt::Display;
use tidegate::prelude::*;

/// Start and end of the window, its key, its value.
pub(crate) fn windowed<K: Display, V: Display>(row: &Windowed<K, V>) -> String {
    under(row.window, &row.key, &row.value)
}

/// The same for a value that stands under another name than its key.
pub(crate) fn under(window: TimeWindow, name: impl Display, value: impl Display) -> String {
    format!("{}\t{}\t{name}\t{value}", window.start.millis(), window.end.millis())
}
