//! One row of each key.

use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::unusable;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, RowKey, Value};
use tidegate_topology::plan::DedupPlan;

/// The side output of rows that come too late to be first by event time.
const LATE: &str = "late";

/// One row of each key.
///
/// # Errors
/// When a filter would be too large for this machine.
pub(super) fn dedup(
    site: Site<'_>,
    plan: &DedupPlan,
    rows: &Stream<Row>,
) -> Result<Outputs, String> {
    match plan {
        DedupPlan::First { key, by_time: false, retain_ms, refreshed } => {
            let (retain, refreshed) = (retain(*retain_ms), *refreshed);
            let first = rows.key_by(by(key)).process(move || {
                let first = FirstRow::new(retain);
                if refreshed { first.refreshed_by_duplicates() } else { first }
            });
            Ok(Outputs::main(site.own(first)))
        }
        DedupPlan::First { key, by_time: true, retain_ms, .. } => {
            Ok(first_by_time(site, key, retain(*retain_ms), rows))
        }
        DedupPlan::Last { key, by_time, retain_ms } => {
            let (retain, by_time) = (retain(*retain_ms), *by_time);
            let last = rows.key_by(by(key)).process(move || {
                let last = LastRow::new(retain);
                if by_time { last.by_event_time() } else { last }
            });
            Ok(Outputs::main(ChangelogStream::from_changes(site.own(last))))
        }
        DedupPlan::Bitmap(id) => Ok(first_by_bitmap(site, id, rows)),
        DedupPlan::Bloom { key, expected, false_positives } => {
            let size = BloomFirst::sized(filter(*expected)?, *false_positives);
            let key = by(key);
            Ok(Outputs::main(site.own(rows.first_row_by_bloom(key, size))))
        }
    }
}

/// The key in these columns.
fn by(columns: &[usize]) -> impl Fn(&Row) -> RowKey + Clone + Send + Sync + 'static {
    let columns: Arc<[usize]> = columns.into();
    move |row| RowKey::of(row, &columns)
}

fn retain(millis: Option<i64>) -> Retain {
    millis.map_or(Retain::Forever, Retain::For)
}

/// The most keys that a filter is made for: it would take some terabytes.
const KEYS_MAX: u64 = 1_000_000_000_000;

fn filter(expected: u64) -> Result<usize, String> {
    let fits = usize::try_from(expected).ok().filter(|_| expected <= KEYS_MAX);
    fits.ok_or_else(|| format!("a filter of {expected} keys is too large; the most are {KEYS_MAX}"))
}

fn first_by_time(site: Site<'_>, key: &[usize], retain: Retain, rows: &Stream<Row>) -> Outputs {
    let late: Option<OutputTag<Row>> = site.uses(LATE).then(|| OutputTag::new(LATE));
    let tag = late.clone();
    let first = rows.key_by(by(key)).process(move || {
        let first = FirstRowByTime::new(retain);
        match &tag {
            Some(tag) => first.side_output_late(tag.clone()),
            None => first,
        }
    });
    let first = site.own(first);
    let outputs = Outputs::main(first.clone());
    match late {
        Some(tag) => outputs.side(LATE, first.side_output(&tag)),
        None => outputs,
    }
}

/// The number is computed once, in front.
fn first_by_bitmap(site: Site<'_>, id: &Evaluator, rows: &Stream<Row>) -> Outputs {
    let id = id.clone();
    let numbered = site.step("numbered", rows, move |row: Row| match number(&id, &row) {
        Ok(number) => Ok(Some((number, row))),
        Err(reason) => Err(unusable(&reason, &row)),
    });
    let numbered: Stream<(u64, Row)> = site.before("numbered", 0, numbered);
    let first = site.own(numbered.first_row_by_bitmap(|(number, _)| *number));
    Outputs::main(site.behind("rows", first.map(|(_, row)| row)))
}

fn number(id: &Evaluator, row: &Row) -> Result<u64, String> {
    match id.evaluate(row).map_err(|error| error.to_string())? {
        Value::Int64(number) => u64::try_from(number)
            .map_err(|_| format!("the id {number} is below zero, and a bitmap has no bit for it")),
        _ => Err("the id is NULL, and a bitmap has no bit for it".to_owned()),
    }
}
