//! The columns of a join: those of both sides, or expressions over `left` and `right`.
//!
//! Apart because all joins share it.

use super::expression::field;
use super::walk::Planning;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{Entries, Expression, On};
use crate::source::Span;
use crate::suggest;
use std::sync::Arc;
use tidegate_rows::expression::{Checked, ErrorCode, Evaluator};
use tidegate_rows::{DataType, Field, Schema};

/// A column of a joined row.
#[derive(Clone, Debug)]
pub enum JoinColumn {
    /// This column of the left row; NULL where there is none.
    Left(usize),
    /// This column of the right row; NULL where there is none.
    Right(usize),
    /// A column of the key: of the left row, else of the right one.
    Either(usize, usize),
    /// Computed of a row whose columns are the left row as a struct, the right one as a struct (NULL where there is none),
    /// and for window joins the bounds of the window. Of joins without a right row: of the left struct alone.
    Computed(Evaluator),
}

/// The rows that a join makes.
#[derive(Clone, Debug)]
pub struct JoinOutput {
    /// Their columns.
    pub columns: Vec<JoinColumn>,
}

/// One side of a join.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    /// Its columns.
    pub(super) schema: &'a Schema,
    /// Whether there may be no row of it.
    pub(super) optional: bool,
}

/// What is joined.
pub(super) struct Sides<'a> {
    pub(super) left: Side<'a>,
    /// None where only left rows come out.
    pub(super) right: Option<Side<'a>>,
    /// The columns that are equal.
    pub(super) on: Option<&'a On>,
    /// Further columns that expressions may use.
    pub(super) more: Vec<Field>,
}

impl Planning<'_> {
    /// The rows of a join and their columns; `span` is where the node says what it is.
    pub(super) fn join_output(
        &mut self,
        columns: &Entries<Expression>,
        sides: &Sides<'_>,
        span: Span,
    ) -> Option<(JoinOutput, Schema)> {
        if columns.is_empty() { self.all_of_both(sides, span) } else { self.named(columns, sides) }
    }

    /// Expressions of joins whose inputs are not known: what is wrong with their text.
    pub(super) fn only_texts(&mut self, columns: &Entries<Expression>) {
        for (_, text) in columns.iter() {
            self.expression(text, None);
        }
    }

    fn named(
        &mut self,
        columns: &Entries<Expression>,
        sides: &Sides<'_>,
    ) -> Option<(JoinOutput, Schema)> {
        let both = [("left", Some(sides.left)), ("right", sides.right)];
        let structs = both.iter().filter_map(|(name, side)| {
            let side = (*side)?;
            let data_type = DataType::Struct(Arc::from(side.schema.columns()));
            Some(Field { name: (*name).into(), data_type, nullable: side.optional })
        });
        let pair = Schema::new(structs.chain(sides.more.iter().cloned())).ok()?;
        let found: Vec<_> =
            columns.iter().map(|(_, text)| self.of_sides(text, &pair, sides)).collect();
        let found: Vec<_> = found.into_iter().collect::<Option<_>>()?;
        let named = columns.iter().zip(&found);
        let fields = named.map(|((name, _), one)| (field(&name.value, one), name.span)).collect();
        let schema = self.schema(fields)?;
        let plan = columns.iter().zip(&found).map(|((_, text), one)| {
            let text = text.value.trim();
            let of = |side: Option<Side<'_>>, name: &str| {
                let column = text.strip_prefix(name)?.strip_prefix('.')?;
                side?.schema.index_of(column)
            };
            match (of(Some(sides.left), "left"), of(sides.right, "right")) {
                (Some(at), _) => JoinColumn::Left(at),
                (None, Some(at)) => JoinColumn::Right(at),
                (None, None) => JoinColumn::Computed(one.value()),
            }
        });
        Some((JoinOutput { columns: plan.collect() }, schema))
    }

    /// An expression over both sides; a column without its side is told whose it could be.
    fn of_sides(&mut self, text: &Expression, pair: &Schema, sides: &Sides<'_>) -> Option<Checked> {
        match self.compiled(&text.value, Some(pair))? {
            Ok(checked) => Some(checked),
            Err(errors) => {
                for mut error in errors {
                    let name = text.value.get(error.span.start..error.span.end).unwrap_or("");
                    let has = |side: Side<'_>| side.schema.index_of(name).is_some();
                    let of_left = has(sides.left).then(|| format!("`left.{name}`"));
                    let of_right = sides.right.filter(|right| has(*right));
                    let of_right = of_right.map(|_| format!("`right.{name}`"));
                    let meant: Vec<String> = of_left.into_iter().chain(of_right).collect();
                    if error.code == ErrorCode::UnknownColumn && !meant.is_empty() {
                        error.help = Some(format!("say of which side: {}", meant.join(" or ")));
                    } else if error.code == ErrorCode::UnknownColumn
                        && name == "right"
                        && sides.right.is_none()
                    {
                        error.help =
                            Some("only left records come out of a join of this kind".to_owned());
                    }
                    self.wrong(text, 0, error, &[]);
                }
                None
            }
        }
    }

    /// All columns of both sides; those that are equal and of one name once.
    fn all_of_both(&mut self, sides: &Sides<'_>, span: Span) -> Option<(JoinOutput, Schema)> {
        let mut fields: Vec<Field> = Vec::new();
        let mut plan = Vec::new();
        let side = |column: &Field, side: Side<'_>| Field {
            nullable: column.nullable || side.optional,
            ..column.clone()
        };
        for (at, column) in sides.left.schema.columns().iter().enumerate() {
            fields.push(side(column, sides.left));
            plan.push(JoinColumn::Left(at));
        }
        let mut twice = Vec::new();
        let right = sides.right.into_iter();
        let right =
            right.flat_map(|right| right.schema.columns().iter().map(move |one| (right, one)));
        for (at, (right, column)) in right.enumerate() {
            let Some(left) = sides.left.schema.index_of(&column.name) else {
                fields.push(side(column, right));
                plan.push(JoinColumn::Right(at));
                continue;
            };
            let is_key = sides.on.is_some_and(|on| {
                let mut pairs = on.left.iter().zip(on.right.iter());
                pairs.any(|(left, right)| {
                    *left.value == *column.name && *right.value == *column.name
                })
            });
            if is_key {
                fields[left].nullable =
                    sides.left.schema.columns()[left].nullable || column.nullable;
                plan[left] = JoinColumn::Either(left, at);
            } else {
                twice.push(column.name.as_str());
            }
        }
        if !twice.is_empty() {
            let what = if twice.len() == 1 { "a column" } else { "columns" };
            let message = format!("both sides have {what} {}", suggest::list(&twice, "and"));
            let first = twice[0];
            let help = format!(
                "say which columns the result has, and how they are called: `columns: {{ {first}: left.{first}, right_{first}: right.{first} }}`"
            );
            let wrong = Diagnostic::new(Code::DuplicateColumn, span, message);
            self.diagnostics
                .push(wrong.label("without `columns` the result has all of both").help(help));
            return None;
        }
        Schema::new(fields).ok().map(|schema| (JoinOutput { columns: plan }, schema))
    }
}
