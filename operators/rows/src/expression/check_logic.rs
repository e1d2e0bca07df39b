//! AND, OR, NOT, IS: SQL's logic of three values. Apart from comparisons, which make what is combined here.
//!
//! AND and OR go from left to right and stop at the first part that decides: what stands behind is not evaluated.

use super::check::{Checker, Typed};
use super::code::{Code, Eval, Outcome};
use super::error::{ErrorCode, Span};
use super::syntax::Node;
use crate::data_type::{DataType, in_words};
use crate::row::Row;
use std::sync::Arc;

/// One part of a connective; `deciding` is the truth that ends it: FALSE for AND, TRUE for OR.
#[inline]
fn combine(row: &Row, parts: &[Eval<bool>], deciding: bool) -> Outcome<Option<bool>> {
    let mut is_known = true;
    for part in parts {
        match part(row)? {
            Some(truth) if truth == deciding => return Ok(Some(deciding)),
            Some(_) => {}
            None => is_known = false,
        }
    }
    Ok(is_known.then_some(!deciding))
}

fn both(left: Eval<bool>, right: Eval<bool>, deciding: bool) -> Eval<bool> {
    Arc::new(move |row| {
        let left = left(row)?;
        if left == Some(deciding) {
            return Ok(left);
        }
        let right = right(row)?;
        if right == Some(deciding) {
            return Ok(right);
        }
        Ok(if left.is_some() && right.is_some() { Some(!deciding) } else { None })
    })
}

impl Checker<'_> {
    /// The code of a part that must be a truth value.
    pub(super) fn truth(&mut self, typed: Typed) -> Option<(Eval<bool>, Typed)> {
        if !typed.is(&DataType::Boolean) {
            let message =
                format!("a condition is needed, but this is {}", in_words(typed.type_name()));
            let help = "compare it with something, as in `x > 0` or `x IS NOT NULL`".to_owned();
            return self.fail(ErrorCode::TypeMismatch, typed.span, message, Some(help));
        }
        let typed = self.coerce(typed, &DataType::Boolean)?;
        match &typed.code {
            Code::Boolean(code) => Some((Arc::clone(code), typed)),
            _ => None,
        }
    }

    fn truths(&mut self, parts: Vec<Option<Typed>>) -> Option<Vec<(Eval<bool>, Typed)>> {
        let truths: Vec<_> =
            parts.into_iter().map(|part| part.and_then(|part| self.truth(part))).collect();
        truths.into_iter().collect()
    }

    pub(super) fn connective(&mut self, parts: &[Node], is_and: bool, span: Span) -> Option<Typed> {
        let parts: Vec<_> = parts.iter().map(|part| self.node(part)).collect();
        let parts = self.truths(parts)?;
        let nullable = parts.iter().any(|(_, part)| part.nullable);
        let is_constant = parts.iter().all(|(_, part)| part.constant.is_some());
        let mut codes: Vec<Eval<bool>> = parts.into_iter().map(|(code, _)| code).collect();
        let code = if codes.len() == 2
            && let (Some(right), Some(left)) = (codes.pop(), codes.pop())
        {
            both(left, right, !is_and)
        } else {
            Arc::new(move |row: &Row| combine(row, &codes, !is_and))
        };
        self.made(DataType::Boolean, nullable, Code::Boolean(code), span, is_constant)
    }

    pub(super) fn not(&mut self, of: &Node, span: Span) -> Option<Typed> {
        let of = self.node(of)?;
        let (code, of) = self.truth(of)?;
        let code = Code::Boolean(Arc::new(move |row| Ok(code(row)?.map(|truth| !truth))));
        self.made(DataType::Boolean, of.nullable, code, span, of.constant.is_some())
    }

    pub(super) fn is_truth(&mut self, of: &Node, truth: bool, span: Span) -> Option<Typed> {
        let of = self.node(of)?;
        let (code, of) = self.truth(of)?;
        let code = Code::Boolean(Arc::new(move |row| Ok(Some(code(row)? == Some(truth)))));
        self.made(DataType::Boolean, false, code, span, of.constant.is_some())
    }

    pub(super) fn is_null(&mut self, of: &Node, span: Span) -> Option<Typed> {
        let of = self.node(of)?;
        let is_constant = of.constant.is_some();
        let code: Eval<bool> = match (of.reader, of.code) {
            (Some(at), _) => Arc::new(move |row| match at.read(row) {
                Some(value) => Ok(Some(value.is_null())),
                None => Err(at.misfit(None)),
            }),
            (None, code) => Arc::new(move |row| Ok(Some(code.datum(row)?.is_null()))),
        };
        self.made(DataType::Boolean, false, Code::Boolean(code), span, is_constant)
    }
}
