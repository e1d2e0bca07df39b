//! Steps: what is done with one row at a time.

use super::NodePlan;
use super::expression::field;
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{Entries, Explode, Expression, FlatMap, Map, Name, SplitText};
use tidegate_rows::expression::{Checked, Evaluator, Predicate};
use tidegate_rows::{DataType, Field, Schema};

/// A column of a new row.
#[derive(Clone, Debug)]
pub enum StepColumn {
    /// The column of this index, as it is.
    Same(usize),
    /// What is computed.
    Computed(Evaluator),
}

/// Many rows of one: its columns, then one for the piece.
#[derive(Clone, Debug)]
pub enum FlatMapPlan {
    /// For each element of a list, in order; NULL counts as an empty list.
    Explode(Evaluator),
    /// For each piece of a text, between which this stands; NULL counts as no text.
    Split(Evaluator, String),
}

impl Planning<'_> {
    pub(super) fn filter(&mut self, condition: &Expression, input: &Input) -> Planned {
        let predicate = self.predicate(condition, input.schema.as_ref());
        Planned::new(predicate.map(NodePlan::Filter), input.schema.clone()).keyed(input.key.clone())
    }

    pub(super) fn project(&mut self, columns: &Entries<Expression>, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let found: Vec<_> = columns.iter().map(|(_, text)| self.expression(text, schema)).collect();
        let found: Option<Vec<Checked>> = found.into_iter().collect();
        let named = columns.iter().map(|(name, _)| name);
        let Some(found) = found else { return Planned::default() };
        let fields = named.zip(&found).map(|(name, one)| (field(&name.value, one), name.span));
        let result = self.schema(fields.collect());
        let key = result.as_ref().zip(schema).map(|(result, schema)| {
            let renamed = input.key.iter().map(|key| {
                let index = schema.index_of(key)?;
                let at =
                    columns.iter().position(|(_, text)| is_column(&text.value, schema, index))?;
                Some(result.columns()[at].name.to_string())
            });
            renamed.collect::<Option<Vec<String>>>().unwrap_or_default()
        });
        let steps =
            columns.iter().zip(&found).map(|((_, text), one)| step(&text.value, one, schema));
        Planned::new(Some(NodePlan::Columns(steps.collect())), result)
            .keyed(key.unwrap_or_default())
    }

    pub(super) fn map(&mut self, map: &Map, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let found: Vec<Option<Checked>> =
            map.set.iter().map(|(_, text)| self.expression(text, schema)).collect();
        let dropped = self.columns(&map.drop, schema);
        let Some(schema) = schema else { return Planned::default() };
        for name in map.drop.iter() {
            if map.set.iter().any(|(set, _)| set.value == *name.value) {
                let message = format!("the column `{}` is set and dropped", &*name.value);
                let wrong = Diagnostic::new(Code::Contradiction, name.span, message);
                self.diagnostics.push(wrong.label("one or the other"));
            }
        }
        let found: Option<Vec<Checked>> = found.into_iter().collect();
        let (Some(found), Some(dropped)) = (found, dropped) else { return Planned::default() };
        let set: Vec<_> = map.set.iter().map(|(name, _)| name).zip(&found).collect();
        let (mut fields, mut steps) = (Vec::new(), Vec::new());
        let nowhere = crate::source::Span::default();
        for (at, column) in schema.columns().iter().enumerate() {
            if dropped.contains(&at) {
                continue;
            }
            match set.iter().find(|(name, _)| name.value == column.name) {
                Some((name, one)) => {
                    fields.push((field(&name.value, one), name.span));
                    steps.push(StepColumn::Computed(one.value()));
                }
                None => {
                    fields.push((column.clone(), nowhere));
                    steps.push(StepColumn::Same(at));
                }
            }
        }
        for (name, one) in &set {
            if schema.index_of(&name.value).is_none() {
                fields.push((field(&name.value, one), name.span));
                steps.push(StepColumn::Computed(one.value()));
            }
        }
        if fields.is_empty() && set.is_empty() {
            let span = map.drop.first().map_or(nowhere, |name| name.span);
            let wrong = Diagnostic::new(Code::Contradiction, span, "no column is left");
            self.diagnostics.push(wrong.label("all of them are dropped"));
        }
        let touched = |key: &String| {
            set.iter().any(|(name, _)| name.value == *key)
                || map.drop.iter().any(|one| *one.value == **key)
        };
        let key = if input.key.iter().any(touched) { Vec::new() } else { input.key.clone() };
        Planned::new(Some(NodePlan::Columns(steps)), self.schema(fields)).keyed(key)
    }

    pub(super) fn split(&mut self, ways: &Entries<Expression>, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let found: Vec<Option<Predicate>> =
            ways.iter().map(|(_, condition)| self.predicate(condition, schema)).collect();
        let found: Option<Vec<Predicate>> = found.into_iter().collect();
        let planned = Planned::new(found.map(NodePlan::Split), input.schema.clone());
        let ways = ways.iter().map(|(name, _)| name.value.as_str());
        ways.fold(planned, |planned, way| planned.side(way, input.schema.clone()))
    }

    pub(super) fn flat_map(&mut self, flat_map: &FlatMap, input: &Input) -> Planned {
        match flat_map {
            FlatMap::Explode(Explode { list, column }) => {
                let help =
                    "a row comes out for each element; `SPLIT(text, ',')` makes a list of a text";
                let is_list = |found: &DataType| matches!(found, DataType::List(_));
                let found = self.of_type(list, input.schema.as_ref(), "a list", is_list, help);
                let Some(found) = found else { return Planned::default() };
                let DataType::List(element) = found.data_type() else { return Planned::default() };
                let (data_type, nullable) = (element.data_type.clone(), element.nullable);
                let piece = Field { name: (*column.value).into(), data_type, nullable };
                self.with_piece(FlatMapPlan::Explode(found.value()), piece, column, input)
            }
            FlatMap::Split(SplitText { text, by, column }) => {
                let help = "a row comes out for each piece of a text";
                let is_text = |found: &DataType| *found == DataType::String;
                let found = self.of_type(text, input.schema.as_ref(), "a string", is_text, help);
                let Some(found) = found else { return Planned::default() };
                let piece = Field::required(&*column.value, DataType::String);
                self.with_piece(FlatMapPlan::Split(found.value(), by.clone()), piece, column, input)
            }
        }
    }

    fn with_piece(
        &mut self,
        plan: FlatMapPlan,
        piece: Field,
        name: &Name,
        input: &Input,
    ) -> Planned {
        let Some(schema) = &input.schema else { return Planned::default() };
        let nowhere = crate::source::Span::default();
        let columns = schema.columns().iter().map(|column| (column.clone(), nowhere));
        let columns = columns.chain([(piece, name.span)]).collect();
        Planned::new(Some(NodePlan::FlatMap(plan)), self.schema(columns))
    }
}

/// Whether an expression is nothing but this column.
fn is_column(text: &str, schema: &Schema, index: usize) -> bool {
    schema.columns().get(index).is_some_and(|column| column.name == text.trim())
}

fn step(text: &str, checked: &Checked, schema: Option<&Schema>) -> StepColumn {
    match (checked.columns(), schema) {
        ([index], Some(schema)) if is_column(text, schema, *index) => StepColumn::Same(*index),
        _ => StepColumn::Computed(checked.value()),
    }
}
