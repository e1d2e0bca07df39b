//! Expressions and names of columns: from their text to what is compiled, with mistakes at their place in the file.
//!
//! Apart because every kind asks it, and only here are the mistakes of expressions turned into diagnostics.

use super::walk::Planning;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{Expression, Name};
use crate::source::Span;
use crate::suggest;
use std::ops::Range;
use tidegate_rows::expression::{Checked, Expression as Parsed, ExpressionError, Predicate};
use tidegate_rows::{DataType, Field, Schema};

/// Names that stand in the text of an expression for what the user wrote, with that.
pub(super) type Written = [(String, String)];

impl Planning<'_> {
    /// Where bytes of a scalar's text stand in the file.
    pub(super) fn within(&self, text: &Expression, range: Range<usize>) -> Span {
        let scalar = self.tree.find(text.id).and_then(crate::tree::Node::scalar);
        scalar.map_or(text.span, |one| one.span_within(self.source.text(), text.span, range))
    }

    /// Compiles an expression. Without a schema only what is wrong with its text is told.
    pub(super) fn expression(
        &mut self,
        text: &Expression,
        schema: Option<&Schema>,
    ) -> Option<Checked> {
        let all: &str = &text.value;
        self.part(text, all, 0, schema, &[])
    }

    /// The same for a part of a text, `part`, that begins at a byte of it; `written` says what its names stand for.
    pub(super) fn part(
        &mut self,
        text: &Expression,
        part: &str,
        start: usize,
        schema: Option<&Schema>,
        written: &Written,
    ) -> Option<Checked> {
        match self.compiled(part, schema)? {
            Ok(checked) => {
                self.zoned |= checked.is_zoned();
                Some(checked)
            }
            Err(errors) => {
                errors.into_iter().for_each(|error| self.wrong(text, start, error, written));
                None
            }
        }
    }

    /// A text as an expression, or what is wrong with it; nothing when it is right as far as can be told.
    pub(super) fn compiled(
        &self,
        text: &str,
        schema: Option<&Schema>,
    ) -> Option<Result<Checked, Vec<ExpressionError>>> {
        match (Parsed::parse(text), schema) {
            (Ok(parsed), Some(schema)) => Some(parsed.check(schema, &self.functions)),
            (Ok(_), None) => None,
            (Err(errors), _) => Some(Err(errors)),
        }
    }

    /// Tells of a mistake in an expression.
    pub(super) fn wrong(
        &mut self,
        text: &Expression,
        start: usize,
        error: ExpressionError,
        written: &Written,
    ) {
        let span = self.within(text, start + error.span.start..start + error.span.end);
        let as_written = |mut said: String| {
            for (name, meant) in written {
                said = said.replace(&format!("`{name}`"), &format!("`{meant}`"));
            }
            said
        };
        let code = Code::from(error.code);
        let wrong = Diagnostic::new(code, span, as_written(error.message)).label(code.label());
        self.diagnostics.push(match error.help {
            Some(help) => wrong.help(as_written(help)),
            None => wrong,
        });
    }

    /// A condition.
    pub(super) fn predicate(
        &mut self,
        text: &Expression,
        schema: Option<&Schema>,
    ) -> Option<Predicate> {
        let checked = self.expression(text, schema)?;
        self.condition(text, 0, &checked)
    }

    /// What is compiled as a condition.
    pub(super) fn condition(
        &mut self,
        text: &Expression,
        start: usize,
        checked: &Checked,
    ) -> Option<Predicate> {
        match checked.predicate() {
            Ok(predicate) => Some(predicate),
            Err(error) => {
                self.wrong(text, start, error, &[]);
                None
            }
        }
    }

    /// An expression whose values are of a type for which `fits` says so.
    pub(super) fn of_type(
        &mut self,
        text: &Expression,
        schema: Option<&Schema>,
        needed: &str,
        fits: impl Fn(&DataType) -> bool,
        help: &str,
    ) -> Option<Checked> {
        let checked = self.expression(text, schema)?;
        if fits(checked.data_type()) {
            return Some(checked);
        }
        let message = format!("{needed} is needed here");
        let label = format!("this is of type {}", typed(&checked));
        let wrong = Diagnostic::new(Code::WrongResult, text.span, message);
        self.diagnostics.push(wrong.label(label).help(help));
        None
    }

    /// The index of a column that is named.
    pub(super) fn column(&mut self, name: &Name, schema: Option<&Schema>) -> Option<usize> {
        let schema = schema?;
        let text: &str = &name.value;
        let found = schema.index_of(text);
        if found.is_none() {
            let names: Vec<&str> = schema.columns().iter().map(|one| one.name.as_str()).collect();
            let otherwise = match names.as_slice() {
                [] => "there are no columns".to_owned(),
                names if text.contains(['(', '.', ' ', '+', '*']) => format!(
                    "this is the name of a column, no expression; compute it in a `map` before this node; the columns are {}",
                    listed(names)
                ),
                names => format!("the columns are {}", listed(names)),
            };
            let wrong = Diagnostic::new(
                Code::UnknownColumn,
                name.span,
                format!("there is no column `{text}`"),
            );
            let near = schema.nearest(text);
            self.diagnostics.push(wrong.label("no such column").meant(near, otherwise));
        }
        found
    }

    /// The indices of columns that are named.
    pub(super) fn columns(
        &mut self,
        names: &[Name],
        schema: Option<&Schema>,
    ) -> Option<Vec<usize>> {
        let found: Vec<Option<usize>> =
            names.iter().map(|name| self.column(name, schema)).collect();
        found.into_iter().collect()
    }

    /// The columns that make a key: not all types do.
    pub(super) fn key(&mut self, names: &[Name], schema: Option<&Schema>) -> Option<Vec<usize>> {
        let columns = self.columns(names, schema)?;
        let schema = schema?;
        for (name, column) in names.iter().zip(&columns) {
            let field = &schema.columns()[*column];
            if field.data_type != DataType::Float64 {
                continue;
            }
            let message = format!("the column `{}` makes no key", field.name);
            let label = "float64: what is computed in two ways differs in the last digits";
            let help = "take a whole number or a text, such as `CAST(x AS BIGINT)` or `ROUND(x * 100)` cast so, in a `map` before this node";
            let wrong = Diagnostic::new(Code::BadKey, name.span, message);
            self.diagnostics.push(wrong.label(label).help(help));
        }
        Some(columns)
    }

    /// A schema of these columns; of two with one name, the second is told of at `place`.
    pub(super) fn schema(&mut self, columns: Vec<(Field, Span)>) -> Option<Schema> {
        let mut is_right = true;
        for (at, (field, span)) in columns.iter().enumerate() {
            if columns[..at].iter().any(|(before, _)| before.name == field.name) {
                let message = format!("the result has a column `{}` already", field.name);
                let wrong = Diagnostic::new(Code::DuplicateColumn, *span, message);
                self.diagnostics
                    .push(wrong.label("the second of that name").help("give it another name"));
                is_right = false;
            }
            is_right &= self.may_be_named(&field.name, *span);
        }
        if !is_right {
            return None;
        }
        Schema::new(columns.into_iter().map(|(field, _)| field)).ok()
    }

    /// Whether a column may have this name.
    pub(super) fn may_be_named(&mut self, name: &str, span: Span) -> bool {
        let why = if name.starts_with('$') {
            "names that start with `$` are for columns that operators add for themselves"
        } else if name.trim().is_empty() {
            "a column must have a name"
        } else {
            return true;
        };
        let message = format!("a column cannot be named `{}`", name.escape_debug());
        let wrong = Diagnostic::new(Code::ReservedColumn, span, message);
        self.diagnostics.push(wrong.label("this name is reserved").help(why));
        false
    }
}

/// A field of this name with the type of an expression.
pub(super) fn field(name: &str, checked: &Checked) -> Field {
    Field {
        name: name.into(),
        data_type: checked.data_type().clone(),
        nullable: checked.nullable(),
    }
}

/// The type of an expression, in words.
pub(super) fn typed(checked: &Checked) -> String {
    format!("{}{}", checked.data_type(), if checked.nullable() { "?" } else { "" })
}

/// Names in a sentence, not more than anybody reads.
pub(super) fn listed(names: &[&str]) -> String {
    const MOST: usize = 20;
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => {
            format!("{} and {} more", suggest::list(first, "and"), names.len() - MOST)
        }
        _ => suggest::list(names, "and"),
    }
}
