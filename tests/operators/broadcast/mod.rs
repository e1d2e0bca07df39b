//! Functions beside a broadcast stream: cases, and properties against a model.

mod cases;
mod idleness;
mod judge;
mod model;
mod properties;
