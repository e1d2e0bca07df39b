//! One call, compiled: how its part is made, filled, merged and read.
//!
//! Apart from the check of calls. Nothing here allocates for a record where numbers are counted, summed or compared. A
//! part of another kind, which only state of another job can have, is an error.

use super::distinct::{self, Estimate, Exact, Filter};
use super::numbers::Wide;
use super::part::Part;
use super::percentile::Histogram;
use super::top_k::Frequencies;
use crate::expression::Predicate;
use crate::expression::code::Code;
use crate::expression::datum::Datum;
use crate::expression::float_of;
use crate::row::Row;
use crate::value::Value;
use std::cmp::Ordering;
use tidegate_core::state::aggregate::Aggregate;

const FOREIGN: &str =
    "the state is of another aggregate: start without it, or give the operator a new name";

/// What is done with the values of a call.
#[derive(Clone, Debug)]
pub(crate) enum Fold {
    Count,
    Sum,
    Mean,
    Extreme {
        wanted: Ordering,
    },
    /// What has the least time, or the largest; without a time, what came first or last.
    Ordered {
        wanted: Ordering,
    },
    Distinct(Exact),
    Sketch(Estimate),
    Seen(Filter),
    TopK(usize),
    Percentile(f64),
}

/// A call over the rows of a schema.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(crate) fold: Fold,
    /// None for `count()`.
    pub(crate) argument: Option<Code>,
    pub(crate) filter: Option<Predicate>,
    pub(crate) order: Option<Code>,
}

type Done<T = ()> = Result<T, String>;

fn int(count: u64) -> Value {
    Value::Int64(i64::try_from(count).unwrap_or(i64::MAX))
}

fn some_if(count: u64, value: Value) -> Value {
    if count == 0 { Value::Null } else { value }
}

fn more(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

fn foreign<T>() -> Done<T> {
    Err(FOREIGN.to_owned())
}

impl Compiled {
    /// What is kept of nothing. A `running` part is never added to nor stored; see the laws of aggregates.
    #[inline]
    pub(crate) fn create(&self, running: bool) -> Part {
        match (&self.fold, &self.argument) {
            (Fold::Count, _) => Part::Count(0),
            (Fold::Sum | Fold::Mean, Some(Code::Float(_))) => Part::Float(0.0, 0),
            (Fold::Sum | Fold::Mean, Some(Code::Decimal(_))) => Part::Decimal(Box::default(), 0),
            (Fold::Sum | Fold::Mean, _) => Part::Int(Wide::default(), 0),
            (Fold::Extreme { .. }, _) => Part::Extreme(None),
            (Fold::Ordered { .. }, _) => Part::Ordered(None),
            (Fold::Distinct(exact), _) => {
                Part::Distinct(Box::new(if running { exact.running() } else { exact.create() }))
            }
            (Fold::Sketch(estimate), _) => Part::Sketch(Box::new(estimate.create())),
            (Fold::Seen(filter), _) => Part::Seen(Box::new(filter.create())),
            (Fold::TopK(_), _) => Part::Frequencies(Frequencies::default()),
            (Fold::Percentile(_), _) => Part::Histogram(Histogram::default()),
        }
    }

    /// Whether a part that was merged can be taken out again, exactly.
    pub(crate) const fn deducts(&self) -> bool {
        match self.fold {
            Fold::Count | Fold::Distinct(_) | Fold::TopK(_) | Fold::Percentile(_) => true,
            Fold::Sum | Fold::Mean => !matches!(self.argument, Some(Code::Float(_))),
            Fold::Extreme { .. } | Fold::Ordered { .. } | Fold::Sketch(_) | Fold::Seen(_) => false,
        }
    }

    /// Whether the result is the same in whatever order records come and parts are merged.
    pub(crate) const fn is_commutative(&self) -> bool {
        !matches!(self.fold, Fold::Ordered { .. }) || self.order.is_some()
    }

    /// Adds a row. What fails leaves the part as it was.
    #[inline]
    pub(crate) fn add(&self, part: &mut Part, row: &Row) -> Done {
        if let Some(filter) = &self.filter
            && !filter.test(row).map_err(|error| error.to_string())?
        {
            return Ok(());
        }
        let failed = |failure: Box<crate::expression::EvaluationError>| failure.to_string();
        match (&self.fold, &self.argument, part) {
            (Fold::Count, None, Part::Count(count)) => more(count, 1),
            (Fold::Sum | Fold::Mean, Some(Code::Int(code)), Part::Int(total, count)) => {
                if let Some(number) = code(row).map_err(failed)? {
                    total.put(number.into())?;
                    more(count, 1);
                }
            }
            (Fold::Sum | Fold::Mean, Some(Code::Float(code)), Part::Float(total, count)) => {
                if let Some(number) = code(row).map_err(failed)? {
                    *total += number;
                    more(count, 1);
                }
            }
            (Fold::Sum | Fold::Mean, Some(Code::Decimal(code)), Part::Decimal(total, count)) => {
                if let Some(number) = code(row).map_err(failed)? {
                    total.put(number)?;
                    more(count, 1);
                }
            }
            (_, Some(code), part) => {
                let datum = code.datum(row).map_err(failed)?;
                if !datum.is_null() {
                    self.add_datum(part, datum, row)?;
                }
            }
            _ => return foreign(),
        }
        Ok(())
    }

    fn add_datum(&self, part: &mut Part, datum: Datum<'_>, row: &Row) -> Done {
        match (&self.fold, part) {
            (Fold::Count, Part::Count(count)) => more(count, 1),
            (Fold::Extreme { wanted }, Part::Extreme(best)) => {
                if best.as_ref().is_none_or(|best| datum.compare(&Datum::of(best)) == *wanted) {
                    *best = Some(datum.into_value());
                }
            }
            (Fold::Ordered { wanted }, Part::Ordered(best)) => {
                let time = self.time(row)?;
                if self.is_better(best.as_ref(), time, &datum, *wanted) {
                    *best = Some((time, datum.into_value()));
                }
            }
            (Fold::Distinct(exact), Part::Distinct(ids)) => {
                exact.add(ids, &distinct::identity(&datum));
            }
            (Fold::Sketch(estimate), Part::Sketch(sketch)) => {
                estimate.add(sketch, &distinct::hash(&datum));
            }
            (Fold::Seen(filter), Part::Seen(seen)) => filter.add(seen, &distinct::hash(&datum)),
            (Fold::TopK(_), Part::Frequencies(frequencies)) => frequencies.put(datum.into_value()),
            (Fold::Percentile(_), Part::Histogram(histogram)) => match datum {
                Datum::Int(number) => histogram.put(number as f64),
                Datum::Float(number) => histogram.put(number),
                Datum::Decimal(number) => histogram.put(float_of(number)),
                _ => return foreign(),
            },
            _ => return foreign(),
        }
        Ok(())
    }

    /// The time by which first and last go; always the same where they go by arrival.
    fn time(&self, row: &Row) -> Done<i64> {
        let time = match &self.order {
            None => return Ok(0),
            Some(code) => code.datum(row).map_err(|failure| failure.to_string())?,
        };
        match time {
            Datum::Timestamp(time) | Datum::Int(time) => Ok(time),
            _ => Err("the time by which first and last go is NULL".to_owned()),
        }
    }

    fn is_better(
        &self,
        best: Option<&(i64, Value)>,
        time: i64,
        datum: &Datum<'_>,
        wanted: Ordering,
    ) -> bool {
        let Some((at, value)) = best else { return true };
        if self.order.is_none() {
            // What comes later is the last, and never the first.
            return wanted.is_gt();
        }
        time.cmp(at).then_with(|| datum.compare(&Datum::of(value))) == wanted
    }

    /// Whether the row can be added, as far as expressions tell.
    pub(crate) fn check(&self, row: &Row) -> Done {
        let failed = |failure: Box<crate::expression::EvaluationError>| failure.to_string();
        if let Some(filter) = &self.filter
            && !filter.test(row).map_err(|error| error.to_string())?
        {
            return Ok(());
        }
        if let Some(code) = &self.argument
            && !code.datum(row).map_err(failed)?.is_null()
        {
            self.time(row)?;
        }
        Ok(())
    }

    /// Adds what another part has taken in.
    pub(crate) fn merge(&self, part: &mut Part, other: &Part) -> Done {
        match (&self.fold, part, other) {
            (Fold::Count, Part::Count(count), Part::Count(other)) => more(count, *other),
            (Fold::Sum | Fold::Mean, Part::Int(total, count), Part::Int(sum, by)) => {
                total.put(sum.get())?;
                more(count, *by);
            }
            (Fold::Sum | Fold::Mean, Part::Float(total, count), Part::Float(sum, by)) => {
                *total += sum;
                more(count, *by);
            }
            (Fold::Sum | Fold::Mean, Part::Decimal(total, count), Part::Decimal(sum, by)) => {
                total.join(sum)?;
                more(count, *by);
            }
            (Fold::Extreme { wanted }, Part::Extreme(best), Part::Extreme(Some(value))) => {
                if best.as_ref().is_none_or(|best| value.cmp(best) == *wanted) {
                    *best = Some(value.clone());
                }
            }
            (Fold::Ordered { wanted }, Part::Ordered(best), Part::Ordered(Some((time, value)))) => {
                if self.is_better(best.as_ref(), *time, &Datum::of(value), *wanted) {
                    *best = Some((*time, value.clone()));
                }
            }
            (Fold::Extreme { .. }, Part::Extreme(_), Part::Extreme(None))
            | (Fold::Ordered { .. }, Part::Ordered(_), Part::Ordered(None)) => {}
            (Fold::Distinct(exact), Part::Distinct(ids), Part::Distinct(other)) => {
                exact.merge(ids, other);
            }
            (Fold::Sketch(estimate), Part::Sketch(sketch), Part::Sketch(other)) => {
                estimate.merge(sketch, other);
            }
            (Fold::Seen(filter), Part::Seen(seen), Part::Seen(other)) => filter.merge(seen, other),
            (Fold::TopK(_), Part::Frequencies(own), Part::Frequencies(other)) => own.join(other),
            (Fold::Percentile(_), Part::Histogram(own), Part::Histogram(other)) => own.join(other),
            _ => return foreign(),
        }
        Ok(())
    }

    /// Takes a part out that was merged.
    pub(crate) fn deduct(&self, part: &mut Part, other: &Part) -> Done {
        match (&self.fold, part, other) {
            (Fold::Count, Part::Count(count), Part::Count(other)) => {
                *count = count.saturating_sub(*other);
            }
            (Fold::Sum | Fold::Mean, Part::Int(total, count), Part::Int(sum, by)) => {
                total.take(sum.get())?;
                *count = count.saturating_sub(*by);
            }
            (Fold::Sum | Fold::Mean, Part::Decimal(total, count), Part::Decimal(sum, by)) => {
                total.take(sum)?;
                *count = count.saturating_sub(*by);
            }
            (Fold::Distinct(exact), Part::Distinct(ids), Part::Distinct(other)) => {
                exact.deduct(ids, other);
            }
            (Fold::TopK(_), Part::Frequencies(own), Part::Frequencies(other)) => own.take(other),
            (Fold::Percentile(_), Part::Histogram(own), Part::Histogram(other)) => own.take(other),
            _ => return foreign(),
        }
        Ok(())
    }

    /// The result so far.
    pub(crate) fn result(&self, part: &Part) -> Done<Value> {
        Ok(match (&self.fold, part) {
            (Fold::Count, Part::Count(count)) => int(*count),
            (Fold::Sum, Part::Int(total, count)) => {
                let help = "sum CAST(... AS DECIMAL) instead";
                let total = total.get();
                let sum = i64::try_from(total);
                let sum = sum.map_err(|_| format!("the sum {total} is no int64; {help}"))?;
                some_if(*count, Value::Int64(sum))
            }
            (Fold::Sum, Part::Float(total, count)) => some_if(*count, Value::Float64(*total)),
            (Fold::Sum, Part::Decimal(total, count)) => {
                let help = "sum CAST(... AS DOUBLE) instead";
                let sum = total.sum().ok_or_else(|| {
                    format!("the sum, about {:e}, is no decimal; {help}", total.approximate())
                })?;
                some_if(*count, Value::Decimal(sum))
            }
            (Fold::Mean, part) => {
                let (total, count) = match part {
                    Part::Int(total, count) => (total.get() as f64, *count),
                    Part::Float(total, count) => (*total, *count),
                    Part::Decimal(total, count) => (total.approximate(), *count),
                    _ => return foreign(),
                };
                some_if(count, Value::Float64(total / count as f64))
            }
            (Fold::Extreme { .. }, Part::Extreme(best)) => best.clone().unwrap_or(Value::Null),
            (Fold::Ordered { .. }, Part::Ordered(best)) => {
                best.as_ref().map_or(Value::Null, |(_, value)| value.clone())
            }
            (Fold::Distinct(exact), Part::Distinct(ids)) => int(exact.result(ids)),
            (Fold::Sketch(estimate), Part::Sketch(sketch)) => int(estimate.result(sketch)),
            (Fold::Seen(filter), Part::Seen(seen)) => int(filter.result(seen)),
            (Fold::TopK(k), Part::Frequencies(frequencies)) => frequencies.top(*k),
            (Fold::Percentile(share), Part::Histogram(histogram)) => {
                histogram.percentile(*share).map_or(Value::Null, Value::Float64)
            }
            _ => return foreign(),
        })
    }
}
