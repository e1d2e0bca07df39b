//! Windows over streams.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("visits");
//! let clicks = job.source("clicks", FromVec::new(vec![1u64, 2, 1]), WatermarkStrategy::none());
//! let by_user = clicks.key_by(|user| *user);
//! by_user.window(Window::sliding(60_000, 5_000)).aggregate(Count::new()).sink("rate", Collect::new());
//! by_user
//!     .window(Session::with_gap(30_000))
//!     .trigger(PurgingTrigger(CountTrigger(10)))
//!     .process(|window: &WindowContext<'_, u64>, clicks, out| {
//!         out.emit((*window.key, window.window, clicks.len() as u64));
//!     })
//!     .sink("visits", Collect::new());
//! clicks.window_all(ProcessingTime(Window::tumbling(1000))).aggregate(Count::new())
//!     .sink("per-second", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```
//!
//! What can be computed slice by slice is: aggregates over tumbling and sliding windows of event time
//! that fire when they are complete. `--explain` says of each window operator which way it goes.

use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{Operator, OutputTag};
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_operators::window::{
    CountTrigger, EvictingWindowing, Evictor, GlobalWindows, InvalidWindowing, PurgingTrigger,
    Reduce, SlicedWindow, Stamped, Trigger, WallClockWindow, Window, WindowAssigner, WindowContext,
    WindowOutput, Windowed, Windowing,
};

/// What a window operator is called whose windows are computed from slices.
pub(crate) const SLICED: &str = "window";

/// What a window operator is called whose windows are those of the wall clock and tumble.
const WALL_CLOCK: &str = "wall-clock-window";

/// What a window operator is called whose windows are computed one by one. Its state is another one, so
/// a job does not go on from the state of the other.
const GENERAL: &str = "general-window";

/// A stream cut into windows, as `P` says: a [`Windowing`] or an [`EvictingWindowing`].
pub struct WindowedStream<T, F, P> {
    stream: KeyedStream<T, F>,
    windows: P,
    /// Whether all records meet in one subtask.
    all: bool,
    /// Whether records may be combined before the exchange.
    two_phase: bool,
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static> KeyedStream<T, F> {
    /// Cuts the stream into windows per key.
    pub fn window<W: WindowAssigner<T>>(
        &self,
        assigner: W,
    ) -> WindowedStream<T, F, Windowing<T, W, W::Trigger>> {
        let windows = Windowing::new(assigner);
        WindowedStream { stream: self.clone(), windows, all: false, two_phase: true }
    }

    /// Cuts the stream into windows of `n` records per key.
    pub fn count_window(
        &self,
        n: u64,
    ) -> WindowedStream<T, F, Windowing<T, GlobalWindows, PurgingTrigger<CountTrigger>>> {
        WindowedStream {
            stream: self.clone(),
            windows: Windowing::count(n),
            all: false,
            two_phase: true,
        }
    }

    /// Cuts the stream into windows of the last `n` records of a key, one every `slide` records.
    pub fn sliding_count_window(
        &self,
        n: usize,
        slide: u64,
    ) -> WindowedStream<T, F, EvictingWindowing<T, GlobalWindows, CountTrigger>> {
        let windows = EvictingWindowing::sliding_count(n, slide);
        WindowedStream { stream: self.clone(), windows, all: false, two_phase: true }
    }
}

/// The one key of windows over all records.
type NoKey<T> = fn(&T) -> ();

impl<T: Data> Stream<T> {
    /// Cuts the whole stream into windows, in one subtask whatever the parallelism of the job.
    pub fn window_all<W: WindowAssigner<T>>(
        &self,
        assigner: W,
    ) -> WindowedStream<T, NoKey<T>, Windowing<T, W, W::Trigger>> {
        let no_key: NoKey<T> = |_| ();
        let windows = Windowing::new(assigner);
        WindowedStream { stream: self.key_by(no_key), windows, all: true, two_phase: true }
    }
}

impl<T, K, F, P> WindowedStream<T, F, P>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    fn map<Q>(self, change: impl FnOnce(P) -> Q) -> WindowedStream<T, F, Q> {
        let Self { stream, windows, all, two_phase } = self;
        WindowedStream { stream, windows: change(windows), all, two_phase }
    }

    /// Adds the operator for `windows` that `make` makes, which is known to be possible unless `valid` says not.
    fn add<O: Operator<In = T>>(
        &self,
        kind: &str,
        windows: &str,
        how: &str,
        valid: Result<(), InvalidWindowing>,
        make: impl Fn() -> Result<O, InvalidWindowing> + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        if let Err(error) = valid {
            self.stream.complain(error.to_string());
        }
        let make = move || {
            make().expect("a job with windows that cannot be is refused before it is built")
        };
        let detail = format!("{windows}; {how}");
        let stream = self.stream.operator(kind, make).detail(&detail).meaning(windows);
        if self.all { stream.parallelism(1) } else { stream }
    }
}

impl<T, K, F, W, G> WindowedStream<T, F, Windowing<T, W, G>>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
    W: WindowAssigner<T>,
    G: Trigger<T>,
{
    /// Fires the windows by another trigger.
    #[must_use]
    pub fn trigger<H: Trigger<T>>(self, trigger: H) -> WindowedStream<T, F, Windowing<T, W, H>> {
        self.map(|windows| windows.trigger(trigger))
    }

    /// Lets an evictor remove records from windows that fire.
    #[must_use]
    pub fn evictor(
        self,
        evictor: impl Evictor<T>,
    ) -> WindowedStream<T, F, EvictingWindowing<T, W, G>> {
        self.map(|windows| windows.evictor(evictor))
    }

    /// Keeps event-time windows for late records until the watermark has gone so far past them.
    #[must_use]
    pub fn allowed_lateness(self, allowed_lateness_ms: i64) -> Self {
        self.map(|windows| windows.allowed_lateness(allowed_lateness_ms))
    }

    /// Sends records that come too late for all their windows to a side output; take it by
    /// [`Stream::side_output`] from the stream that results.
    #[must_use]
    pub fn late_output(self, tag: &OutputTag<T>) -> Self {
        self.map(|windows| windows.late_output(tag))
    }

    /// Sends every record through the exchange. Else records of the same key and slice are combined
    /// where they come from, as far as that makes them fewer: a hot key is then no burden.
    #[must_use]
    pub fn one_phase(mut self) -> Self {
        self.two_phase = false;
        self
    }

    /// One result per key and firing: what `aggregate` makes of the records.
    pub fn aggregate<A: Aggregate<In = T>>(self, aggregate: A) -> Stream<Windowed<K, A::Out>>
    where
        A::Accumulator: Sync,
    {
        let (windows, key, valid) =
            (self.windows.clone(), self.stream.key(), self.windows.validate());
        match windows.slices() {
            Ok(window) if self.two_phase && valid.is_ok() => {
                let (told, late) = (windows.describe(), windows.late());
                let both = self.stream.aggregate_in_two_phases(window, late, &aggregate, &told);
                match both {
                    Some(stream) if self.all => stream.parallelism(1),
                    Some(stream) => stream,
                    None => self.one_phase().aggregate(aggregate),
                }
            }
            Ok(window) => self.add(SLICED, &windows.describe(), FROM_SLICES, valid, move || {
                sliced(window, windows.late(), aggregate.clone(), key.clone())
            }),
            Err(why) => match windows.wall_clock() {
                Some(window) => {
                    let told = windows.describe();
                    self.add(WALL_CLOCK, &told, "one table per window", valid, move || {
                        Ok(WallClockWindow::new(window, aggregate.clone(), key.clone())?)
                    })
                }
                None => self.add_general(&why, valid, move || {
                    windows.clone().aggregate(aggregate.clone(), key.clone())
                }),
            },
        }
    }

    /// One result per key and firing: all records folded by `reduce`, which must be associative.
    pub fn reduce(
        self,
        reduce: impl Fn(T, &T) -> T + Clone + Send + Sync + 'static,
    ) -> Stream<Windowed<K, T>>
    where
        T: Value,
    {
        self.aggregate(Reduce::new(reduce))
    }

    /// What `function` emits for each key and firing, given the window and what `aggregate` makes of
    /// its records.
    pub fn aggregate_then<A: Aggregate<In = T>, U: Data>(
        self,
        aggregate: A,
        function: impl Fn(&WindowContext<'_, K>, A::Out, &mut WindowOutput<'_, U>)
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Stream<U> {
        let (windows, key, valid) =
            (self.windows.clone(), self.stream.key(), self.windows.validate());
        self.add_general("a function is called with each window", valid, move || {
            windows.clone().aggregate_then(aggregate.clone(), function.clone(), key.clone())
        })
    }

    /// What `function` emits for each key and firing, given the window and all its records in the
    /// order of their arrival.
    pub fn process<U: Data>(
        self,
        function: impl Fn(&WindowContext<'_, K>, &[Stamped<T>], &mut WindowOutput<'_, U>)
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Stream<U>
    where
        T: Value,
    {
        let (windows, key, valid) =
            (self.windows.clone(), self.stream.key(), self.windows.validate());
        self.add_general("a function is called with all their records", valid, move || {
            windows.clone().process(function.clone(), key.clone())
        })
    }

    fn add_general<O: Operator<In = T>>(
        &self,
        why: &str,
        valid: Result<(), InvalidWindowing>,
        make: impl Fn() -> Result<O, InvalidWindowing> + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        self.add(GENERAL, &self.windows.describe(), &one_by_one(why), valid, make)
    }
}

/// How windows are computed that share slices.
pub(crate) const FROM_SLICES: &str = "computed from slices";

/// How others are, and why.
fn one_by_one(why: &str) -> String {
    format!("computed one by one: {why}")
}

fn sliced<K: Key, A: Aggregate, F: Fn(&A::In) -> K>(
    window: Window,
    late: Option<&OutputTag<A::In>>,
    aggregate: A,
    key: F,
) -> Result<SlicedWindow<K, A, F>, InvalidWindowing> {
    let operator = SlicedWindow::new(window, aggregate, key)?;
    Ok(match late {
        Some(tag) => operator.side_output_late(tag.clone()),
        None => operator,
    })
}

/// Why windows with an evictor are computed one by one.
const EVICTOR: &str = "they have an evictor";

impl<T, K, F, W, G> WindowedStream<T, F, EvictingWindowing<T, W, G>>
where
    T: Data + Value,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
    W: WindowAssigner<T>,
    G: Trigger<T>,
{
    /// Keeps event-time windows for late records until the watermark has gone so far past them.
    #[must_use]
    pub fn allowed_lateness(self, allowed_lateness_ms: i64) -> Self {
        self.map(|windows| windows.allowed_lateness(allowed_lateness_ms))
    }

    /// Sends records that come too late for all their windows to a side output.
    #[must_use]
    pub fn late_output(self, tag: &OutputTag<T>) -> Self {
        self.map(|windows| windows.late_output(tag))
    }

    /// One result per key and firing, of the records that are left, if any is.
    pub fn aggregate<A: Aggregate<In = T>>(self, aggregate: A) -> Stream<Windowed<K, A::Out>> {
        let (windows, key) = (self.windows.clone(), self.stream.key());
        self.add_evicting(move || windows.clone().aggregate(aggregate.clone(), key.clone()))
    }

    /// One result per key and firing: all records that are left, folded by `reduce`.
    pub fn reduce(
        self,
        reduce: impl Fn(T, &T) -> T + Clone + Send + Sync + 'static,
    ) -> Stream<Windowed<K, T>> {
        self.aggregate(Reduce::new(reduce))
    }

    /// What `function` emits for each key and firing, given the window and the records that are left,
    /// which may be none.
    pub fn process<U: Data>(
        self,
        function: impl Fn(&WindowContext<'_, K>, &[Stamped<T>], &mut WindowOutput<'_, U>)
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Stream<U> {
        let (windows, key) = (self.windows.clone(), self.stream.key());
        self.add_evicting(move || windows.clone().process(function.clone(), key.clone()))
    }

    fn add_evicting<O: Operator<In = T>>(
        &self,
        make: impl Fn() -> Result<O, InvalidWindowing> + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        let windowing = self.windows.windowing();
        let valid = windowing.validate();
        self.add(GENERAL, &windowing.describe(), &one_by_one(EVICTOR), valid, make)
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use tidegate_core::key::MaxParallelism;
    use tidegate_core::plan::Plan;

    fn explain(draw: impl FnOnce(&Stream<u64>)) -> String {
        let job = Job::new("windows");
        let numbers = job.source("numbers", FromVec::new(vec![1u64]), WatermarkStrategy::none());
        draw(&numbers);
        match job.into_graph() {
            Ok(graph) => {
                Plan::new(graph, 2, MaxParallelism::DEFAULT).expect("a sound graph").explain()
            }
            Err(complaint) => complaint,
        }
    }

    fn check(draw: impl FnOnce(&Stream<u64>), expected: &str) {
        let text = explain(draw);
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn the_state_of_windows_and_joins_says_what_it_means() {
        let job = Job::new("windows");
        let numbers = job.source("n", FromVec::new(vec![1u64]), WatermarkStrategy::none());
        let (n, other) = (numbers.key_by(|n| *n), numbers.key_by(|n| *n));
        let shifted = Window::tumbling(60_000).offset(5_000);
        drop(n.window(shifted).aggregate(Count::new()).uid("local-phase"));
        drop(n.window(shifted).one_phase().aggregate(Count::new()).uid("one-phase"));
        drop(n.window(Session::with_gap(5)).aggregate(Count::new()).uid("session"));
        drop(
            n.window(Window::tumbling(5))
                .evictor(CountEvictor::before(1))
                .aggregate(Count::new())
                .uid("evict"),
        );
        drop(n.window_join(&other, Window::tumbling(5)).join().uid("window-join"));
        drop(n.interval_join(&other).between(-5, 3).join().uid("interval-join"));
        let graph = job.into_graph().expect("a sound graph");
        let plan = Plan::new(graph, 2, MaxParallelism::DEFAULT).expect("a sound plan");
        let expected = [
            ("evict", "tumbling, 5 ms"),
            ("interval-join", "right from -5 ms to 3 ms after left"),
            ("local-phase", "tumbling, 60000 ms, from 5000 ms"),
            ("one-phase", "tumbling, 60000 ms, from 5000 ms"),
            ("session", "session with a gap of 5 ms"),
            ("window-join", "tumbling, 5 ms; kept in slices"),
        ];
        let expected = expected.map(|(uid, meaning)| (uid.to_owned(), meaning.to_owned()));
        assert_eq!(plan.meanings().into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_plan_says_which_windows_are_computed_from_slices_and_why_others_are_not() {
        const HOURS: Window = Window::tumbling(3_600_000);
        let sliced = "(window): tumbling, 3600000 ms; computed from slices";
        check(
            |n| drop(n.key_by(|n| *n).window(HOURS).allowed_lateness(9).aggregate(Count::new())),
            sliced,
        );
        check(|n| drop(n.key_by(|n| *n).window(HOURS).reduce(|a, b| a + b)), sliced);
        let triggered = "tumbling, 3600000 ms; computed one by one: they have a trigger";
        check(
            |n| {
                let keyed = n.key_by(|n| *n).window(HOURS);
                drop(keyed.trigger(EventTimeTrigger).aggregate(Count::new()));
            },
            triggered,
        );
        let session = "(general-window): session with a gap of 5 ms; computed one by one: \
                       windows of this kind share no slices";
        check(
            |n| drop(n.key_by(|n| *n).window(Session::with_gap(5)).aggregate(Count::new())),
            session,
        );
        check(
            |n| drop(n.key_by(|n| *n).sliding_count_window(5, 2).aggregate(Count::new())),
            "global; computed one by one: they have an evictor",
        );
    }

    #[test]
    fn windows_over_all_records_have_one_subtask() {
        check(
            |n| drop(n.window_all(Window::tumbling(5)).aggregate(Count::new())),
            "window-1: 1 subtask\n",
        );
    }

    #[test]
    fn windows_that_cannot_be_are_refused() {
        check(
            |n| drop(n.key_by(|n| *n).window(Session::with_gap(0)).aggregate(Count::new())),
            "a session's gap is 0 ms",
        );
        check(
            |n| {
                let sessions = n.key_by(|n| *n).window(Session::with_gap(9));
                let far = |left: &u64, right: &u64| left.abs_diff(*right) as f64;
                drop(sessions.trigger(DeltaTrigger::new(1.0, far)).aggregate(Count::new()));
            },
            "need a trigger that can merge",
        );
    }

    #[test]
    fn a_plan_is_told_vertex_by_vertex() {
        let text = explain(|n| {
            let counts = n.map(|n| n + 1).key_by(|n| *n).window(Window::tumbling(5));
            let counts = counts.late_output(&OutputTag::new("late")).aggregate(Count::new());
            counts.sink("rows", Collect::new());
            counts.side_output(&OutputTag::<u64>::new("late")).sink("late", Collect::new());
        });
        let expected = "windows: 3 vertices, 6 subtasks, 1 region, 128 key groups\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\nnumbers: 2 subtasks\n"), "{text}");
        assert!(text.contains("\n  -> window-1 (hash)\n"), "{text}");
        assert!(text.contains("\n  -> late (forward, from window-1, side output 1)\n"), "{text}");
    }
}
