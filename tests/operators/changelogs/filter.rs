//! Filters of changelogs, and what a changelog amounts to when it ends.

use super::applied::{results, shown};
use super::chance::{Row, events, happen};
use proptest::prelude::*;
use tidegate_core::changelog::Change;
use tidegate_operators::changelog::{ChangelogFilter, Materialize};
use tidegate_tests::harness::{Harness, Step::*};

fn is_high(row: &Row) -> bool {
    row.1 > 1
}

#[test]
fn a_half_without_its_other_half_is_an_insertion_or_a_deletion() {
    let steps = [
        Record(Change::insert(1), 1),
        Record(Change::update_before(1), 2),
        Record(Change::update_after(4), 2),
        Record(Change::update_before(3), 3),
        Record(Change::update_after(5), 3),
        Record(Change::update_before(5), 4),
        Record(Change::update_after(7), 4),
        Record(Change::update_before(7), 5),
        Record(Change::insert(9), 5),
        Record(Change::update_before(9), 6),
        Watermark(6),
        Record(Change::update_after(11), 7),
        Record(Change::update_before(11), 8),
        End,
    ];
    let harness = Harness::new(|| ChangelogFilter::new(|n: &u64| n % 2 == 1));
    let expected = [
        "+I 1 @1", "-D 1 @2", "-U 3 @3", "+U 5 @3", "-U 5 @4", "+U 7 @4", "-D 7 @5", "+I 9 @5",
        "-D 9 @6", "W 6", "+I 11 @7", "-D 11 @8", "End",
    ];
    harness.show(|change| change.to_string()).check(&steps, &expected);
}

#[test]
fn by_primary_key_an_addition_replaces_the_row() {
    let changes = [
        Change::insert((1, 'a')),
        Change::insert((2, 'b')),
        Change::update_after((1, 'c')),
        Change::update_before((2, 'b')),
        Change::update_after((2, 'd')),
        Change::insert((3, 'e')),
        Change::delete((3, 'x')),
    ];
    let mut steps: Vec<_> = (1..).zip(changes).map(|(at, change)| Record(change, at)).collect();
    steps.push(End);
    let key = |row: &(u8, char)| row.0;
    let outcome = Harness::new(move || Materialize::by_primary_key().into_operator(key))
        .keyed_by(move |change| key(&change.row))
        .run(&steps);
    let none = i64::MIN;
    assert_eq!(
        outcome.lines,
        [format!("(1, 'c') @{none}"), format!("(2, 'd') @{none}"), "End".into()]
    );
    assert_eq!(outcome.entries, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_filtered_is_the_part_of_the_result_that_fulfils_the_condition(events in events()) {
        let (mut live, mut steps, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for (at, event) in (1..).zip(events) {
            steps.extend(happen(event, &mut live).into_iter().map(|change| Record(change, at)));
            steps.push(Watermark(at));
            let mut high: Vec<Row> = live.iter().copied().filter(is_high).collect();
            high.sort();
            expected.push(high);
        }
        let harness = Harness::new(|| ChangelogFilter::new(is_high)).show(shown);
        prop_assert_eq!(results::<Row>(&harness.run(&steps).lines), expected);
    }

    #[test]
    fn at_the_end_there_are_the_rows_that_were_not_retracted(events in events()) {
        let (mut live, mut steps) = (Vec::new(), Vec::new());
        for (at, event) in (1..).zip(events) {
            steps.extend(happen(event, &mut live).into_iter().map(|change| Record(change, at)));
        }
        steps.push(End);
        let harness = Harness::new(|| Materialize::multiset().into_operator(|row: &Row| row.0));
        let outcome = harness.keyed_by(|change: &Change<Row>| change.row.0).unordered().run(&steps);
        let mut expected: Vec<String> = live.iter().map(|row| format!("{row:?} @{}", i64::MIN)).collect();
        expected.sort();
        expected.push("End".into());
        prop_assert_eq!(outcome.lines, expected);
        prop_assert_eq!(outcome.entries, 0);
    }
}
