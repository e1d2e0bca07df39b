//! Joins: two keyed streams, and what becomes of the records that find no partner.
//!
//! - [`IntervalJoin`]: every pair whose event times lie within bounds of each other;
//! - [`OuterJoin`]: each side waits for the other for a while, and is then told that it waited in vain;
//! - [`Reconciliation`]: two accounts of the same events, matched one to one, with books that balance;
//! - [`TemporalJoin`]: each record with the version of a table that was valid at its time;
//! - [`WindowJoin`]: every pair in the same window; [`CoGroup`]: both sides of a window, to a function.
//! - [`UnboundedJoin`]: every pair whenever its rows come, over records or over rows that come and go.
//!
//! All but the last keep what waits per key and in the order of time (`buffer`), one look-up per record for
//! both sides (`sides`), and an agenda of when to look again (`crate::agenda`). It is in no
//! snapshot: it follows from what waits, and is drawn up anew when the operator opens.

mod books;
mod bounds;
mod buffer;
mod co_group;
mod half;
mod interval_join;
mod joined;
mod matcher;
mod outer_join;
mod reconciliation;
mod settlement;
mod sides;
mod temporal_join;
mod unbounded;
mod window_join;
mod windowed;

pub use books::{Books, Ledger};
pub use bounds::{Interval, InvalidInterval};
pub use co_group::CoGroup;
pub use interval_join::{IntervalJoin, IntervalJoinOperator};
pub use joined::{JoinKind, Joined};
pub use outer_join::{Clock, OuterJoin, OuterJoinOperator, Pairing};
pub use reconciliation::{Reason, Reconciliation, ReconciliationOperator, Unmatched};
pub use temporal_join::{InvalidValidity, TemporalJoin, TemporalJoinOperator, Validity};
pub use unbounded::{ChangelogJoin, InnerJoin, ManyToOneJoin, UnboundedJoin};
pub use window_join::WindowJoin;
pub use windowed::{Records, Tagged};
