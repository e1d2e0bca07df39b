//! Rows with what they are ordered by.
//!
//! Apart because rankings of windows and those without windows order alike. The terms of the order are computed once, in
//! a stage in front, where the policy of the node applies; whatever ranks only compares values.

use crate::unusable::unusable;
use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};
use tidegate::prelude::BoxError;
use tidegate_rows::expression::EvaluationError;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::OrderTerm;

/// A value of an order: what comes first is the smallest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Term {
    /// The smallest value comes first.
    #[serde(rename = "a")]
    Ascending(Value),
    /// The largest value comes first.
    #[serde(rename = "d")]
    Descending(Reverse<Value>),
}

impl Term {
    fn of(term: &OrderTerm, row: &Row) -> Result<Self, EvaluationError> {
        let value = term.value.evaluate(row)?;
        let descending = term.descending;
        Ok(if descending { Self::Descending(Reverse(value)) } else { Self::Ascending(value) })
    }
}

/// The values of a whole order. Nothing is allocated where there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Terms {
    /// One.
    #[serde(rename = "1")]
    One(Term),
    /// Several, or none.
    #[serde(rename = "n")]
    Many(Box<[Term]>),
}

/// A row and what it is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    #[serde(rename = "o")]
    pub(super) terms: Terms,
    #[serde(rename = "r")]
    pub(super) row: Row,
}

impl Placed {
    /// The row in this order.
    ///
    /// # Errors
    /// When a term has no value, with the row.
    pub(super) fn of(order: &[OrderTerm], row: Row) -> Result<Self, BoxError> {
        let terms = match order {
            [term] => Term::of(term, &row).map(Terms::One),
            terms => {
                let terms: Result<_, _> = terms.iter().map(|term| Term::of(term, &row)).collect();
                terms.map(Terms::Many)
            }
        };
        match terms {
            Ok(terms) => Ok(Self { terms, row }),
            Err(error) => Err(unusable(&error, &row)),
        }
    }

    /// Which of two rows comes first by the order alone.
    pub(super) fn by_order(&self, other: &Self) -> Ordering {
        self.terms.cmp(&other.terms)
    }
}

/// Whether a row comes behind another by the order alone; behind none if there is none.
///
/// # Errors
/// When a term has no value, with the row.
pub(super) fn is_behind(
    order: &[OrderTerm],
    row: &Row,
    other: Option<&Placed>,
) -> Result<bool, BoxError> {
    let Some(other) = other else { return Ok(false) };
    let others = match &other.terms {
        Terms::One(term) => std::slice::from_ref(term),
        Terms::Many(terms) => terms,
    };
    let mut found = Ordering::Equal;
    for (term, other) in order.iter().zip(others) {
        // One that has no value is an error, whether it decides or not.
        let own = Term::of(term, row).map_err(|error| unusable(&error, row))?;
        found = found.then_with(|| own.cmp(other));
    }
    Ok(found.is_gt())
}

/// What comes first is the *greatest*, as the engine ranks; of rows that rank alike the one with the smallest values.
impl Ord for Placed {
    fn cmp(&self, other: &Self) -> Ordering {
        let first = self.by_order(other).then_with(|| self.row.cmp(&other.row));
        first.reverse()
    }
}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(terms: Terms, id: i64) -> Placed {
        Placed { terms, row: Row::new([Value::Int64(id)]) }
    }

    #[test]
    fn null_is_the_smallest_and_values_decide_what_the_order_does_not() {
        let up = |value| Terms::One(Term::Ascending(value));
        let down = |value| Terms::One(Term::Descending(Reverse(value)));
        let first = |left: Placed, right: Placed| assert!(left > right, "{left:?} {right:?}");
        first(placed(up(Value::Null), 2), placed(up(Value::Int64(-1)), 1));
        first(placed(down(Value::Int64(-1)), 2), placed(down(Value::Null), 1));
        first(placed(down(Value::Float64(f64::NAN)), 2), placed(down(Value::Float64(9.0)), 1));
        first(placed(up(Value::Int64(3)), 1), placed(up(Value::Int64(3)), 2));
        let two = |value| {
            let terms =
                [Term::Descending(Reverse(Value::Int64(1))), Term::Ascending(Value::Int64(value))];
            Terms::Many(terms.into())
        };
        first(placed(two(4), 2), placed(two(5), 1));
    }
}
