//! The check of an expression against a schema: each part gets a type, whether it can be NULL, and code.
//!
//! Apart from the parts (`check_*`), which are one file per family of operators. One pass does it all: what a part is
//! compiled to depends on what is known of its operands (a column, a constant), and that is known here. Parts made of
//! constants are computed at once. All operands are checked before one is missed, so that all errors are found.

use super::code::{self, Code, Outcome, Reader};
use super::datum::Datum;
use super::error::{ErrorCode, ExpressionError, Place, Span};
use super::functions::Functions;
use super::syntax::{Kind, Name, Node};
use crate::data_type::{DataType, in_words};
use crate::limits::MAX_ERRORS;
use crate::row::Row;
use crate::schema::Schema;
use crate::suggest::nearest;
use crate::value::Value;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A part that has been checked.
#[derive(Clone)]
pub(super) struct Typed {
    /// `None` for a NULL that could be of any type.
    pub(super) data_type: Option<DataType>,
    pub(super) nullable: bool,
    pub(super) code: Code,
    pub(super) constant: Option<Value>,
    /// Where it is read, if it is a column or a field of one.
    pub(super) reader: Option<Reader>,
    pub(super) span: Span,
}

impl Typed {
    /// Its type in words.
    pub(super) fn type_name(&self) -> String {
        self.data_type.as_ref().map_or_else(|| "NULL".to_owned(), ToString::to_string)
    }

    pub(super) fn is(&self, data_type: &DataType) -> bool {
        self.data_type.as_ref().is_none_or(|found| found == data_type)
    }

    pub(super) fn is_text_constant(&self) -> bool {
        matches!(self.constant, Some(Value::String(_)))
    }
}

pub(super) struct Checker<'a> {
    pub(super) schema: &'a Schema,
    pub(super) functions: &'a Functions,
    pub(super) text: Arc<str>,
    pub(super) errors: Vec<ExpressionError>,
    pub(super) columns: BTreeSet<usize>,
    /// Those columns with the field that is read of each; `None` for the whole column.
    pub(super) fields: BTreeSet<(usize, Option<usize>)>,
    /// Whether something depends on the time zone of the functions.
    pub(super) zoned: bool,
}

/// Whether a value of one type can be taken as one of another without losing what it is.
pub(super) fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal, Float64, Int64};
    matches!((from, to), (Int64, Decimal | Float64) | (Decimal, Float64))
}

/// Whether a value of one type is one of the other as it is: the same type, or a list that allows NULL besides.
pub(super) fn is_assignable(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::List(from), DataType::List(to)) => {
            (to.nullable || !from.nullable) && is_assignable(&from.data_type, &to.data_type)
        }
        (from, to) => from == to,
    }
}

/// The value widened; decimals become the nearest float.
pub(super) fn widened(value: &Value, to: &DataType) -> Value {
    match (value, to) {
        (Value::Int64(value), DataType::Decimal) => Value::Decimal(Decimal::from(*value)),
        (Value::Int64(value), DataType::Float64) => Value::Float64(*value as f64),
        (Value::Decimal(value), DataType::Float64) => Value::Float64(float_of(*value)),
        (other, _) => other.clone(),
    }
}

pub(crate) fn float_of(value: Decimal) -> f64 {
    // Going through the digits gives the nearest float, which a division by a power of ten does not.
    value.to_string().parse().ok().or_else(|| value.to_f64()).unwrap_or(f64::NAN)
}

impl Checker<'_> {
    pub(super) fn fail<T>(
        &mut self,
        code: ErrorCode,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Option<T> {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(ExpressionError { code, span, message: message.into(), help });
        }
        None
    }

    /// The time zone of what does not name one.
    pub(super) fn zone(&mut self) -> TimeZone {
        self.zoned = true;
        self.functions.zone().clone()
    }

    /// The time that a constant text names.
    fn time(&mut self, text: &str, span: Span) -> Option<Typed> {
        match super::calendar::parse_time_in(text, &self.zone()) {
            Ok(time) => {
                Some(Self::constant(&Value::Timestamp(time), Some(DataType::Timestamp), span))
            }
            Err(message) => self.fail(ErrorCode::InvalidConstant, span, message, None),
        }
    }

    pub(super) fn place(&self, span: Span) -> Place {
        Place { text: Arc::clone(&self.text), span }
    }

    pub(super) fn constant(value: &Value, data_type: Option<DataType>, span: Span) -> Typed {
        let code = code::constant(value, data_type.as_ref().unwrap_or(&DataType::Boolean));
        let nullable = value.is_null();
        Typed { data_type, nullable, code, constant: Some(value.clone()), reader: None, span }
    }

    /// A part with this code; computed now if all of its operands are constants.
    pub(super) fn made(
        &mut self,
        data_type: DataType,
        nullable: bool,
        code: Code,
        span: Span,
        is_constant: bool,
    ) -> Option<Typed> {
        let typed = Typed {
            data_type: Some(data_type),
            nullable,
            code,
            constant: None,
            reader: None,
            span,
        };
        if !is_constant {
            return Some(typed);
        }
        let found: Outcome<Value> = typed.code.datum(&Row::default()).map(Datum::into_value);
        match found {
            Ok(value) => {
                let nullable = value.is_null();
                Some(Typed { nullable, ..Self::constant(&value, typed.data_type, span) })
            }
            Err(failure) => {
                let message = format!("this fails for every row: {failure}");
                self.fail(ErrorCode::AlwaysFails, failure.span, message, None)
            }
        }
    }

    pub(super) fn all<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n Node>,
    ) -> Option<Vec<Typed>> {
        let checked: Vec<_> = nodes.into_iter().map(|node| self.node(node)).collect();
        checked.into_iter().collect()
    }

    pub(super) fn both(&mut self, left: &Node, right: &Node) -> Option<(Typed, Typed)> {
        let (left, right) = (self.node(left), self.node(right));
        left.zip(right)
    }

    pub(super) fn node(&mut self, node: &Node) -> Option<Typed> {
        let span = node.span;
        match &node.kind {
            Kind::Literal(value) => {
                let data_type = match value {
                    Value::Boolean(_) => Some(DataType::Boolean),
                    Value::Int64(_) => Some(DataType::Int64),
                    Value::Float64(_) => Some(DataType::Float64),
                    Value::Decimal(_) => Some(DataType::Decimal),
                    Value::String(_) => Some(DataType::String),
                    Value::Timestamp(_) => Some(DataType::Timestamp),
                    Value::Bytes(_) => Some(DataType::Bytes),
                    Value::Null | Value::List(_) | Value::Struct(_) => None,
                };
                Some(Self::constant(value, data_type, span))
            }
            Kind::Time(text) => self.time(text, span),
            Kind::Interval(_) => {
                let help = "write it after a timestamp: time + INTERVAL '5' MINUTE".to_owned();
                let message = "an interval can only be added to a timestamp or subtracted from one";
                self.fail(ErrorCode::TypeMismatch, span, message, Some(help))
            }
            Kind::Column { name, fields } => self.column(name, fields, span),
            Kind::Field { of, name } => self.field(of, name, span),
            Kind::Index { of, at } => self.index(of, at, span),
            Kind::Negate(of) => self.negate(of, span),
            Kind::Arithmetic { operator, left, right } => {
                self.arithmetic(*operator, left, right, span)
            }
            Kind::Compare { operator, left, right } => self.compare(*operator, left, right, span),
            Kind::Distinct { left, right } => self.distinct(left, right, span),
            Kind::And(parts) => self.connective(parts, true, span),
            Kind::Or(parts) => self.connective(parts, false, span),
            Kind::Not(of) => self.not(of, span),
            Kind::IsNull(of) => self.is_null(of, span),
            Kind::Is { of, truth } => self.is_truth(of, *truth, span),
            Kind::Between { of, low, high } => self.between(of, low, high, span),
            Kind::In { of, list } => self.membership(of, list, span),
            Kind::Like { of, pattern, escape } => self.like(of, pattern, escape.as_deref(), span),
            Kind::Case { operand, whens, otherwise } => {
                self.case(operand.as_deref(), whens, otherwise.as_deref(), span)
            }
            Kind::Cast { of, to, or_null } => self.cast(of, to, *or_null, span),
            Kind::Call { name, arguments } => self.call(name, arguments, span),
        }
    }

    fn column(&mut self, name: &Name, fields: &[Name], span: Span) -> Option<Typed> {
        let Some(column) = self.schema.index_of(&name.text) else {
            let shown: String = name.text.chars().take(60).collect();
            let help = match self.schema.nearest(&name.text) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let names = self.schema.columns().iter().map(|column| column.name.as_str());
                    let names: Vec<&str> = names.take(20).collect();
                    format!("the columns are {}", names.join(", "))
                }
            };
            let message = format!("there is no column `{shown}`");
            return self.fail(ErrorCode::UnknownColumn, name.span, message, Some(help));
        };
        self.columns.insert(column);
        let found = &self.schema.columns()[column];
        let (mut data_type, mut nullable) = (found.data_type.clone(), found.nullable);
        let mut path = Vec::with_capacity(fields.len());
        for field in fields {
            let (index, inner, is_nullable) = self.find_field(&data_type, field)?;
            path.push(index);
            nullable |= is_nullable;
            data_type = inner;
        }
        self.fields.insert((column, path.first().copied()));
        let reader = Reader { column, fields: path.into(), place: self.place(span) };
        let code = code::column(reader.clone(), &data_type);
        let data_type = Some(data_type);
        Some(Typed { data_type, nullable, code, constant: None, reader: Some(reader), span })
    }

    fn find_field(&mut self, of: &DataType, name: &Name) -> Option<(usize, DataType, bool)> {
        let DataType::Struct(fields) = of else {
            let message =
                format!("{} has no field `{}`: only structs have fields", in_words(of), name.text);
            return self.fail(ErrorCode::UnknownField, name.span, message, None);
        };
        match fields.iter().position(|field| field.name == name.text) {
            Some(index) => Some((index, fields[index].data_type.clone(), fields[index].nullable)),
            None => {
                let names = || fields.iter().map(|field| field.name.as_str());
                let help = match nearest(&name.text, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "its fields are {}",
                        names().take(20).collect::<Vec<_>>().join(", ")
                    ),
                };
                let message = format!("the struct has no field `{}`", name.text);
                self.fail(ErrorCode::UnknownField, name.span, message, Some(help))
            }
        }
    }

    fn field(&mut self, of: &Node, name: &Name, span: Span) -> Option<Typed> {
        let of = self.node(of)?;
        let Some(data_type) = of.data_type.clone() else { return self.untyped(of.span) };
        let (index, inner, is_nullable) = self.find_field(&data_type, name)?;
        let source = of.code.clone();
        let code = code::from_datum(&inner, self.place(span), move |row| {
            Ok(match source.datum(row)? {
                Datum::Other(value) => match &*value {
                    Value::Struct(fields) => {
                        fields.get(index).cloned().map_or(Datum::Null, Datum::owned)
                    }
                    _ => Datum::Null,
                },
                _ => Datum::Null,
            })
        });
        self.made(inner, of.nullable || is_nullable, code, span, of.constant.is_some())
    }

    fn index(&mut self, of: &Node, at: &Node, span: Span) -> Option<Typed> {
        let (of, at) = self.both(of, at)?;
        let element = match &of.data_type {
            Some(DataType::List(element)) => element.data_type.clone(),
            None => return self.untyped(of.span),
            Some(other) => {
                let message = format!("{} has no elements: only lists have", in_words(other));
                return self.fail(ErrorCode::TypeMismatch, of.span, message, None);
            }
        };
        let at = self.coerce(at, &DataType::Int64)?;
        if matches!(at.constant, Some(Value::Int64(index)) if index < 1) {
            let message = "the first element of a list has index 1";
            return self.fail(ErrorCode::InvalidConstant, at.span, message, None);
        }
        let is_constant = of.constant.is_some() && at.constant.is_some();
        let (list, index) = (of.code, at.code);
        let code = code::from_datum(&element, self.place(span), move |row| {
            let (list, index) = (list.datum(row)?, index.datum(row)?);
            let (Datum::Other(list), Datum::Int(index)) = (list, index) else {
                return Ok(Datum::Null);
            };
            let index = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
            let pick = |values: &[Value]| index.and_then(|index| values.get(index).cloned());
            Ok(match &*list {
                Value::List(values) => pick(values).map_or(Datum::Null, Datum::owned),
                _ => Datum::Null,
            })
        });
        self.made(element, true, code, span, is_constant)
    }

    pub(super) fn untyped<T>(&mut self, span: Span) -> Option<T> {
        let help = "write the type: CAST(NULL AS int64)".to_owned();
        let message = "the type of this NULL cannot be known";
        self.fail(ErrorCode::UntypedNull, span, message, Some(help))
    }

    /// A part as one of the type that is needed: NULL is, numbers are widened, a string constant is read as a time.
    pub(super) fn coerce(&mut self, typed: Typed, want: &DataType) -> Option<Typed> {
        let span = typed.span;
        let Some(found) = &typed.data_type else {
            return Some(Self::constant(&Value::Null, Some(want.clone()), span));
        };
        if is_assignable(found, want) {
            return Some(Typed { data_type: Some(want.clone()), ..typed });
        }
        if let (Some(Value::String(text)), DataType::Timestamp) = (&typed.constant, want) {
            return self.time(text, span);
        }
        if !widens(found, want) {
            let message = format!("this is {}, but {} is needed", in_words(found), in_words(want));
            let help = format!("write CAST(... AS {want}) if that is meant");
            return self.fail(ErrorCode::TypeMismatch, span, message, Some(help));
        }
        if let Some(value) = &typed.constant {
            let nullable = typed.nullable;
            let constant = Self::constant(&widened(value, want), Some(want.clone()), span);
            return Some(Typed { nullable, ..constant });
        }
        let code = match (typed.code, want) {
            (Code::Int(code), DataType::Decimal) => {
                Code::Decimal(Arc::new(move |row| Ok(code(row)?.map(Decimal::from))))
            }
            (Code::Int(code), _) => {
                Code::Float(Arc::new(move |row| Ok(code(row)?.map(|value| value as f64))))
            }
            (Code::Decimal(code), _) => {
                Code::Float(Arc::new(move |row| Ok(code(row)?.map(float_of))))
            }
            (other, _) => other,
        };
        Some(Typed { data_type: Some(want.clone()), code, reader: None, ..typed })
    }

    /// The type that all of these can be taken as; `None` with an error when there is none.
    pub(super) fn common(&mut self, parts: &[Typed]) -> Option<DataType> {
        let mut common: Option<DataType> = None;
        // Constants last: a string among timestamps is a time.
        let is_text = |part: &&Typed| part.is_text_constant();
        let ordered =
            parts.iter().filter(|part| !is_text(part)).chain(parts.iter().filter(is_text));
        for part in ordered {
            let Some(found) = &part.data_type else { continue };
            common = match common {
                None => Some(found.clone()),
                Some(common) if is_assignable(found, &common) || widens(found, &common) => {
                    Some(common)
                }
                Some(common) if widens(&common, found) || is_assignable(&common, found) => {
                    Some(found.clone())
                }
                Some(DataType::Timestamp) if part.is_text_constant() => Some(DataType::Timestamp),
                Some(common) => {
                    let message = format!(
                        "this is {}, but what it goes with is {}",
                        in_words(found),
                        in_words(&common)
                    );
                    let help = format!("write CAST(... AS {common}), or cast the other");
                    return self.fail(ErrorCode::TypeMismatch, part.span, message, Some(help));
                }
            };
        }
        match common {
            Some(common) => Some(common),
            None => self.untyped(parts.first()?.span),
        }
    }

    /// All of these as their common type.
    pub(super) fn unified(&mut self, parts: Vec<Typed>) -> Option<(DataType, Vec<Typed>)> {
        let common = self.common(&parts)?;
        let parts: Vec<_> = parts.into_iter().map(|part| self.coerce(part, &common)).collect();
        Some((common, parts.into_iter().collect::<Option<_>>()?))
    }
}
