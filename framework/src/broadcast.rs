//! Data beside rules that change while the job runs.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! /// Lets through what no rule forbids.
//! struct Allowed;
//!
//! impl BroadcastProcess for Allowed {
//!     type In = String;
//!     type Broadcast = String;
//!     type Rules = BroadcastState<String, ()>;
//!     type Out = String;
//!
//!     fn process(&mut self, word: String, rules: &Self::Rules, ctx: &mut ProcessContext<'_, String>)
//!         -> Result<(), BoxError>
//!     {
//!         if rules.get(&word).is_none() {
//!             ctx.emit(word);
//!         }
//!         Ok(())
//!     }
//!
//!     fn process_broadcast(
//!         &mut self,
//!         word: String,
//!         rules: &mut Self::Rules,
//!         _: &mut ProcessContext<'_, String>,
//!     ) -> Result<(), BoxError> {
//!         rules.insert(word, ());
//!         Ok(())
//!     }
//! }
//!
//! let job = Job::new("allowed-words");
//! let words = |uid: &str, words: &[&str]| {
//!     let words = words.iter().map(|word| (*word).to_owned()).collect();
//!     job.source(uid, FromVec::new(words), WatermarkStrategy::none())
//! };
//! let forbidden = words("forbidden", &["or"]).parallelism(1);
//! words("words", &["to", "be", "or", "not"])
//!     .connect_broadcast(&forbidden)
//!     .hold_until_rules(10_000)
//!     .process(|| Allowed)
//!     .sink("allowed", Collect::new());
//! # let graph = job.into_graph()?;
//! # let max = tidegate::core::key::MaxParallelism::DEFAULT;
//! # assert!(tidegate::core::plan::Plan::new(graph, 4, max).is_ok());
//! # Ok::<(), BoxError>(())
//! ```

use crate::stream::{Input, KeyedStream, Stream, attach_two};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::process::{
    BroadcastOperator, BroadcastProcess, DataSide, KeyedBroadcastProcess,
};

/// Data, with keys or without, and rules that go to all its subtasks.
pub struct BroadcastConnectedStreams<D, B> {
    data: D,
    rules: Stream<B>,
    commutative: bool,
    most_held: Option<usize>,
}

impl<A: Data> Stream<A> {
    /// Brings this stream together with rules, of which every subtask of what follows gets all, in one
    /// order. They must come from one subtask ([`Stream::parallelism`]), unless they are
    /// [commutative](BroadcastConnectedStreams::commutative).
    pub fn connect_broadcast<B: Data>(
        &self,
        rules: &Stream<B>,
    ) -> BroadcastConnectedStreams<Self, B> {
        BroadcastConnectedStreams::new(self.clone(), rules)
    }
}

impl<A, K, F> KeyedStream<A, F>
where
    A: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// As [`Stream::connect_broadcast`], for data with keys.
    pub fn connect_broadcast<B: Data>(
        &self,
        rules: &Stream<B>,
    ) -> BroadcastConnectedStreams<Self, B> {
        BroadcastConnectedStreams::new(self.clone(), rules)
    }
}

impl<D, B: Data> BroadcastConnectedStreams<D, B> {
    fn new(data: D, rules: &Stream<B>) -> Self {
        Self { data, rules: rules.clone(), commutative: false, most_held: None }
    }

    /// Declares that the rules become the same in whatever order they come, so that they may come from
    /// any number of subtasks.
    #[must_use]
    pub const fn commutative(mut self) -> Self {
        self.commutative = true;
        self
    }

    /// Lets data wait for the first rules, `most` records per subtask
    /// ([`BroadcastOperator::hold_until_rules`]).
    #[must_use]
    pub const fn hold_until_rules(mut self, most: usize) -> Self {
        self.most_held = Some(most);
        self
    }

    fn attach<S>(
        &self,
        data: &Input<'_, S::In>,
        make: impl Fn() -> BroadcastOperator<S> + Send + Sync + 'static,
    ) -> Stream<S::Out>
    where
        S: DataSide<Broadcast = B>,
    {
        let rules = self.rules.rules(!self.commutative);
        let Some(most) = self.most_held else {
            return attach_two(data, &rules, "broadcast-process", make);
        };
        let make = move || make().hold_until_rules(most);
        attach_two(data, &rules, "broadcast-process", make).no_chaining()
    }
}

impl<A: Data, B: Data> BroadcastConnectedStreams<Stream<A>, B> {
    /// A function over data and rules.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: BroadcastProcess<In = A, Broadcast = B>,
    {
        self.attach(&self.data.input(), move || BroadcastOperator::unkeyed(make()))
    }
}

impl<A, K, F, B> BroadcastConnectedStreams<KeyedStream<A, F>, B>
where
    A: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    B: Data,
{
    /// A function over data with state and timers of one key at a time, and rules.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: KeyedBroadcastProcess<Key = K, In = A, Broadcast = B>,
    {
        let key = self.data.key();
        self.attach(&self.data.input(), move || BroadcastOperator::keyed(make(), key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use tidegate_core::graph::Graph;
    use tidegate_core::key::MaxParallelism;
    use tidegate_core::plan::Plan;

    /// Passes everything on.
    struct All;

    impl BroadcastProcess for All {
        type In = u64;
        type Broadcast = u64;
        type Rules = BroadcastState<u64, ()>;
        type Out = u64;

        fn process(
            &mut self,
            value: u64,
            _: &Self::Rules,
            ctx: &mut ProcessContext<'_, u64>,
        ) -> Result<(), BoxError> {
            ctx.emit(value);
            Ok(())
        }

        fn process_broadcast(
            &mut self,
            _: u64,
            _: &mut Self::Rules,
            _: &mut ProcessContext<'_, u64>,
        ) -> Result<(), BoxError> {
            Ok(())
        }
    }

    fn graph(rules: impl Fn(Stream<u64>, Stream<u64>) -> Stream<u64>, commutative: bool) -> Graph {
        let job = Job::new("rules");
        let numbers =
            |uid: &str| job.source(uid, FromVec::new(vec![1u64]), WatermarkStrategy::none());
        let streams = numbers("data").connect_broadcast(&rules(numbers("some"), numbers("others")));
        let streams = if commutative { streams.commutative() } else { streams };
        streams.process(|| All).uid("judge").sink("rows", Collect::new());
        job.into_graph().expect("what can be said before the plan is right")
    }

    #[test]
    fn rules_come_from_one_subtask_or_are_commutative() {
        let plan = |graph, parallelism| {
            let planned = Plan::new(graph, parallelism, MaxParallelism::DEFAULT);
            planned.err().map_or_else(String::new, |error| error.to_string())
        };
        let some = |some: Stream<u64>, others: Stream<u64>| {
            others.sink("others-rows", Collect::new());
            some
        };
        assert_eq!(
            plan(graph(some, false), 2),
            "operator `judge` gets its rules from 2 subtasks of `some`, and each of its own subtasks \
             may see them in another order: let them come from one subtask by `.parallelism(1)`, or \
             declare by `.commutative()` that any order leads to the same rules"
        );
        assert_eq!(plan(graph(some, false), 1), "");
        assert_eq!(plan(graph(some, true), 2), "");
        assert_eq!(plan(graph(move |a, b| some(a, b).parallelism(1), false), 2), "");
        let union = |a: Stream<u64>, b: Stream<u64>| a.parallelism(1).union(&b.parallelism(1));
        assert!(plan(graph(union, false), 1).contains("from 2 subtasks of `some`, `others`"));
        let one = move |a, b| union(a, b).map(|rule| rule).parallelism(1);
        assert_eq!(plan(graph(one, false), 4), "");
    }
}
