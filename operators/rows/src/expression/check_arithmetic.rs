//! Arithmetic: never a silent wrap, never a panic. Apart because its failures are what rows fail by most.
//!
//! Integers and decimals fail on overflow and on division by zero; floats follow IEEE 754, as Flink's DOUBLE does.
//! A division of integers drops the fraction, and a remainder has the sign of the dividend.

use super::calendar;
use super::check::{Checker, Typed};
use super::code::{Code, Eval};
use super::error::{ErrorCode, Failure, Place, Span};
use super::syntax::{Arithmetic, Interval, Kind, Node};
use crate::data_type::{DataType, in_words};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::fmt::Display;
use std::sync::Arc;

impl Arithmetic {
    const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    const fn integers(self) -> fn(i64, i64) -> Option<i64> {
        match self {
            Self::Add => i64::checked_add,
            Self::Subtract => i64::checked_sub,
            Self::Multiply => i64::checked_mul,
            Self::Divide => i64::checked_div,
            // The one overflow of a remainder has a right answer.
            Self::Remainder => {
                |left, right| if right == -1 { Some(0) } else { left.checked_rem(right) }
            }
        }
    }

    fn decimals(self) -> fn(Decimal, Decimal) -> Option<Decimal> {
        match self {
            Self::Add => Decimal::checked_add,
            Self::Subtract => Decimal::checked_sub,
            Self::Multiply => Decimal::checked_mul,
            Self::Divide => Decimal::checked_div,
            Self::Remainder => Decimal::checked_rem,
        }
    }
}

#[cold]
fn failed(
    place: &Place,
    sign: &str,
    by_zero: bool,
    left: impl Display,
    right: impl Display,
) -> Failure {
    let message = if by_zero { "division by zero" } else { "the result is out of range" };
    place.fail(message, format!("{left} {sign} {right}"))
}

/// Each operator gets a closure of its own: the operation is inlined, not called through a pointer.
fn integers(operator: Arithmetic, left: Eval<i64>, right: Eval<i64>, place: Place) -> Eval<i64> {
    macro_rules! make {
        ($operation:expr) => {
            Arc::new(move |row| {
                let (Some(left), Some(right)) = (left(row)?, right(row)?) else { return Ok(None) };
                match $operation(left, right) {
                    Some(result) => Ok(Some(result)),
                    None => {
                        let by_zero = right == 0 && operator.sign() != "*";
                        Err(failed(&place, operator.sign(), by_zero, left, right))
                    }
                }
            })
        };
    }
    match operator {
        Arithmetic::Add => make!(i64::checked_add),
        Arithmetic::Subtract => make!(i64::checked_sub),
        Arithmetic::Multiply => make!(i64::checked_mul),
        other => {
            let operation = other.integers();
            make!(operation)
        }
    }
}

fn decimals(
    operator: Arithmetic,
    left: Eval<Decimal>,
    right: Eval<Decimal>,
    place: Place,
) -> Eval<Decimal> {
    let operation = operator.decimals();
    let divides = matches!(operator, Arithmetic::Divide | Arithmetic::Remainder);
    Arc::new(move |row| {
        let (Some(left), Some(right)) = (left(row)?, right(row)?) else { return Ok(None) };
        match operation(left, right) {
            Some(result) => Ok(Some(result)),
            None => Err(failed(&place, operator.sign(), divides && right.is_zero(), left, right)),
        }
    })
}

fn floats(operator: Arithmetic, left: Eval<f64>, right: Eval<f64>) -> Eval<f64> {
    macro_rules! make {
        ($sign:tt) => {
            Arc::new(move |row| match (left(row)?, right(row)?) {
                (Some(left), Some(right)) => Ok(Some(left $sign right)),
                _ => Ok(None),
            })
        };
    }
    match operator {
        Arithmetic::Add => make!(+),
        Arithmetic::Subtract => make!(-),
        Arithmetic::Multiply => make!(*),
        Arithmetic::Divide => make!(/),
        Arithmetic::Remainder => make!(%),
    }
}

impl Checker<'_> {
    pub(super) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &Node,
        right: &Node,
        span: Span,
    ) -> Option<Typed> {
        match (&left.kind, &right.kind, operator) {
            (_, Kind::Interval(interval), Arithmetic::Add | Arithmetic::Subtract) => {
                return self.shifted(left, *interval, operator == Arithmetic::Add, span);
            }
            (Kind::Interval(interval), _, Arithmetic::Add) => {
                return self.shifted(right, *interval, true, span);
            }
            _ => {}
        }
        let (left, right) = self.both(left, right)?;
        for part in [&left, &right] {
            if let Some(found) = &part.data_type
                && !found.is_number()
            {
                return self.no_number(operator, part.span, found);
            }
        }
        let (common, mut parts) = self.unified(vec![left, right])?;
        let (right, left) = (parts.pop()?, parts.pop()?);
        let is_constant = left.constant.is_some() && right.constant.is_some();
        let place = self.place(span);
        let code = match (left.code, right.code) {
            (Code::Int(left), Code::Int(right)) => {
                Code::Int(integers(operator, left, right, place))
            }
            (Code::Decimal(left), Code::Decimal(right)) => {
                Code::Decimal(decimals(operator, left, right, place))
            }
            (Code::Float(left), Code::Float(right)) => Code::Float(floats(operator, left, right)),
            _ => return None,
        };
        self.made(common, left.nullable || right.nullable, code, span, is_constant)
    }

    fn no_number(&mut self, operator: Arithmetic, span: Span, found: &DataType) -> Option<Typed> {
        let sign = operator.sign();
        let message = format!("`{sign}` needs numbers, but this is {}", in_words(found));
        let help = match found {
            DataType::String if operator == Arithmetic::Add => {
                "write a || b to join strings, or CAST(... AS int64)"
            }
            DataType::String => "write CAST(... AS int64), or AS decimal, or AS float64",
            DataType::Timestamp if operator == Arithmetic::Subtract => {
                "write TIMESTAMPDIFF(SECOND, from, to), or subtract an INTERVAL '5' MINUTE"
            }
            DataType::Timestamp => "write time + INTERVAL '5' MINUTE",
            _ => "cast it to a number if it is one",
        };
        self.fail(ErrorCode::TypeMismatch, span, message, Some(help.to_owned()))
    }

    /// A timestamp moved by an interval.
    fn shifted(
        &mut self,
        of: &Node,
        interval: Interval,
        forward: bool,
        span: Span,
    ) -> Option<Typed> {
        let of = self.node(of)?;
        if !of.is(&DataType::Timestamp) && !of.is_text_constant() {
            let message = format!(
                "an interval is added to timestamps, but this is {}",
                in_words(of.type_name())
            );
            let help = "write CAST(... AS timestamp), or TO_TIMESTAMP_LTZ(millis, 3)".to_owned();
            return self.fail(ErrorCode::TypeMismatch, of.span, message, Some(help));
        }
        let of = self.coerce(of, &DataType::Timestamp)?;
        let Code::Timestamp(time) = of.code else { return None };
        // Only months are of a calendar.
        let zone = if interval.months == 0 { TimeZone::UTC } else { self.zone() };
        let place = self.place(span);
        let code = Code::Timestamp(Arc::new(move |row| match time(row)? {
            None => Ok(None),
            Some(time) => calendar::add(time, interval, forward, &zone)
                .map(Some)
                .map_err(|message| place.fail(message, format!("{time} ms"))),
        }));
        self.made(DataType::Timestamp, of.nullable, code, span, of.constant.is_some())
    }

    pub(super) fn negate(&mut self, of: &Node, span: Span) -> Option<Typed> {
        let of = self.node(of)?;
        let place = self.place(span);
        let Some(data_type) = of.data_type.clone() else { return self.untyped(of.span) };
        let code = match of.code {
            Code::Int(code) => Code::Int(Arc::new(move |row| match code(row)? {
                None => Ok(None),
                Some(value) => value
                    .checked_neg()
                    .map(Some)
                    .ok_or_else(|| place.fail("the result is out of range", value.to_string())),
            })),
            Code::Float(code) => {
                Code::Float(Arc::new(move |row| Ok(code(row)?.map(|value| -value))))
            }
            Code::Decimal(code) => {
                Code::Decimal(Arc::new(move |row| Ok(code(row)?.map(|value| -value))))
            }
            _ => return self.no_number(Arithmetic::Subtract, of.span, &data_type),
        };
        self.made(data_type, of.nullable, code, span, of.constant.is_some())
    }
}
