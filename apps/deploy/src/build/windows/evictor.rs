//! Which rows a window that fires leaves out.

use super::distance;
use tidegate::operators::window::{Evictor, Stamped, When};
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::{EvictPlan, EvictRule, Windows};

/// One after the other: what makes a sliding window of so many rows, then what the topology asks for.
pub(super) struct Evictors(Vec<Box<dyn Evictor<Row>>>);

impl Evictors {
    /// Those of these windows, if there are any.
    pub(super) fn new(windows: &Windows, asked: Option<&EvictPlan>) -> Option<Self> {
        let mut evictors: Vec<Box<dyn Evictor<Row>>> = Vec::new();
        if let Windows::Count(size, slide) = windows
            && slide != size
        {
            evictors.push(Box::new(CountEvictor::before(rows(*size))));
        }
        evictors.extend(asked.map(evictor));
        (!evictors.is_empty()).then_some(Self(evictors))
    }
}

fn rows(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn evictor(plan: &EvictPlan) -> Box<dyn Evictor<Row>> {
    match (&plan.rule, plan.after) {
        (EvictRule::KeepLast(keep), false) => Box::new(CountEvictor::before(rows(*keep))),
        (EvictRule::KeepLast(keep), true) => Box::new(CountEvictor::after(rows(*keep))),
        (EvictRule::KeepTime(millis), false) => Box::new(TimeEvictor::before(*millis)),
        (EvictRule::KeepTime(millis), true) => Box::new(TimeEvictor::after(*millis)),
        (EvictRule::Delta(number, threshold), after) => {
            let far = far(number.clone());
            match after {
                false => Box::new(DeltaEvictor::before(*threshold, far)),
                true => Box::new(DeltaEvictor::after(*threshold, far)),
            }
        }
    }
}

/// How far the numbers of two rows are from each other; a row without one is far from nothing.
fn far(number: Evaluator) -> impl Fn(&Row, &Row) -> f64 + Send + Sync + 'static {
    move |row, last| {
        let number = |row: &Row| number.evaluate(row).unwrap_or(Value::Null);
        distance(&number(row), &number(last))
    }
}

impl Evictor<Row> for Evictors {
    fn evict(&self, when: When, records: &mut Vec<Stamped<Row>>) {
        self.0.iter().for_each(|evictor| evictor.evict(when, records));
    }
}
