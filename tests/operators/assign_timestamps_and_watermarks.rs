//! Event time made in mid-stream: by record position, past restores, whatever came in.

use std::sync::Arc;
use tidegate::prelude::*;
use tidegate::runtime::execute::{Execution, execute};
use tidegate::runtime::stats::Stats;
use tidegate::state::MemoryStorage;
use tidegate_core::config::JobConfig;
use tidegate_core::element::Status;
use tidegate_core::key::MaxParallelism;
use tidegate_core::master::JobEnd;
use tidegate_core::plan::Plan;
use tidegate_core::restart::RestartStrategy;
use tidegate_tests::harness::{Harness, Step, Step::*};

/// Records without event time of their own; watermarks and statuses that are to end here.
const STEPS: [Step<i64>; 9] = [
    Record(10, i64::MIN),
    Watermark(1_000),
    Record(14, i64::MIN),
    Record(13, i64::MIN),
    Status(Status::Idle),
    Status(Status::Active),
    Record(20, i64::MIN),
    Record(15, i64::MIN),
    End,
];

fn check(strategy: WatermarkStrategy, expected: &[&str]) {
    let make = move || TimestampsAndWatermarks::by(strategy.clone(), |n: &i64, _| Timestamp(*n));
    Harness::new(make).check(&STEPS, expected);
}

#[test]
fn a_watermark_stands_behind_the_record_that_it_follows_from() {
    let strategy = WatermarkStrategy::bounded_out_of_orderness(2).each_record();
    let expected = ["10 @10", "W 7", "14 @14", "W 11", "13 @13", "20 @20", "W 17", "15 @15", "End"];
    check(strategy, &expected);
}

#[test]
fn what_is_emitted_at_every_nth_record_goes_on_after_a_restore() {
    let strategy = WatermarkStrategy::monotonous().every_records(2);
    let expected = ["10 @10", "14 @14", "W 13", "13 @13", "20 @20", "W 19", "15 @15", "End"];
    check(strategy, &expected);
}

#[test]
fn without_a_strategy_only_the_end_is_told() {
    let expected = ["10 @10", "14 @14", "13 @13", "20 @20", "15 @15", "End"];
    check(WatermarkStrategy::none(), &expected);
}

/// Runs a job to its end.
fn run(job: Job) -> JobEnd {
    let graph = job.into_graph().expect("sound");
    let (_stop, stop) = tokio::sync::mpsc::unbounded_channel();
    let report = execute(Execution {
        plan: Plan::new(graph, 2, MaxParallelism::DEFAULT).expect("sound"),
        config: JobConfig {
            parallelism: 2,
            restart: RestartStrategy::None,
            ..JobConfig::default()
        },
        storage: Arc::new(MemoryStorage::new()),
        incremental: true,
        slots: 2,
        fault: None,
        stats: Stats::default(),
        rate: None,
        stop,
    });
    report.expect("it runs").end
}

#[test]
fn windows_of_a_job_go_by_the_event_time_that_was_made_in_mid_stream() {
    let (job, rows) = (Job::new("mid-stream"), Collect::new());
    let numbers = FromVec::new((0..1_000_i64).collect());
    let strategy = WatermarkStrategy::monotonous().each_record();
    job.source("numbers", numbers, WatermarkStrategy::none())
        .map(|n| 2 * n)
        .assign_timestamps_and_watermarks(strategy, |n, _| Timestamp(*n))
        .key_by(|n| n % 4)
        .window(Window::tumbling(100))
        .aggregate(Count::new())
        .map(|row| (row.key, row.window.start.millis(), row.value))
        .sink("rows", rows.clone());
    assert_eq!(run(job), JobEnd::Finished);
    let mut rows = rows.rows();
    rows.sort_unstable();
    let expected = [0, 2].map(|key| (0..20).map(move |n| (key, 100 * n, 25)));
    assert_eq!(rows, expected.into_iter().flatten().collect::<Vec<(i64, i64, u64)>>());
}

#[test]
fn an_operator_that_makes_event_time_is_refused_within_a_chain() {
    let (job, rows) = (Job::new("chained"), Collect::new());
    job.source("numbers", FromVec::new(vec![1_i64]), WatermarkStrategy::none())
        .operator("time", || {
            let strategy = WatermarkStrategy::monotonous();
            TimestampsAndWatermarks::by(strategy, |n: &i64, _| Timestamp(*n))
        })
        .sink("rows", rows.clone());
    let JobEnd::Failed(why) = run(job) else { panic!("it must not run") };
    assert!(why.to_string().contains("no_chaining"), "{why}");
}
