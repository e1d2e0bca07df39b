//! `reconcile`: two accounts of the same events, matched one to one, with books.

use super::output::Output;
use super::{Side, key};
use crate::registry::Outputs;
use crate::site::Site;
use tidegate::operators::join::Ledger;
use tidegate::prelude::*;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::ReconcilePlan;

const UNMATCHED_LEFT: &str = "unmatched_left";
const UNMATCHED_RIGHT: &str = "unmatched_right";
const BOOKS: &str = "books";

pub(in crate::build) fn reconcile(
    site: Site<'_>,
    plan: &ReconcilePlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Result<Outputs, String> {
    let interval = super::interval(plan.bounds);
    let matching = Reconciliation::within(interval).map_err(|error| error.to_string())?;
    let (alone_left, alone_right, books) =
        (Side::new(site, UNMATCHED_LEFT), Side::new(site, UNMATCHED_RIGHT), Side::new(site, BOOKS));
    let matching = alone_left.tell(matching, |matching, tag| matching.unmatched_left(tag.clone()));
    let matching =
        alone_right.tell(matching, |matching, tag| matching.unmatched_right(tag.clone()));
    let matching = match plan.books_ms {
        Some(every_ms) => {
            books.tell(matching, |matching, tag| matching.books(tag.clone(), every_ms))
        }
        None => matching,
    };
    let (left, right) = (left.key_by(key(&plan.keys.left)), right.key_by(key(&plan.keys.right)));
    let matched = site.own(left.connect(&right).reconcile(matching));
    let rows = Output::of_pairs(&plan.output)
        .of_sides(site, &matched, |(left, right)| (Some(left), Some(right)));
    let outputs = Outputs::main(rows);
    let outputs = alone(site, &alone_left, outputs, &matched);
    let outputs = alone(site, &alone_right, outputs, &matched);
    Ok(match books.stream(&matched) {
        Some((name, told)) => outputs.side(name, site.behind(name, told.map(page))),
        None => outputs,
    })
}

/// The rows that stay alone, as they came in.
fn alone(
    site: Site<'_>,
    side: &Side<Unmatched<Row>>,
    outputs: Outputs,
    matched: &Stream<(Row, Row)>,
) -> Outputs {
    match side.stream(matched) {
        Some((name, alone)) => {
            let rows = alone.map(|alone| alone.record);
            outputs.side(name, site.behind(name, rows))
        }
        None => outputs,
    }
}

/// Books as a row.
fn page(books: Books) -> Row {
    Row::new([entries(&books.left), entries(&books.right)])
}

fn entries(of: &Ledger) -> Value {
    let entries = [of.received, of.matched, of.unmatched, of.late, of.pending];
    // Nobody counts so far.
    Value::structure(entries.map(|number| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX))))
}
