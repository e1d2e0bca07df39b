//! Changelogs through whole jobs at parallelism 2: what the typed methods draw comes to the right result.

use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate::runtime::execute::{Execution, execute};
use tidegate::runtime::stats::Stats;
use tidegate::state::MemoryStorage;
use tidegate_core::config::JobConfig;
use tidegate_core::key::MaxParallelism;
use tidegate_core::master::JobEnd;
use tidegate_core::plan::Plan;
use tidegate_core::restart::RestartStrategy;

/// Key, score and number.
type Row = (u64, u64, u64);

/// Rows of 40 keys, with scores that repeat.
fn rows() -> Vec<Row> {
    let mixed = |n: u64| (n ^ 0x5bd1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    (0..4_000).map(|n| (mixed(n) % 40, mixed(n + 9_999) % 50, n)).collect()
}

/// All rows in their order: a source of two subtasks would deal them out in two parts.
fn source(job: &Job, uid: &str) -> Stream<Row> {
    job.source(uid, FromVec::new(rows()), WatermarkStrategy::none()).parallelism(1)
}

/// Runs a job to its end.
fn run(job: Job) {
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
    assert_eq!(report.expect("it runs").end, JobEnd::Finished);
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

fn last_rows() -> BTreeMap<u64, Row> {
    rows().into_iter().map(|row| (row.0, row)).collect()
}

#[test]
fn the_best_of_each_key_and_the_best_of_those() {
    let (job, ranks, best) = (Job::new("best"), Collect::new(), Collect::new());
    let source = source(&job, "rows");
    let by_score = |row: &Row| (row.1, row.2);
    let top = source.key_by(|row| row.0).top_n(ContinuousTopN::largest(3, by_score));
    top.key_by(|ranked| ranked.row.0)
        .materialize(Materialize::multiset())
        .sink("ranks", ranks.clone());
    let firsts = top.filter(|ranked| ranked.rank == 1).map(|ranked| ranked.row);
    let of_all = firsts.key_by(|_| ()).top_n_rows(ContinuousTopN::smallest(2, by_score));
    of_all.key_by(|row| row.0).materialize(Materialize::multiset()).sink("best", best.clone());
    run(job);
    let mut expected = Vec::new();
    for key in 0..40 {
        let mut of_key: Vec<Row> = rows().into_iter().filter(|row| row.0 == key).collect();
        of_key.sort_by_key(|row| std::cmp::Reverse(by_score(row)));
        expected.extend((1..).zip(of_key).take(3).map(|(rank, row)| RankedRow { rank, row }));
    }
    assert_eq!(sorted(ranks.rows()), sorted(expected.clone()));
    let mut firsts: Vec<Row> =
        expected.iter().filter(|ranked| ranked.rank == 1).map(|ranked| ranked.row).collect();
    firsts.sort_by_key(by_score);
    firsts.truncate(2);
    assert_eq!(sorted(best.rows()), sorted(firsts));
}

#[test]
fn a_result_joined_with_another_as_both_change() {
    let job = Job::new("joined");
    let (joined, pairs, of_one) = (Collect::new(), Collect::new(), Collect::new());
    let orders = source(&job, "orders").filter(|row| row.2 % 7 == 0);
    let last = source(&job, "customers").key_by(|row| row.0).last_row(Retain::Forever);
    // Customers come and go with the score of their last row.
    let current = last.filter(|row| row.1 > 20).key_by(|row| row.0);
    orders
        .into_changelog()
        .key_by(|row| row.0)
        .unbounded_join(&current, JoinKind::Left, Retain::Forever)
        .key_by(|row| row.left().map(|left| left.0))
        .materialize(Materialize::multiset())
        .sink("joined", joined.clone());
    let (left, right) = (orders.key_by(|row| row.0), orders.key_by(|row| row.1));
    left.connect(&right).unbounded_join(Retain::Forever).sink("pairs", pairs.clone());
    // A number is a row's own.
    let (left, right) = (orders.key_by(|row| row.1), orders.key_by(|row| row.2));
    left.connect(&right).many_to_one_join(Retain::Forever).sink("of-one", of_one.clone());
    run(job);
    let orders: Vec<Row> = rows().into_iter().filter(|row| row.2 % 7 == 0).collect();
    let current = last_rows();
    let expected =
        orders.iter().map(|order| match current.get(&order.0).filter(|row| row.1 > 20) {
            Some(customer) => Joined::Both(*order, *customer),
            None => Joined::Left(*order),
        });
    assert_eq!(sorted(joined.rows()), sorted(expected.collect()));
    let matching = |equal: fn(&Row, &Row) -> bool| {
        let of = |left| {
            orders.iter().filter(move |right| equal(left, right)).map(|right| (*left, *right))
        };
        sorted(orders.iter().flat_map(of).collect())
    };
    assert_eq!(sorted(pairs.rows()), matching(|left, right| left.0 == right.1));
    assert_eq!(sorted(of_one.rows()), matching(|left, right| left.1 == right.2));
}

#[test]
fn the_first_rows_are_the_same_by_every_means() {
    let job = Job::new("firsts");
    let source = source(&job, "rows");
    let [exact, bitmap, bloom, last] = [(); 4].map(|()| Collect::new());
    source.key_by(|row| row.0).first_row(Retain::Forever).sink("exact", exact.clone());
    source.first_row_by_bitmap(|row| row.0).sink("bitmap", bitmap.clone());
    let size = BloomFirst::sized(100_000, 0.000_001);
    source.first_row_by_bloom(|row| row.0, size).sink("bloom", bloom.clone());
    let last_row = source.key_by(|row| row.0).last_row(Retain::Forever);
    last_row
        .key_by(|row| row.0)
        .materialize(Materialize::by_primary_key())
        .sink("last", last.clone());
    run(job);
    let firsts: BTreeMap<u64, Row> = rows().into_iter().rev().map(|row| (row.0, row)).collect();
    let firsts: Vec<Row> = firsts.into_values().collect();
    for rows in [exact, bitmap, bloom] {
        assert_eq!(sorted(rows.rows()), firsts);
    }
    assert_eq!(sorted(last.rows()), last_rows().into_values().collect::<Vec<_>>());
}
