//! Comparisons, BETWEEN and IN. Apart because they are what most rows are filtered by: a column against a constant
//! has code of its own, which neither calls nor copies.

use super::check::{Checker, Typed};
use super::code::{Code, Eval, Reader};
use super::datum::Datum;
use super::error::{ErrorCode, Span};
use super::syntax::{Comparison, Node};
use crate::data_type::DataType;
use crate::value::Value;
use compact_str::CompactString;
use hashbrown::HashSet;
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::sync::Arc;

impl Comparison {
    /// Whether it holds for operands in this order; `None` where a NaN takes part.
    const fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (Self::Equal, Some(Ordering::Equal)) => true,
            (Self::NotEqual, order) => !matches!(order, Some(Ordering::Equal)),
            (Self::Less | Self::LessOrEqual, Some(Ordering::Less)) => true,
            (Self::LessOrEqual | Self::GreaterOrEqual, Some(Ordering::Equal)) => true,
            (Self::Greater | Self::GreaterOrEqual, Some(Ordering::Greater)) => true,
            _ => false,
        }
    }

    /// The same with its operands exchanged.
    const fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

/// A column type whose values are copied out of the row.
trait Plain {
    type Value: PartialOrd + Copy + Send + Sync + 'static;
    fn of(value: &Value) -> Option<Self::Value>;
}

macro_rules! plain {
    ($($name:ident, $variant:ident, $value:ty;)*) => {$(
        struct $name;
        impl Plain for $name {
            type Value = $value;

            #[inline]
            fn of(value: &Value) -> Option<$value> {
                if let Value::$variant(value) = value { Some(*value) } else { None }
            }
        }
    )*};
}
plain! {
    OfBoolean, Boolean, bool;
    OfInt, Int64, i64;
    OfFloat, Float64, f64;
    OfDecimal, Decimal, Decimal;
    OfTimestamp, Timestamp, i64;
}

/// Runs `$make` with the operator that the comparison is.
macro_rules! by_operator {
    ($operator:expr, $make:ident) => {
        match $operator {
            Comparison::Equal => $make!(==),
            Comparison::NotEqual => $make!(!=),
            Comparison::Less => $make!(<),
            Comparison::LessOrEqual => $make!(<=),
            Comparison::Greater => $make!(>),
            Comparison::GreaterOrEqual => $make!(>=),
        }
    };
}

fn column_with_constant<P: Plain + 'static>(
    operator: Comparison,
    at: Reader,
    constant: P::Value,
) -> Eval<bool> {
    macro_rules! make {
        ($sign:tt) => {
            Arc::new(move |row| {
                let found = at.read(row);
                match found.and_then(P::of) {
                    Some(value) => Ok(Some(value $sign constant)),
                    None if matches!(found, Some(Value::Null)) => Ok(None),
                    None => Err(at.misfit(found)),
                }
            })
        };
    }
    by_operator!(operator, make)
}

fn plain<P: Plain + 'static>(
    operator: Comparison,
    left: (Eval<P::Value>, &Typed),
    right: (Eval<P::Value>, &Typed),
) -> Eval<bool> {
    let known = |typed: &Typed| typed.constant.as_ref().and_then(P::of);
    match (&left.1.reader, known(right.1), known(left.1), &right.1.reader) {
        (Some(at), Some(constant), ..) => {
            return column_with_constant::<P>(operator, at.clone(), constant);
        }
        (_, _, Some(constant), Some(at)) => {
            return column_with_constant::<P>(operator.turned(), at.clone(), constant);
        }
        _ => {}
    }
    let (left, right) = (left.0, right.0);
    macro_rules! make {
        ($sign:tt) => {
            Arc::new(move |row| match (left(row)?, right(row)?) {
                (Some(left), Some(right)) => Ok(Some(left $sign right)),
                _ => Ok(None),
            })
        };
    }
    by_operator!(operator, make)
}

fn text(operator: Comparison, left: &Typed, right: &Typed) -> Option<Eval<bool>> {
    let known = |typed: &Typed| match &typed.constant {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (operator, at, constant) = match (&left.reader, known(right), known(left), &right.reader) {
        (Some(at), Some(constant), ..) => (operator, at.clone(), constant),
        (_, _, Some(constant), Some(at)) => (operator.turned(), at.clone(), constant),
        _ => {
            let (Code::Text(left), Code::Text(right)) = (left.code.clone(), right.code.clone())
            else {
                return None;
            };
            return Some(Arc::new(move |row| match (left(row)?, right(row)?) {
                (Some(left), Some(right)) => {
                    Ok(Some(operator.holds(Some(left.as_bytes().cmp(right.as_bytes())))))
                }
                _ => Ok(None),
            }));
        }
    };
    macro_rules! make {
        ($sign:tt) => {
            Arc::new(move |row| match at.read(row) {
                Some(Value::String(text)) => Ok(Some(text.as_bytes() $sign constant.as_bytes())),
                Some(Value::Null) => Ok(None),
                other => Err(at.misfit(other)),
            })
        };
    }
    Some(by_operator!(operator, make))
}

fn compiled(operator: Comparison, left: &Typed, right: &Typed) -> Eval<bool> {
    let pair = (left.code.clone(), right.code.clone());
    match pair {
        (Code::Boolean(l), Code::Boolean(r)) => plain::<OfBoolean>(operator, (l, left), (r, right)),
        (Code::Int(l), Code::Int(r)) => plain::<OfInt>(operator, (l, left), (r, right)),
        (Code::Float(l), Code::Float(r)) => plain::<OfFloat>(operator, (l, left), (r, right)),
        (Code::Decimal(l), Code::Decimal(r)) => plain::<OfDecimal>(operator, (l, left), (r, right)),
        (Code::Timestamp(l), Code::Timestamp(r)) => {
            plain::<OfTimestamp>(operator, (l, left), (r, right))
        }
        (l, r) => text(operator, left, right).unwrap_or_else(|| {
            Arc::new(move |row| {
                let (left, right) = (l.datum(row)?, r.datum(row)?);
                let is_known = !left.is_null() && !right.is_null();
                Ok(is_known.then(|| operator.holds(left.sql_compare(&right))))
            })
        }),
    }
}

/// What IN looks for among constants.
enum Constants {
    Ints(Box<[i64]>),
    Texts(Box<[CompactString]>),
    ManyTexts(HashSet<CompactString>),
    /// In the order of keys, without NaN.
    Others(Box<[Value]>),
}

/// Up to so many strings are compared one by one, which is faster than hashing.
const FEW: usize = 8;

impl Constants {
    fn of(mut values: Vec<Value>) -> Self {
        values.retain(|value| !matches!(value, Value::Float64(number) if number.is_nan()));
        values.sort();
        values.dedup();
        let ints = values.iter().map(OfInt::of).collect::<Option<_>>();
        if let Some(ints) = ints {
            return Self::Ints(ints);
        }
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        match values.iter().map(text).collect::<Option<Vec<_>>>() {
            Some(texts) if texts.len() <= FEW => Self::Texts(texts.into()),
            Some(texts) => Self::ManyTexts(texts.into_iter().collect()),
            None => Self::Others(values.into()),
        }
    }

    fn contains(&self, datum: &Datum<'_>) -> bool {
        match (self, datum) {
            (Self::Ints(ints), Datum::Int(value)) => ints.binary_search(value).is_ok(),
            (Self::Texts(texts), Datum::Text(value)) => texts.iter().any(|text| **text == **value),
            (Self::ManyTexts(texts), Datum::Text(value)) => texts.contains(&**value),
            (_, Datum::Float(value)) if value.is_nan() => false,
            (Self::Others(values), datum) => {
                values.binary_search_by(|value| Datum::of(value).compare(datum)).is_ok()
            }
            _ => false,
        }
    }
}

impl Checker<'_> {
    /// Refuses what has no order that SQL agrees on.
    fn comparable(&mut self, data_type: &DataType, span: Span) -> Option<()> {
        match data_type {
            DataType::List(_) | DataType::Struct(_) => {
                let message = format!("values of type {data_type} cannot be compared");
                let help = "compare their elements or fields".to_owned();
                self.fail(ErrorCode::TypeMismatch, span, message, Some(help))
            }
            _ => Some(()),
        }
    }

    pub(super) fn compare(
        &mut self,
        operator: Comparison,
        left: &Node,
        right: &Node,
        span: Span,
    ) -> Option<Typed> {
        let (left, right) = self.both(left, right)?;
        if left.data_type.is_none() || right.data_type.is_none() {
            let message = "a comparison with NULL is never true";
            let help = "write IS NULL or IS NOT NULL".to_owned();
            return self.fail(ErrorCode::UntypedNull, span, message, Some(help));
        }
        let (common, parts) = self.unified(vec![left, right])?;
        self.comparable(&common, span)?;
        let [left, right] = &parts[..] else { return None };
        let is_constant = left.constant.is_some() && right.constant.is_some();
        let code = Code::Boolean(compiled(operator, left, right));
        self.made(DataType::Boolean, left.nullable || right.nullable, code, span, is_constant)
    }

    pub(super) fn distinct(&mut self, left: &Node, right: &Node, span: Span) -> Option<Typed> {
        let (left, right) = self.both(left, right)?;
        let (_, parts) = self.unified(vec![left, right])?;
        let [left, right] = &parts[..] else { return None };
        let is_constant = left.constant.is_some() && right.constant.is_some();
        let (left, right) = (left.code.clone(), right.code.clone());
        let code = Code::Boolean(Arc::new(move |row| {
            let (left, right) = (left.datum(row)?, right.datum(row)?);
            let is_distinct = match (left.is_null(), right.is_null()) {
                (false, false) => left.compare(&right).is_ne(),
                (left, right) => left != right,
            };
            Ok(Some(is_distinct))
        }));
        self.made(DataType::Boolean, false, code, span, is_constant)
    }

    pub(super) fn between(
        &mut self,
        of: &Node,
        low: &Node,
        high: &Node,
        span: Span,
    ) -> Option<Typed> {
        let parts = self.all([of, low, high])?;
        let (common, parts) = self.unified(parts)?;
        self.comparable(&common, span)?;
        let nullable = parts.iter().any(|part| part.nullable);
        let is_constant = parts.iter().all(|part| part.constant.is_some());
        let [of, low, high] = &parts[..] else { return None };
        let (of, low, high) = (of.code.clone(), low.code.clone(), high.code.clone());
        macro_rules! typed {
            ($of:ident, $low:ident, $high:ident) => {
                Arc::new(move |row| {
                    let (of, low, high) = ($of(row)?, $low(row)?, $high(row)?);
                    let Some(of) = of else { return Ok(None) };
                    Ok(match (low.map(|low| of >= low), high.map(|high| of <= high)) {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (Some(true), Some(true)) => Some(true),
                        _ => None,
                    })
                })
            };
        }
        let code: Eval<bool> = match (of, low, high) {
            (Code::Int(of), Code::Int(low), Code::Int(high))
            | (Code::Timestamp(of), Code::Timestamp(low), Code::Timestamp(high)) => {
                typed!(of, low, high)
            }
            (Code::Float(of), Code::Float(low), Code::Float(high)) => typed!(of, low, high),
            (Code::Decimal(of), Code::Decimal(low), Code::Decimal(high)) => typed!(of, low, high),
            (of, low, high) => Arc::new(move |row| {
                let (of, low, high) = (of.datum(row)?, low.datum(row)?, high.datum(row)?);
                if of.is_null() {
                    return Ok(None);
                }
                let side = |bound: &Datum<'_>, operator: Comparison| {
                    (!bound.is_null()).then(|| operator.holds(of.sql_compare(bound)))
                };
                let low = side(&low, Comparison::GreaterOrEqual);
                let high = side(&high, Comparison::LessOrEqual);
                Ok(match (low, high) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                })
            }),
        };
        self.made(DataType::Boolean, nullable, Code::Boolean(code), span, is_constant)
    }

    pub(super) fn membership(&mut self, of: &Node, list: &[Node], span: Span) -> Option<Typed> {
        let parts = self.all(std::iter::once(of).chain(list))?;
        if parts.len() == 1 {
            let message = "IN looks for nothing: the list is empty";
            return self.fail(ErrorCode::Syntax, span, message, None);
        }
        let (common, mut parts) = self.unified(parts)?;
        self.comparable(&common, span)?;
        let rest = parts.split_off(1);
        let of = parts.pop()?;
        let nullable = of.nullable || rest.iter().any(|part| part.nullable);
        let constants: Option<Vec<Value>> = rest.iter().map(|part| part.constant.clone()).collect();
        let is_constant = of.constant.is_some() && constants.is_some();
        let source = of.code;
        let code: Eval<bool> = match constants {
            Some(constants) => {
                let has_null = constants.iter().any(Value::is_null);
                let present = constants.into_iter().filter(|value| !value.is_null()).collect();
                let constants = Constants::of(present);
                Arc::new(move |row| {
                    let datum = source.datum(row)?;
                    if datum.is_null() {
                        return Ok(None);
                    }
                    Ok(match constants.contains(&datum) {
                        true => Some(true),
                        false if has_null => None,
                        false => Some(false),
                    })
                })
            }
            None => {
                let codes: Vec<Code> = rest.into_iter().map(|part| part.code).collect();
                Arc::new(move |row| {
                    let datum = source.datum(row)?;
                    if datum.is_null() {
                        return Ok(None);
                    }
                    let mut has_null = false;
                    for code in &codes {
                        let other = code.datum(row)?;
                        if other.is_null() {
                            has_null = true;
                        } else if Comparison::Equal.holds(datum.sql_compare(&other)) {
                            return Ok(Some(true));
                        }
                    }
                    Ok(if has_null { None } else { Some(false) })
                })
            }
        };
        self.made(DataType::Boolean, nullable, Code::Boolean(code), span, is_constant)
    }
}
