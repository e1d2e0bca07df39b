//! Continuous rankings: at any moment they are the n best of what is there.

use super::applied::{results, shown};
use super::chance::{Event, Row, events, happen, rows};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use tidegate_operators::continuous_top_n::{ContinuousTopN, RankedRow};
use tidegate_tests::harness::{Harness, Step, Step::*};

fn key(row: &Row) -> u8 {
    row.0
}

fn top(n: usize, largest: bool) -> ContinuousTopN<Row> {
    if largest {
        ContinuousTopN::largest(n, |row: &Row| row.1)
    } else {
        ContinuousTopN::smallest(n, |row: &Row| row.1)
    }
}

/// The rankings of `live`, in which rows stand in the order in which they came.
fn ranked(live: &[Row], n: usize, largest: bool) -> Vec<RankedRow<Row>> {
    let mut ranked = Vec::new();
    for of in live.iter().map(key).collect::<BTreeSet<u8>>() {
        let mut best: Vec<Row> = live.iter().filter(|row| key(row) == of).copied().collect();
        let order = |left: &Row, right: &Row| -> Ordering {
            if largest { right.1.cmp(&left.1) } else { left.1.cmp(&right.1) }
        };
        best.sort_by(order);
        ranked.extend((1..).zip(best).take(n).map(|(rank, row)| RankedRow { rank, row }));
    }
    ranked.sort();
    ranked
}

fn alone(ranked: &[RankedRow<Row>]) -> Vec<Row> {
    let mut rows: Vec<Row> = ranked.iter().map(|ranked| ranked.row).collect();
    rows.sort();
    rows
}

/// Each record with its moment behind it.
fn moments<T>(groups: Vec<Vec<T>>) -> Vec<Step<T>> {
    let mut steps = Vec::new();
    for (at, group) in (1..).zip(groups) {
        steps.extend(group.into_iter().map(|row| Record(row, at)));
        steps.push(Watermark(at));
    }
    steps
}

fn of_records(top: &ContinuousTopN<Row>, steps: &[Step<Row>]) -> [Vec<String>; 2] {
    let (ranked, rows) = (top.clone(), top.clone());
    let ranked = Harness::new(move || ranked.clone().ranked_rows(key)).keyed_by(key).show(shown);
    let rows = Harness::new(move || rows.clone().rows(key)).keyed_by(key).show(shown);
    [ranked.run(steps).lines, rows.run(steps).lines]
}

#[test]
fn a_row_that_goes_lets_the_ones_behind_it_move_up() {
    use tidegate_core::changelog::Change;
    let steps = moments(vec![
        vec![Change::insert((1, 9, 0)), Change::insert((1, 8, 0)), Change::insert((1, 7, 0))],
        vec![Change::delete((1, 9, 0))],
        vec![Change::delete((1, 8, 0))],
        vec![Change::delete((1, 8, 0))],
        vec![Change::delete((1, 7, 0))],
    ]);
    let harness = |show| {
        Harness::new(|| top(2, true).ranked_rows_of_changelog(key))
            .keyed_by(|change: &Change<Row>| key(&change.row))
            .show(show)
    };
    let outcome =
        harness(|change| format!("{} {} #{}", change.kind, change.row.row.1, change.row.rank))
            .run(&steps);
    let (lines, dropped) = (outcome.lines, outcome.totals.dropped);
    let expected = [
        "+I 9 #1 @1",
        "+I 8 #2 @1",
        "W 1",
        "-U 9 #1 @2",
        "+U 8 #1 @2",
        "-U 8 #2 @2",
        "+U 7 #2 @2",
        "W 2",
        "-U 8 #1 @3",
        "+U 7 #1 @3",
        "-D 7 #2 @3",
        "W 3",
        "W 4",
        "-D 7 #1 @5",
        "W 5",
    ];
    assert_eq!(lines, expected);
    assert_eq!((dropped, outcome.entries), (1, 0), "what was not there is counted, nothing stays");
}

#[test]
fn a_ranking_of_none_is_empty() {
    let steps = moments(vec![vec![(1, 1, 1)], vec![(1, 2, 1)]]);
    assert_eq!(of_records(&top(0, true), &steps), [["W 1", "W 2"]; 2]);
}

#[test]
fn a_row_that_moves_shifts_those_between() {
    let versions = top(3, true).unique_by(|row: &Row| row.2);
    let steps = moments(vec![
        vec![(1, 9, 0), (1, 8, 1), (1, 7, 2)],
        vec![(1, 10, 2)],
        vec![(1, 1, 2)],
        vec![(1, 1, 2)],
    ]);
    let harness = Harness::new(move || versions.clone().ranked_rows(key)).keyed_by(key);
    let lines = harness
        .show(|change| format!("{} {} #{}", change.kind, change.row.row.1, change.row.rank))
        .run(&steps)
        .lines;
    let expected = [
        "+I 9 #1 @1",
        "+I 8 #2 @1",
        "+I 7 #3 @1",
        "W 1",
        "-U 9 #1 @2",
        "+U 10 #1 @2",
        "-U 8 #2 @2",
        "+U 9 #2 @2",
        "-U 7 #3 @2",
        "+U 8 #3 @2",
        "W 2",
        "-U 10 #1 @3",
        "+U 9 #1 @3",
        "-U 9 #2 @3",
        "+U 8 #2 @3",
        "-U 8 #3 @3",
        "+U 1 #3 @3",
        "W 3",
        "W 4",
    ];
    assert_eq!(lines, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn of_records_it_is_the_n_best_of_all_so_far(
        n in 0..4usize,
        largest in any::<bool>(),
        records in proptest::collection::vec(rows(), 1..40),
    ) {
        let expected: Vec<_> = (1..=records.len()).map(|so_far| ranked(&records[..so_far], n, largest)).collect();
        let steps = moments(records.into_iter().map(|row| vec![row]).collect());
        let [with_ranks, without] = of_records(&top(n, largest), &steps);
        prop_assert_eq!(results::<Row>(&without), expected.iter().map(|rows| alone(rows)).collect::<Vec<_>>());
        prop_assert_eq!(results::<RankedRow<Row>>(&with_ranks), expected);
    }

    #[test]
    fn of_a_changelog_it_is_the_n_best_of_what_is_there(
        n in 0..4usize,
        largest in any::<bool>(),
        events in events(),
    ) {
        let (mut live, mut expected, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            groups.push(happen(event, &mut live));
            expected.push(ranked(&live, n, largest));
        }
        // At last all rows go.
        while !live.is_empty() {
            groups.push(happen(Event::Delete { pick: 0 }, &mut live));
            expected.push(ranked(&live, n, largest));
        }
        let steps = moments(groups);
        let with_ranks = Harness::new(move || top(n, largest).ranked_rows_of_changelog(key))
            .keyed_by(|change| key(&change.row))
            .show(shown)
            .run(&steps);
        let without = Harness::new(move || top(n, largest).rows_of_changelog(key))
            .keyed_by(|change| key(&change.row))
            .show(shown)
            .run(&steps);
        prop_assert_eq!(results::<Row>(&without.lines), expected.iter().map(|rows| alone(rows)).collect::<Vec<_>>());
        prop_assert_eq!(results::<RankedRow<Row>>(&with_ranks.lines), expected);
        prop_assert_eq!((with_ranks.entries, without.entries), (0, 0));
    }

    #[test]
    fn of_versions_by_a_unique_key_it_is_the_n_best_of_the_last_ones(
        n in 0..4usize,
        largest in any::<bool>(),
        rises in any::<bool>(),
        mut records in proptest::collection::vec(rows(), 1..40),
    ) {
        // What only rises is ranked by the largest, and each version adds to the one before.
        let largest = largest || rises;
        let (mut live, mut expected) = (Vec::<Row>::new(), Vec::new());
        for record in &mut records {
            let same = |other: &Row| (other.0, other.2) == (record.0, record.2);
            let before = live.iter().position(same);
            if rises {
                record.1 += before.map_or(0, |before| live[before].1);
            }
            if before.is_none_or(|before| live[before] != *record) {
                if let Some(before) = before {
                    live.remove(before);
                }
                live.push(*record);
            }
            expected.push(ranked(&live, n, largest));
        }
        let versions = top(n, largest).unique_by(|row: &Row| row.2);
        let versions = if rises { versions.only_rising() } else { versions };
        let steps = moments(records.into_iter().map(|row| vec![row]).collect());
        let [with_ranks, without] = of_records(&versions, &steps);
        prop_assert_eq!(results::<Row>(&without), expected.iter().map(|rows| alone(rows)).collect::<Vec<_>>());
        prop_assert_eq!(results::<RankedRow<Row>>(&with_ranks), expected);
    }
}
