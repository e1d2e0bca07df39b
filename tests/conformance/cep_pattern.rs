//! Patterns in the words of the cases, for all areas that match them.

use super::case::read;
use serde::Deserialize;
use serde_json::Value;
use tidegate_operators::cep::{AfterMatchSkip, Matched, Pattern};

/// A stage of a pattern, or a group of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    name: String,
    contiguity: Contiguity,
    condition: Option<Value>,
    until: Option<Value>,
    group: Option<Vec<Self>>,
    quantifier: Quantifier,
    inner_contiguity: Option<InnerContiguity>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    greedy: bool,
    within_first_to_last_ms: Option<i64>,
    within_previous_to_current_ms: Option<i64>,
    inner_within_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Contiguity {
    Begin,
    Next,
    FollowedBy,
    FollowedByAny,
    NotNext,
    NotFollowedBy,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Quantifier {
    One {},
    Times { from: usize, to: usize },
    OneOrMore { min: usize },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum InnerContiguity {
    Consecutive,
    Relaxed,
    Combinations,
}

/// Where matching goes on after a match.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
pub(super) enum Skip {
    #[serde(rename = "no_skip")]
    Nowhere {},
    #[serde(rename = "skip_to_next")]
    ToNext {},
    #[serde(rename = "skip_past_last_event")]
    PastLastEvent {},
    #[serde(rename = "skip_to_first")]
    ToFirst { pattern: String },
    #[serde(rename = "skip_to_last")]
    ToLast { pattern: String },
}

/// What a case says of its pattern, with events that are JSON objects.
pub(super) fn pattern(stages: &[Stage], skip: &Skip) -> Result<Pattern<Value>, String> {
    Ok(sequence(stages)?.after_match(match skip {
        Skip::Nowhere {} => AfterMatchSkip::no_skip(),
        Skip::ToNext {} => AfterMatchSkip::to_next(),
        Skip::PastLastEvent {} => AfterMatchSkip::past_last_event(),
        Skip::ToFirst { pattern } => AfterMatchSkip::to_first(pattern),
        Skip::ToLast { pattern } => AfterMatchSkip::to_last(pattern),
    }))
}

fn sequence(stages: &[Stage]) -> Result<Pattern<Value>, String> {
    let mut pattern = None;
    for stage in stages {
        let begun = add(stage, pattern.take())?;
        pattern = Some(repeated(stage, begun)?);
    }
    pattern.ok_or_else(|| "cannot be run: a pattern without stages".to_owned())
}

/// The pattern with a new stage, and what that takes.
fn add(stage: &Stage, before: Option<Pattern<Value>>) -> Result<Pattern<Value>, String> {
    use Contiguity as C;
    let name = &stage.name;
    let Some(group) = &stage.group else {
        let pattern = match (stage.contiguity, before) {
            (C::Begin, None) => Pattern::begin(name),
            (C::Next, Some(before)) => before.next(name),
            (C::FollowedBy, Some(before)) => before.followed_by(name),
            (C::FollowedByAny, Some(before)) => before.followed_by_any(name),
            (C::NotNext, Some(before)) => before.not_next(name),
            (C::NotFollowedBy, Some(before)) => before.not_followed_by(name),
            (other, _) => return Err(format!("cannot be run: {other:?} at `{name}`")),
        };
        let condition = stage.condition.as_ref().ok_or("cannot be run: no condition")?;
        let condition = Condition::read(condition)?;
        return Ok(pattern.satisfies(move |event, taken| condition.holds(event, taken)));
    };
    let group = sequence(group)?;
    Ok(match (stage.contiguity, before, &stage.condition) {
        (C::Begin, None, None) => Pattern::begin_group(group),
        (C::Next, Some(before), None) => before.next_group(group),
        (C::FollowedBy, Some(before), None) => before.followed_by_group(group),
        (C::FollowedByAny, Some(before), None) => before.followed_by_any_group(group),
        (other, ..) => return Err(format!("cannot be run: {other:?} at a group")),
    })
}

/// How often, and how fast.
fn repeated(stage: &Stage, pattern: Pattern<Value>) -> Result<Pattern<Value>, String> {
    let mut pattern = match stage.quantifier {
        Quantifier::One {} => pattern,
        Quantifier::Times { from, to } => pattern.times_between(from, to),
        Quantifier::OneOrMore { min } => pattern.times_or_more(min),
    };
    pattern = match stage.inner_contiguity {
        Some(InnerContiguity::Consecutive) => pattern.consecutive(),
        Some(InnerContiguity::Combinations) => pattern.allow_combinations(),
        Some(InnerContiguity::Relaxed) | None => pattern,
    };
    pattern = if stage.greedy { pattern.greedy() } else { pattern };
    pattern = if stage.optional { pattern.optional() } else { pattern };
    if let Some(until) = &stage.until {
        let until = Condition::read(until)?;
        pattern = pattern.until_satisfies(move |event, taken| until.holds(event, taken));
    }
    pattern = stage.within_first_to_last_ms.into_iter().fold(pattern, Pattern::within);
    let previous = stage.within_previous_to_current_ms.into_iter();
    pattern = previous.fold(pattern, Pattern::within_from_previous);
    Ok(stage.inner_within_ms.into_iter().fold(pattern, Pattern::repeats_within))
}

/// What an event must be.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Condition {
    Always(Always),
    All(All),
    Field(OfField),
    SameAs(OfFieldOfOther),
    Context(OfContext),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Always {
    always: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    all: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfField {
    field: String,
    op: Op,
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfFieldOfOther {
    field: String,
    op: Op,
    value_from_context: FirstOf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstOf {
    of_pattern: String,
    field: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfContext {
    context: Aggregated,
    op: Op,
    value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Aggregated {
    aggregate: Aggregate,
    field: Option<String>,
    of_pattern: String,
    #[serde(default)]
    include_current: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Aggregate {
    Sum,
    Count,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Op {
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "in")]
    In,
    #[serde(rename = "not_in")]
    NotIn,
    #[serde(rename = "contains")]
    Contains,
    #[serde(rename = "starts_with")]
    StartsWith,
}

impl Condition {
    fn read(condition: &Value) -> Result<Self, String> {
        read(condition).map_err(|error| format!("{error}: {condition}"))
    }

    fn holds(&self, event: &Value, taken: &Matched<'_, Value>) -> bool {
        match self {
            Self::Always(Always { always }) => *always,
            Self::All(All { all }) => all.iter().all(|one| one.holds(event, taken)),
            Self::Field(OfField { field, op, value }) => op.holds(&event[field.as_str()], value),
            Self::SameAs(OfFieldOfOther { field, op, value_from_context: other }) => {
                let first = taken.first(&other.of_pattern);
                let holds =
                    |first: &Value| op.holds(&event[field.as_str()], &first[other.field.as_str()]);
                first.is_some_and(holds)
            }
            Self::Context(OfContext { context, op, value }) => {
                op.holds(&Value::from(context.value(event, taken)), value)
            }
        }
    }
}

impl Aggregated {
    fn value(&self, event: &Value, taken: &Matched<'_, Value>) -> f64 {
        let current = self.include_current.then_some(event);
        let values = taken.events(&self.of_pattern).chain(current).map(|event| {
            let field = self.field.as_deref().unwrap_or_default();
            match self.aggregate {
                Aggregate::Sum => event[field].as_f64().unwrap_or(0.0),
                Aggregate::Count => 1.0,
            }
        });
        values.sum()
    }
}

impl Op {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let among = || right.as_array().is_some_and(|list| list.iter().any(|one| same(left, one)));
        let texts = || left.as_str().zip(right.as_str());
        let numbers = || left.as_f64().zip(right.as_f64());
        match self {
            Self::Equal => same(left, right),
            Self::NotEqual => !same(left, right),
            Self::Less => numbers().is_some_and(|(left, right)| left < right),
            Self::LessOrEqual => numbers().is_some_and(|(left, right)| left <= right),
            Self::Greater => numbers().is_some_and(|(left, right)| left > right),
            Self::GreaterOrEqual => numbers().is_some_and(|(left, right)| left >= right),
            Self::In => among(),
            Self::NotIn => !among(),
            Self::Contains => texts().is_some_and(|(left, right)| left.contains(right)),
            Self::StartsWith => texts().is_some_and(|(left, right)| left.starts_with(right)),
        }
    }
}

/// Equality that does not tell 5 from 5.0.
fn same(left: &Value, right: &Value) -> bool {
    left.as_f64().zip(right.as_f64()).map_or(left == right, |(left, right)| left.eq(&right))
}
