//! Tables in Markdown, and numbers as they stand in them.

use std::fmt::Write;

/// A table: the first column is text, all others are numbers.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.head.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// The Markdown, without the columns that are empty in all rows.
    pub(crate) fn markdown(&self) -> String {
        let filled = |at: &usize| self.rows.iter().any(|row| row[*at] != NOTHING);
        let columns: Vec<usize> = (0..self.head.len()).filter(filled).collect();
        let line = |cells: &[String]| {
            let cells: Vec<&str> = columns.iter().map(|at| cells[*at].as_str()).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text = line(&self.head);
        let rules = columns.iter().map(|at| if *at == 0 { "|---" } else { "|--:" });
        let _ = writeln!(text, "{}|", rules.collect::<String>());
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

/// An empty cell.
pub(crate) const NOTHING: &str = "";

/// A number with three digits that mean something.
pub(crate) fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => grouped(number),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// [`digits`], or an empty cell.
pub(crate) fn maybe(number: Option<f64>) -> String {
    number.map_or_else(|| NOTHING.to_owned(), digits)
}

/// A whole number with a comma between thousands.
pub(crate) fn grouped(number: f64) -> String {
    let plain = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        let left = plain.len() - at;
        if at > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Per second, as millions per second.
pub(crate) fn millions(per_second: f64) -> String {
    digits(per_second / 1e6)
}

/// Bytes as megabytes.
pub(crate) fn megabytes(bytes: f64) -> String {
    digits(bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_mean_something() {
        let cases = [(0.0, "0.00"), (0.0123, "0.012"), (2.345, "2.35"), (45.67, "45.7")];
        for (number, text) in cases {
            assert_eq!(digits(number), text);
        }
        assert_eq!(digits(1_234_567.8), "1,234,568");
        assert_eq!([grouped(123.0), grouped(-1234.0)], ["123", "-1,234"]);
    }

    #[test]
    fn a_column_that_is_empty_everywhere_is_left_out() {
        let mut table = Table::new(&["query", "none", "M/s"]);
        table.row(vec!["q0".into(), NOTHING.into(), millions(1.5e6)]);
        table.row(vec!["q1".into(), NOTHING.into(), NOTHING.into()]);
        let expected = "| query | M/s |\n|---|--:|\n| q0 | 1.50 |\n| q1 |  |\n";
        assert_eq!(table.markdown(), expected);
    }
}
