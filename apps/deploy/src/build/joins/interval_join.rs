//! `interval_join`: every pair whose event times lie within bounds of each other.

use super::output::{Output, sides};
use super::{LATE_LEFT, LATE_RIGHT, Side, key, kind};
use crate::registry::Outputs;
use crate::site::Site;
use tidegate::prelude::*;
use tidegate_rows::Row;
use tidegate_topology::plan::IntervalPlan;

pub(in crate::build) fn interval_join(
    site: Site<'_>,
    plan: &IntervalPlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Outputs {
    let interval = super::interval(plan.bounds);
    let (late_left, late_right) = (Side::new(site, LATE_LEFT), Side::new(site, LATE_RIGHT));
    let (left, right) = (left.key_by(key(&plan.keys.left)), right.key_by(key(&plan.keys.right)));
    let join = left.interval_join(&right).between(interval.lower_ms, interval.upper_ms);
    let join = join.kind(kind(plan.kind));
    let join = late_left.tell(join, |join, tag| join.late_left(tag));
    let join = late_right.tell(join, |join, tag| join.late_right(tag));
    let joined = site.own(join.join());
    let rows = Output::of_pairs(&plan.output).of_sides(site, &joined, sides);
    late_right.add(late_left.add(Outputs::main(rows), &joined), &joined)
}
