//! From the SQL parser's tree to ours: places are turned into bytes, spellings into one form, and what has no meaning
//! for one row is refused. Apart because the SQL parser's tree is large and changes with its releases.

use super::error::{ErrorCode, ExpressionError, Span};
use super::lower_call::{FIRST_IS_UNIT, call_name, refused_call};
use super::lower_literal::{cast_target, interval, number, timestamp};
use super::parse::Positions;
use super::syntax::{Arithmetic, Comparison, Kind, Name, Node};
use crate::limits::{MAX_ERRORS, MAX_EXPRESSION_DEPTH};
use crate::value::Value;
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Subscript, UnaryOperator, Value as Literal, ValueWithSpan,
};

pub(crate) struct Lowering<'a> {
    pub(super) text: &'a str,
    pub(super) positions: Positions,
    errors: Vec<ExpressionError>,
    depth: usize,
    /// Where the last part with a place ended: what has none lies near it.
    pub(super) last: usize,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(text: &'a str, positions: Positions) -> Self {
        Self { text, positions, errors: Vec::new(), depth: 0, last: 0 }
    }

    pub(crate) fn run(mut self, expression: Expr) -> Result<Node, Vec<ExpressionError>> {
        let node = self.node(expression);
        match node {
            Some(node) if self.errors.is_empty() => Ok(node),
            _ => Err(self.errors),
        }
    }

    pub(super) fn fail<T>(
        &mut self,
        code: ErrorCode,
        span: Span,
        message: String,
        help: &str,
    ) -> Option<T> {
        if self.errors.len() < MAX_ERRORS {
            let help = (!help.is_empty()).then(|| help.to_owned());
            self.errors.push(ExpressionError { code, span, message, help });
        }
        None
    }

    pub(super) fn span(&mut self, span: sqlparser::tokenizer::Span) -> Span {
        let found = self.positions.span(span);
        let found = found.unwrap_or(Span { start: self.last, end: self.last });
        self.last = found.end;
        found
    }

    /// Extends a span over the closing brackets and words that follow it.
    pub(super) fn close(&mut self, span: Span, closing: &str) -> Span {
        let rest = &self.text[span.end..];
        let skipped = rest.len() - rest.trim_start().len();
        let is_there = rest[skipped..]
            .get(..closing.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(closing));
        let end = if is_there { span.end + skipped + closing.len() } else { span.end };
        self.last = end;
        Span { start: span.start, end }
    }

    /// Extends a span to the left over a word that begins what it closes.
    fn open(&self, span: Span, word: &str) -> Span {
        let before = &self.text[..span.start];
        let upper = before.to_ascii_uppercase();
        let start = upper.rfind(word).unwrap_or(span.start);
        let is_near = span.start - start <= word.len() + 16;
        Span { start: if is_near { start } else { span.start }, end: span.end }
    }

    fn name(&mut self, identifier: Ident) -> Name {
        Name { text: identifier.value, span: self.span(identifier.span) }
    }

    pub(super) fn boxed(&mut self, expression: Expr) -> Option<Box<Node>> {
        self.node(expression).map(Box::new)
    }

    pub(super) fn all(&mut self, expressions: Vec<Expr>) -> Option<Vec<Node>> {
        // All of them first: each may have errors of its own.
        let nodes: Vec<_> = expressions.into_iter().map(|one| self.node(one)).collect();
        nodes.into_iter().collect()
    }

    pub(super) fn node(&mut self, expression: Expr) -> Option<Node> {
        if self.depth >= MAX_EXPRESSION_DEPTH {
            let span = Span { start: self.last, end: self.last };
            let message = format!("expressions are nested at most {MAX_EXPRESSION_DEPTH} deep");
            let is_known = self.errors.iter().any(|error| error.code == ErrorCode::Limit);
            let help = "compute parts in a projection before this one";
            return if is_known { None } else { self.fail(ErrorCode::Limit, span, message, help) };
        }
        self.depth += 1;
        let node = self.inner(expression);
        self.depth -= 1;
        node
    }

    fn inner(&mut self, expression: Expr) -> Option<Node> {
        match expression {
            Expr::Nested(inner) => {
                let node = self.node(*inner)?;
                let span = self.close(self.open(node.span, "("), ")");
                Some(Node { span, ..node })
            }
            Expr::Value(value) => self.literal(value),
            Expr::TypedString(typed) => {
                let span = self.span(typed.value.span);
                let target = typed.data_type.to_string();
                let text = typed.value.value.into_string().unwrap_or_default();
                match timestamp(&target, &text) {
                    Ok(()) => {
                        let span = self.open(span, "TIMESTAMP");
                        Some(Node { span, kind: Kind::Time(text) })
                    }
                    Err((message, help)) => {
                        self.fail(ErrorCode::InvalidConstant, span, message, help)
                    }
                }
            }
            Expr::Interval(interval) => self.interval(interval),
            Expr::Identifier(name) => {
                let name = self.name(name);
                let kind = Kind::Column { name: name.clone(), fields: Vec::new() };
                Some(Node { span: name.span, kind })
            }
            Expr::CompoundIdentifier(names) => {
                let mut names = names.into_iter();
                let name = self.name(names.next()?);
                let fields: Vec<Name> = names.map(|name| self.name(name)).collect();
                let span = fields.last().map_or(name.span, |last| name.span.to(last.span));
                Some(Node { span, kind: Kind::Column { name, fields } })
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.access(*root, access_chain),
            Expr::UnaryOp { op, expr } => self.unary(op, *expr),
            Expr::BinaryOp { left, op, right } => self.binary(*left, op, *right),
            Expr::Case { operand, conditions, else_result, case_token, end_token } => {
                let start = self.span(case_token.0.span);
                let case = self.case(operand, conditions, else_result);
                let end = self.span(end_token.0.span);
                Some(Node { span: start.to(end), kind: case? })
            }
            Expr::Cast { kind, expr, data_type, format } => {
                let node = self.node(*expr);
                let span =
                    node.as_ref().map_or(Span { start: self.last, end: self.last }, |n| n.span);
                if format.is_some() {
                    let help = "use TO_TIMESTAMP(text, format) or DATE_FORMAT(time, format)";
                    let message = "CAST takes no format".to_owned();
                    return self.fail(ErrorCode::Unsupported, span, message, help);
                }
                let span = self.cast_span(span, kind == CastKind::DoubleColon);
                match cast_target(&data_type) {
                    Ok(to) => {
                        let or_null = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                        Some(Node { span, kind: Kind::Cast { of: Box::new(node?), to, or_null } })
                    }
                    Err((message, help)) => self.fail(ErrorCode::InvalidCast, span, message, &help),
                }
            }
            other => self.special(other),
        }
    }

    /// A cast from its operand to the end of its type.
    fn cast_span(&mut self, operand: Span, is_short: bool) -> Span {
        let rest = &self.text[operand.end..];
        let length = if is_short {
            let after = rest.find("::").map_or(0, |at| at + 2);
            let word = rest[after..].trim_start();
            let skipped = rest.len() - word.len();
            let ends = |c: char| !(c.is_alphanumeric() || c == '_');
            skipped + word.find(ends).unwrap_or(word.len())
        } else {
            rest.find(')').map_or(0, |at| at + 1)
        };
        let span = Span { start: operand.start, end: operand.end + length };
        self.last = span.end;
        if is_short { span } else { self.open(self.open(span, "CAST"), "TRY_CAST") }
    }

    fn literal(&mut self, literal: ValueWithSpan) -> Option<Node> {
        let span = self.span(literal.span);
        let read = match literal.value {
            Literal::Number(digits, _) => number(&digits),
            Literal::SingleQuotedString(text) => Ok(Value::string(text)),
            Literal::Boolean(truth) => Ok(Value::Boolean(truth)),
            Literal::Null => Ok(Value::Null),
            Literal::HexStringLiteral(digits) => super::lower_literal::hex(&digits),
            Literal::Placeholder(_) => Err("a placeholder has no value here".to_owned()),
            _ => Err("write strings in single quotes, as in 'text'".to_owned()),
        };
        match read {
            Ok(value) => Some(Node { span, kind: Kind::Literal(value) }),
            Err(message) => self.fail(ErrorCode::InvalidConstant, span, message, ""),
        }
    }

    fn interval(&mut self, written: sqlparser::ast::Interval) -> Option<Node> {
        let is_range = written.last_field.is_some();
        let unit = written.leading_field.as_ref().map(ToString::to_string);
        let node = self.node(*written.value)?;
        let mut span = self.open(node.span, "INTERVAL");
        if let Some(unit) = &unit {
            span = self.close(span, unit);
        }
        let length = match &node.kind {
            Kind::Literal(Value::String(text)) => Some(text.to_string()),
            Kind::Literal(value @ Value::Int64(_)) => Some(value.to_string()),
            _ => None,
        };
        let read = match (length, unit, is_range) {
            (Some(length), Some(unit), false) => interval(&length, &unit),
            _ => Err("an interval is written with a constant and one unit".to_owned()),
        };
        match read {
            Ok(interval) => Some(Node { span, kind: Kind::Interval(interval) }),
            Err(message) => {
                let help = "write, for example, INTERVAL '5' MINUTE";
                self.fail(ErrorCode::InvalidConstant, span, message, help)
            }
        }
    }

    fn access(&mut self, root: Expr, chain: Vec<AccessExpr>) -> Option<Node> {
        if chain.len() > MAX_EXPRESSION_DEPTH {
            let span = Span { start: self.last, end: self.last };
            let message = format!("accesses are chained at most {MAX_EXPRESSION_DEPTH} deep");
            return self.fail(ErrorCode::Limit, span, message, "");
        }
        let mut node = self.node(root)?;
        for access in chain {
            node = match access {
                AccessExpr::Dot(Expr::Identifier(name)) => {
                    let name = self.name(name);
                    let span = node.span.to(name.span);
                    match node.kind {
                        Kind::Column { name: column, mut fields } => {
                            fields.push(name);
                            Node { span, kind: Kind::Column { name: column, fields } }
                        }
                        _ => Node { span, kind: Kind::Field { of: Box::new(node), name } },
                    }
                }
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let at = self.boxed(index)?;
                    let span = self.close(node.span.to(at.span), "]");
                    Node { span, kind: Kind::Index { of: Box::new(node), at } }
                }
                _ => {
                    let message = "only `.field` and `[index]` reach into a value".to_owned();
                    return self.fail(ErrorCode::Unsupported, node.span, message, "");
                }
            };
        }
        Some(node)
    }

    fn unary(&mut self, operator: UnaryOperator, operand: Expr) -> Option<Node> {
        // The smallest integer has no positive counterpart.
        if let (
            UnaryOperator::Minus,
            Expr::Value(ValueWithSpan { value: Literal::Number(digits, _), span }),
        ) = (&operator, &operand)
        {
            let span = self.span(*span);
            let span = self.open(span, "-");
            return match number(&format!("-{digits}")) {
                Ok(value) => Some(Node { span, kind: Kind::Literal(value) }),
                Err(message) => self.fail(ErrorCode::InvalidConstant, span, message, ""),
            };
        }
        let node = self.node(operand)?;
        match operator {
            UnaryOperator::Plus => Some(node),
            UnaryOperator::Minus => {
                let span = self.open(node.span, "-");
                Some(Node { span, kind: Kind::Negate(Box::new(node)) })
            }
            UnaryOperator::Not => {
                let span = self.open(node.span, "NOT");
                Some(Node { span, kind: Kind::Not(Box::new(node)) })
            }
            other => {
                let message = format!("there is no operator `{other}`");
                self.fail(ErrorCode::Unsupported, node.span, message, "")
            }
        }
    }

    fn binary(&mut self, left: Expr, operator: BinaryOperator, right: Expr) -> Option<Node> {
        if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
            return self.connective(left, &operator, right);
        }
        let (left, right) = (self.boxed(left), self.boxed(right));
        let (left, right) = (left?, right?);
        let span = left.span.to(right.span);
        let kind = match operator {
            BinaryOperator::Plus => Kind::Arithmetic { operator: Arithmetic::Add, left, right },
            BinaryOperator::Minus => {
                Kind::Arithmetic { operator: Arithmetic::Subtract, left, right }
            }
            BinaryOperator::Multiply => {
                Kind::Arithmetic { operator: Arithmetic::Multiply, left, right }
            }
            BinaryOperator::Divide => {
                Kind::Arithmetic { operator: Arithmetic::Divide, left, right }
            }
            BinaryOperator::Modulo => {
                Kind::Arithmetic { operator: Arithmetic::Remainder, left, right }
            }
            BinaryOperator::Eq => Kind::Compare { operator: Comparison::Equal, left, right },
            BinaryOperator::NotEq => Kind::Compare { operator: Comparison::NotEqual, left, right },
            BinaryOperator::Lt => Kind::Compare { operator: Comparison::Less, left, right },
            BinaryOperator::LtEq => {
                Kind::Compare { operator: Comparison::LessOrEqual, left, right }
            }
            BinaryOperator::Gt => Kind::Compare { operator: Comparison::Greater, left, right },
            BinaryOperator::GtEq => {
                Kind::Compare { operator: Comparison::GreaterOrEqual, left, right }
            }
            BinaryOperator::StringConcat => {
                let name = Name { text: "||".to_owned(), span };
                Kind::Call { name, arguments: vec![*left, *right] }
            }
            other => {
                let help = match other {
                    BinaryOperator::Spaceship => "write IS NOT DISTINCT FROM",
                    BinaryOperator::PGRegexMatch => "write REGEXP_LIKE(text, 'pattern')",
                    BinaryOperator::Arrow | BinaryOperator::LongArrow => {
                        "write JSON_VALUE(text, '$.field')"
                    }
                    BinaryOperator::BitwiseXor => "write POWER(x, y)",
                    _ => "",
                };
                let message = format!("there is no operator `{other}`");
                return self.fail(ErrorCode::Unsupported, span, message, help);
            }
        };
        Some(Node { span, kind })
    }

    /// `a AND b AND c` as one node: a long list of conditions is not deep.
    fn connective(&mut self, left: Expr, operator: &BinaryOperator, right: Expr) -> Option<Node> {
        let mut reversed = vec![right];
        let mut rest = left;
        loop {
            match rest {
                Expr::BinaryOp { left, op, right } if op == *operator => {
                    reversed.push(*right);
                    rest = *left;
                }
                first => {
                    reversed.push(first);
                    break;
                }
            }
        }
        reversed.reverse();
        let parts = self.all(reversed)?;
        let span = parts.first()?.span.to(parts.last()?.span);
        let kind =
            if *operator == BinaryOperator::And { Kind::And(parts) } else { Kind::Or(parts) };
        Some(Node { span, kind })
    }

    fn case(
        &mut self,
        operand: Option<Box<Expr>>,
        conditions: Vec<CaseWhen>,
        otherwise: Option<Box<Expr>>,
    ) -> Option<Kind> {
        let operand = operand.map(|operand| self.boxed(*operand));
        let mut whens = Vec::with_capacity(conditions.len());
        for CaseWhen { condition, result } in conditions {
            whens.push((self.node(condition), self.node(result)));
        }
        let otherwise = otherwise.map(|otherwise| self.boxed(*otherwise));
        let whens = whens.into_iter().map(|(condition, result)| condition.zip(result));
        Some(Kind::Case {
            whens: whens.collect::<Option<_>>()?,
            operand: operand.map_or(Some(None), |operand| operand.map(Some))?,
            otherwise: otherwise.map_or(Some(None), |otherwise| otherwise.map(Some))?,
        })
    }

    pub(super) fn postfix(
        &mut self,
        of: Expr,
        words: &str,
        kind: fn(Box<Node>) -> Kind,
    ) -> Option<Node> {
        let of = self.boxed(of)?;
        let is = self.close(of.span, "IS");
        let span = self.close(is, words);
        Some(Node { span, kind: kind(of) })
    }

    pub(super) fn distinct(&mut self, left: Expr, right: Expr) -> Option<Node> {
        let (left, right) = (self.boxed(left), self.boxed(right));
        let (left, right) = (left?, right?);
        Some(Node { span: left.span.to(right.span), kind: Kind::Distinct { left, right } })
    }

    /// A call of a function that is written in words of its own.
    pub(super) fn call(&mut self, name: &str, arguments: Vec<Expr>) -> Option<Node> {
        let arguments = self.all(arguments)?;
        // Made-up arguments, such as units, have no place.
        let real =
            arguments.iter().map(|argument| argument.span).filter(|span| span.start < span.end);
        let inner = real.reduce(Span::to).unwrap_or(Span { start: self.last, end: self.last });
        let span = self.close(self.open(inner, name), ")");
        let name = Name { text: name.to_owned(), span };
        Some(Node { span, kind: Kind::Call { name, arguments } })
    }

    pub(super) fn function(&mut self, function: Function) -> Option<Node> {
        let (text, place) = call_name(&function);
        let place = place.map(|place| self.span(place));
        let place = place.unwrap_or(Span { start: self.last, end: self.last });
        if let Some((message, help)) = refused_call(&function, &text) {
            return self.fail(ErrorCode::Unsupported, place, message, help);
        }
        let FunctionArguments::List(list) = function.args else {
            let message = format!("`{text}` is not offered");
            let help = "rows bring their time along: use a timestamp column";
            return self.fail(ErrorCode::Unsupported, place, message, help);
        };
        let mut arguments = Vec::with_capacity(list.args.len());
        let unit_at = FIRST_IS_UNIT.contains(&text.to_uppercase().as_str()).then_some(0);
        for (index, argument) in list.args.into_iter().enumerate() {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument else {
                let message = format!("`{text}` takes plain arguments only");
                return self.fail(ErrorCode::Unsupported, place, message, "");
            };
            match argument {
                Expr::Identifier(unit) if unit_at == Some(index) && unit.quote_style.is_none() => {
                    let span = self.span(unit.span);
                    let kind = Kind::Literal(Value::string(unit.value));
                    arguments.push(Some(Node { span, kind }));
                }
                argument => arguments.push(self.node(argument)),
            }
        }
        let arguments: Vec<Node> = arguments.into_iter().collect::<Option<_>>()?;
        let inner = arguments.last().map_or(place, |last| place.to(last.span));
        let mut span = self.close(inner, "(");
        span = self.close(span, ")");
        let name = Name { text, span: place };
        Some(Node { span, kind: Kind::Call { name, arguments } })
    }
}
