//! `co_group`: what a function makes of all records of both streams with the same key in the same window.
//!
//! The form under every windowed join: the function is called once for each key and firing, with both
//! sides, of which one may be empty, and emits what it likes. Windows, late records and event times are
//! those of [`super::WindowJoin`].
//!
//! What a function emits beyond the room of the output waits in memory: for pairs, of which there may be
//! very many, [`super::WindowJoin`] needs none.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{join::CoGroup, window::Session};
//!
//! // Views and purchases of a visit.
//! let mut visits = CoGroup::new(Session::with_gap(10)).into_operator(
//!     |user: &u64| *user,
//!     |user: &u64| *user,
//!     |visit, views, purchases, out| {
//!         out.emit((visit.window.to_string(), views.len(), purchases.len()));
//!     },
//! )?;
//! let record = |user: u64, at| Record { value: user, timestamp: Timestamp(at), key_hash: user.stable_hash() };
//! let mut ctx = Context::new(16);
//! visits.process(&mut Batch::new(vec![record(7, 0), record(7, 15)], vec![]), &mut ctx)?;
//! visits.process_second(&mut Batch::new(vec![record(7, 8)], vec![]), &mut ctx)?;
//! visits.on_watermark(Timestamp(99), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().into_iter().map(|row| row.value).collect();
//! assert_eq!(rows, [("[0, 25)".to_owned(), 2, 1)]);
//! # Ok::<(), BoxError>(())
//! ```

use super::windowed::function::Grouped;
use super::windowed::{Records, Tagged, Windows};
use crate::window::{InvalidWindowing, WindowAssigner, WindowContext, WindowOutput};
use std::collections::VecDeque;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, OutputTag};
use tidegate_core::state::Value;

/// What to group: records in the same windows of `W`.
#[derive(Clone, Debug)]
pub struct CoGroup<L, R, W> {
    windows: Windows<L, R, W>,
}

impl<L: Data + Value, R: Data + Value, W: WindowAssigner<Tagged<L, R>>> CoGroup<L, R, W> {
    /// Groups in the windows of `assigner`, with the lateness that it allows.
    #[must_use]
    pub fn new(assigner: W) -> Self {
        Self { windows: Windows::new(assigner) }
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

    /// The operator, for streams that are keyed by `left_key` and `right_key`; `function` is called for
    /// each key and firing.
    ///
    /// # Errors
    /// As [`CoGroup::validate`].
    pub fn into_operator<K: Key, U: Data>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
        function: impl Fn(
            &WindowContext<'_, K>,
            Records<'_, L>,
            Records<'_, R>,
            &mut WindowOutput<'_, U>,
        ) + Send
        + 'static,
    ) -> Result<impl CoOperator<In = L, Second = R, Out = U>, InvalidWindowing> {
        let grouped = Grouped { function, pending: VecDeque::new() };
        self.windows.operator(Box::new(left_key), Box::new(right_key), grouped)
    }
}
