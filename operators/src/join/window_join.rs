//! `window_join`: every pair of records with the same key in the same window.
//!
//! Any windows will do: tumbling, sliding and cumulating ones, which are kept in slices (a record stands
//! in one place however many windows overlap there); sessions, which merge over both streams; windows of
//! the wall clock. When a window fires, each of its left records comes out with each of its right ones of
//! the same key; one whose key has no record on the other side comes out alone where the
//! [kind](JoinKind) of the join keeps its side. All rows carry the window's last millisecond. Records in
//! different windows never meet, however close in time: that is what [`super::IntervalJoin`] is for.
//!
//! *Late records* are treated as by any window ([`crate::window::SlicedWindow`]): within the allowed
//! lateness a record makes the windows that it belongs to fire again for its key, with all pairs of that
//! window and not only the new ones; one that is late for all its windows goes to the late output of its
//! side, and is counted as dropped where none is connected.
//!
//! The rows of a window come in the order of a hash table, those of a key together: each left record with
//! all right ones. However many pairs there are, no more are made than the output has room for.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::join::{JoinKind, Joined, WindowJoin};
//! use tidegate_operators::window::Window;
//!
//! // Who has opened an auction in the ten milliseconds in which they registered?
//! let join = WindowJoin::new(Window::tumbling(10)).kind(JoinKind::Left);
//! let mut join = join.into_operator(
//!     |(id, _): &(u64, String)| *id,
//!     |(seller, _): &(u64, String)| *seller,
//!     |_, row| row.cloned(),
//! )?;
//! let record = |id: u64, what: &str, at| Record {
//!     value: (id, what.to_owned()), timestamp: Timestamp(at), key_hash: id.stable_hash(),
//! };
//! let mut ctx = Context::new(16);
//! join.process(&mut Batch::new(vec![record(7, "Ann", 3)], vec![]), &mut ctx)?;
//! join.process_second(&mut Batch::new(vec![record(7, "lamp", 9), record(7, "vase", 10)], vec![]), &mut ctx)?;
//! join.on_watermark(Timestamp(19), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [(Joined::Both((7, "Ann".to_owned()), (7, "lamp".to_owned())), 9)]);
//! # Ok::<(), BoxError>(())
//! ```

use super::joined::{JoinKind, Joined};
use super::windowed::function::Pairs;
use super::windowed::{Tagged, Windows};
use crate::window::{InvalidWindowing, WindowAssigner, WindowContext};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, OutputTag};
use tidegate_core::state::Value;

/// What to join: records in the same windows of `W`.
#[derive(Clone, Debug)]
pub struct WindowJoin<L, R, W> {
    windows: Windows<L, R, W>,
    kind: JoinKind,
}

impl<L: Data + Value, R: Data + Value, W: WindowAssigner<Tagged<L, R>>> WindowJoin<L, R, W> {
    /// An inner join in the windows of `assigner`, with the lateness that it allows.
    #[must_use]
    pub fn new(assigner: W) -> Self {
        Self { windows: Windows::new(assigner), kind: JoinKind::Inner }
    }

    /// Says whose records come out also when they stay alone.
    #[must_use]
    pub fn kind(mut self, kind: JoinKind) -> Self {
        self.kind = kind;
        self
    }

    /// Keeps event-time windows for late records until the watermark has gone `allowed_lateness_ms` past
    /// them.
    #[must_use]
    pub fn allowed_lateness(mut self, allowed_lateness_ms: i64) -> Self {
        self.windows.allowed_lateness_ms = allowed_lateness_ms;
        self
    }

    /// Sends records of the left side that are late for all their windows to `tag`.
    #[must_use]
    pub fn side_output_late_left(mut self, tag: OutputTag<L>) -> Self {
        self.windows.late_left = Some(tag);
        self
    }

    /// Sends records of the right side that are late for all their windows to `tag`.
    #[must_use]
    pub fn side_output_late_right(mut self, tag: OutputTag<R>) -> Self {
        self.windows.late_right = Some(tag);
        self
    }

    /// Checks that there are such windows.
    ///
    /// # Errors
    /// Says what makes no sense and what to do.
    pub fn validate(&self) -> Result<(), InvalidWindowing> {
        self.windows.validate()
    }

    /// Whether records are kept in slices, not in each window by itself.
    #[must_use]
    pub fn is_sliced(&self) -> bool {
        self.windows.slices().is_some()
    }

    /// What these windows are and how they are kept, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        self.windows.describe()
    }

    /// The operator, for streams that are keyed by `left_key` and `right_key`; `function` makes a row of
    /// each pair, or record that stayed alone.
    ///
    /// # Errors
    /// As [`WindowJoin::validate`].
    pub fn into_operator<K: Key, U: Data>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
        function: impl Fn(&WindowContext<'_, K>, Joined<&L, &R>) -> U + Send + 'static,
    ) -> Result<impl CoOperator<In = L, Second = R, Out = U>, InvalidWindowing> {
        let pairs = Pairs { kind: self.kind, function };
        self.windows.operator(Box::new(left_key), Box::new(right_key), pairs)
    }
}
