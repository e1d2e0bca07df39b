//! Patterns: conditions over an event and those taken before, and the columns of a match.

use super::NodePlan;
use super::expression::field;
use super::pattern_text::{MOST_EVENTS, Of, StageEvents, column, rewrite};
use super::rank::OrderTerm;
use super::taken::{Taken, fields, taken};
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{AfterMatch, Clock, Contiguity, Entries, Expression, Pattern, Stage, Times};
use crate::suggest;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_rows::expression::{
    Checked, ErrorCode, Evaluator, Expression as Parsed, ExpressionError, Functions, Predicate,
};
use tidegate_rows::{DataType, Field, Schema};

/// Events that follow each other. A condition that has no value for an event fails the job, or with
/// `dead_letters: skip` is not met, and counted.
#[derive(Clone, Debug)]
pub struct PatternPlan {
    /// The columns of the key.
    pub key: Vec<usize>,
    /// What follows what.
    pub stages: Vec<StagePlan>,
    /// From its first event to its last a match lasts less than so many milliseconds.
    pub within_ms: Option<i64>,
    /// Which other matches go when one has been found.
    pub after_match: AfterMatch,
    /// Whether a match in which the stage of `after_match` has taken nothing fails the job.
    pub fail_on_miss: bool,
    /// The columns of a match.
    pub columns: Vec<MatchColumn>,
    /// The columns of a match that ran out of time.
    pub timed_out: Option<Vec<MatchColumn>>,
    /// Whether events are ordered by the wall clock.
    pub by_wall_clock: bool,
    /// The order of events of the same time.
    pub ties: Vec<OrderTerm>,
    /// The most partial matches of a key, and the most events kept for them.
    pub limits: Option<(u64, u64)>,
}

/// A stage, or a group of stages.
#[derive(Clone, Debug)]
pub struct StagePlan {
    /// Its name; a group has none.
    pub name: Option<String>,
    /// How it follows the stage before.
    pub after: Contiguity,
    /// What an event must be; anything if not said.
    pub condition: Option<ConditionPlan>,
    /// The stages of a group.
    pub group: Vec<Self>,
    /// How often it repeats.
    pub times: TimesPlan,
    /// Whether a match need not have it.
    pub optional: bool,
    /// Whether repetitions take what they can.
    pub greedy: bool,
    /// Whether nothing lies between repetitions.
    pub consecutive: bool,
    /// Whether anything may lie between repetitions.
    pub combinations: bool,
    /// Before which event a stage without end stops.
    pub until: Option<ConditionPlan>,
    /// The most milliseconds since the event before.
    pub within_ms: Option<i64>,
    /// The most milliseconds from one repetition to the next.
    pub repeats_within_ms: Option<i64>,
}

/// How often a stage repeats: at least, and at most if there is a most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimesPlan {
    /// The least number.
    pub least: u32,
    /// The greatest number.
    pub most: Option<u32>,
}

/// What an event must be: all of these. The parts of a condition that AND joins are apart, so that those over the event
/// alone are asked first, and once for an event: most events are put aside by them.
#[derive(Clone, Debug)]
pub struct ConditionPlan {
    /// Over the event alone.
    pub simple: Vec<Predicate>,
    /// Over a row of the event's columns, and behind them a struct for each of `events`.
    pub iterative: Vec<Predicate>,
    /// For each column of the event, whether one of the latter reads it; NULL may stand for the others.
    pub reads: Vec<bool>,
    /// What they ask of events taken before.
    pub events: Vec<Taken>,
}

/// A column of a match.
#[derive(Clone, Debug)]
pub enum MatchColumn {
    /// A column of an event; NULL if its stage has taken nothing.
    Same {
        /// The stage.
        stage: String,
        /// Whether its last event; else the first.
        last: bool,
        /// The column.
        column: usize,
    },
    /// Computed over a row of these structs.
    Computed(Evaluator, Vec<Taken>),
}

/// An expression over events that is right.
struct OfEvents {
    parsed: Parsed,
    /// The columns that it was checked for.
    schema: Schema,
    checked: Checked,
    events: Vec<StageEvents>,
}

impl OfEvents {
    /// Its events with what is read of them by these expressions, the first of them in column `first`.
    fn taken(&self, first: usize, events: &Schema, by: &[&Checked]) -> Vec<Taken> {
        let taken = self.events.iter().enumerate().map(|(at, event)| {
            let fields = by.iter().map(|one| one.fields(first + at)).collect::<Option<Vec<_>>>();
            taken(event, events, |field| match &fields {
                Some(fields) => fields.iter().any(|some| some.contains(&field)),
                None => true,
            })
        });
        taken.collect()
    }

    /// The parts of a condition for events of these columns.
    fn condition(&self, of: &Schema, whole: Predicate, functions: &Functions) -> ConditionPlan {
        let columns = of.columns().len();
        let parts = self.parsed.conjuncts().into_iter().map(|part| {
            let part = part.check(&self.schema, functions).ok()?;
            Some((part.predicate().ok()?, part))
        });
        // What AND turns into a truth value is none by itself.
        let parts: Option<Vec<(Predicate, Checked)>> = parts.collect();
        let parts = parts.unwrap_or_else(|| vec![(whole, self.checked.clone())]);
        let looks_back = |part: &Checked| part.columns().iter().any(|column| *column >= columns);
        let (back, simple): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|(_, part)| looks_back(part));
        let by: Vec<&Checked> = back.iter().map(|(_, part)| part).collect();
        let is_read = |column| by.iter().any(|part| part.columns().contains(&column));
        let reads = (0..columns).map(is_read).collect();
        let events = self.taken(columns, of, &by);
        ConditionPlan {
            simple: simple.into_iter().map(|(one, _)| one).collect(),
            iterative: back.into_iter().map(|(one, _)| one).collect(),
            reads,
            events,
        }
    }

    /// A column of a match for events of these columns.
    fn column(&self, of: &Schema) -> MatchColumn {
        if let Some((event, [column])) = self.checked.path()
            && let Some(StageEvents { stage, of: of @ (Of::First | Of::Last) }) =
                self.events.get(event)
        {
            let (stage, last, column) = (stage.clone(), *of == Of::Last, *column);
            return MatchColumn::Same { stage, last, column };
        }
        let events = self.taken(0, of, &[&self.checked]);
        MatchColumn::Computed(self.checked.value(), events)
    }
}

/// What expressions may speak of.
struct Scope<'a> {
    /// The columns of events.
    events: &'a Schema,
    /// Whether the event itself is there.
    with_event: bool,
    /// The stages, and whether each has surely taken an event.
    stages: &'a HashMap<String, bool>,
}

impl Planning<'_> {
    pub(super) fn pattern(&mut self, pattern: &Pattern, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let key = self.key(&pattern.key_by, schema);
        let ties = self.order(&pattern.order_ties_by, schema);
        let mut taken = HashMap::new();
        takes(&pattern.stages.value, true, &mut taken);
        let never: HashMap<String, bool> = taken.keys().map(|name| (name.clone(), false)).collect();
        let stages = self.stages(&pattern.stages.value, schema, &never);
        // The columns of a match are computed when it is found: what is kept does not depend on them.
        let zoned = self.zoned;
        let matched = self.match_columns(&pattern.columns, schema, &taken);
        let timed_out = pattern.timed_out.as_ref();
        let timed_out = timed_out.map(|columns| self.match_columns(columns, schema, &never));
        self.zoned = zoned;
        let (columns, main) = matched.unzip();
        let has_timed_out = timed_out.is_some();
        let (timed_out, late_schema) = match timed_out {
            None => (Some(None), None),
            Some(found) => {
                let (columns, schema) = found.unzip();
                (columns.map(Some), schema)
            }
        };
        let plan = || {
            Some(NodePlan::Pattern(Box::new(PatternPlan {
                key: key?,
                stages: stages?,
                within_ms: pattern.within.as_ref().map(|time| time.value.millis()),
                after_match: pattern.after_match.clone(),
                fail_on_miss: pattern.fail_on_miss,
                columns: columns?,
                timed_out: timed_out?,
                by_wall_clock: pattern.time == Clock::ProcessingTime,
                ties: ties?,
                limits: pattern.limits.as_ref().map(|one| (one.partial_matches.0, one.entries.0)),
            })))
        };
        let planned = Planned::new(plan(), main).side("late", input.schema.clone());
        if has_timed_out { planned.side("timed_out", late_schema) } else { planned }
    }

    fn stages(
        &mut self,
        all: &[Spanned<Stage>],
        schema: Option<&Schema>,
        taken: &HashMap<String, bool>,
    ) -> Option<Vec<StagePlan>> {
        let found: Vec<Option<StagePlan>> =
            all.iter().map(|stage| self.stage(&stage.value, schema, taken)).collect();
        found.into_iter().collect()
    }

    fn stage(
        &mut self,
        stage: &Stage,
        schema: Option<&Schema>,
        taken: &HashMap<String, bool>,
    ) -> Option<StagePlan> {
        let condition = self.asked(stage.condition.as_ref(), schema, taken);
        let until = self.asked(stage.until.as_ref(), schema, taken);
        let group = match &stage.group {
            None => Some(Vec::new()),
            Some(group) => self.stages(group, schema, taken),
        };
        let quantity = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let (least, most) = match &stage.times {
            Times::Once => (1, Some(1)),
            Times::OneOrMore => (1, None),
            Times::Exactly(number) => (quantity(number.0), Some(quantity(number.0))),
            Times::AtLeast(number) => (quantity(number.0), None),
            Times::Between(times) => (times.value[0], Some(times.value[1])),
        };
        Some(StagePlan {
            name: stage.name.as_ref().map(|name| name.value.to_string()),
            after: stage.after,
            condition: condition?,
            group: group?,
            times: TimesPlan { least, most },
            optional: stage.optional,
            greedy: stage.greedy,
            consecutive: stage.consecutive,
            combinations: stage.combinations,
            until: until?,
            within_ms: stage.within.map(|time| time.millis()),
            repeats_within_ms: stage.repeats_within.map(|time| time.millis()),
        })
    }

    fn asked(
        &mut self,
        text: Option<&Expression>,
        schema: Option<&Schema>,
        stages: &HashMap<String, bool>,
    ) -> Option<Option<ConditionPlan>> {
        let Some(text) = text else { return Some(None) };
        let scope = schema.map(|events| Scope { events, with_event: true, stages });
        let found = self.of_events(text, scope.as_ref())?;
        let predicate = self.condition(text, 0, &found.checked)?;
        Some(Some(found.condition(schema?, predicate, &self.functions)))
    }

    fn match_columns(
        &mut self,
        columns: &Entries<Expression>,
        schema: Option<&Schema>,
        stages: &HashMap<String, bool>,
    ) -> Option<(Vec<MatchColumn>, Schema)> {
        let scope = schema.map(|events| Scope { events, with_event: false, stages });
        let found: Vec<_> =
            columns.iter().map(|(_, text)| self.of_events(text, scope.as_ref())).collect();
        let found: Vec<OfEvents> = found.into_iter().collect::<Option<_>>()?;
        let named = columns.iter().zip(&found);
        let fields =
            named.map(|((name, _), one)| (field(&name.value, &one.checked), name.span)).collect();
        let made = self.schema(fields)?;
        let schema = schema?;
        Some((found.iter().map(|one| one.column(schema)).collect(), made))
    }

    /// An expression over events. Without a scope only what is wrong with its text is told.
    fn of_events(&mut self, text: &Expression, scope: Option<&Scope<'_>>) -> Option<OfEvents> {
        let rewritten = rewrite(&text.value);
        let Some(scope) = scope else {
            self.part(text, &rewritten.text, 0, None, &[]);
            return None;
        };
        let mut are_known = true;
        let mut columns: Vec<Field> = Vec::new();
        if scope.with_event {
            columns.extend(scope.events.columns().iter().cloned());
        }
        let mut written = Vec::new();
        for (number, (event, bytes)) in rewritten.events.iter().enumerate() {
            let Some(is_taken) = scope.stages.get(&event.stage) else {
                let names: Vec<&str> = scope.stages.keys().map(String::as_str).collect();
                let mut sorted = names.clone();
                sorted.sort_unstable();
                let message = format!("there is no stage `{}` that takes events", event.stage);
                let wrong =
                    Diagnostic::new(Code::BadPattern, self.within(text, bytes.clone()), message);
                let near = suggest::nearest(&event.stage, names);
                let otherwise = format!("events are taken by {}", suggest::list(&sorted, "and"));
                self.diagnostics.push(wrong.label("no such stage").meant(near, otherwise));
                are_known = false;
                continue;
            };
            let fields = fields(event.of, scope.events, *is_taken);
            let data_type = DataType::Struct(Arc::from(fields));
            let nullable = !is_taken && !matches!(event.of, Of::Aggregate(_));
            columns.push(Field { name: column(number).into(), data_type, nullable });
            written.push((column(number), event.written()));
        }
        if !are_known {
            return None;
        }
        let schema = Schema::new(columns).ok()?;
        let found = Parsed::parse(&rewritten.text).and_then(|parsed| {
            let checked = parsed.check(&schema, &self.functions)?;
            Ok((parsed, checked))
        });
        match found {
            Ok((parsed, checked)) => {
                self.zoned |= checked.is_zoned();
                let events = rewritten.events.into_iter().map(|(event, _)| event).collect();
                Some(OfEvents { parsed, schema, checked, events })
            }
            Err(errors) => {
                let too_many = rewritten.events.len() >= MOST_EVENTS;
                for mut error in errors {
                    let part = text.value.get(error.span.start..error.span.end).unwrap_or("");
                    in_a_pattern(&mut error, part, scope, too_many);
                    self.wrong(text, 0, error, &written);
                }
                None
            }
        }
    }
}

/// Says of a mistake at `part` what it means in a pattern.
fn in_a_pattern(error: &mut ExpressionError, part: &str, scope: &Scope<'_>, too_many: bool) {
    match error.code {
        // It is a column of events, so it is an aggregate that lacks it.
        ErrorCode::UnknownField if let Some(at) = scope.events.index_of(part) => {
            let of = &scope.events.columns()[at].data_type;
            error.message =
                format!("`{part}` is of the type {of}, of which there is no such aggregate");
        }
        ErrorCode::UnknownColumn if !scope.with_event => error.help = Some(of_which(part, scope)),
        ErrorCode::Unsupported | ErrorCode::UnknownFunction if too_many => {
            let most = format!("an expression speaks of {MOST_EVENTS} different events at most");
            error.help = Some(most);
        }
        _ => {}
    }
}

/// What to write for a column that could be that of several events.
fn of_which(part: &str, scope: &Scope<'_>) -> String {
    let mut names: Vec<&String> = scope.stages.keys().collect();
    names.sort_unstable();
    let stage = names.first().map_or("stage", |name| name.as_str());
    match scope.events.index_of(part) {
        Some(_) => format!(
            "a match has several events; say of which: `first({stage}.{part})` or `last({stage}.{part})`"
        ),
        None => format!(
            "columns are those of the events of a stage, such as `first({stage}.{})`",
            scope.events.columns().first().map_or("x", |one| one.name.as_str())
        ),
    }
}

/// The stages that take events, and whether a match surely has one of each.
fn takes(all: &[Spanned<Stage>], surely: bool, taken: &mut HashMap<String, bool>) {
    for stage in all {
        let stage = &stage.value;
        if matches!(stage.after, Contiguity::NotNext | Contiguity::NotFollowedBy) {
            continue;
        }
        let never = matches!(&stage.times, Times::Between(times) if times.value[0] == 0);
        let surely = surely && !stage.optional && !never;
        if let Some(name) = &stage.name {
            taken.insert(name.value.to_string(), surely);
        }
        takes(stage.group.as_deref().unwrap_or_default(), surely, taken);
    }
}
