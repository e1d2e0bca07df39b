//! `unbounded_join`: every pair of rows with the same key, whenever they come.
//!
//! SQL's join without a window: each row is kept and meets all rows of the other side that come later.
//! Nothing but [`Retain`] bounds the state, so it must be said. What is retained for a time goes by the wall
//! clock, from a row's arrival; a row whose time is over is evicted and counted as dropped. It then finds
//! no more partners, but nothing is taken back: what came out of it stays.
//!
//! [`InnerJoin`] is for records that are only ever added: pairs come out and stand. [`ManyToOneJoin`] is the same where there
//! is one record at most on the right of each key: what is on the left is let go as soon as it is paired, which is most
//! of the state. [`ChangelogJoin`] is for rows that come and
//! go, and for the outer kinds, whose results are revised: a row without a partner comes out alone (`+I`);
//! with the first partner that is taken back (`-D`), and with the loss of the last one it is told again.
//! What comes out of a change of a row is `+I` or `-D`, also where the row was updated: the pairs of the two halves need not
//! follow each other. A retraction takes one equal row out; where there is none it is counted as
//! dropped.
//!
//! What comes out carries the event time of the record it follows from. A watermark has no part in it.
//!
//! ```
//! use tidegate_core::{changelog::Change, element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{Retain, join::{JoinKind, UnboundedJoin}};
//!
//! // Orders with their customers, and those whose customer is not known.
//! let join = UnboundedJoin::new(JoinKind::Left, Retain::Forever);
//! let mut join = join.of_changelogs(|order: &(u64, char)| order.0, |customer: &(u64, char)| customer.0);
//! let record = |row: (u64, char)| {
//!     let change = Record::new(Change::insert(row), Timestamp(1));
//!     Batch::new(vec![Record { key_hash: row.0.stable_hash(), ..change }], vec![])
//! };
//! let mut ctx = Context::new(16);
//! join.process(&mut record((7, 'o')), &mut ctx)?;
//! join.process_second(&mut record((7, 'c')), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| format!("{:?}", row.value.row)).collect();
//! assert_eq!(rows, ["Left((7, 'o'))", "Left((7, 'o'))", "Both((7, 'o'), (7, 'c'))"]);
//! # Ok::<(), BoxError>(())
//! ```

mod changelog_join;
mod inner_join;
mod many_to_one;
mod rows;
mod tables;

pub use changelog_join::ChangelogJoin;
pub use inner_join::InnerJoin;
pub use many_to_one::ManyToOneJoin;

use super::joined::JoinKind;
use crate::Retain;
use tables::Tables;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::Value;

/// A join of two streams without a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnboundedJoin {
    kind: JoinKind,
    retain: Retain,
}

impl UnboundedJoin {
    /// A join that keeps the rows of both sides as long as `retain` says.
    #[must_use]
    pub const fn new(kind: JoinKind, retain: Retain) -> Self {
        Self { kind, retain }
    }

    /// The operator for the pairs of records that are only ever added, for streams that are keyed by
    /// `left_key` and `right_key`.
    pub fn inner<K: Key, L: Data + Value, R: Data + Value>(
        retain: Retain,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> InnerJoin<K, L, R> {
        InnerJoin::new(Tables::new(retain), Box::new(left_key), Box::new(right_key))
    }

    /// As [`UnboundedJoin::inner`] where a key has one record at most on the right, as an order has among its
    /// items. Another one for the same key is counted as dropped: the first one stands.
    pub fn many_to_one<K: Key, L: Data + Value, R: Data + Value>(
        retain: Retain,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> ManyToOneJoin<K, L, R> {
        ManyToOneJoin::new(Tables::new(retain), Box::new(left_key), Box::new(right_key))
    }

    /// The operator for changelogs that are keyed by `left_key` and `right_key`.
    pub fn of_changelogs<K: Key, L: Data + Value + PartialEq, R: Data + Value + PartialEq>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> ChangelogJoin<K, L, R> {
        let tables = Tables::new(self.retain);
        ChangelogJoin::new(self.kind, tables, Box::new(left_key), Box::new(right_key))
    }
}
