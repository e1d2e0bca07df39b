//! `outer_join`: each side waits for the other for a while, and then comes out alone.

use super::output::{Output, sides};
use super::{LATE_LEFT, LATE_RIGHT, Side, key, kind};
use crate::registry::Outputs;
use crate::site::Site;
use tidegate::prelude::*;
use tidegate_rows::Row;
use tidegate_topology::document;
use tidegate_topology::plan::OuterPlan;

pub(in crate::build) fn outer_join(
    site: Site<'_>,
    plan: &OuterPlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Outputs {
    let (late_left, late_right) = (Side::new(site, LATE_LEFT), Side::new(site, LATE_RIGHT));
    let join: OuterJoin<Row, Row> = OuterJoin::waiting(plan.left_waits_ms, plan.right_waits_ms);
    let join = join.kind(kind(plan.kind)).pairing(pairing(plan.pairing));
    let join = if plan.by_wall_clock { join.processing_time() } else { join };
    let join = late_left.tell(join, |join, tag| join.side_output_late_left(tag.clone()));
    let join = late_right.tell(join, |join, tag| join.side_output_late_right(tag.clone()));
    let (left, right) = (left.key_by(key(&plan.keys.left)), right.key_by(key(&plan.keys.right)));
    let joined = site.own(left.connect(&right).join(join));
    let rows = Output::of_pairs(&plan.output).of_sides(site, &joined, sides);
    late_right.add(late_left.add(Outputs::main(rows), &joined), &joined)
}

const fn pairing(pairing: document::Pairing) -> Pairing {
    match pairing {
        document::Pairing::OneToOne => Pairing::OneToOne,
        document::Pairing::OneToMany => Pairing::OneToMany,
        document::Pairing::ManyToOne => Pairing::ManyToOne,
        document::Pairing::ManyToMany => Pairing::ManyToMany,
    }
}
