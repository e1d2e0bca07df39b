//! Topologies are deployed and run in this process; what their sinks get is looked at, at parallelism 1 and 2 and with a
//! fault on the way.

mod aggregates;
mod dedup;
mod joins;
mod lookups;
mod rankings;
mod rig;
mod steps;
mod windows;
