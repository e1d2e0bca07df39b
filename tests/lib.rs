//! What the suites of all crates share.

pub mod bench;
pub mod harness;
pub mod shared_material;
