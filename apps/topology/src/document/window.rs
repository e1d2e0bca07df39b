//! Windows: which there are, when they fire, and what is computed of them.

use super::{AggregateText, Clock, Duration, Empty, Entries, Expression, Many, Name, Quantity};
use super::{Ranking, TimeZone};
use crate::decode::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

/// Windows over a stream, and aggregates of them. Exactly one of `tumbling`, `sliding`, `cumulate`, `session`, `calendar`, `count` and `global`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Window {
    /// The columns whose values make a group; none for all records together.
    #[serde(default)]
    pub key_by: Many<Name>,
    /// Windows of one size, side by side.
    #[serde(default)]
    pub tumbling: Option<Spanned<Tumbling>>,
    /// Windows of one size that overlap.
    #[serde(default)]
    pub sliding: Option<Spanned<Sliding>>,
    /// Windows that grow step by step, then start anew: today so far, every minute.
    #[serde(default)]
    pub cumulate: Option<Spanned<Cumulate>>,
    /// Windows that end when no record has come for a while.
    #[serde(default)]
    pub session: Option<Spanned<Session>>,
    /// Hours, days, weeks or months of a time zone.
    #[serde(default)]
    pub calendar: Option<Spanned<Calendar>>,
    /// Windows of so many records.
    #[serde(default)]
    pub count: Option<Spanned<CountWindow>>,
    /// One window for ever; needs a trigger.
    #[serde(default)]
    pub global: Option<Spanned<Empty>>,
    /// The clock that windows go by.
    #[serde(default)]
    pub time: Clock,
    /// When windows fire, if not at their end.
    #[serde(default)]
    pub trigger: Option<Spanned<Trigger>>,
    /// What a window has given out is dropped: each result holds only what is new.
    #[serde(default)]
    pub purge: Option<Spanned<bool>>,
    /// Which records a window that fires leaves out.
    #[serde(default)]
    pub evict: Option<Spanned<Evict>>,
    /// For how much event time a window that has fired takes late records. Those that come later are on the side output `late`.
    #[serde(default)]
    pub allowed_lateness: Option<Spanned<Duration>>,
    /// Names and aggregates, such as `views: count()`.
    pub aggregates: Entries<AggregateText>,
    /// The first rows of each window.
    #[serde(default)]
    pub top_n: Option<Ranking>,
    /// Records go to their window one by one, instead of being combined where they come from.
    #[serde(default)]
    pub one_phase: bool,
}

/// Windows of one size, side by side.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Tumbling {
    /// How long.
    pub size: Spanned<Duration>,
    /// Where windows start: one of them so much after midnight UTC of 1970-01-01.
    #[serde(default)]
    pub offset: Option<Duration>,
}

/// Windows of one size that overlap.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Sliding {
    /// How long.
    pub size: Spanned<Duration>,
    /// From the start of one to the start of the next.
    pub slide: Spanned<Duration>,
    /// Where windows start: one of them so much after midnight UTC of 1970-01-01.
    #[serde(default)]
    pub offset: Option<Duration>,
}

/// Windows that grow step by step.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Cumulate {
    /// How long the longest is.
    pub size: Spanned<Duration>,
    /// How much longer each is than the one before.
    pub step: Spanned<Duration>,
    /// Where windows start: one of them so much after midnight UTC of 1970-01-01.
    #[serde(default)]
    pub offset: Option<Duration>,
}

/// Windows that end when no record has come for a while.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Session {
    /// So long without a record ends the session.
    #[serde(default)]
    pub gap: Option<Spanned<Duration>>,
    /// The same as an expression in milliseconds, for each record another one.
    #[serde(default)]
    pub gap_by: Option<Expression>,
}

/// Hours, days, weeks or months of a time zone.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Calendar {
    /// Of what.
    pub unit: CalendarUnit,
    /// The time zone; that of the job by default.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
}

/// What a calendar is divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    /// From full hour to full hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
}

/// Windows of so many records.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct CountWindow {
    /// How many records.
    pub size: Quantity,
    /// After how many records the next window comes; as many as it is long by default.
    #[serde(default)]
    pub slide: Option<Quantity>,
}

/// When windows fire.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// At the end of the window, by event time; the default of windows in event time.
    EventTime,
    /// At the end of the window, by the wall clock.
    ProcessingTime,
    /// When the input has ended.
    EndOfStream,
    /// With every so many records.
    Count(Quantity),
    /// At every multiple of so much event time, and at the end.
    Every(Duration),
    /// At every multiple of so much time of the wall clock.
    EveryProcessingTime(Duration),
    /// When a record is far enough from the one that fired last.
    Delta(Delta),
}

/// A distance between records.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Delta {
    /// The number whose distance counts: an expression.
    pub by: Expression,
    /// How far.
    pub threshold: f64,
}

/// Which records a window that fires leaves out, and forgets. Exactly one of `keep_last`, `keep_time` and `delta`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Evict {
    /// Keeps so many records, the last ones.
    #[serde(default)]
    pub keep_last: Option<Quantity>,
    /// Keeps what is less than so much older than the latest record.
    #[serde(default)]
    pub keep_time: Option<Duration>,
    /// Leaves out what is at least so far from the last record.
    #[serde(default)]
    pub delta: Option<Delta>,
    /// Before or after the aggregates are computed.
    #[serde(default)]
    pub when: EvictWhen,
}

/// When records are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvictWhen {
    /// Before the aggregates are computed.
    #[default]
    Before,
    /// When they are computed.
    After,
}

/// Which windows, of those that can be said.
pub type Windowing = (&'static str, crate::source::Span);

impl Window {
    /// Which windows are said, by their keys.
    #[must_use]
    pub fn windowings(&self) -> Vec<Windowing> {
        let Self { tumbling, sliding, cumulate, session, calendar, count, global, .. } = self;
        let all = [
            tumbling.as_ref().map(|one| ("tumbling", one.span)),
            sliding.as_ref().map(|one| ("sliding", one.span)),
            cumulate.as_ref().map(|one| ("cumulate", one.span)),
            session.as_ref().map(|one| ("session", one.span)),
            calendar.as_ref().map(|one| ("calendar", one.span)),
            count.as_ref().map(|one| ("count", one.span)),
            global.as_ref().map(|one| ("global", one.span)),
        ];
        all.into_iter().flatten().collect()
    }
}
