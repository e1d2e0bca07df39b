//! Who belongs to whom under one key, decided in the order of time.
//!
//! Two pointers walk over both sides: of the first records of each, either they belong together, or one of
//! them is so early that whatever else may come on the other side is out of its reach. The intervals of
//! all records are equally wide, so this finds as many pairs as there can be, and always the same ones.
//! A record counts once event time has come to it; until then an earlier one may still arrive.

use super::bounds::Interval;
use super::sides::{Side, Sides};
use tidegate_core::time::Timestamp;

/// What is decided about the first records of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They belong together.
    Pair,
    /// The first record of this side stays alone.
    Alone(Side),
}

/// What can be decided when event time has come to `now`; `None` when nothing more can.
pub(super) fn verdict<L, R>(
    sides: &Sides<L, R>,
    interval: Interval,
    now: Timestamp,
) -> Option<Verdict> {
    let Interval { lower_ms, upper_ms } = interval;
    let left = sides.left.first().map(|first| first.at).filter(|at| *at <= now);
    let right = sides.right.first().map(|first| first.at).filter(|at| *at <= now);
    match (left, right) {
        (Some(left), Some(right)) if right > left.plus(upper_ms) => {
            Some(Verdict::Alone(Side::Left))
        }
        (Some(left), Some(right)) if left > right.minus(lower_ms) => {
            Some(Verdict::Alone(Side::Right))
        }
        (Some(_), Some(_)) => Some(Verdict::Pair),
        (Some(left), None) => (left.plus(upper_ms) <= now).then_some(Verdict::Alone(Side::Left)),
        (None, Some(right)) => {
            (right.minus(lower_ms) <= now).then_some(Verdict::Alone(Side::Right))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::buffer::Waiting;
    use super::*;

    fn decided(left: &[i64], right: &[i64], now: i64) -> Vec<Verdict> {
        let waiting = |at: &i64| Waiting { at: Timestamp(*at), matched: false, value: () };
        let mut sides = Sides {
            left: left.iter().map(waiting).collect(),
            right: right.iter().map(waiting).collect(),
        };
        let mut verdicts = Vec::new();
        while let Some(next) = verdict(&sides, Interval::between(-3, 5), Timestamp(now)) {
            if next != Verdict::Alone(Side::Right) {
                sides.left.remove(0);
            }
            if next != Verdict::Alone(Side::Left) {
                sides.right.remove(0);
            }
            verdicts.push(next);
        }
        verdicts
    }

    #[test]
    fn the_first_records_of_both_sides_are_a_pair_or_one_of_them_stays_alone() {
        use Side::{Left, Right};
        use Verdict::{Alone, Pair};
        assert_eq!(decided(&[10], &[15], 20), [Pair]);
        assert_eq!(decided(&[10], &[16], 18), [Alone(Left)]);
        assert_eq!(decided(&[10], &[7], 20), [Pair]);
        assert_eq!(decided(&[10], &[6], 20), [Alone(Right), Alone(Left)]);
        assert_eq!(decided(&[10, 11], &[11], 15), [Pair]);
        assert_eq!(decided(&[10, 11], &[11], 16), [Pair, Alone(Left)]);
        // An earlier one may still come on the right.
        assert_eq!(decided(&[10], &[13], 12), []);
        assert_eq!(decided(&[10], &[], 14), []);
        assert_eq!(decided(&[10], &[], 15), [Alone(Left)]);
        assert_eq!(decided(&[], &[10], 12), []);
        assert_eq!(decided(&[], &[10], 13), [Alone(Right)]);
    }
}
