//! Windows: which, when they fire, what is computed of them.

use super::NodePlan;
use super::aggregate::{Aggregation, names};
use super::rank::RankingPlan;
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{
    CalendarUnit, Clock, Delta, Duration, Evict, EvictWhen, Expression, Session, Trigger, Window,
};
use crate::source::Span;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{DataType, Field, Schema};

/// Windows with aggregates. A result has the columns of the key, then `window_start` and `window_end` of windows that
/// have bounds, then the aggregates, then the rank if there is a ranking.
///
/// Where the aggregates go by the order of arrival ([`tidegate_rows::aggregate::RowAggregate::is_commutative`]), built
/// with an explicit trigger, so that windows are neither computed of slices nor in two phases; by the wall clock there is
/// no need, as rows are added as they arrive.
#[derive(Clone, Debug)]
pub struct WindowPlan {
    /// The columns of the key; none for all rows together.
    pub key: Vec<usize>,
    /// Which windows.
    pub windows: Windows,
    /// Whether they go by the wall clock.
    pub by_wall_clock: bool,
    /// When they fire, if not at their end.
    pub trigger: Option<TriggerPlan>,
    /// Whether a window forgets what it has given out.
    pub purge: bool,
    /// Which rows a window that fires leaves out.
    pub evict: Option<EvictPlan>,
    /// For how many milliseconds of event time a window that has fired takes late rows.
    pub allowed_lateness_ms: i64,
    /// What is computed.
    pub aggregation: Aggregation,
    /// The first rows of each window.
    pub ranking: Option<RankingPlan>,
    /// Whether rows go to their window one by one.
    pub one_phase: bool,
}

/// Which windows; all times in milliseconds.
#[derive(Clone, Debug)]
pub enum Windows {
    /// Of one size, side by side: size and offset.
    Tumbling(i64, i64),
    /// Of one size: size, slide and offset.
    Sliding(i64, i64, i64),
    /// That grow: size, step and offset.
    Cumulate(i64, i64, i64),
    /// That end after a gap.
    Session(i64),
    /// That end after the gap that each row says, an int64; below 1 it counts as 1, and a row without one cannot be used.
    SessionBy(Evaluator),
    /// Of a calendar in this time zone.
    Calendar(CalendarUnit, String),
    /// Of so many rows, and after how many the next one comes.
    Count(u64, u64),
    /// One for ever.
    Global,
}

/// When windows fire; all times in milliseconds.
#[derive(Clone, Debug)]
pub enum TriggerPlan {
    /// At the end, by event time.
    EventTime,
    /// At the end, by the wall clock.
    ProcessingTime,
    /// When the input has ended.
    EndOfStream,
    /// With every so many rows.
    Count(u64),
    /// At every multiple of event time, and at the end.
    Every(i64),
    /// At every multiple of the wall clock's time.
    EveryProcessingTime(i64),
    /// When a row's number is farther than this from that of the row that fired last, or of the first one. A row without
    /// a number is far from nothing.
    Delta(Evaluator, f64),
}

/// Which rows a window that fires leaves out.
#[derive(Clone, Debug)]
pub struct EvictPlan {
    /// Which.
    pub rule: EvictRule,
    /// Whether after the aggregates are computed.
    pub after: bool,
}

/// Which rows go.
#[derive(Clone, Debug)]
pub enum EvictRule {
    /// All but the last so many.
    KeepLast(u64),
    /// Those so many milliseconds older than the latest.
    KeepTime(i64),
    /// Those whose number is at least so far from that of the last row; never those without one.
    Delta(Evaluator, f64),
}

const WINDOW_START: &str = "window_start";
const WINDOW_END: &str = "window_end";

/// The bounds of a window, as columns.
pub(super) fn bounds() -> [Field; 2] {
    [WINDOW_START, WINDOW_END].map(|name| Field::required(name, DataType::Timestamp))
}

impl Planning<'_> {
    pub(super) fn window(&mut self, window: &Window, input: &Input, span: Span) -> Planned {
        let schema = input.schema.as_ref();
        let key = self.key(&window.key_by, schema);
        let windows = self.windows(window, schema);
        let trigger = match &window.trigger {
            None => Some(None),
            Some(trigger) => self.trigger(&trigger.value, schema).map(Some),
        };
        let evict = match &window.evict {
            None => Some(None),
            Some(evict) => self.evict(&evict.value, schema).map(Some),
        };
        let by_wall_clock = window.time == Clock::ProcessingTime;
        let aggregation =
            self.aggregation(&window.aggregates, input, input.has_time && !by_wall_clock);
        let has_bounds = window.global.is_none() && window.count.is_none();
        let results = schema.zip(key.as_ref()).zip(aggregation.as_ref()).and_then(
            |((schema, key), aggregation)| {
                let columns = key.iter().map(|column| schema.columns()[*column].clone());
                let bounds = bounds().into_iter().filter(|_| has_bounds);
                let aggregates = aggregation.aggregate.columns().iter().cloned();
                Schema::new(columns.chain(bounds).chain(aggregates)).ok()
            },
        );
        self.key_is_no_bound(window, has_bounds);
        let (ranking, results) = self.ranked(window, results, has_bounds && !by_wall_clock, span);
        let mut named = names(&window.key_by);
        named.extend(bounds().iter().filter(|_| has_bounds).map(|one| one.name.to_string()));
        let plan = || {
            Some(NodePlan::Window(Box::new(WindowPlan {
                key: key?,
                windows: windows?,
                by_wall_clock,
                trigger: trigger?,
                purge: window.purge.as_ref().is_some_and(|purge| purge.value),
                evict: evict?,
                allowed_lateness_ms: window
                    .allowed_lateness
                    .as_ref()
                    .map_or(0, |time| time.value.millis()),
                aggregation: aggregation?,
                ranking: ranking?,
                one_phase: window.one_phase,
            })))
        };
        let planned = Planned::new(plan(), results).keyed(named);
        if by_wall_clock { planned } else { planned.side("late", input.schema.clone()) }
    }

    /// The ranking, and the columns with it.
    fn ranked(
        &mut self,
        window: &Window,
        results: Option<Schema>,
        can_rank: bool,
        span: Span,
    ) -> (Option<Option<RankingPlan>>, Option<Schema>) {
        let Some(ranking) = &window.top_n else { return (Some(None), results) };
        if !can_rank {
            let span = ranking.order_by.first().map_or(span, |one| one.span);
            let message = "`top_n` of windows needs windows that end by event time";
            let help =
                "put a node with `top_n` behind this one: it revises its ranking with each row";
            let wrong = Diagnostic::new(Code::Contradiction, span, message);
            self.diagnostics
                .push(wrong.label("when would all rows of a window be there?").help(help));
            return (None, None);
        }
        let plan = self.ranking(ranking, results.as_ref());
        let rank = Field::required("rank", DataType::Int64);
        let results = results.and_then(|found| self.with_rank(&found, rank, &ranking.order_by));
        (plan.map(Some), results)
    }

    /// A key cannot have the name of a bound.
    fn key_is_no_bound(&mut self, window: &Window, has_bounds: bool) {
        for name in window.key_by.iter().filter(|_| has_bounds) {
            if bounds().iter().any(|bound| bound.name == *name.value) {
                let message =
                    format!("the key `{}` has the name of a bound of the window", &*name.value);
                let wrong = Diagnostic::new(Code::ReservedColumn, name.span, message);
                let help = "give it another name in a `map` or `project` before this node";
                self.diagnostics
                    .push(wrong.label("a window brings a column of that name").help(help));
            }
        }
    }

    fn windows(&mut self, window: &Window, schema: Option<&Schema>) -> Option<Windows> {
        if let Some(session) = &window.session {
            return self.session(&session.value, schema);
        }
        let ms = |time: &Option<Duration>| time.map_or(0, Duration::millis);
        if let Some(one) = &window.tumbling {
            return Some(Windows::Tumbling(one.size.value.millis(), ms(&one.offset)));
        }
        if let Some(one) = &window.sliding {
            let (size, slide) = (one.size.value.millis(), one.slide.value.millis());
            return Some(Windows::Sliding(size, slide, ms(&one.offset)));
        }
        if let Some(one) = &window.cumulate {
            let (size, step) = (one.size.value.millis(), one.step.value.millis());
            return Some(Windows::Cumulate(size, step, ms(&one.offset)));
        }
        if let Some(one) = &window.calendar {
            let of_job = self.document.job.as_ref().and_then(|job| job.time_zone.as_ref());
            self.zoned |= one.time_zone.is_none();
            let zone = one.time_zone.as_ref().or(of_job).map_or("UTC", |zone| &zone.0);
            return Some(Windows::Calendar(one.unit, zone.to_owned()));
        }
        if let Some(one) = &window.count {
            return Some(Windows::Count(one.size.0, one.slide.map_or(one.size.0, |slide| slide.0)));
        }
        window.global.as_ref().map(|_| Windows::Global)
    }

    /// Sessions by one gap, or by that of each row.
    pub(super) fn session(
        &mut self,
        session: &Session,
        schema: Option<&Schema>,
    ) -> Option<Windows> {
        match (&session.gap, &session.gap_by) {
            (Some(gap), _) => Some(Windows::Session(gap.value.millis())),
            (None, Some(by)) => {
                let is_number = |found: &DataType| *found == DataType::Int64;
                let help = "say milliseconds: for minutes `minutes * 60000`";
                let found = self.of_type(
                    by,
                    schema,
                    "a number of milliseconds, an int64,",
                    is_number,
                    help,
                );
                found.map(|found| Windows::SessionBy(found.value()))
            }
            (None, None) => None,
        }
    }

    fn trigger(&mut self, trigger: &Trigger, schema: Option<&Schema>) -> Option<TriggerPlan> {
        Some(match trigger {
            Trigger::EventTime => TriggerPlan::EventTime,
            Trigger::ProcessingTime => TriggerPlan::ProcessingTime,
            Trigger::EndOfStream => TriggerPlan::EndOfStream,
            Trigger::Count(number) => TriggerPlan::Count(number.0),
            Trigger::Every(time) => TriggerPlan::Every(time.millis()),
            Trigger::EveryProcessingTime(time) => TriggerPlan::EveryProcessingTime(time.millis()),
            Trigger::Delta(Delta { by, threshold }) => {
                TriggerPlan::Delta(self.number(by, schema)?, *threshold)
            }
        })
    }

    fn evict(&mut self, evict: &Evict, schema: Option<&Schema>) -> Option<EvictPlan> {
        let rule = match evict {
            Evict { keep_last: Some(number), .. } => EvictRule::KeepLast(number.0),
            Evict { keep_time: Some(time), .. } => EvictRule::KeepTime(time.millis()),
            Evict { delta: Some(Delta { by, threshold }), .. } => {
                EvictRule::Delta(self.number(by, schema)?, *threshold)
            }
            _ => return None,
        };
        Some(EvictPlan { rule, after: evict.when == EvictWhen::After })
    }

    fn number(&mut self, text: &Expression, schema: Option<&Schema>) -> Option<Evaluator> {
        let help = "give an int64, float64 or decimal";
        let found = self.of_type(text, schema, "a number", DataType::is_number, help)?;
        Some(found.value())
    }
}
