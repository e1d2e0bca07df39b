//! What SQL writes with words of its own: IS, BETWEEN, IN, LIKE, and calls such as `EXTRACT(HOUR FROM time)`.
//!
//! Apart from `lower`, which walks the tree: each of these becomes a plain node or a plain call here, or is refused with
//! what to write instead.

use super::error::{ErrorCode, Span};
use super::lower::Lowering;
use super::syntax::{Kind, Node};
use sqlparser::ast::{
    CeilFloorKind, DateTimeField, Expr, InTarget, TrimWhereField, Value as Literal,
};

impl Lowering<'_> {
    /// What is written with words of its own rather than as a call or with an operator.
    pub(super) fn special(&mut self, expression: Expr) -> Option<Node> {
        let not = |node: Node| Node { span: node.span, kind: Kind::Not(Box::new(node)) };
        match expression {
            Expr::IsNull(of) | Expr::IsUnknown(of) => self.postfix(*of, "NULL", Kind::IsNull),
            Expr::IsNotNull(of) | Expr::IsNotUnknown(of) => {
                self.postfix(*of, "NOT NULL", Kind::IsNull).map(not)
            }
            Expr::IsTrue(of) => self.postfix(*of, "TRUE", |of| Kind::Is { of, truth: true }),
            Expr::IsFalse(of) => self.postfix(*of, "FALSE", |of| Kind::Is { of, truth: false }),
            Expr::IsNotTrue(of) => {
                self.postfix(*of, "NOT TRUE", |of| Kind::Is { of, truth: true }).map(not)
            }
            Expr::IsNotFalse(of) => {
                self.postfix(*of, "NOT FALSE", |of| Kind::Is { of, truth: false }).map(not)
            }
            Expr::IsDistinctFrom(left, right) => self.distinct(*left, *right),
            Expr::IsNotDistinctFrom(left, right) => self.distinct(*left, *right).map(not),
            Expr::Between { expr, negated, low, high } => {
                let (of, low, high) = (self.boxed(*expr), self.boxed(*low), self.boxed(*high));
                let (of, low, high) = (of?, low?, high?);
                let span = of.span.to(high.span);
                let node = Node { span, kind: Kind::Between { of, low, high } };
                Some(if negated { not(node) } else { node })
            }
            Expr::In { expr, target: InTarget::List(list), negated, .. } => {
                let of = self.boxed(*expr);
                let list = self.all(list);
                let (of, list) = (of?, list?);
                let span = list.last().map_or(of.span, |last| of.span.to(last.span));
                let span = self.close(span, ")");
                let node = Node { span, kind: Kind::In { of, list } };
                Some(if negated { not(node) } else { node })
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let (of, pattern) = (self.boxed(*expr), self.boxed(*pattern));
                let escape = match escape_char {
                    Some(escape) => Some(self.boxed(*escape)?),
                    None => None,
                };
                let (of, pattern) = (of?, pattern?);
                let last = escape.as_ref().map_or(pattern.span, |escape| escape.span);
                let node =
                    Node { span: of.span.to(last), kind: Kind::Like { of, pattern, escape } };
                Some(if negated { not(node) } else { node })
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                let node = self.call("REGEXP_LIKE", vec![*expr, *pattern])?;
                Some(if negated { not(node) } else { node })
            }
            Expr::Function(function) => self.function(function),
            other => self.call_in_words(other),
        }
    }

    /// Functions that SQL writes with words between their arguments.
    fn call_in_words(&mut self, expression: Expr) -> Option<Node> {
        match expression {
            Expr::Extract { field, expr, .. } => match *expr {
                Expr::AtTimeZone { timestamp, time_zone } => {
                    let call = vec![unit_literal(&field), *timestamp, *time_zone];
                    self.call("EXTRACT", call)
                }
                time => self.call("EXTRACT", vec![unit_literal(&field), time]),
            },
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call("CEIL", vec![*expr])
            }
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.call("FLOOR", vec![*expr]),
            Expr::Floor { expr, field: CeilFloorKind::DateTimeField(unit) } => {
                self.call("DATE_TRUNC", vec![unit_literal(&unit), *expr])
            }
            Expr::Position { expr, r#in } => self.call("POSITION", vec![*expr, *r#in]),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let from = substring_from.map_or_else(one, |from| *from);
                let rest = substring_for.map(|length| *length);
                self.call("SUBSTRING", [*expr, from].into_iter().chain(rest).collect())
            }
            Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "TRIM",
                    Some(TrimWhereField::Leading) => "LTRIM",
                    Some(TrimWhereField::Trailing) => "RTRIM",
                };
                let what = trim_what.map(|what| *what);
                let all =
                    std::iter::once(*expr).chain(what).chain(trim_characters.unwrap_or_default());
                self.call(name, all.collect())
            }
            other => self.refuse(&other),
        }
    }

    fn refuse(&mut self, expression: &Expr) -> Option<Node> {
        use sqlparser::ast::Spanned;
        let place = match expression {
            // What their own place would be costs a walk through a whole query.
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } => None,
            other => self.positions.span(other.span()),
        };
        let span = place.unwrap_or(Span { start: self.last, end: self.text.len() });
        let (what, help) = match expression {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } => {
                ("a subquery", "an expression sees one row: use a join or a lookup operator")
            }
            Expr::ILike { .. } => {
                ("ILIKE", "write LOWER(x) LIKE 'pattern' with a lower-case pattern")
            }
            Expr::Like { .. } => ("LIKE ANY", "write several LIKE with OR between them"),
            Expr::SimilarTo { .. } => ("SIMILAR TO", "write REGEXP_LIKE(x, 'pattern')"),
            Expr::AtTimeZone { .. } => (
                "AT TIME ZONE here",
                "timestamps are instants; pass the zone to EXTRACT, DATE_TRUNC or DATE_FORMAT",
            ),
            Expr::Ceil { .. } | Expr::Floor { .. } => (
                "CEIL or FLOOR with this second argument",
                "write ROUND(x, digits), or DATE_TRUNC(unit, time)",
            ),
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => ("`*`", "name one column"),
            Expr::Tuple(_) => ("a tuple", "compare the columns one by one, with AND between them"),
            Expr::AnyOp { .. } | Expr::AllOp { .. } => ("ANY or ALL", "write IN (...)"),
            _ => ("this part of SQL", "the reference page lists the operators and functions"),
        };
        self.fail(ErrorCode::Unsupported, span, format!("{what} is not offered"), help)
    }
}

fn unit_literal(field: &DateTimeField) -> Expr {
    Expr::Value(Literal::SingleQuotedString(field.to_string().trim_matches('\'').to_owned()).into())
}

fn one() -> Expr {
    Expr::Value(Literal::Number("1".to_owned(), false).into())
}
