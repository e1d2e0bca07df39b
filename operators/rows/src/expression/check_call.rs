//! Calls of functions: which signature is meant, and what its arguments and its result are. Apart from the functions,
//! which know nothing of types.

use super::check::{Checker, Typed, is_assignable, widens};
use super::code::{Argument, call};
use super::error::{ErrorCode, Span};
use super::functions::{Make, Registered};
use super::signature::{Pattern, Signature};
use super::syntax::{Name, Node};
use crate::data_type::DataType;
use crate::limits::MAX_ARGUMENTS;
use crate::value::Value;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// Whether an argument can be passed for a parameter of this type.
fn accepts(argument: &Typed, want: &DataType, widening: bool) -> bool {
    let Some(found) = &argument.data_type else { return true };
    is_assignable(found, want)
        || widening && widens(found, want)
        || widening && *want == DataType::Timestamp && argument.is_text_constant()
}

/// A call with the types of its arguments and of its result.
struct Resolved {
    wanted: Vec<DataType>,
    result: DataType,
    is_element_nullable: bool,
}

impl Checker<'_> {
    pub(super) fn call(&mut self, name: &Name, arguments: &[Node], span: Span) -> Option<Typed> {
        let upper = name.text.to_uppercase();
        if arguments.len() > MAX_ARGUMENTS {
            let message = format!("a function takes at most {MAX_ARGUMENTS} arguments");
            return self.fail(ErrorCode::Limit, span, message, None);
        }
        let functions = self.functions.clone();
        let Some(function) = functions.get(&upper) else {
            // Its arguments may have errors of their own.
            let _ = self.all(arguments);
            let shown: String = name.text.chars().take(60).collect();
            let help = functions.nearest(&shown).map(|near| format!("did you mean `{near}`?"));
            let message = format!("there is no function `{shown}`");
            return self.fail(ErrorCode::UnknownFunction, name.span, message, help);
        };
        if let Make::Form = function.make {
            return if upper == "IF" {
                self.if_call(arguments, span)
            } else {
                self.coalesce(arguments, span)
            };
        }
        let arguments = self.all(arguments)?;
        let is_counted = |signature: &&Signature| signature.takes(arguments.len());
        let fitting: Vec<&Signature> = function.signatures.iter().filter(is_counted).collect();
        if fitting.is_empty() {
            let count = arguments.len();
            let message = format!(
                "`{upper}` does not take {count} argument{}",
                if count == 1 { "" } else { "s" }
            );
            return self.fail(ErrorCode::ArgumentCount, span, message, Some(usage(function)));
        }
        for widening in [false, true] {
            for signature in &fitting {
                if let Some(resolved) = Self::resolve(signature, &arguments, widening) {
                    return self.compiled(function, signature, resolved, arguments, span);
                }
            }
        }
        let types: Vec<String> = arguments.iter().map(Typed::type_name).collect();
        let message = format!("`{upper}` cannot be called with ({})", types.join(", "));
        self.fail(ErrorCode::TypeMismatch, span, message, Some(usage(function)))
    }

    fn resolve(signature: &Signature, arguments: &[Typed], widening: bool) -> Option<Resolved> {
        let mut variable: Option<DataType> = None;
        let mut is_element_nullable = false;
        // Constants last: a string among timestamps is a time.
        let mut order: Vec<usize> = (0..arguments.len()).collect();
        order.sort_by_key(|&index| arguments[index].is_text_constant());
        for index in order {
            let argument = &arguments[index];
            let found = match (&signature.parameter(index)?.pattern, &argument.data_type) {
                (Pattern::Exactly(want), _) if accepts(argument, want, widening) => continue,
                (Pattern::Exactly(_), _) => return None,
                (_, None) => continue,
                (Pattern::Any, Some(found)) => found.clone(),
                (Pattern::ListOfAny, Some(DataType::List(element))) => {
                    is_element_nullable |= element.nullable;
                    element.data_type.clone()
                }
                (Pattern::ListOfAny, Some(_)) => return None,
            };
            variable = match variable {
                None => Some(found),
                Some(bound) if accepts(argument, &bound, widening) || found == bound => Some(bound),
                Some(bound) if widening && widens(&bound, &found) => Some(found),
                Some(_) => return None,
            };
        }
        let of = |pattern: &Pattern| match pattern {
            Pattern::Exactly(data_type) => Some(data_type.clone()),
            Pattern::Any => variable.clone(),
            Pattern::ListOfAny => {
                let element = variable.clone()?;
                let nullable = is_element_nullable;
                Some(DataType::List(Box::new(crate::FieldType { data_type: element, nullable })))
            }
        };
        let wanted = (0..arguments.len()).map(|index| of(&signature.parameter(index)?.pattern));
        let wanted: Vec<DataType> = wanted.collect::<Option<_>>()?;
        let fits =
            wanted.iter().zip(arguments).all(|(want, argument)| accepts(argument, want, widening));
        if !fits {
            return None;
        }
        Some(Resolved { wanted, result: of(&signature.result)?, is_element_nullable })
    }

    fn compiled(
        &mut self,
        function: &Registered,
        signature: &Signature,
        resolved: Resolved,
        arguments: Vec<Typed>,
        span: Span,
    ) -> Option<Typed> {
        let wanted = resolved.wanted.iter().zip(arguments);
        let arguments: Vec<_> =
            wanted.map(|(want, argument)| self.coerce(argument, want)).collect();
        let arguments: Vec<Typed> = arguments.into_iter().collect::<Option<_>>()?;
        let body = match &function.make {
            Make::Plain(body) => Ok(Arc::clone(body)),
            Make::Prepared(prepare) => prepare(&constants(&arguments)),
            Make::InZone(prepare, argument) => {
                let is_named = argument.is_some_and(|at| at < arguments.len());
                let zone = if is_named { TimeZone::UTC } else { self.zone() };
                prepare(&constants(&arguments), &zone)
            }
            Make::Form => return None,
        };
        let body = match body {
            Ok(body) => body,
            Err(message) => return self.fail(ErrorCode::InvalidConstant, span, message, None),
        };
        let is_strict = |index| signature.parameter(index).is_none_or(|found| !found.takes_null);
        let mut parts = arguments.iter().enumerate();
        let nullable = signature.may_be_null
            || resolved.is_element_nullable && signature.result == Pattern::Any
            || parts.any(|(index, argument)| argument.nullable && is_strict(index));
        let is_constant = arguments.iter().all(|argument| argument.constant.is_some());
        let arguments = arguments.into_iter().enumerate();
        let arguments = arguments
            .map(|(index, part)| Argument { code: part.code, is_strict: is_strict(index) })
            .collect();
        let code = call(&resolved.result, arguments, body, self.place(span));
        self.made(resolved.result, nullable, code, span, is_constant)
    }
}

/// The values of those that are the same for every row.
fn constants(arguments: &[Typed]) -> Vec<Option<Value>> {
    arguments.iter().map(|argument| argument.constant.clone()).collect()
}

fn usage(function: &Registered) -> String {
    let texts: Vec<String> = function.texts.iter().map(|text| format!("`{text}`")).collect();
    format!("it is {}", texts.join(" or "))
}
