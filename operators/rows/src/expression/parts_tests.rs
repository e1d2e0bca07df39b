//! Tests of what is known of an expression beside its value: what it reads, and its parts.

use super::tests::{row, schema};
use super::{Checked, Expression, Functions};

/// An expression that was checked against the columns of the tests.
fn checked(text: &str) -> Checked {
    let parsed = Expression::parse(text).expect("an expression");
    parsed.check(&schema(), &Functions::built_in()).expect("of these columns")
}

#[test]
fn it_is_known_which_fields_are_read_and_what_is_only_read() {
    let user = 8;
    assert_eq!(checked("\"user\".name = category").fields(user), Some(vec![1]));
    assert_eq!(checked("\"user\".name || \"user\".name").fields(user), Some(vec![1]));
    assert_eq!(checked("\"user\".id > 1 OR \"user\".name = 'a'").fields(user), Some(vec![0, 1]));
    assert_eq!(checked("\"user\" IS NULL AND \"user\".id = 1").fields(user), None);
    assert_eq!(checked("i > 1").fields(user), Some(vec![]));
    assert_eq!(checked("(\"user\".name)").path(), Some((user, &[1][..])));
    assert_eq!(checked("i").path(), Some((0, &[][..])));
    assert_eq!(checked("i + 1").path(), None);
    assert!(
        checked("\"user\".name").value().never_fails() && !checked("i + 1").value().never_fails()
    );
}

#[test]
fn parts_that_and_joins_are_taken_apart() {
    let parts = |text: &str| {
        let parsed = Expression::parse(text).expect("an expression");
        let truths = parsed.conjuncts().into_iter().map(|part| {
            let part = part.check(&schema(), &Functions::built_in()).expect("of these columns");
            part.predicate().expect("a condition").test(&row()).expect("a value")
        });
        truths.collect::<Vec<_>>()
    };
    assert_eq!(parts("i = 7 AND (n > 1 AND b) AND NOT (i = 8 AND b)"), [true, false, true, true]);
    assert_eq!(parts("i = 7 OR b AND n > 1"), [true]);
    assert_eq!(parts("i BETWEEN 1 AND 2"), [false]);
}
