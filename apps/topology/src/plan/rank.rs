//! Rankings: the order of rows, without a window and of each window.

use super::NodePlan;
use super::aggregate::names;
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{Expression, Ranking, TopN};
use crate::source::Span;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{DataType, Field, Schema};

/// A part of an order. Values compare as they do everywhere: NULL is the smallest, NaN the largest.
#[derive(Clone, Debug)]
pub struct OrderTerm {
    /// What is compared.
    pub value: Evaluator,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// The first rows of each key, as a changelog.
#[derive(Clone, Debug)]
pub struct TopNPlan {
    /// The columns of the key; none for all rows together.
    pub key: Vec<usize>,
    /// How many rows.
    pub n: usize,
    /// Their order; of rows that rank alike the one that came first stays ahead.
    pub order: Vec<OrderTerm>,
    /// Whether the rank is one more column, the last.
    pub with_rank: bool,
    /// A row replaces the one with the same values of these columns, if there are any.
    pub unique: Vec<usize>,
    /// Whether no update makes a row rank lower.
    pub only_rising: bool,
    /// Whether the input is a changelog.
    pub of_changes: bool,
}

/// The first rows of each window, with the rank as one more column, the last.
///
/// Of rows that rank alike the one with the smallest values comes first. Late results, where they are allowed, come out
/// again with all rows that have another rank than before.
///
/// Without ties built as the engine's `top_n` of windowed results. With ties as a process keyed by the window, which keeps
/// the rows that are among the first n or rank as the last of these, and gives them out by an event-time timer at the
/// window's last millisecond.
#[derive(Clone, Debug)]
pub struct RankingPlan {
    /// How many rows.
    pub n: usize,
    /// Their order, by the columns of the window's results.
    pub order: Vec<OrderTerm>,
    /// Whether rows that rank as the last one come out too; rows that rank alike have the same rank then.
    pub with_ties: bool,
}

impl Planning<'_> {
    pub(super) fn top_n(&mut self, top: &TopN, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let key = self.key(&top.key_by, schema);
        let order = self.order(&top.order_by, schema);
        let unique = self.columns(&top.unique_by, schema);
        if top.order_by.is_empty() {
            let span = top.key_by.first().map_or(Span::default(), |name| name.span);
            let wrong = Diagnostic::new(
                Code::MissingKey,
                span,
                "`order_by` is empty: there is no first row",
            );
            self.diagnostics.push(wrong.label("in which order?"));
        }
        let Some(schema) = schema else { return Planned::default() };
        let rank = Field::required("rank", DataType::Int64);
        let main = if top.with_rank {
            self.with_rank(schema, rank, &top.order_by)
        } else {
            Some(schema.clone())
        };
        let (Some(key), Some(order), Some(unique)) = (key, order, unique) else {
            return Planned::new(None, main);
        };
        let mut named = names(&top.key_by);
        if top.with_rank {
            named.push("rank".to_owned());
        } else if top.unique_by.is_empty() {
            named.clear();
        } else {
            named.extend(names(&top.unique_by));
        }
        let n = usize::try_from(top.n.0).unwrap_or(usize::MAX);
        let (with_rank, only_rising, of_changes) =
            (top.with_rank, top.only_rising, input.changed_by.is_some());
        let plan = TopNPlan { key, n, order, with_rank, unique, only_rising, of_changes };
        Planned::new(Some(NodePlan::TopN(plan)), main).keyed(named)
    }

    /// A schema with the rank behind it.
    pub(super) fn with_rank(
        &mut self,
        schema: &Schema,
        rank: Field,
        order: &[Expression],
    ) -> Option<Schema> {
        let found = Schema::new(schema.columns().iter().cloned().chain([rank])).ok();
        if found.is_none() {
            let span = order.first().map_or(Span::default(), |one| one.span);
            let wrong = Diagnostic::new(
                Code::ReservedColumn,
                span,
                "the rows have a column `rank` already",
            );
            let help = "give theirs another name in a `map` or `project` before this node";
            self.diagnostics.push(wrong.label("the ranking adds one of that name").help(help));
        }
        found
    }

    /// An order, such as `[views desc, item]`.
    pub(super) fn order(
        &mut self,
        texts: &[Expression],
        schema: Option<&Schema>,
    ) -> Option<Vec<OrderTerm>> {
        let terms: Vec<Option<OrderTerm>> =
            texts.iter().map(|text| self.order_term(text, schema)).collect();
        terms.into_iter().collect()
    }

    fn order_term(&mut self, text: &Expression, schema: Option<&Schema>) -> Option<OrderTerm> {
        let all: &str = &text.value;
        let (part, descending) = direction(all);
        let checked = self.part(text, part, 0, schema, &[])?;
        if matches!(checked.data_type(), DataType::List(_) | DataType::Struct(_)) {
            let message = "rows cannot be ordered by this";
            let label = format!("a {} has no order", checked.data_type());
            let wrong = Diagnostic::new(Code::WrongResult, text.span, message).label(label);
            self.diagnostics.push(wrong.help("order by a number, a text or a time within it"));
            return None;
        }
        Some(OrderTerm { value: checked.value(), descending })
    }

    /// The ranking of a window's results.
    pub(super) fn ranking(
        &mut self,
        ranking: &Ranking,
        results: Option<&Schema>,
    ) -> Option<RankingPlan> {
        let order = self.order(&ranking.order_by, results)?;
        let n = usize::try_from(ranking.n.0).unwrap_or(usize::MAX);
        Some(RankingPlan { n, order, with_ties: ranking.with_ties })
    }
}

/// An expression and whether it is the largest that comes first.
fn direction(text: &str) -> (&str, bool) {
    let trimmed = text.trim_end();
    for (word, descending) in [("desc", true), ("asc", false)] {
        let Some(split) = trimmed.len().checked_sub(word.len()) else { continue };
        let Some((rest, last)) = trimmed.split_at_checked(split) else { continue };
        if last.eq_ignore_ascii_case(word)
            && rest.ends_with(char::is_whitespace)
            && !rest.trim().is_empty()
        {
            return (rest, descending);
        }
    }
    (text, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_is_the_last_word() {
        assert_eq!(direction("views DESC "), ("views ", true));
        assert_eq!(direction("a + b asc"), ("a + b ", false));
        for alone in ["desc", "described", "(a)desc", " desc", "ünäsc", ""] {
            assert_eq!(direction(alone), (alone, false));
        }
    }
}
