//! Expected rows against those that came, line by line.
//!
//! In order, rows that both have are found as the longest common subsequence, so that one row too many does not make all
//! behind it wrong. Out of order, rows are a multiset.

use super::ends::Seen;
use tidegate_rows::{Row, Value};
use tidegate_topology::unit_test::{Expectation, Expected, Sign};

/// Pairs of rows that are compared at most to align them; more are held against each other by their places.
const PAIRS: usize = 4_000_000;

/// A row as it is shown: what the change does, if rows are taken back, then the columns.
pub type Cells = Vec<String>;

/// A line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A row that was expected and came.
    Same(Cells),
    /// A row that was expected; another one came where it should stand.
    Other(Cells, Cells),
    /// A row that was expected and did not come.
    Missing(Cells),
    /// A row that came unexpectedly.
    Unexpected(Cells),
}

/// The lines of a comparison; none when all is as expected.
pub(super) fn compare(expectation: &Expectation, found: &[Seen]) -> Vec<Line> {
    let Expectation { rows, columns, unordered, .. } = expectation;
    let found: Vec<Seen> = found.iter().map(|seen| projected(seen, columns)).collect();
    if rows.len() == found.len() && rows.iter().zip(&found).all(|(one, other)| is_met(one, other)) {
        return Vec::new();
    }
    let pairs = if *unordered { matched(rows, &found) } else { aligned(rows, &found) };
    if *unordered && pairs.len() == rows.len() && rows.len() == found.len() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    if *unordered {
        by_kind(rows, &found, &pairs, &mut lines);
    } else {
        in_order(rows, &found, &pairs, &mut lines);
    }
    lines
}

fn projected(seen: &Seen, columns: &[usize]) -> Seen {
    let values = columns.iter().map(|column| seen.row.get(*column).cloned());
    Seen { kind: seen.kind, row: values.map(|value| value.unwrap_or(Value::Null)).collect() }
}

fn is_met(expected: &Expected, found: &Seen) -> bool {
    let sign = match (expected.sign, found.kind) {
        (None, None) => true,
        (Some(sign), Some(kind)) => sign.means(&kind.to_string()),
        _ => false,
    };
    sign && expected.row == found.row
}

/// Pairs of places, in order on both sides: as many as there can be.
fn aligned(rows: &[Expected], found: &[Seen]) -> Vec<(usize, usize)> {
    let width = found.len() + 1;
    if rows.len().saturating_mul(found.len()) > PAIRS {
        let places = 0..rows.len().min(found.len());
        return places.filter(|at| is_met(&rows[*at], &found[*at])).map(|at| (at, at)).collect();
    }
    // From the ends: how many pairs there are behind each two places.
    let mut longest = vec![0_u32; (rows.len() + 1) * width];
    for one in (0..rows.len()).rev() {
        for other in (0..found.len()).rev() {
            longest[one * width + other] = if is_met(&rows[one], &found[other]) {
                longest[(one + 1) * width + other + 1] + 1
            } else {
                longest[(one + 1) * width + other].max(longest[one * width + other + 1])
            };
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < rows.len() && other < found.len() {
        if is_met(&rows[one], &found[other]) {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if longest[(one + 1) * width + other] >= longest[one * width + other + 1] {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}

/// Pairs of places in any order. Rows with a sign that means one kind of change choose first.
fn matched(rows: &[Expected], found: &[Seen]) -> Vec<(usize, usize)> {
    let is_vague = |row: &Expected| matches!(row.sign, Some(Sign::In | Sign::Out));
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| is_vague(&rows[*at]));
    let mut taken = vec![false; found.len()];
    let mut pairs = Vec::new();
    for one in order {
        let free = |other: &usize| !taken[*other] && is_met(&rows[one], &found[*other]);
        if let Some(other) = (0..found.len()).find(free) {
            taken[other] = true;
            pairs.push((one, other));
        }
    }
    pairs.sort_unstable();
    pairs
}

fn in_order(rows: &[Expected], found: &[Seen], pairs: &[(usize, usize)], lines: &mut Vec<Line>) {
    let (mut one, mut other) = (0, 0);
    for (to, until) in pairs.iter().copied().chain([(rows.len(), found.len())]) {
        while one < to || other < until {
            lines.push(match (one < to, other < until) {
                (true, true) => Line::Other(cells_of(&rows[one]), cells(&found[other])),
                (true, false) => Line::Missing(cells_of(&rows[one])),
                _ => Line::Unexpected(cells(&found[other])),
            });
            (one, other) = ((one + 1).min(to), (other + 1).min(until));
        }
        if let Some(seen) = found.get(until).filter(|_| to < rows.len()) {
            lines.push(Line::Same(cells(seen)));
            (one, other) = (to + 1, until + 1);
        }
    }
}

fn by_kind(rows: &[Expected], found: &[Seen], pairs: &[(usize, usize)], lines: &mut Vec<Line>) {
    lines.extend(pairs.iter().map(|(_, other)| Line::Same(cells(&found[*other]))));
    let is_missing = |at: &usize| pairs.iter().all(|(one, _)| one != at);
    let missing = (0..rows.len()).filter(is_missing);
    lines.extend(missing.map(|at| Line::Missing(cells_of(&rows[at]))));
    let is_unexpected = |at: &usize| pairs.iter().all(|(_, other)| other != at);
    let unexpected = (0..found.len()).filter(is_unexpected);
    lines.extend(unexpected.map(|at| Line::Unexpected(cells(&found[at]))));
}

fn cells_of(expected: &Expected) -> Cells {
    shown(expected.sign.map(Sign::text).map(str::to_owned), &expected.row)
}

fn cells(seen: &Seen) -> Cells {
    shown(seen.kind.map(|kind| kind.to_string()), &seen.row)
}

fn shown(sign: Option<String>, row: &Row) -> Cells {
    sign.into_iter().chain(row.values().iter().map(Value::shown)).collect()
}
