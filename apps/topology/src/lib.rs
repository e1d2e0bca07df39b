//! YAML topologies: from the text of a file to a checked document, with diagnostics that teach.

pub mod code;
pub mod decode;
pub mod diagnostic;
pub mod limits;
pub mod source;
pub mod suggest;
pub mod tree;
