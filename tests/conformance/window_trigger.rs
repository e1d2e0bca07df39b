//! The triggers of the window cases: one type that stands for any of them.
//!
//! Apart from the cases because a case names its trigger at run time, and a trigger is a type. Each
//! variant only hands on to the real trigger; the one that the recording made up itself is here.

use super::case::read;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;
use tidegate_operators::window::{
    ContinuousEventTimeTrigger, CountTrigger, EndOfStreamTrigger, EventTimeTrigger,
    ProcessingTimeTrigger, PurgingTrigger, Trigger, TriggerContext, TriggerResult,
};

/// A trigger as a case describes it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Described {
    EventTime {},
    ProcessingTime {},
    Count { n: u64 },
    ContinuousEventTime { interval_ms: i64 },
    EndOfStream { note: Option<String> },
    Purging { of: Box<Described> },
    Custom { note: String },
}

/// What the one made-up trigger does.
const CUSTOM: &str = "on element: if window.max_ts<=watermark fire else register event timer at \
    window.max_ts; on event timer at max_ts or at max_ts+100: fire and purge; nothing else";

/// Any trigger.
#[derive(Clone)]
pub(super) enum AnyTrigger {
    EventTime,
    ProcessingTime,
    Count(CountTrigger),
    ContinuousEventTime(ContinuousEventTimeTrigger),
    EndOfStream,
    Purging(Box<PurgingTrigger<AnyTrigger>>),
    Custom,
}

/// What any trigger remembers.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct AnyState {
    count: u64,
    next: Option<Timestamp>,
}

impl AnyTrigger {
    /// The trigger of a case.
    pub(super) fn read(described: &Value) -> Result<Self, String> {
        Self::of(read(described)?)
    }

    fn of(described: Described) -> Result<Self, String> {
        Ok(match described {
            Described::EventTime {} => Self::EventTime,
            Described::ProcessingTime {} => Self::ProcessingTime,
            Described::Count { n } => Self::Count(CountTrigger(n)),
            Described::ContinuousEventTime { interval_ms } => {
                Self::ContinuousEventTime(ContinuousEventTimeTrigger::every(interval_ms))
            }
            Described::EndOfStream { note } => match note.as_deref() {
                None | Some("fires only at the final watermark (max)") => Self::EndOfStream,
                Some(note) => return Err(format!("cannot be run: the trigger `{note}`")),
            },
            Described::Purging { of } => Self::Purging(Box::new(PurgingTrigger(Self::of(*of)?))),
            Described::Custom { note } if note == CUSTOM => Self::Custom,
            Described::Custom { note } => {
                return Err(format!("cannot be run: the trigger `{note}` is not known"));
            }
        })
    }
}

impl Trigger<Value> for AnyTrigger {
    type State = AnyState;

    fn on_element(
        &self,
        value: &Value,
        timestamp: Timestamp,
        state: &mut AnyState,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::EventTime => EventTimeTrigger.on_element(value, timestamp, &mut (), ctx),
            Self::ProcessingTime => {
                ProcessingTimeTrigger.on_element(value, timestamp, &mut (), ctx)
            }
            Self::Count(count) => count.on_element(value, timestamp, &mut state.count, ctx),
            Self::ContinuousEventTime(continuous) => {
                continuous.on_element(value, timestamp, &mut state.next, ctx)
            }
            Self::EndOfStream => EndOfStreamTrigger.on_element(value, timestamp, &mut (), ctx),
            Self::Purging(of) => of.on_element(value, timestamp, state, ctx),
            Self::Custom => {
                let end = ctx.window().max_timestamp();
                if end > ctx.watermark() {
                    ctx.register_timer(TimeDomain::Event, end);
                }
                TriggerResult::fire_if(end <= ctx.watermark())
            }
        }
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        state: &mut AnyState,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::EventTime => event_time(&EventTimeTrigger, at, &mut (), ctx),
            Self::ProcessingTime => event_time(&ProcessingTimeTrigger, at, &mut (), ctx),
            Self::Count(count) => event_time(count, at, &mut state.count, ctx),
            Self::ContinuousEventTime(continuous) => {
                event_time(continuous, at, &mut state.next, ctx)
            }
            Self::EndOfStream => event_time(&EndOfStreamTrigger, at, &mut (), ctx),
            Self::Purging(of) => event_time(of.as_ref(), at, state, ctx),
            Self::Custom => {
                let end = ctx.window().max_timestamp();
                if at == end || at == end.plus(100) {
                    TriggerResult::FireAndPurge
                } else {
                    TriggerResult::Continue
                }
            }
        }
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        state: &mut AnyState,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::ProcessingTime => {
                Trigger::<Value>::on_processing_time(&ProcessingTimeTrigger, at, &mut (), ctx)
            }
            Self::Purging(of) => Trigger::<Value>::on_processing_time(of.as_ref(), at, state, ctx),
            _ => TriggerResult::Continue,
        }
    }

    fn can_merge(&self) -> bool {
        match self {
            Self::Purging(of) => Trigger::<Value>::can_merge(of.as_ref()),
            _ => true,
        }
    }

    fn merge(&self, state: &mut AnyState, other: &AnyState) {
        match self {
            Self::Count(count) => {
                Trigger::<Value>::merge(count, &mut state.count, &other.count);
            }
            Self::ContinuousEventTime(continuous) => {
                Trigger::<Value>::merge(continuous, &mut state.next, &other.next);
            }
            Self::Purging(of) => Trigger::<Value>::merge(of.as_ref(), state, other),
            _ => {}
        }
    }

    fn on_merge(&self, state: &mut AnyState, ctx: &mut TriggerContext<'_>) {
        match self {
            Self::EventTime => Trigger::<Value>::on_merge(&EventTimeTrigger, &mut (), ctx),
            Self::ProcessingTime => {
                Trigger::<Value>::on_merge(&ProcessingTimeTrigger, &mut (), ctx);
            }
            Self::ContinuousEventTime(continuous) => {
                Trigger::<Value>::on_merge(continuous, &mut state.next, ctx);
            }
            Self::EndOfStream => Trigger::<Value>::on_merge(&EndOfStreamTrigger, &mut (), ctx),
            Self::Purging(of) => Trigger::<Value>::on_merge(of.as_ref(), state, ctx),
            Self::Count(_) | Self::Custom => {}
        }
    }
}

fn event_time<G: Trigger<Value>>(
    trigger: &G,
    at: Timestamp,
    state: &mut G::State,
    ctx: &mut TriggerContext<'_>,
) -> TriggerResult {
    trigger.on_event_time(at, state, ctx)
}
