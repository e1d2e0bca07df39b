//! A job on one thread: the same rows as anywhere, in the same order every time, and a clock that only the test moves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use tidegate::core::element::Data;
use tidegate::core::sink::SubtaskIdentity;
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;
use tidegate::runtime::one_thread::OneThread;

/// What has come, in order.
struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Data> Seen<T> {
    /// Behind a stream, which it ends.
    fn of(stream: &Stream<T>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let kept = stream.map(move |value: T| {
            keep.lock().expect("nobody panics within").push(value);
            0_u8
        });
        kept.sink("end", Discard::new());
        Self(seen)
    }

    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().expect("nobody panics within"))
    }
}

/// A source without end that gives what is put into it.
#[derive(Clone, Default)]
struct Fed(Arc<Mutex<VecDeque<u64>>>);

impl Fed {
    fn put(&self, records: impl IntoIterator<Item = u64>) {
        self.0.lock().expect("nobody panics within").extend(records);
    }
}

impl Source for Fed {
    type Out = u64;
    type Split = u8;

    fn poll(
        &mut self,
        out: &mut SourceOutput<u64>,
        _budget: usize,
        _waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        for record in self.0.lock().expect("nobody panics within").drain(..) {
            out.emit(0, record, Timestamp::MIN);
        }
        Ok(SourceStatus::Pending)
    }

    fn splits(&self) -> Vec<u8> {
        vec![0]
    }
}

impl SourceFactory for Fed {
    type Out = u64;
    type Split = u8;
    type Source = Self;

    fn kind(&self) -> &'static str {
        "fed"
    }

    fn enumerate(&self, _: u32) -> Result<Vec<u8>, BoxError> {
        Ok(vec![0])
    }

    fn create(&self, _: &SubtaskIdentity, _: Vec<u8>) -> Result<Self, BoxError> {
        Ok(self.clone())
    }
}

fn counts(records: u64) -> (Job, Seen<(u64, u64)>) {
    let job = Job::new("counts");
    let records = (0..records).map(|n| (n % 7, Timestamp(n as i64))).collect();
    let source = job.source("records", FromVec::timed(records), WatermarkStrategy::monotonous());
    let windows = source.key_by(|key| *key).window(Window::tumbling(1_000));
    let rows = windows.aggregate(Count::new()).map(|count| (count.key, count.value));
    let seen = Seen::of(&rows);
    (job, seen)
}

fn counted(parallelism: u32) -> Vec<(u64, u64)> {
    let (job, seen) = counts(20_000);
    let mut job = OneThread::new(job.into_graph().expect("sound"), parallelism).expect("a job");
    job.run_until_idle().expect("it runs");
    assert!(job.has_ended());
    seen.take()
}

#[test]
fn any_parallelism_gives_the_same_rows_in_the_same_order_every_time() {
    let one = counted(1);
    assert_eq!(one.iter().map(|(_, count)| count).sum::<u64>(), 20_000);
    let sorted = |mut rows: Vec<_>| {
        rows.sort_unstable();
        rows
    };
    for parallelism in [1, 2, 3] {
        let rows = counted(parallelism);
        assert_eq!(rows, counted(parallelism), "parallelism {parallelism}: another order");
        assert_eq!(sorted(rows), sorted(one.clone()), "parallelism {parallelism}: other rows");
    }
}

#[test]
fn running_to_the_end_with_checkpoints_captures_state_and_changes_nothing() {
    let (job, seen) = counts(20_000);
    let job = OneThread::new(job.into_graph().expect("sound"), 1).expect("a job");
    let captured = job.checkpoints_every(3).run().expect("it runs");
    assert!(captured > 0);
    assert_eq!(seen.take(), counted(1));
}

#[test]
fn timers_fire_one_after_the_other_as_the_clock_is_moved() {
    let (job, fed) = (Job::new("clock"), Fed::default());
    let source = job.source("records", fed.clone(), WatermarkStrategy::none());
    let windows = source.key_by(|key| *key).window(ProcessingTime(Window::tumbling(1_000)));
    let rows = windows.aggregate(Count::new()).map(|count| (count.key, count.value));
    let seen = Seen::of(&rows);
    let mut job = OneThread::new(job.into_graph().expect("sound"), 1).expect("a job");
    fed.put([7, 7, 8]);
    job.run_until_idle().expect("it runs");
    job.advance_to(Timestamp(998)).expect("it runs");
    assert_eq!(seen.take(), []);
    job.advance_to(Timestamp(1_500)).expect("it runs");
    let mut rows = seen.take();
    rows.sort_unstable();
    assert_eq!(rows, [(7, 2), (8, 1)]);
    fed.put([9]);
    job.run_until_idle().expect("it runs");
    // Far ahead, in one stride: sources are asked a bounded number of times on the way.
    job.advance_to(Timestamp(365 * 24 * 3_600_000)).expect("it runs");
    assert_eq!(seen.take(), [(9, 1)]);
    assert!(!job.has_ended());
    let error = job.advance_to(Timestamp(5)).expect_err("the past").to_string();
    assert_eq!(error, "the clock cannot go back from 31536000000 to 5 ms");
}

#[test]
fn an_answer_from_another_thread_is_waited_for() {
    let job = Job::new("answers");
    let records = job.source("records", FromVec::new(vec![1_u64, 2, 3]), WatermarkStrategy::none());
    let asked = records.async_map(AsyncWait::ordered(60_000), |record| {
        let (answer, answered) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || answer.send(record * 10));
        async move { Ok(vec![answered.await?]) }
    });
    let seen = Seen::of(&asked);
    let mut job = OneThread::new(job.into_graph().expect("sound"), 1).expect("a job");
    job.run_until_idle().expect("it runs");
    assert!(job.has_ended());
    assert_eq!(seen.take(), [10, 20, 30]);
}

#[test]
fn a_failure_names_its_operator() {
    /// Takes nothing.
    struct Failing;

    impl Process for Failing {
        type In = u64;
        type Out = u64;

        fn process(
            &mut self,
            record: u64,
            _: &mut ProcessContext<'_, u64>,
        ) -> Result<(), BoxError> {
            Err(format!("{record} is no good").into())
        }
    }

    let job = Job::new("failing");
    let records = job.source("records", FromVec::new(vec![1_u64]), WatermarkStrategy::none());
    records.process(|| Failing).uid("picky").sink("end", Discard::new());
    let mut job = OneThread::new(job.into_graph().expect("sound"), 2).expect("a job");
    let error = job.run_until_idle().expect_err("it fails").to_string();
    assert_eq!(error, "picky: 1 is no good");
}
