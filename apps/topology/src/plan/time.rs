//! Event time: how a row gets its time, and how watermarks follow.

use super::walk::Planning;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{DeadLetters, Emit, EventTime, Kind, Node, SourceKind, Unusable, Watermark};
use tidegate_rows::Schema;
use tidegate_rows::expression::TimestampEvaluator;

/// When a row has happened, and when a time is complete.
#[derive(Clone, Debug)]
pub struct EventTimePlan {
    /// The time of a row; none where the generator or the wall clock gives it. A row without a value fails as one that
    /// cannot be read: what becomes of it says `malformed` of a source, [`super::PlanNode::unusable`] of an operator.
    pub timestamp: Option<TimestampEvaluator>,
    /// How watermarks follow from times.
    pub watermark: WatermarkPlan,
    /// Behind which rows a watermark is emitted.
    pub emit: EmitPlan,
    /// After so many milliseconds without a row a split no longer holds event time back.
    pub idle_ms: Option<i64>,
    /// The group of sources that wait for each other, and how far one may be ahead, in milliseconds.
    pub align: Option<(String, i64)>,
}

impl EventTimePlan {
    /// Whether the time of a row is that at which it is read.
    #[must_use]
    pub fn is_by_clock(&self) -> bool {
        self.watermark == WatermarkPlan::IngestionTime
    }
}

/// How watermarks follow from times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatermarkPlan {
    /// None before the end.
    None,
    /// Times never fall within a split.
    Monotonous,
    /// Rows come up to so many milliseconds behind the latest.
    Bounded(i64),
    /// A row's time is that at which it is read.
    IngestionTime,
}

/// Behind which rows a watermark is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmitPlan {
    /// As the engine does by default.
    Default,
    /// Behind each that advances it.
    EachRecord,
    /// When it has advanced by so many milliseconds.
    Every(i64),
    /// Behind every so many.
    EveryRecords(u64),
}

impl Planning<'_> {
    /// An event time of rows of this schema; a generator has one of its own.
    pub(super) fn event_time(
        &mut self,
        time: &EventTime,
        schema: Option<&Schema>,
        node: &Node,
        is_generator: bool,
    ) -> Option<EventTimePlan> {
        let by_clock = time.watermark == Watermark::IngestionTime;
        let timestamp = match &time.timestamp {
            None if is_generator || by_clock || time.watermark == Watermark::None => None,
            None => {
                let message = format!("the event time of `{}` is not said", node.name.as_str());
                let wrong = Diagnostic::new(Code::MissingKey, node.name.span, message);
                let help = "name a column of type timestamp, or compute it: `timestamp: \"TO_TIMESTAMP_LTZ(seconds, 0)\"`";
                self.diagnostics.push(wrong.label("its `event_time` needs `timestamp`").help(help));
                return None;
            }
            Some(text) => {
                if by_clock {
                    let message = "`timestamp` has no effect with `ingestion-time`";
                    let wrong = Diagnostic::new(Code::NeedlessOption, text.span, message);
                    self.diagnostics.push(
                        wrong
                            .label("the time of a row is that at which it is read")
                            .help("remove it"),
                    );
                }
                let checked = self.expression(text, schema)?;
                match checked.timestamp() {
                    Err(error) => {
                        self.wrong(text, 0, error, &[]);
                        return None;
                    }
                    Ok(evaluator) => {
                        if checked.nullable() && fails(node) {
                            let message =
                                "the event time may be NULL, and a row without one fails the job";
                            let wrong = Diagnostic::new(Code::NullTime, text.span, message);
                            self.diagnostics
                                .push(wrong.label("this may be NULL").help(how_not_to_fail(node)));
                        }
                        (!by_clock).then_some(evaluator)
                    }
                }
            }
        };
        let watermark = match &time.watermark {
            Watermark::None => WatermarkPlan::None,
            Watermark::Monotonous => WatermarkPlan::Monotonous,
            Watermark::BoundedOutOfOrderness(bound) => WatermarkPlan::Bounded(bound.millis()),
            Watermark::IngestionTime => WatermarkPlan::IngestionTime,
        };
        let emit = match &time.emit {
            Emit::Default => EmitPlan::Default,
            Emit::EachRecord => EmitPlan::EachRecord,
            Emit::Every(time) => EmitPlan::Every(time.millis()),
            Emit::EveryRecords(number) => EmitPlan::EveryRecords(number.0),
        };
        let align = time.align.as_ref();
        Some(EventTimePlan {
            timestamp,
            watermark,
            emit,
            idle_ms: time.idle.map(|idle| idle.millis()),
            align: align.map(|align| (align.group.value.to_string(), align.max_drift.millis())),
        })
    }
}

/// Whether a row that cannot be used fails the job.
fn fails(node: &Node) -> bool {
    match &node.kind {
        Some(Kind::Source(SourceKind::File(file))) => file.malformed == DeadLetters::Fail,
        Some(Kind::Source(SourceKind::Folder(folder))) => folder.malformed == DeadLetters::Fail,
        Some(Kind::Source(SourceKind::Stdin(stdin))) => stdin.malformed == DeadLetters::Fail,
        _ => node.common.as_ref().is_none_or(|common| common.dead_letters == Unusable::Fail),
    }
}

fn how_not_to_fail(node: &Node) -> &'static str {
    match &node.kind {
        Some(Kind::Source(SourceKind::File(_) | SourceKind::Folder(_) | SourceKind::Stdin(_))) => {
            "if it never is, say so in `schema` (a type without `?`); else leave such rows out with `malformed: skip`"
        }
        Some(Kind::Source(_)) => "if it never is, say so in `schema`: a type without `?`",
        _ => "leave such rows out with `dead_letters: skip`, or give them a time with COALESCE",
    }
}
