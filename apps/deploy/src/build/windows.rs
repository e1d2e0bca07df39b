//! Windows: from rows to their results, and to the first of these.
//!
//! ```text
//! rows ── usable ──> the windows, by key ──> results: key, bounds, aggregates ──> ranking, by window ──> rank
//!                         └──> late
//! ```
//!
//! All windows without a key are those of one key, the empty one, and meet in the subtask that owns it. There is one
//! type of windows and of triggers for all topologies ([`RowWindows`], [`RowTrigger`]); which operator they become, the
//! engine says, as it does for those written in Rust.

mod assigner;
mod contenders;
mod evictor;
mod ranking;
mod trigger;

use crate::build::placed::Placed;
use crate::build::usable::{Needs, as_it_came, extended, usable_rows};
use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::unusable;
use assigner::RowWindows;
use contenders::Contenders;
use evictor::Evictors;
use ranking::{TiedRanking, WindowResult};
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate_rows::aggregate::AggregateError;
use tidegate_rows::{Row, RowKey, Value};
use tidegate_topology::plan::{EvictRule, RankingPlan, TriggerPlan, WindowPlan, Windows};
use trigger::{RowTrigger, Rule};

/// What windows give out.
type Fired = Windowed<RowKey, Result<Row, AggregateError>>;

/// The side output of rows that come too late.
const LATE: &str = "late";

/// Windows with aggregates.
pub(super) fn window(
    site: Site<'_>,
    plan: &WindowPlan,
    rows: &Stream<Row>,
) -> Result<Outputs, String> {
    let late = site.uses(LATE).then(|| OutputTag::new(LATE));
    let fired = site.own(fired(site, plan, rows, late.as_ref())?);
    let results = match &plan.ranking {
        None => results(site, plan, &fired),
        Some(ranking) => ranked(site, plan, ranking, &fired),
    };
    let outputs = Outputs::main(results);
    Ok(match late {
        Some(tag) => {
            let late = as_it_came(site, &fired, &tag, plan.aggregation.carries_time);
            outputs.side(LATE, late)
        }
        None => outputs,
    })
}

/// The windows themselves.
fn fired(
    site: Site<'_>,
    plan: &WindowPlan,
    rows: &Stream<Row>,
    late: Option<&OutputTag<Row>>,
) -> Result<Stream<Fired>, String> {
    let aggregate = plan.aggregation.aggregate.clone();
    let rows = usable_rows(site, rows, &plan.aggregation, needs(plan));
    let key: Arc<[usize]> = plan.key.clone().into();
    let keyed = rows.key_by(move |row: &Row| RowKey::of(row, &key));
    let assigner = RowWindows::new(&plan.windows, plan.by_wall_clock)?;
    let mut windows = keyed.window(assigner).allowed_lateness(plan.allowed_lateness_ms);
    let trigger = trigger(plan);
    let is_plain = trigger.is_none();
    if let Some(trigger) = trigger {
        windows = windows.trigger(trigger);
    }
    if let Some(tag) = late {
        windows = windows.late_output(tag);
    }
    if plan.one_phase {
        windows = windows.one_phase();
    }
    if let Some(evictors) = Evictors::new(&plan.windows, plan.evict.as_ref()) {
        return Ok(windows.evictor(evictors).aggregate(aggregate));
    }
    // Where windows share slices, one accumulator goes from window to window if slices can be deducted from it.
    let shares = is_plain && !plan.by_wall_clock && matches!(plan.windows, Windows::Sliding(..));
    Ok(match aggregate.deducting().filter(|_| shares) {
        Some(deducting) => windows.aggregate(deducting),
        None => windows.aggregate(aggregate),
    })
}

/// What is evaluated of each row.
fn needs(plan: &WindowPlan) -> Needs {
    let mut needs = Needs::of(&plan.aggregation.aggregate);
    if let Windows::SessionBy(gap) = &plan.windows {
        needs = needs.number("the gap of its session", gap);
    }
    if let Some(TriggerPlan::Delta(number, _)) = &plan.trigger {
        needs = needs.value(number);
    }
    if let Some(EvictRule::Delta(number, _)) = plan.evict.as_ref().map(|evict| &evict.rule) {
        needs = needs.value(number);
    }
    needs
}

/// The trigger, unless it is the one that such windows have anyhow: what has one of its own is neither computed of slices
/// nor in two phases. By the wall clock rows are added as they arrive, and no parts are merged; so only by event time
/// does it matter whether the aggregates go by arrival.
fn trigger(plan: &WindowPlan) -> Option<RowTrigger> {
    let is_global = matches!(plan.windows, Windows::Global);
    let is_own = |asked: &TriggerPlan| match asked {
        TriggerPlan::EventTime => !plan.by_wall_clock && !is_global,
        TriggerPlan::ProcessingTime => plan.by_wall_clock && !is_global,
        _ => false,
    };
    match (&plan.windows, &plan.trigger) {
        (Windows::Count(size, slide), _) => {
            Some(RowTrigger::new(Rule::Count(*slide)).purging(size == slide))
        }
        (_, Some(asked)) if plan.purge || !is_own(asked) => {
            Some(RowTrigger::new(Rule::of(asked)).purging(plan.purge))
        }
        _ if plan.by_wall_clock || is_global => None,
        _ if plan.aggregation.aggregate.is_commutative() => None,
        _ => Some(RowTrigger::new(Rule::EventTime)),
    }
}

/// Whether each key has one result of a window, when the watermark comes to the end of the window; but for late rows.
fn fire_once(plan: &WindowPlan) -> bool {
    let has_end = !matches!(plan.windows, Windows::Count(..) | Windows::Global);
    has_end && !plan.by_wall_clock && trigger(plan).is_none()
}

/// The columns of a result: key, bounds, aggregates.
#[derive(Clone, Copy)]
struct Columns {
    has_bounds: bool,
}

impl Columns {
    fn new(plan: &WindowPlan) -> Self {
        Self { has_bounds: !matches!(plan.windows, Windows::Count(..) | Windows::Global) }
    }

    /// The row of a result.
    ///
    /// # Errors
    /// When an aggregate has none, with key and bounds.
    fn row(self, key: RowKey, window: TimeWindow, result: Result<Row, AggregateError>) -> Made {
        let aggregates = result.as_ref().map_or(0, Row::len);
        let mut values = Vec::with_capacity(key.values().len() + 2 + aggregates);
        match key {
            RowKey::One(value) => values.push(value),
            RowKey::Many(all) => values.extend(all),
        }
        if self.has_bounds {
            let bounds = [window.start, window.end];
            values.extend(bounds.map(|bound| Value::Timestamp(bound.millis())));
        }
        match result {
            Ok(aggregates) => {
                aggregates.append_to(&mut values);
                Ok(Row::new(values))
            }
            Err(error) => Err(unusable(&error, &Row::new(values))),
        }
    }
}

type Made = Result<Row, BoxError>;

fn results(site: Site<'_>, plan: &WindowPlan, fired: &Stream<Fired>) -> Stream<Row> {
    let columns = Columns::new(plan);
    let results = site.step("results", fired, move |fired: Fired| {
        columns.row(fired.key, fired.window, fired.value).map(Some)
    });
    site.behind("results", results)
}

/// The first results of each window.
fn ranked(
    site: Site<'_>,
    plan: &WindowPlan,
    ranking: &RankingPlan,
    fired: &Stream<Fired>,
) -> Stream<Row> {
    let columns = Columns::new(plan);
    let (n, lateness) = (ranking.n, plan.allowed_lateness_ms);
    let placed = if fire_once(plan) {
        let (order, policy) = (Arc::from(ranking.order.clone()), site.policy());
        let first = (n, ranking.with_ties);
        let make = move || Contenders::new(columns, Arc::clone(&order), first, policy.clone());
        let contenders = fired.operator("results", make);
        site.with_policy(contenders.detail("passes on the first ones of each window"))
    } else {
        let order = ranking.order.clone();
        site.step("results", fired, move |fired: Fired| {
            let row = columns.row(fired.key.clone(), fired.window, fired.value)?;
            let value = Placed::of(&order, row)?;
            Ok(Some(Windowed { key: fired.key, window: fired.window, value }))
        })
    };
    let placed: Stream<WindowResult> = site.behind("results", placed);
    let by_window = placed.key_by(|result: &WindowResult| result.window);
    if ranking.with_ties {
        return site.behind("ranking", by_window.process(move || TiedRanking::new(n, lateness)));
    }
    // No two rows are alike in all values, so nothing is left to decide between keys.
    let top = move || TopN::new(n, |_: &RowKey| ()).allowed_lateness(lateness);
    let ranking = site.behind("ranking", by_window.process(top));
    let rank = ranking.map(|ranked| extended(ranked.value.row, Value::Int64(ranked.rank.into())));
    site.behind("rank", rank)
}

/// How far the numbers of two rows are from each other: NaN, which is neither near nor far, where one has none.
fn distance(one: &Value, other: &Value) -> f64 {
    one.distance(other).unwrap_or(f64::NAN)
}
