//! Topologies are deployed and run in this process; what their sinks get is looked at, at parallelism 1 and 2 and with a
//! fault on the way.

mod rig;
mod steps;
mod unit_test;
