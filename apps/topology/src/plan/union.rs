//! Unions: streams of the same columns. Apart because what is not the same has to be shown column by column.

use super::NodePlan;
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::Node;
use tidegate_rows::Schema;

/// Differences that are told of one pair of streams.
const MOST_TOLD: usize = 5;

impl Planning<'_> {
    pub(super) fn union(&mut self, node: &Node, inputs: &[Input]) -> Planned {
        let Some((at, first)) =
            inputs.iter().enumerate().find_map(|(at, input)| Some((at, input.schema.clone()?)))
        else {
            return Planned::default();
        };
        let mut columns: Vec<_> = first.columns().to_vec();
        for (other, input) in inputs.iter().enumerate().skip(at + 1) {
            let Some(schema) = &input.schema else { continue };
            let told = differences(&first, schema);
            if told.is_empty() {
                let pairs = columns.iter_mut().zip(schema.columns());
                pairs.for_each(|(column, found)| column.nullable |= found.nullable);
                continue;
            }
            let names = node.common.iter().flat_map(|common| &common.inputs);
            let names: Vec<_> = names.collect();
            let span = names.get(other).map_or(node.kind_span, |name| name.span);
            let said = |at: usize| names.get(at).map_or("", |name| &*name.value);
            let (left, right) = (said(at), said(other));
            let message = format!("`{right}` has other columns than `{left}`");
            let wrong = Diagnostic::new(Code::UnlikeSchemas, span, message);
            let help = format!(
                "bring them into one form with a `project` before the union; `{left}` has {first}"
            );
            self.diagnostics.push(wrong.label(told.join("; ")).help(help));
        }
        let known = inputs.iter().all(|input| input.schema.is_some());
        let key = inputs.first().map_or_else(Vec::new, |input| input.key.clone());
        let same = inputs.iter().all(|input| input.key == key && input.changed_by.is_some());
        Planned::new(known.then_some(NodePlan::Union), Schema::new(columns).ok()).keyed(if same {
            key
        } else {
            Vec::new()
        })
    }
}

/// What is not the same, in words. Only whether NULL is allowed may differ: the result allows it then.
fn differences(first: &Schema, other: &Schema) -> Vec<String> {
    let mut told = Vec::new();
    for (at, column) in first.columns().iter().enumerate() {
        match other.index_of(&column.name) {
            None => told.push(format!("`{}: {}` is missing", column.name, column.field_type())),
            Some(found) => {
                let there = &other.columns()[found];
                if there.data_type != column.data_type {
                    told.push(format!(
                        "`{}` is {} here, {} there",
                        column.name, there.data_type, column.data_type
                    ));
                } else if found != at && first.len() == other.len() {
                    told.push(format!(
                        "`{}` is column {} here, {} there",
                        column.name,
                        found + 1,
                        at + 1
                    ));
                }
            }
        }
    }
    let more = other.columns().iter().filter(|column| first.index_of(&column.name).is_none());
    told.extend(
        more.map(|column| format!("`{}: {}` is only here", column.name, column.field_type())),
    );
    if told.len() > MOST_TOLD {
        let rest = told.len() - MOST_TOLD;
        told.truncate(MOST_TOLD);
        told.push(format!("and {rest} more"));
    }
    told
}
