//! Topologies are deployed and run in this process; what their sinks get is looked at, at parallelism 1 and 2 and with a
//! fault on the way.

mod aggregates;
mod dead_letters;
mod dedup;
mod joins;
mod lookups;
mod patterns;
mod rankings;
mod recorded_patterns;
mod restarts;
mod rig;
#[expect(unreachable_pub, reason = "it is public in the package of the other tests")]
#[path = "../../../../tests/shared_material.rs"]
mod shared_material;
mod steps;
mod unit_test;
mod windows;
mod zones;
