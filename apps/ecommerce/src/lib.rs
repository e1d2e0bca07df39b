//! The e-commerce jobs: each a lesson of a few dozen lines.

pub mod hot_items;
