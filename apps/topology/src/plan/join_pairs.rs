//! Joins of streams whose pairs lie near each other in time.

use super::NodePlan;
use super::join::{JoinKeys, optional};
use super::join_output::{JoinOutput, Side, Sides};
use super::walk::{Input, Planned, Planning};
use super::window::{self, Windows};
use crate::document::{
    Between, Clock, Duration, IntervalJoin, JoinKind, OuterJoin, Pairing, Reconcile, WindowJoin,
    WindowJoinKind,
};
use crate::source::Span;
use std::sync::Arc;
use tidegate_rows::{DataType, Field, Schema};

/// How much later the right row may be, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least distance.
    pub lower_ms: i64,
    /// The greatest distance.
    pub upper_ms: i64,
    /// Whether the least one is left out.
    pub lower_exclusive: bool,
    /// Whether the greatest one is left out.
    pub upper_exclusive: bool,
}

/// Pairs within an interval.
#[derive(Clone, Debug)]
pub struct IntervalPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// The interval.
    pub bounds: Bounds,
    /// Whose rows come out alone.
    pub kind: JoinKind,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// Pairs within a window.
///
/// The kinds semi and anti are built as a co-group of the same windows, which gives out each left row if there are right
/// ones, or if there are none.
#[derive(Clone, Debug)]
pub struct WindowJoinPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// Which windows.
    pub windows: JoinWindows,
    /// Which rows come out.
    pub kind: WindowJoinKind,
    /// Whether windows go by the wall clock.
    pub by_wall_clock: bool,
    /// For how many milliseconds of event time a window that has fired takes late rows.
    pub allowed_lateness_ms: i64,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// The windows of a join: of one kind for the rows of both sides, or sessions whose gap each row of a side says. A row
/// whose gap is NULL is one that cannot be used ([`super::PlanNode::unusable`]).
#[derive(Clone, Debug)]
pub enum JoinWindows {
    /// The same for both sides.
    Same(Windows),
    /// For the left rows, and for the right ones.
    Each(Windows, Windows),
}

/// Each side waits for the other.
#[derive(Clone, Debug)]
pub struct OuterPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// How many milliseconds a left row waits.
    pub left_waits_ms: i64,
    /// How many milliseconds a right row waits.
    pub right_waits_ms: i64,
    /// Whose rows come out alone.
    pub kind: JoinKind,
    /// How many partners a row may have.
    pub pairing: Pairing,
    /// Whether rows wait by the wall clock.
    pub by_wall_clock: bool,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// Two accounts of the same events. A row of `books` is the engine's, as two structs of int64.
#[derive(Clone, Debug)]
pub struct ReconcilePlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// The interval.
    pub bounds: Bounds,
    /// How often books are told, in milliseconds; never if not said.
    pub books_ms: Option<i64>,
    /// The rows that come out.
    pub output: JoinOutput,
}

fn bounds(between: &Between) -> Bounds {
    Bounds {
        lower_ms: between.lower.value.millis(),
        upper_ms: between.upper.value.millis(),
        lower_exclusive: between.lower_exclusive,
        upper_exclusive: between.upper_exclusive,
    }
}

/// The columns of books.
fn books() -> Option<Schema> {
    let entries = ["received", "matched", "unmatched", "late", "pending"];
    let entries: Arc<[Field]> =
        entries.iter().map(|name| Field::required(*name, DataType::Int64)).collect();
    let side = |name| Field::required(name, DataType::Struct(Arc::clone(&entries)));
    Schema::new([side("left"), side("right")]).ok()
}

impl Planning<'_> {
    pub(super) fn interval_join(
        &mut self,
        join: &IntervalJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let output = self.pairs(&join.columns, &join.on, (left, right), optional(join.kind), span);
        let (output, main) = output.unzip();
        let (kind, bounds) = (join.kind, bounds(&join.between.value));
        let plan = keys.zip(output).map(|(keys, output)| {
            NodePlan::IntervalJoin(IntervalPlan { keys, bounds, kind, output })
        });
        late(Planned::new(plan, main), left, right)
    }

    pub(super) fn window_join(
        &mut self,
        join: &WindowJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        use WindowJoinKind as K;
        let keys = self.join_keys(&join.on, left, right);
        let windows = self.join_windows(join, left, right);
        let (output, main) = self.window_pairs(join, left, right, span).unzip();
        let lateness = join.allowed_lateness.as_ref();
        let plan = || {
            Some(NodePlan::WindowJoin(WindowJoinPlan {
                keys: keys?,
                windows: windows?,
                kind: join.kind,
                by_wall_clock: join.time == Clock::ProcessingTime,
                allowed_lateness_ms: lateness.map_or(0, |time| time.value.millis()),
                output: output?,
            }))
        };
        let planned = Planned::new(plan(), main);
        let planned = match join.time {
            Clock::EventTime => late(planned, left, right),
            Clock::ProcessingTime => planned,
        };
        // A left row may lie in several windows, so only of pairs nothing is known.
        let key =
            if matches!(join.kind, K::Semi | K::Anti) { left.key.clone() } else { Vec::new() };
        planned.keyed(
            key.into_iter().filter(|_| join.columns.is_empty() && join.sliding.is_none()).collect(),
        )
    }

    fn join_windows(
        &mut self,
        join: &WindowJoin,
        left: &Input,
        right: &Input,
    ) -> Option<JoinWindows> {
        let offset = |time: &Option<Duration>| time.map_or(0, Duration::millis);
        if let Some(one) = &join.tumbling {
            let windows = Windows::Tumbling(one.size.value.millis(), offset(&one.offset));
            return Some(JoinWindows::Same(windows));
        }
        if let Some(one) = &join.sliding {
            let (size, slide) = (one.size.value.millis(), one.slide.value.millis());
            return Some(JoinWindows::Same(Windows::Sliding(size, slide, offset(&one.offset))));
        }
        let session = &join.session.as_ref()?.value;
        if session.gap.is_some() {
            return self.session(session, None).map(JoinWindows::Same);
        }
        let of_left = self.session(session, left.schema.as_ref());
        let of_right = self.session(session, right.schema.as_ref());
        Some(JoinWindows::Each(of_left?, of_right?))
    }

    fn window_pairs(
        &mut self,
        join: &WindowJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Option<(JoinOutput, Schema)> {
        use WindowJoinKind as K;
        let (Some(left), Some(right)) = (&left.schema, &right.schema) else {
            self.only_texts(&join.columns);
            return None;
        };
        let left_optional = matches!(join.kind, K::Right | K::Full);
        let right_optional = matches!(join.kind, K::Left | K::Full);
        let pairs = !matches!(join.kind, K::Semi | K::Anti);
        let sides = Sides {
            left: Side { schema: left, optional: left_optional },
            right: pairs.then_some(Side { schema: right, optional: right_optional }),
            on: Some(&join.on),
            more: window::bounds().to_vec(),
        };
        self.join_output(&join.columns, &sides, span)
    }

    pub(super) fn outer_join(
        &mut self,
        join: &OuterJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let output = self.pairs(&join.columns, &join.on, (left, right), optional(join.kind), span);
        let (output, main) = output.unzip();
        let by_wall_clock = join.time == Clock::ProcessingTime;
        let plan = keys.zip(output).map(|(keys, output)| {
            NodePlan::OuterJoin(OuterPlan {
                keys,
                left_waits_ms: join.left_waits.millis(),
                right_waits_ms: join.right_waits.millis(),
                kind: join.kind,
                pairing: join.pairing,
                by_wall_clock,
                output,
            })
        });
        let planned = Planned::new(plan, main);
        if by_wall_clock { planned } else { late(planned, left, right) }
    }

    pub(super) fn reconcile(
        &mut self,
        join: &Reconcile,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let output = self.pairs(&join.columns, &join.on, (left, right), (false, false), span);
        let (output, main) = output.unzip();
        let bounds = bounds(&join.within.value);
        let books_ms = join.books.as_ref().map(|books| books.every.millis());
        let plan = keys.zip(output).map(|(keys, output)| {
            NodePlan::Reconcile(ReconcilePlan { keys, bounds, books_ms, output })
        });
        let planned = Planned::new(plan, main)
            .side("unmatched_left", left.schema.clone())
            .side("unmatched_right", right.schema.clone());
        if join.books.is_some() { planned.side("books", books()) } else { planned }
    }
}

fn late(planned: Planned, left: &Input, right: &Input) -> Planned {
    planned.side("late_left", left.schema.clone()).side("late_right", right.schema.clone())
}
