//! Joins of two streams: cases, and properties against their definitions.

mod books;
mod cases;
mod model;
mod properties;
mod versions;
mod window_model;
mod windows;
