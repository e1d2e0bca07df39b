//! Aggregates: calls over rows, of windows and without.

use super::NodePlan;
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{self, AggregateText, Aggregated, Entries, Name, Retain};
use tidegate_rows::aggregate::{AggregateCall, AggregateProblem, ProblemPlace, RowAggregate};
use tidegate_rows::expression::{Checked, Expression as Parsed};
use tidegate_rows::{DataType, Field, Schema};

/// The hidden column with a row's event time.
const TIME: &str = "$time";

/// Aggregates over rows.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// The calls as one aggregate.
    pub aggregate: RowAggregate,
    /// Whether rows need their event time as one more column at the end, because a `first` or `last` goes by it. Built
    /// by a stage in front that appends it.
    pub carries_time: bool,
}

/// Aggregates without a window: a changelog of one row per key.
///
/// Built as a process over the stream by key: the state of a key is its accumulator, with a count of its rows beside, and
/// the result that was given out last. Each row gives `+I` the first time, else `-U` and `+U` if the result has
/// changed. Over a changelog the aggregate can deduct, and `-D` comes when the count falls to zero.
#[derive(Clone, Debug)]
pub struct AggregatePlan {
    /// The columns of the key; none for one group of all rows.
    pub key: Vec<usize>,
    /// The calls.
    pub aggregation: Aggregation,
    /// How long a key is remembered after its last row, in milliseconds; for ever if not said.
    pub retain_ms: Option<i64>,
    /// Whether the input is a changelog.
    pub of_changes: bool,
}

/// How long something is kept, in milliseconds; for ever if nothing.
pub(super) const fn retain_ms(retain: Retain) -> Option<i64> {
    match retain {
        Retain::Forever => None,
        Retain::For(time) => Some(time.millis()),
    }
}

/// The names of columns.
pub(super) fn names(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.value.to_string()).collect()
}

impl Planning<'_> {
    pub(super) fn aggregated(&mut self, aggregated: &Aggregated, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let key = self.key(&aggregated.key_by, schema);
        let by_time = input.has_time && input.changed_by.is_none();
        let aggregation = self.aggregation(&aggregated.aggregates, input, by_time);
        let (Some(schema), Some(key), Some(aggregation)) = (schema, key, aggregation) else {
            return Planned::default();
        };
        let columns = key.iter().map(|column| schema.columns()[*column].clone());
        let columns = columns.chain(aggregation.aggregate.columns().iter().cloned());
        let main = Schema::new(columns).ok();
        let plan = AggregatePlan {
            key,
            aggregation,
            retain_ms: retain_ms(aggregated.retain),
            of_changes: input.changed_by.is_some(),
        };
        Planned::new(Some(NodePlan::Aggregate(plan)), main).keyed(names(&aggregated.key_by))
    }

    /// The calls, by event time where there is one.
    pub(super) fn aggregation(
        &mut self,
        calls: &Entries<AggregateText>,
        input: &Input,
        by_time: bool,
    ) -> Option<Aggregation> {
        let schema = input.schema.as_ref();
        let time = schema.filter(|_| by_time).and_then(time_of);
        let mut is_right = true;
        let mut found = Vec::new();
        let mut carries_time = false;
        for (name, text) in calls.iter() {
            is_right &= self.may_be_named(&name.value, name.span);
            let Some((call, ordered)) = self.call(text, schema, time.as_ref()) else {
                is_right = false;
                continue;
            };
            carries_time |= ordered;
            is_right &= self.can_deduct(text, &call, input);
            found.push((name.value.clone(), call));
        }
        is_right.then(|| Aggregation { aggregate: RowAggregate::new(found), carries_time })
    }

    /// A call, and whether it goes by time.
    fn call(
        &mut self,
        text: &AggregateText,
        schema: Option<&Schema>,
        time: Option<&Checked>,
    ) -> Option<(AggregateCall, bool)> {
        // What is no call is told of by the check of the document.
        let call = document::AggregateCall::read(&text.value).ok()?;
        let arguments: Vec<Option<Checked>> = call
            .arguments
            .iter()
            .map(|part| self.part(text, &part.text, part.within.start, schema, &[]))
            .collect();
        let filter = match &call.filter {
            None => Some(None),
            Some(part) => self.part(text, &part.text, part.within.start, schema, &[]).map(Some),
        };
        schema?;
        let arguments: Vec<Checked> = arguments.into_iter().collect::<Option<_>>()?;
        let filter = filter?;
        let name = call.function.name;
        let time = time.filter(|_| matches!(name, "first" | "last"));
        match AggregateCall::new(name, &arguments, filter.as_ref(), time) {
            Ok(found) => Some((found, time.is_some())),
            Err(problem) => {
                self.problem(text, &call, problem);
                None
            }
        }
    }

    fn problem(
        &mut self,
        text: &AggregateText,
        call: &document::AggregateCall,
        problem: AggregateProblem,
    ) {
        let part = match problem.place {
            ProblemPlace::Argument(at) => call.arguments.get(at),
            ProblemPlace::Filter => call.filter.as_ref(),
            ProblemPlace::Call | ProblemPlace::Order => None,
        };
        let span = part.map_or(text.span, |part| self.within(text, part.within.clone()));
        let code = match problem.place {
            ProblemPlace::Argument(0) => Code::TypeMismatch,
            ProblemPlace::Argument(_) => Code::InvalidConstant,
            ProblemPlace::Filter => Code::WrongResult,
            ProblemPlace::Call | ProblemPlace::Order => Code::BadAggregate,
        };
        let wrong = Diagnostic::new(code, span, problem.message);
        self.diagnostics.push(wrong.label(code.label()).help(problem.help));
    }

    /// Whether a call can take back the rows that its input takes back.
    fn can_deduct(&mut self, text: &AggregateText, call: &AggregateCall, input: &Input) -> bool {
        let Some(blamed) = input.changed_by else { return true };
        if RowAggregate::new([("", call.clone())]).deducting().is_some() {
            return true;
        }
        let began = self.document.nodes[blamed].name.as_str();
        let message = format!("`{began}` takes rows back, which `{}` cannot forget", &*text.value);
        let help = "of rows that come and go there can be `count`, `count_distinct`, `top_k`, `percentile`, and `sum` and `avg` of what is no float64";
        let wrong = Diagnostic::new(Code::Retracting, text.span, message);
        self.diagnostics.push(wrong.label("a row that is taken back would still count").help(help));
        false
    }
}

/// The hidden column behind those of a schema.
fn time_of(schema: &Schema) -> Option<Checked> {
    let columns = schema.columns().iter().cloned();
    let extended = Schema::new(columns.chain([Field::required(TIME, DataType::Timestamp)])).ok()?;
    let functions = tidegate_rows::expression::Functions::built_in();
    Parsed::parse(&format!("\"{TIME}\"")).ok()?.check(&extended, &functions).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expression::field;

    #[test]
    fn the_time_of_a_row_is_behind_its_columns() {
        let schema = Schema::new([Field::required("a", DataType::Int64)]).expect("one name");
        let time = time_of(&schema).expect("a column");
        assert_eq!((time.columns(), field("t", &time).data_type), (&[1][..], DataType::Timestamp));
    }
}
