//! What the suites of all crates share.

pub mod bench;
pub mod conformance;
pub mod harness;
pub mod installed;
pub mod lookups;
pub mod shared_material;
