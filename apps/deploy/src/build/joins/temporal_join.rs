//! `temporal_join`: each left row with the version of the right table that was valid at its time.

use super::output::{Output, sides};
use super::{LATE_LEFT, Side, key};
use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::unusable;
use tidegate::prelude::*;
use tidegate_rows::Row;
use tidegate_rows::expression::Predicate;
use tidegate_topology::plan::TemporalPlan;

const LATE_VERSIONS: &str = "late_versions";

pub(in crate::build) fn temporal_join(
    site: Site<'_>,
    plan: &TemporalPlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Outputs {
    let (late_left, late_versions) = (Side::new(site, LATE_LEFT), Side::new(site, LATE_VERSIONS));
    let versions = match &plan.tombstones {
        Some(are) => usable(site, are, right),
        None => right.clone(),
    };
    let (left, versions) =
        (left.key_by(key(&plan.keys.left)), versions.key_by(key(&plan.keys.right)));
    let validity = plan.valid_ms.map_or(Validity::UntilReplaced, Validity::AtMostMs);
    let join = left.temporal_join(&versions, validity);
    let join = match plan.tombstones.clone() {
        // Those of which it cannot be said have been left out.
        Some(are) => join.tombstones(move |row| are.test(row).unwrap_or(false)),
        None => join,
    };
    let join = if plan.left_outer { join.left_outer() } else { join };
    let join = late_left.tell(join, |join, tag| join.late_left(tag));
    let join = late_versions.tell(join, |join, tag| join.late_versions(tag));
    let joined = site.own(join.join());
    let rows = Output::of_pairs(&plan.output).of_sides(site, &joined, sides);
    late_versions.add(late_left.add(Outputs::main(rows), &joined), &joined)
}

/// Versions of which it can be said whether they delete.
fn usable(site: Site<'_>, are: &Predicate, versions: &Stream<Row>) -> Stream<Row> {
    let are = are.clone();
    let usable = site.step("tombstones", versions, move |row: Row| match are.test(&row) {
        Ok(_) => Ok(Some(row)),
        Err(error) => Err(unusable(&error, &row)),
    });
    site.before("tombstones", 1, usable)
}
