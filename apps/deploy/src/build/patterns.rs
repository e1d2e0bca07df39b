//! Patterns: the pattern that the operator looks for, by the stages of a plan, and what is made of its matches.
//!
//! ```text
//! rows ──> usable (only if `order_ties_by` can fail) ──> the node (keyed) ──> columns ──> main output
//!                                                          ├── late             rows as they came
//!                                                          └── timed-out ──>    what was not in time
//! ```
//!
//! Conditions are asked by the operator itself, since an iterative one hangs on what a partial match has taken. Columns of
//! a match are computed where the match is, whose events may be gone afterwards; one that has no value goes on as an error
//! to the step behind, which knows the policy.

use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::{UnusableRow, unusable};
use std::cmp::Ordering;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate_rows::expression::Predicate;
use tidegate_rows::{Row, RowKey, Value};
use tidegate_topology::document::{self, Contiguity, Unusable};
use tidegate_topology::plan::{
    ConditionPlan, MatchColumn, OrderTerm, PatternPlan, StagePlan, Taken, TimesPlan,
};

/// The columns of a match, or why one of them has no value.
type Made = Result<Row, UnusableRow>;

const LATE: OutputTag<Row> = OutputTag::new("late");
const TIMED_OUT: OutputTag<Made> = OutputTag::new("timed_out");

/// Events of a key that follow each other.
pub(super) fn pattern(
    site: Site<'_>,
    plan: &PatternPlan,
    rows: &Stream<Row>,
) -> Result<Outputs, String> {
    let pattern = whole(plan)?;
    pattern.validate().map_err(|error| error.to_string())?;
    let key = plan.key.clone();
    let keyed = with_ties(site, &plan.ties, rows).key_by(move |row: &Row| RowKey::of(row, &key));
    let mut found = keyed.pattern::<Made>(&pattern);
    if !plan.ties.is_empty() {
        let ties = plan.ties.clone();
        found = found.order_ties_by(move |one, other| compare(&ties, one, other));
    }
    if plan.by_wall_clock {
        found = found.processing_time();
    }
    if let Some((partial_matches, entries)) = plan.limits {
        let limit = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        found = found.limits(limit(partial_matches), limit(entries));
    }
    // An event for which a condition has no value is none that could be put aside: it may be part of other matches.
    if site.node().unusable != Unusable::Fail {
        found = found.skip_unanswered();
    }
    if site.uses("late") {
        found = found.late_output(&LATE);
    }
    let timed_out = plan.timed_out.clone().filter(|_| site.uses("timed_out"));
    if let Some(columns) = timed_out.clone() {
        found = found.timed_out_output(&TIMED_OUT, move |_, partial, _| made(&columns, partial));
    }
    let columns = plan.columns.clone();
    let found = site.own(found.select(move |_, matched| made(&columns, matched)));
    let mut outputs = Outputs::main(usable(site, "columns", &found));
    if site.uses("late") {
        outputs = outputs.side("late", found.side_output(&LATE));
    }
    if timed_out.is_some() {
        outputs =
            outputs.side("timed_out", usable(site, "timed-out", &found.side_output(&TIMED_OUT)));
    }
    Ok(outputs)
}

/// The rows for which the order of ties has a value.
fn with_ties(site: Site<'_>, ties: &[OrderTerm], rows: &Stream<Row>) -> Stream<Row> {
    if ties.iter().all(|term| term.value.never_fails()) {
        return rows.clone();
    }
    let ties = ties.to_vec();
    let usable = site.step("usable", rows, move |row: Row| {
        match ties.iter().find_map(|term| term.value.evaluate(&row).err()) {
            None => Ok(Some(row)),
            Some(error) => Err(unusable(&error, &row)),
        }
    });
    site.before("usable", 0, usable)
}

/// Which of two rows comes first; each has a value for every term.
fn compare(ties: &[OrderTerm], one: &Row, other: &Row) -> Ordering {
    let by = |term: &OrderTerm| {
        let value = |row| term.value.evaluate(row).unwrap_or(Value::Null);
        let order = value(one).cmp(&value(other));
        if term.descending { order.reverse() } else { order }
    };
    ties.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The matches whose columns have values.
fn usable(site: Site<'_>, part: &str, found: &Stream<Made>) -> Stream<Row> {
    let rows = site.step("match-columns", found, |made: Made| match made {
        Ok(row) => Ok(Some(row)),
        Err(reason) => Err(reason.into()),
    });
    site.behind(part, rows)
}

fn made(columns: &[MatchColumn], matched: &Matched<'_, Row>) -> Made {
    let value = |column: &MatchColumn| match column {
        MatchColumn::Same { stage, last, column } => {
            let row = taken(matched, stage, *last);
            Ok(row.map_or(Value::Null, |row| row[*column].clone()))
        }
        MatchColumn::Computed(value, events) => {
            let read = events.iter().map(|event| read(event, matched));
            let row: Row = read
                .collect::<Result<_, String>>()
                .map_err(|why| UnusableRow::new(&why, &Row::default()))?;
            value.evaluate(&row).map_err(|error| UnusableRow::new(&error, &row))
        }
    };
    columns.iter().map(value).collect()
}

fn taken<'a>(matched: &Matched<'a, Row>, stage: &str, last: bool) -> Option<&'a Row> {
    if last { matched.last(stage) } else { matched.first(stage) }
}

/// What is read of events that were taken, as a struct: NULL stands for fields that are not read.
fn read(taken_events: &Taken, matched: &Matched<'_, Row>) -> Result<Value, String> {
    match taken_events {
        Taken::Event { stage, last, reads } => {
            let row = taken(matched, stage, *last);
            Ok(row.map_or(Value::Null, |row| Value::structure(only(row, reads))))
        }
        Taken::Aggregate { stage, aggregate, reads } => {
            let mut all = aggregate.create();
            matched.events(stage).for_each(|row| aggregate.add(&mut all, row));
            let results = aggregate.result(&all).map_err(|error| error.to_string())?;
            let mut results = results.into_values().into_iter();
            let mut field = |is_read: &bool| is_read.then(|| results.next()).flatten();
            Ok(Value::structure(reads.iter().map(|is_read| field(is_read).unwrap_or(Value::Null))))
        }
    }
}

fn only<'a>(row: &'a Row, reads: &'a [bool]) -> impl Iterator<Item = Value> + 'a {
    let value = |(value, is_read): (&Value, &bool)| match is_read {
        true => value.clone(),
        false => Value::Null,
    };
    row.values().iter().zip(reads).map(value)
}

fn whole(plan: &PatternPlan) -> Result<Pattern<Row>, String> {
    let pattern = in_order(&plan.stages)?.after_match(skip(plan));
    Ok(match plan.within_ms {
        Some(ms) => pattern.within(ms),
        None => pattern,
    })
}

fn skip(plan: &PatternPlan) -> AfterMatchSkip {
    let skip = match &plan.after_match {
        document::AfterMatch::NoSkip => AfterMatchSkip::no_skip(),
        document::AfterMatch::ToNext => AfterMatchSkip::to_next(),
        document::AfterMatch::PastLastEvent => AfterMatchSkip::past_last_event(),
        document::AfterMatch::ToFirst(stage) => AfterMatchSkip::to_first(&*stage.value),
        document::AfterMatch::ToLast(stage) => AfterMatchSkip::to_last(&*stage.value),
    };
    if plan.fail_on_miss { skip.fail_on_miss() } else { skip }
}

/// Stages one after the other: a pattern, or a group of one.
fn in_order(stages: &[StagePlan]) -> Result<Pattern<Row>, String> {
    let (first, rest) = stages.split_first().ok_or("a pattern has at least one stage")?;
    let begun = match inner(first)? {
        None => Pattern::begin(name(first)),
        Some(group) => Pattern::begin_group(group),
    };
    rest.iter().try_fold(described(begun, first), |pattern, stage| {
        let pattern = match (inner(stage)?, stage.after) {
            (None, Contiguity::Next) => pattern.next(name(stage)),
            (None, Contiguity::FollowedBy) => pattern.followed_by(name(stage)),
            (None, Contiguity::FollowedByAny) => pattern.followed_by_any(name(stage)),
            (None, Contiguity::NotNext) => pattern.not_next(name(stage)),
            (None, Contiguity::NotFollowedBy) => pattern.not_followed_by(name(stage)),
            (Some(group), Contiguity::Next) => pattern.next_group(group),
            (Some(group), Contiguity::FollowedBy) => pattern.followed_by_group(group),
            (Some(group), Contiguity::FollowedByAny) => pattern.followed_by_any_group(group),
            (Some(_), Contiguity::NotNext | Contiguity::NotFollowedBy) => {
                return Err("a group cannot stand for an absence".to_owned());
            }
        };
        Ok(described(pattern, stage))
    })
}

fn name(stage: &StagePlan) -> String {
    stage.name.clone().unwrap_or_default()
}

fn inner(stage: &StagePlan) -> Result<Option<Pattern<Row>>, String> {
    if stage.group.is_empty() { Ok(None) } else { in_order(&stage.group).map(Some) }
}

/// The pattern with all that is said of its last stage.
fn described(pattern: Pattern<Row>, stage: &StagePlan) -> Pattern<Row> {
    let mut pattern = asked(pattern, stage.condition.as_ref());
    pattern = repeated(pattern, stage.times);
    for (is_so, change) in [
        (stage.optional, Pattern::optional as fn(Pattern<Row>) -> Pattern<Row>),
        (stage.greedy, Pattern::greedy),
        (stage.consecutive, Pattern::consecutive),
        (stage.combinations, Pattern::allow_combinations),
    ] {
        if is_so {
            pattern = change(pattern);
        }
    }
    if let Some(until) = &stage.until {
        pattern = stopped(pattern, until);
    }
    if let Some(ms) = stage.within_ms {
        pattern = pattern.within_from_previous(ms);
    }
    match stage.repeats_within_ms {
        Some(ms) => pattern.repeats_within(ms),
        None => pattern,
    }
}

fn repeated(pattern: Pattern<Row>, TimesPlan { least, most }: TimesPlan) -> Pattern<Row> {
    let times = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    match (times(least), most.map(times)) {
        (1, Some(1)) => pattern,
        (0, None) => pattern.one_or_more().optional(),
        (least, None) => pattern.times_or_more(least),
        (least, Some(most)) if least == most => pattern.times(least),
        (least, Some(most)) => pattern.times_between(least, most),
    }
}

/// The parts of a condition: those over the event alone, and those that look back.
struct Parts {
    simple: Arc<[Predicate]>,
    back: Option<Arc<ConditionPlan>>,
}

impl Parts {
    fn of(plan: &ConditionPlan) -> Self {
        let back = (!plan.iterative.is_empty()).then(|| Arc::new(plan.clone()));
        Self { simple: plan.simple.clone().into(), back }
    }
}

fn asked(pattern: Pattern<Row>, condition: Option<&ConditionPlan>) -> Pattern<Row> {
    let Some(Parts { simple, back }) = condition.map(Parts::of) else { return pattern };
    let pattern = if simple.is_empty() {
        pattern
    } else {
        pattern.try_is(move |row: &Row| all(&simple, row, row))
    };
    match back {
        Some(back) => pattern.try_satisfies(move |row, so_far| look_back(&back, row, so_far)),
        None => pattern,
    }
}

fn stopped(pattern: Pattern<Row>, until: &ConditionPlan) -> Pattern<Row> {
    let Parts { simple, back } = Parts::of(until);
    match back {
        None => pattern.try_until(move |row: &Row| all(&simple, row, row)),
        Some(back) => pattern.try_until_satisfies(move |row, so_far| {
            Ok(all(&simple, row, row)? && look_back(&back, row, so_far)?)
        }),
    }
}

fn look_back(
    condition: &ConditionPlan,
    row: &Row,
    so_far: &Matched<'_, Row>,
) -> Result<bool, BoxError> {
    let of_event = only(row, &condition.reads).map(Ok);
    let events = condition.events.iter().map(|event| read(event, so_far));
    let wide: Row =
        of_event.chain(events).collect::<Result<_, _>>().map_err(|error| unusable(&error, row))?;
    all(&condition.iterative, &wide, row)
}

/// Whether all of them are TRUE for `wide`, the event `row` and what else they read.
fn all(predicates: &[Predicate], wide: &Row, row: &Row) -> Result<bool, BoxError> {
    for predicate in predicates {
        if !predicate.test(wide).map_err(|error| unusable(&error, row))? {
            return Ok(false);
        }
    }
    Ok(true)
}
