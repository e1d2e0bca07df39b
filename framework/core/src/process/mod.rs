//! Process functions: what users write when no ready-made operator does it.
//!
//! Apart from [`crate::operator`] because this is the comfortable door: the runner's resumable
//! contract is kept here once, so that a user's function only says what happens to one record and
//! what happens when one timer fires. [`KeyedProcess`] has state and timers per key; [`Process`] is
//! for streams without keys and has neither. Each has a sibling over two streams, [`KeyedCoProcess`]
//! and [`CoProcess`], and one with rules that all subtasks share, [`KeyedBroadcastProcess`] and
//! [`BroadcastProcess`].

mod broadcast;
mod co;
mod hold;
mod keyed;
mod unkeyed;
mod unkeyed_broadcast;
mod unkeyed_co;

pub use broadcast::{BroadcastOperator, DataSide, KeyedBroadcastProcess, KeyedData};
pub use co::{KeyedCoProcess, KeyedCoProcessOperator};
pub use keyed::{KeyedContext, KeyedProcess, KeyedProcessOperator, Timer};
pub use unkeyed::{Process, ProcessContext, ProcessOperator};
pub use unkeyed_broadcast::{BroadcastProcess, UnkeyedData};
pub use unkeyed_co::{CoProcess, CoProcessOperator};
