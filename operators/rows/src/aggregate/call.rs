//! A call, checked: which aggregate of which expressions, and what it gives.
//!
//! Apart from the text of calls, which is the topology's, and from the folding. All names there are stand here.

use super::distinct;
use super::error::{AggregateProblem, ProblemPlace};
use super::fold::{Compiled, Fold};
use crate::data_type::{DataType, Field, FieldType, in_words};
use crate::expression::Checked;
use crate::limits::{
    BLOOM_FALSE_POSITIVES, BLOOM_VALUES, MAX_BLOOM_VALUES, MAX_TOP_K, MIN_BLOOM_FALSE_POSITIVES,
};
use crate::suggest::nearest;
use crate::value::Value;
use rust_decimal::prelude::ToPrimitive;
use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

/// The aggregates: name, fewest and most arguments, how they are called.
const AGGREGATES: [(&str, RangeInclusive<usize>, &str); 12] = [
    ("count", 0..=1, "count()"),
    ("sum", 1..=1, "sum(price)"),
    ("avg", 1..=1, "avg(price)"),
    ("min", 1..=1, "min(price)"),
    ("max", 1..=1, "max(price)"),
    ("first", 1..=1, "first(price)"),
    ("last", 1..=1, "last(price)"),
    ("count_distinct", 1..=1, "count_distinct(user)"),
    ("approx_count_distinct", 1..=1, "approx_count_distinct(user)"),
    ("bloom_count_distinct", 1..=3, "bloom_count_distinct(user, 1000000, 0.01)"),
    ("top_k", 2..=2, "top_k(item, 10)"),
    ("percentile", 2..=2, "percentile(latency, 0.99)"),
];

/// A call that fits the rows it is for. Cheap to clone.
#[derive(Clone)]
pub struct AggregateCall {
    name: &'static str,
    argument: Option<DataType>,
    result: FieldType,
    never_fails: bool,
    pub(crate) compiled: Compiled,
}

impl fmt::Debug for AggregateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AggregateCall({} of type {})", self.name, self.result)
    }
}

fn problem<T>(
    place: ProblemPlace,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, AggregateProblem> {
    Err(AggregateProblem { place, message: message.into(), help: help.into() })
}

impl AggregateCall {
    /// The aggregate `name` of `arguments`, over the records for which `filter` is TRUE. `first` and `last` go by the
    /// time `order`, a timestamp or an int64; without one by arrival.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn new(
        name: &str,
        arguments: &[Checked],
        filter: Option<&Checked>,
        order: Option<&Checked>,
    ) -> Result<Self, AggregateProblem> {
        let names = || AGGREGATES.iter().map(|(name, ..)| *name);
        let Some((name, count, usage)) = AGGREGATES.iter().find(|(known, ..)| *known == name)
        else {
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return problem(ProblemPlace::Call, format!("there is no aggregate `{name}`"), help);
        };
        if !count.contains(&arguments.len()) {
            let message = format!("`{name}` is called with {} arguments", arguments.len());
            return problem(ProblemPlace::Call, message, format!("write `{usage}`"));
        }
        let (fold, data_type) = fold(name, arguments)?;
        let predicate = filter.map(Checked::predicate).transpose().map_err(|error| {
            let help = error.help.unwrap_or_default();
            AggregateProblem { place: ProblemPlace::Filter, message: error.message, help }
        })?;
        let order = order.filter(|_| matches!(fold, Fold::Ordered { .. }));
        if let Some(order) = order
            && !matches!(order.data_type(), DataType::Timestamp | DataType::Int64)
        {
            let message =
                format!("`{name}` goes by a time, not by {}", in_words(order.data_type()));
            return problem(ProblemPlace::Order, message, "give a timestamp or an int64");
        }
        let is_count = data_type == DataType::Int64 && name.contains("count");
        let may_lack = filter.is_some() || arguments.first().is_some_and(Checked::nullable);
        let nullable = may_lack && !is_count && *name != "top_k";
        let mut read = arguments.iter().take(1).chain(order);
        let never_fails = read.all(Checked::is_column)
            && filter.is_none_or(Checked::is_column)
            && order.is_none_or(|order| !order.nullable());
        let compiled = Compiled {
            fold,
            argument: arguments.first().map(|argument| argument.code().clone()),
            filter: predicate,
            order: order.map(|order| order.code().clone()),
        };
        let argument = arguments.first().map(|argument| argument.data_type().clone());
        let result = FieldType { data_type, nullable };
        Ok(Self { name, argument, result, never_fails, compiled })
    }

    /// The type of the values that it is computed of; nothing where it counts records.
    #[must_use]
    pub const fn argument(&self) -> Option<&DataType> {
        self.argument.as_ref()
    }

    /// The type of its results.
    #[must_use]
    pub const fn data_type(&self) -> &DataType {
        &self.result.data_type
    }

    /// Whether a result may be NULL, given at least one record.
    #[must_use]
    pub const fn nullable(&self) -> bool {
        self.result.nullable
    }

    /// Whether no record can make it fail, because it reads columns and computes nothing.
    #[must_use]
    pub const fn never_fails(&self) -> bool {
        self.never_fails
    }
}

fn of_number(name: &str, data_type: &DataType) -> Result<(), AggregateProblem> {
    if data_type.is_number() {
        return Ok(());
    }
    let help = match data_type {
        DataType::String => "write CAST(... AS DOUBLE) or CAST(... AS BIGINT)",
        DataType::Timestamp => "write EXTRACT(EPOCH FROM ...) for seconds",
        _ => "give it an int64, float64 or decimal",
    };
    let message = format!("`{name}` needs numbers, not {}", in_words(data_type));
    problem(ProblemPlace::Argument(0), message, help)
}

/// What is done, and the type it gives.
fn fold(name: &str, arguments: &[Checked]) -> Result<(Fold, DataType), AggregateProblem> {
    // Only `count` may have no argument.
    let data_type = arguments.first().map_or(DataType::Int64, |first| first.data_type().clone());
    let wanted = if matches!(name, "min" | "first") { Ordering::Less } else { Ordering::Greater };
    Ok(match name {
        "sum" | "avg" | "percentile" => {
            of_number(name, &data_type)?;
            match name {
                "sum" => (Fold::Sum, data_type),
                "avg" => (Fold::Mean, DataType::Float64),
                _ => (Fold::Percentile(percentile_share(arguments)?), DataType::Float64),
            }
        }
        "min" | "max" => {
            if matches!(data_type, DataType::List(_) | DataType::Struct(_)) {
                let message =
                    format!("`{name}` needs values with an order, not {}", in_words(&data_type));
                let help = "give it a number, a text, a time, a truth value or bytes";
                return problem(ProblemPlace::Argument(0), message, help);
            }
            (Fold::Extreme { wanted }, data_type)
        }
        "first" | "last" => (Fold::Ordered { wanted }, data_type),
        "count_distinct" => (Fold::Distinct(distinct::exact()), DataType::Int64),
        "approx_count_distinct" => (Fold::Sketch(distinct::estimate()), DataType::Int64),
        "bloom_count_distinct" => (bloom(arguments)?, DataType::Int64),
        "top_k" => {
            let needed = format!("a constant from 1 to {MAX_TOP_K}");
            let k = constant_int(arguments, 1, MAX_TOP_K, &needed)?;
            let fields =
                [Field::required("value", data_type), Field::required("count", DataType::Int64)];
            (Fold::TopK(k), DataType::list_of(DataType::Struct(fields.into())))
        }
        _ => (Fold::Count, DataType::Int64),
    })
}

fn unfit<T>(arguments: &[Checked], index: usize, needed: &str) -> Result<T, AggregateProblem> {
    let found = match arguments.get(index).map(Checked::constant) {
        Some(Some(value)) => value.shown(),
        _ => "an expression that differs from row to row".to_owned(),
    };
    let message = format!("{needed} is needed here, not {found}");
    problem(ProblemPlace::Argument(index), message, format!("write {needed}"))
}

fn constant_int(
    arguments: &[Checked],
    index: usize,
    most: i64,
    needed: &str,
) -> Result<usize, AggregateProblem> {
    match arguments[index].constant() {
        Some(Value::Int64(number)) if (1..=most).contains(number) => {
            usize::try_from(*number).or_else(|_| unfit(arguments, index, needed))
        }
        _ => unfit(arguments, index, needed),
    }
}

fn constant_float(argument: &Checked) -> Option<f64> {
    match argument.constant()? {
        Value::Int64(number) => Some(*number as f64),
        Value::Float64(number) => Some(*number),
        Value::Decimal(number) => number.to_f64(),
        _ => None,
    }
}

fn percentile_share(arguments: &[Checked]) -> Result<f64, AggregateProblem> {
    match constant_float(&arguments[1]) {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => unfit(arguments, 1, "a constant from 0 to 1, such as 0.99"),
    }
}

fn bloom(arguments: &[Checked]) -> Result<Fold, AggregateProblem> {
    let needed = format!("a constant from 1 to {MAX_BLOOM_VALUES}");
    let values = match arguments.get(1) {
        Some(_) => constant_int(arguments, 1, MAX_BLOOM_VALUES, &needed)?,
        None => usize::try_from(BLOOM_VALUES).or_else(|_| unfit(arguments, 1, &needed))?,
    };
    let false_positives = match arguments.get(2) {
        None => BLOOM_FALSE_POSITIVES,
        Some(argument) => match constant_float(argument) {
            Some(share) if (MIN_BLOOM_FALSE_POSITIVES..1.0).contains(&share) => share,
            _ => return unfit(arguments, 2, "a constant between 0 and 1, such as 0.01"),
        },
    };
    Ok(Fold::Seen(distinct::filter(values, false_positives)))
}
