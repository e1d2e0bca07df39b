//! Joins without a window: at any moment the result is the join of what is there.

use super::applied::{results, shown};
use super::chance::{Event, Row, events, happen};
use proptest::prelude::*;
use tidegate_core::changelog::Change;
use tidegate_operators::Retain;
use tidegate_operators::join::{JoinKind, Joined, UnboundedJoin};
use tidegate_tests::harness::{Outcome, TwoInputStep, TwoInputs};

pub(super) type Changes = TwoInputStep<Change<Row>, Change<Row>>;

pub(super) fn key(row: &Row) -> u8 {
    row.0
}

pub(super) fn run(kind: JoinKind, retain: Retain, steps: &[Changes]) -> Outcome {
    let make = move || UnboundedJoin::new(kind, retain).of_changelogs(key, key);
    let of_change = |change: &Change<Row>| key(&change.row);
    TwoInputs::new(make, of_change, of_change).show(shown).run(steps)
}

pub(super) fn kinds() -> impl Strategy<Value = JoinKind> {
    prop_oneof![
        Just(JoinKind::Inner),
        Just(JoinKind::Left),
        Just(JoinKind::Right),
        Just(JoinKind::Full)
    ]
}

/// The join of two results, by definition.
fn joined(kind: JoinKind, left: &[Row], right: &[Row]) -> Vec<Joined<Row, Row>> {
    let mut rows = Vec::new();
    for l in left {
        rows.extend(right.iter().filter(|r| key(r) == key(l)).map(|r| Joined::Both(*l, *r)));
    }
    let alone = |row: &&Row, others: &[Row]| others.iter().all(|other| key(other) != key(row));
    if kind.keeps_left() {
        rows.extend(left.iter().filter(|l| alone(l, right)).map(|l| Joined::Left(*l)));
    }
    if kind.keeps_right() {
        rows.extend(right.iter().filter(|r| alone(r, left)).map(|r| Joined::Right(*r)));
    }
    rows.sort();
    rows
}

#[test]
fn a_row_comes_alone_until_it_has_a_partner_and_again_when_it_has_lost_the_last() {
    let (l, r) = ((1, 5, 5), (1, 6, 6));
    let steps = [
        TwoInputStep::First(Change::insert(l), 1),
        TwoInputStep::Second(Change::insert(r), 2),
        TwoInputStep::Second(Change::insert(r), 3),
        TwoInputStep::Second(Change::delete(r), 4),
        TwoInputStep::Second(Change::update_before(r), 5),
        TwoInputStep::First(Change::delete(l), 6),
        TwoInputStep::First(Change::delete(l), 7),
    ];
    let make = || UnboundedJoin::new(JoinKind::Full, Retain::Forever).of_changelogs(key, key);
    let of_change = |change: &Change<Row>| key(&change.row);
    let harness = TwoInputs::new(make, of_change, of_change).show(|change| {
        let what = match change.row {
            Joined::Both(..) => "both",
            Joined::Left(_) => "left",
            Joined::Right(_) => "right",
        };
        format!("{} {what}", change.kind)
    });
    let outcome = harness.run(&steps);
    let expected = [
        "+I left @1",
        "-D left @2",
        "+I both @2",
        "+I both @3",
        "-D both @4",
        "-D both @5",
        "+I left @5",
        "-D left @6",
    ];
    assert_eq!(outcome.lines, expected);
    assert_eq!((outcome.totals.dropped, outcome.entries), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_result_is_the_join_of_both_results_at_any_moment(
        kind in kinds(),
        left_events in events(),
        right_events in events(),
        order in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let (mut left, mut right, mut steps, mut expected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut left_events, mut right_events) = (left_events.into_iter(), right_events.into_iter());
        let mut at = 0;
        let mut happen_next = |is_left: bool, event: Event, left: &mut Vec<Row>, right: &mut Vec<Row>| {
            at += 1;
            if is_left {
                let changes = happen(event, left).into_iter();
                steps.extend(changes.map(|change| TwoInputStep::First(change, at)));
            } else {
                let changes = happen(event, right).into_iter();
                steps.extend(changes.map(|change| TwoInputStep::Second(change, at)));
            }
            steps.push(TwoInputStep::Watermark(at));
            expected.push(joined(kind, left, right));
        };
        for is_left in order {
            let event = if is_left { left_events.next() } else { right_events.next() };
            let Some(event) = event else { continue };
            happen_next(is_left, event, &mut left, &mut right);
        }
        // At last all rows go.
        while !left.is_empty() || !right.is_empty() {
            let is_left = right.is_empty() || (!left.is_empty() && left.len() % 2 == 0);
            happen_next(is_left, Event::Delete { pick: 1 }, &mut left, &mut right);
        }
        let outcome = run(kind, Retain::Forever, &steps);
        prop_assert_eq!(results::<Joined<Row, Row>>(&outcome.lines), expected);
        prop_assert_eq!((outcome.entries, outcome.totals.dropped), (0, 0));
    }
}
