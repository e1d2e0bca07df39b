//! The first rows of each key at any moment, as a changelog.
//!
//! ```text
//! rows or changes ── placed: with the values they are ordered by ──> the ranking, by key ──> rows, with their rank
//! ```

use crate::build::placed::Placed;
use crate::build::usable::extended;
use crate::flow::Flow;
use crate::registry::Outputs;
use crate::site::Site;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey, Value};
use tidegate_topology::plan::TopNPlan;

/// What the stage in front is called.
const PLACED: &str = "placed";

/// The first rows of each key.
pub(super) fn top_n(site: Site<'_>, plan: &TopNPlan, input: &Flow) -> Outputs {
    let order = plan.order.clone();
    let key: Arc<[usize]> = plan.key.clone().into();
    let by_key = move |placed: &Placed| RowKey::of(&placed.row, &key);
    let top = ranking(plan);
    match (input, plan.with_rank) {
        (Flow::Rows(rows), with_rank) => {
            let rows = site.step(PLACED, rows, move |row| Placed::of(&order, row).map(Some));
            let keyed = site.before(PLACED, 0, rows).key_by(by_key);
            match with_rank {
                true => ranks(site, &keyed.top_n(top)),
                false => rows_alone(site, &keyed.top_n_rows(top)),
            }
        }
        (Flow::Changes(changes), with_rank) => {
            let changes = site.step(PLACED, changes.changes(), move |change: Change<Row>| {
                let Change { kind, row } = change;
                Placed::of(&order, row).map(|row| Some(Change { kind, row }))
            });
            let changes = ChangelogStream::from_changes(site.before(PLACED, 0, changes));
            let keyed = changes.key_by(by_key);
            match with_rank {
                true => ranks(site, &keyed.top_n(top)),
                false => rows_alone(site, &keyed.top_n_rows(top)),
            }
        }
    }
}

fn ranking(plan: &TopNPlan) -> ContinuousTopN<Placed> {
    let top = ContinuousTopN::ordered(plan.n, Placed::by_order);
    let top = match plan.unique.is_empty() {
        true => top,
        false => {
            let unique = plan.unique.clone();
            top.unique_when(move |one: &Placed, other: &Placed| {
                unique.iter().all(|column| one.row.get(*column) == other.row.get(*column))
            })
        }
    };
    if plan.only_rising { top.only_rising() } else { top }
}

fn ranks(site: Site<'_>, ranked: &ChangelogStream<RankedRow<Placed>>) -> Outputs {
    let ranked = site.own(ranked.changes().clone());
    let rows = ranked.map(|change: Change<RankedRow<Placed>>| {
        change.map(|RankedRow { rank, row }| extended(row.row, Value::Int64(rank.into())))
    });
    Outputs::main(ChangelogStream::from_changes(site.behind("rows", rows)))
}

fn rows_alone(site: Site<'_>, rows: &ChangelogStream<Placed>) -> Outputs {
    let rows = site.own(rows.changes().clone());
    let rows = rows.map(|change: Change<Placed>| change.map(|placed| placed.row));
    Outputs::main(ChangelogStream::from_changes(site.behind("rows", rows)))
}
