//! Joins of keyed streams window by window.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("auctions");
//! let stream = |uid: &str| job.source(uid, FromVec::new(vec![(1u64, 9u64)]), WatermarkStrategy::none());
//! let people = stream("people").key_by(|(id, _)| *id);
//! let auctions = stream("auctions").key_by(|(seller, _)| *seller);
//! // Everybody with each auction that they opened within the hour in which they came.
//! people
//!     .window_join(&auctions, Window::tumbling(3_600_000))
//!     .kind(JoinKind::Left)
//!     .join()
//!     .sink("rows", Collect::new());
//! // The same pairs as a row of one's own, without a copy of either record.
//! people
//!     .window_join(&auctions, Window::tumbling(3_600_000))
//!     .apply(|window: &WindowContext<'_, u64>, pair| (window.window.start, pair.right().map(|r| r.1)))
//!     .sink("items", Collect::new());
//! // Both sides of a visit at once.
//! people
//!     .co_group(&auctions, Session::with_gap(60_000))
//!     .apply(|visit: &WindowContext<'_, u64>, came, opened, out| {
//!         out.emit((*visit.key, came.len(), opened.len()));
//!     })
//!     .sink("visits", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::connect::ConnectedStreams;
use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::Value;
use tidegate_operators::join::{CoGroup, JoinKind, Joined, Records, Tagged, WindowJoin};
use tidegate_operators::window::{InvalidWindowing, WindowAssigner, WindowContext, WindowOutput};

/// Why the operator can be made when the job is built.
const REFUSED_BEFORE: &str = "a job with windows that cannot be is refused before it is built";

impl<A, K, F> KeyedStream<A, F>
where
    A: Data + Value,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// Every pair of a record of this stream, the left one, and one of `other` with the same key in the
    /// same window.
    pub fn window_join<B, S, W>(
        &self,
        other: &KeyedStream<B, S>,
        windows: W,
    ) -> WindowJoinedStreams<A, F, B, S, WindowJoin<A, B, W>>
    where
        B: Data + Value,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
        W: WindowAssigner<Tagged<A, B>>,
    {
        WindowJoinedStreams { streams: self.connect(other), windows: WindowJoin::new(windows) }
    }

    /// All records of this stream, the left ones, and of `other` with the same key in the same window,
    /// for a function.
    pub fn co_group<B, S, W>(
        &self,
        other: &KeyedStream<B, S>,
        windows: W,
    ) -> WindowJoinedStreams<A, F, B, S, CoGroup<A, B, W>>
    where
        B: Data + Value,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
        W: WindowAssigner<Tagged<A, B>>,
    {
        WindowJoinedStreams { streams: self.connect(other), windows: CoGroup::new(windows) }
    }
}

/// Two streams cut into the same windows, as `P` says: a [`WindowJoin`] or a [`CoGroup`].
pub struct WindowJoinedStreams<A, F, B, S, P> {
    streams: ConnectedStreams<A, F, B, S>,
    windows: P,
}

impl<A, K, F, B, S, P> WindowJoinedStreams<A, F, B, S, P>
where
    A: Data,
    B: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
{
    fn map(self, change: impl FnOnce(P) -> P) -> Self {
        Self { streams: self.streams, windows: change(self.windows) }
    }

    /// Notes that there are no such windows; the job is then refused.
    fn expect_valid(&self, valid: Result<(), InvalidWindowing>) {
        if let Err(error) = valid {
            self.streams.first.complain(error.to_string());
        }
    }
}

/// What the operator is called; windows that are not kept in slices have a state of another form.
fn kind(name: &str, is_sliced: bool) -> String {
    if is_sliced { name.to_owned() } else { format!("general-{name}") }
}

impl<A, K, F, B, S, W> WindowJoinedStreams<A, F, B, S, WindowJoin<A, B, W>>
where
    A: Data + Value,
    B: Data + Value,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    W: WindowAssigner<Tagged<A, B>>,
{
    /// Says whose records come out also when they stay alone; of itself nobody's.
    #[must_use]
    pub fn kind(self, kind: JoinKind) -> Self {
        self.map(|windows| windows.kind(kind))
    }

    /// Keeps event-time windows for late records until the watermark has gone so far past them.
    #[must_use]
    pub fn allowed_lateness(self, allowed_lateness_ms: i64) -> Self {
        self.map(|windows| windows.allowed_lateness(allowed_lateness_ms))
    }

    /// Sends records of the left stream that are late for all their windows to a side output of the join.
    #[must_use]
    pub fn late_left(self, tag: &OutputTag<A>) -> Self {
        self.map(|windows| windows.side_output_late_left(tag.clone()))
    }

    /// Sends records of the right stream that are late for all their windows to a side output of the
    /// join.
    #[must_use]
    pub fn late_right(self, tag: &OutputTag<B>) -> Self {
        self.map(|windows| windows.side_output_late_right(tag.clone()))
    }

    /// The rows of the join. Windows that cannot be are refused with the job.
    pub fn join(self) -> Stream<Joined<A, B>> {
        self.apply(|_, row| row.cloned())
    }

    /// What `function` makes of each row, given the window.
    pub fn apply<U: Data>(
        self,
        function: impl Fn(&WindowContext<'_, K>, Joined<&A, &B>) -> U + Clone + Send + Sync + 'static,
    ) -> Stream<U> {
        self.expect_valid(self.windows.validate());
        let Self { streams, windows } = self;
        let (first, second) = (streams.first.key(), streams.second.key());
        let (kind, detail) = (kind("window-join", windows.is_sliced()), windows.describe());
        let make = move || {
            let (first, second) = (first.clone(), second.clone());
            windows.clone().into_operator(first, second, function.clone()).expect(REFUSED_BEFORE)
        };
        streams.operator(&kind, make).detail(&detail).meaning(&detail)
    }
}

impl<A, K, F, B, S, W> WindowJoinedStreams<A, F, B, S, CoGroup<A, B, W>>
where
    A: Data + Value,
    B: Data + Value,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    W: WindowAssigner<Tagged<A, B>>,
{
    /// Keeps event-time windows for late records until the watermark has gone so far past them.
    #[must_use]
    pub fn allowed_lateness(self, allowed_lateness_ms: i64) -> Self {
        self.map(|windows| windows.allowed_lateness(allowed_lateness_ms))
    }

    /// Sends records of the left stream that are late for all their windows to a side output.
    #[must_use]
    pub fn late_left(self, tag: &OutputTag<A>) -> Self {
        self.map(|windows| windows.side_output_late_left(tag.clone()))
    }

    /// Sends records of the right stream that are late for all their windows to a side output.
    #[must_use]
    pub fn late_right(self, tag: &OutputTag<B>) -> Self {
        self.map(|windows| windows.side_output_late_right(tag.clone()))
    }

    /// What `function` emits for each key and firing, given the window and both sides, of which one may
    /// be empty. Windows that cannot be are refused with the job.
    pub fn apply<U: Data>(
        self,
        function: impl Fn(
            &WindowContext<'_, K>,
            Records<'_, A>,
            Records<'_, B>,
            &mut WindowOutput<'_, U>,
        ) + Clone
        + Send
        + Sync
        + 'static,
    ) -> Stream<U> {
        self.expect_valid(self.windows.validate());
        let Self { streams, windows } = self;
        let (first, second) = (streams.first.key(), streams.second.key());
        let (kind, detail) = (kind("co-group", windows.is_sliced()), windows.describe());
        let make = move || {
            let (first, second) = (first.clone(), second.clone());
            windows.clone().into_operator(first, second, function.clone()).expect(REFUSED_BEFORE)
        };
        streams.operator(&kind, make).detail(&detail).meaning(&detail)
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use tidegate_core::key::MaxParallelism;
    use tidegate_core::plan::Plan;

    fn check(draw: impl FnOnce(&Stream<u64>), expected: &str) {
        let job = Job::new("joined");
        draw(&job.source("n", FromVec::new(vec![1u64]), WatermarkStrategy::none()));
        let text = match job.into_graph() {
            Ok(graph) => {
                Plan::new(graph, 2, MaxParallelism::DEFAULT).expect("a sound graph").explain()
            }
            Err(complaint) => complaint,
        };
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_plan_says_how_the_windows_of_a_join_are_kept() {
        let sliced = "(window-join): tumbling, 5 ms; kept in slices";
        check(
            |n| {
                let n = n.key_by(|n| *n);
                drop(n.window_join(&n, Window::tumbling(5)).join());
            },
            sliced,
        );
        let general = "(general-co-group): session with a gap of 5 ms; kept one by one";
        check(
            |n| {
                let n = n.key_by(|n| *n);
                let visits = n.co_group(&n, Session::with_gap(5));
                drop(visits.apply(|_, left, right, out| out.emit(left.len() + right.len())));
            },
            general,
        );
    }

    #[test]
    fn windows_of_a_join_that_cannot_be_are_refused_with_the_job() {
        check(
            |n| {
                let n = n.key_by(|n| *n);
                drop(n.window_join(&n, Window::sliding(5, 0)).join());
            },
            "a window's slide is 0 ms",
        );
        check(
            |n| {
                let n = n.key_by(|n| *n);
                let visits = n.co_group(&n, Session::with_gap(5)).allowed_lateness(-1);
                drop(visits.apply(|_, left, _, out| out.emit(left.len())));
            },
            "a window's allowed lateness is -1 ms",
        );
    }
}
