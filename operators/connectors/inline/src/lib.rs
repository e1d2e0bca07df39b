//! Ends of a stream that need nothing outside the process: for examples, tests and terminals.

mod collect;
mod discard;
mod from_vec;
mod print;

pub use collect::{Collect, CollectCommitter, CollectSink};
pub use discard::{Discard, DiscardSink};
pub use from_vec::{FromVec, VecReader, VecSplit};
pub use print::{Print, PrintSink};
