//! How rows stand in files: tab-separated, a window as its start and end in epoch milliseconds.

use std::fmt::Display;
use tidegate::prelude::*;

/// Start and end of the window, its key, its value.
pub(crate) fn windowed<K: Display, V: Display>(row: &Windowed<K, V>) -> String {
    let TimeWindow { start, end } = row.window;
    format!("{}\t{}\t{}\t{}", start.millis(), end.millis(), row.key, row.value)
}
