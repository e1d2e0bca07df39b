//! `unbounded_join`: every pair, whenever its rows come.

use super::output::Output;
use super::{key, kind};
use crate::flow::Flow;
use crate::registry::Outputs;
use crate::site::Site;
use tidegate::prelude::*;
use tidegate_rows::Row;
use tidegate_topology::plan::UnboundedPlan;

pub(in crate::build) fn unbounded_join(
    site: Site<'_>,
    plan: &UnboundedPlan,
    left: &Flow,
    right: &Flow,
) -> Outputs {
    let retain = plan.retain_ms.map_or(Retain::Forever, Retain::For);
    let (left_key, right_key) = (key(&plan.keys.left), key(&plan.keys.right));
    let output = Output::of_pairs(&plan.output);
    if !plan.of_changes {
        let (left, right) = (left.rows().key_by(left_key), right.rows().key_by(right_key));
        let both = left.connect(&right);
        let pairs = site.own(if plan.many_to_one {
            both.many_to_one_join(retain)
        } else {
            both.unbounded_join(retain)
        });
        let rows = output.of_sides(site, &pairs, |(left, right)| (Some(left), Some(right)));
        return Outputs::main(rows);
    }
    let left = changes(site, "left-changes", 0, left).key_by(left_key);
    let right = changes(site, "right-changes", 1, right).key_by(right_key);
    let joined = left.unbounded_join(&right, kind(plan.kind), retain);
    let joined = site.own(joined.changes().clone());
    Outputs::main(output.of_changes(site, &joined))
}

/// An input as changes; rows that stay only add.
fn changes(site: Site<'_>, part: &str, input: usize, flow: &Flow) -> ChangelogStream<Row> {
    match flow {
        Flow::Changes(changes) => changes.clone(),
        Flow::Rows(rows) => {
            let inserts = site.before(part, input, rows.map(Change::insert));
            ChangelogStream::from_changes(inserts)
        }
    }
}
