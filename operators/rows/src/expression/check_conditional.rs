//! CASE, IF and COALESCE: what evaluates only the branch it takes. Apart from functions, which get all arguments.

use super::check::{Checker, Typed};
use super::code::{self, Code, Eval, Outcome};
use super::datum::Datum;
use super::error::{ErrorCode, Place, Span};
use super::syntax::Node;
use crate::data_type::DataType;
use crate::row::Row;
use crate::value::Value;
use std::sync::Arc;

/// Gives the index of the branch to take.
type Select = Arc<dyn Fn(&Row) -> Outcome<usize> + Send + Sync>;

fn branches(data_type: &DataType, select: Select, branches: Vec<Code>, place: Place) -> Code {
    macro_rules! typed {
        ($variant:ident) => {{
            let typed: Option<Vec<_>> =
                branches
                    .iter()
                    .map(|code| {
                        if let Code::$variant(code) = code { Some(Arc::clone(code)) } else { None }
                    })
                    .collect();
            if let Some(typed) = typed {
                return Code::$variant(Arc::new(move |row| match typed.get(select(row)?) {
                    Some(code) => code(row),
                    None => Ok(None),
                }));
            }
        }};
    }
    match data_type {
        DataType::Boolean => typed!(Boolean),
        DataType::Int64 => typed!(Int),
        DataType::Float64 => typed!(Float),
        DataType::Decimal => typed!(Decimal),
        DataType::Timestamp => typed!(Timestamp),
        DataType::String => typed!(Text),
        DataType::Bytes | DataType::List(_) | DataType::Struct(_) => typed!(Other),
    }
    // No branch of another type gets past the check; if one did, its values would be refused.
    code::from_datum(data_type, place, move |row| match branches.get(select(row)?) {
        Some(code) => code.datum(row),
        None => Ok(Datum::Null),
    })
}

fn first_true(conditions: Vec<Eval<bool>>) -> Select {
    Arc::new(move |row| {
        for (index, condition) in conditions.iter().enumerate() {
            if condition(row)? == Some(true) {
                return Ok(index);
            }
        }
        Ok(conditions.len())
    })
}

/// The operand is evaluated once, however many branches there are.
fn first_equal(operand: Code, values: Vec<Code>) -> Select {
    Arc::new(move |row| {
        let operand = operand.datum(row)?;
        if !operand.is_null() {
            for (index, value) in values.iter().enumerate() {
                let value = value.datum(row)?;
                if !value.is_null()
                    && operand.sql_compare(&value).is_some_and(|order| order.is_eq())
                {
                    return Ok(index);
                }
            }
        }
        Ok(values.len())
    })
}

impl Checker<'_> {
    pub(super) fn case(
        &mut self,
        operand: Option<&Node>,
        whens: &[(Node, Node)],
        otherwise: Option<&Node>,
        span: Span,
    ) -> Option<Typed> {
        let selector = self.selector(operand, whens);
        let mut results: Vec<_> = whens.iter().map(|(_, result)| self.node(result)).collect();
        match otherwise {
            Some(otherwise) => results.push(self.node(otherwise)),
            None => {
                results.push(Some(Self::constant(&Value::Null, None, span)));
            }
        }
        let results: Vec<Typed> = results.into_iter().collect::<Option<_>>()?;
        let (select, is_constant) = selector?;
        self.chosen(select, results, is_constant, span)
    }

    fn chosen(
        &mut self,
        select: Select,
        results: Vec<Typed>,
        is_constant: bool,
        span: Span,
    ) -> Option<Typed> {
        let (common, results) = self.unified(results)?;
        let nullable = results.iter().any(|result| result.nullable);
        let is_constant = is_constant && results.iter().all(|result| result.constant.is_some());
        let codes = results.into_iter().map(|result| result.code).collect();
        let code = branches(&common, select, codes, self.place(span));
        self.made(common, nullable, code, span, is_constant)
    }

    fn selector(
        &mut self,
        operand: Option<&Node>,
        whens: &[(Node, Node)],
    ) -> Option<(Select, bool)> {
        let values: Vec<_> = whens.iter().map(|(when, _)| self.node(when)).collect();
        let Some(operand) = operand else {
            let truths: Vec<_> =
                values.into_iter().map(|value| value.and_then(|value| self.truth(value))).collect();
            let truths: Vec<_> = truths.into_iter().collect::<Option<_>>()?;
            let is_constant = truths.iter().all(|(_, typed)| typed.constant.is_some());
            let conditions = truths.into_iter().map(|(code, _)| code).collect();
            return Some((first_true(conditions), is_constant));
        };
        let operand = self.node(operand);
        let values: Vec<Typed> = values.into_iter().collect::<Option<_>>()?;
        let all = std::iter::once(operand?).chain(values).collect();
        let (_, mut parts) = self.unified(all)?;
        let is_constant = parts.iter().all(|part| part.constant.is_some());
        let values = parts.split_off(1).into_iter().map(|part| part.code).collect();
        Some((first_equal(parts.pop()?.code, values), is_constant))
    }

    /// `IF(condition, then, else)`.
    pub(super) fn if_call(&mut self, arguments: &[Node], span: Span) -> Option<Typed> {
        let [condition, then, otherwise] = arguments else {
            let message = format!("IF takes 3 arguments, not {}", arguments.len());
            let help = "write IF(condition, then, else)".to_owned();
            return self.fail(ErrorCode::ArgumentCount, span, message, Some(help));
        };
        let condition = self.node(condition);
        let results = self.all([then, otherwise]);
        let condition = condition.and_then(|condition| self.truth(condition));
        let (code, condition) = condition?;
        self.chosen(first_true(vec![code]), results?, condition.constant.is_some(), span)
    }

    /// `COALESCE(a, b, ...)`.
    pub(super) fn coalesce(&mut self, arguments: &[Node], span: Span) -> Option<Typed> {
        if arguments.is_empty() {
            let message = "COALESCE takes at least 1 argument";
            return self.fail(ErrorCode::ArgumentCount, span, message, None);
        }
        let parts = self.all(arguments)?;
        let (common, parts) = self.unified(parts)?;
        let nullable = parts.iter().all(|part| part.nullable);
        let is_constant = parts.iter().all(|part| part.constant.is_some());
        let codes: Vec<Code> = parts.into_iter().map(|part| part.code).collect();
        let code = code::from_datum(&common, self.place(span), move |row| {
            for code in &codes {
                let datum = code.datum(row)?;
                if !datum.is_null() {
                    return Ok(datum);
                }
            }
            Ok(Datum::Null)
        });
        self.made(common, nullable, code, span, is_constant)
    }
}
