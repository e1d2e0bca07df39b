//! The result of a query: the rows that are left when all that was taken out is gone, sorted.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use tidegate::prelude::BoxError;

/// Makes `file` of the signed lines in `folder`, under `header`.
///
/// # Errors
/// When a file cannot be read or written, or a row was taken out more often than put in.
pub(crate) fn write(header: &str, folder: &Path, file: &Path) -> Result<(), BoxError> {
    let mut counts = HashMap::new();
    if folder.is_dir() {
        collect(folder, &mut counts)?;
    }
    let rows = fold(counts)?;
    let mut text = Vec::new();
    writeln!(text, "{header}")?;
    for row in rows {
        writeln!(text, "{row}")?;
    }
    let unwritable = |error| format!("the result cannot be written to {}: {error}", file.display());
    let mut part = file.as_os_str().to_owned();
    part.push(".tmp");
    fs::write(&part, text).and_then(|()| fs::rename(&part, file)).map_err(unwritable)?;
    Ok(())
}

/// Counts each row of the published files.
fn collect(folder: &Path, counts: &mut HashMap<String, i64>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if path.is_dir() {
            collect(&path, counts)?;
        } else if name.is_some_and(|name| name.starts_with("part-")) {
            for line in fs::read_to_string(&path)?.lines() {
                let (sign, row) = line.split_at(1);
                *counts.entry(row.to_owned()).or_default() += if sign == "+" { 1 } else { -1 };
            }
        }
    }
    Ok(())
}

/// The rows, each as often as it is left.
fn fold(counts: HashMap<String, i64>) -> Result<Vec<String>, BoxError> {
    let mut rows = Vec::with_capacity(counts.len());
    for (row, count) in counts {
        let count = usize::try_from(count)
            .map_err(|_| format!("row {row} was taken out {} times too often", -count))?;
        rows.extend(std::iter::repeat_n(row, count));
    }
    rows.sort_unstable();
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_left_as_often_as_it_was_put_in_and_not_taken_out() {
        let counts = |rows: &[(&str, i64)]| {
            rows.iter().map(|(row, count)| ((*row).to_owned(), *count)).collect()
        };
        let rows = fold(counts(&[("b", 2), ("a", 1), ("gone", 0)]));
        assert_eq!(rows.ok(), Some(vec!["a".into(), "b".into(), "b".into()]));
        let wrong = fold(counts(&[("a", -1)])).expect_err("it is wrong").to_string();
        assert_eq!(wrong, "row a was taken out 1 times too often");
    }
}
