//! When windows fire: all triggers that a topology can say, as one.
//!
//! Apart from the triggers of the engine, which do the work, so that windows are compiled once and not once for each
//! trigger. What is remembered of a window is one of few things, and nothing at all for most.

use super::distance;
use serde::{Deserialize, Serialize};
use std::mem::take;
use tidegate::operators::window::{Trigger, TriggerContext, TriggerResult};
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::TriggerPlan;

/// A trigger of a topology.
#[derive(Clone)]
pub(super) struct RowTrigger {
    rule: Rule,
    purges: bool,
}

/// When it fires.
#[derive(Clone)]
pub(super) enum Rule {
    Never,
    EventTime,
    ProcessingTime,
    EndOfStream,
    Count(u64),
    Every(i64),
    EveryProcessingTime(i64),
    /// When the number of a row is farther from that of the row that fired last, or the first one.
    Delta(Evaluator, f64),
}

/// What is remembered of a window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) enum Memory {
    /// Nothing.
    #[default]
    #[serde(rename = "0")]
    Blank,
    /// The rows since it last fired.
    #[serde(rename = "c")]
    Count(u64),
    /// When it fires next.
    #[serde(rename = "n")]
    Next(Timestamp),
    /// The number of the row that it fired with.
    #[serde(rename = "l")]
    Last(Value),
}

impl Memory {
    const fn count(&self) -> u64 {
        match self {
            Self::Count(count) => *count,
            _ => 0,
        }
    }

    const fn next(&self) -> Option<Timestamp> {
        match self {
            Self::Next(next) => Some(*next),
            _ => None,
        }
    }

    /// Lets a trigger of the engine look at a count and change it.
    fn with_count<R>(&mut self, change: impl FnOnce(&mut u64) -> R) -> R {
        let mut count = self.count();
        let result = change(&mut count);
        *self = if count == 0 { Self::Blank } else { Self::Count(count) };
        result
    }

    /// Lets a trigger of the engine look at a time and change it.
    fn with_next<R>(&mut self, change: impl FnOnce(&mut Option<Timestamp>) -> R) -> R {
        let mut next = self.next();
        let result = change(&mut next);
        *self = next.map_or(Self::Blank, Self::Next);
        result
    }
}

impl RowTrigger {
    pub(super) const fn new(rule: Rule) -> Self {
        Self { rule, purges: false }
    }

    /// A trigger that drops what has been given out, if asked so.
    pub(super) const fn purging(mut self, purges: bool) -> Self {
        self.purges = purges;
        self
    }

    const fn done(&self, result: TriggerResult) -> TriggerResult {
        if self.purges && result.fires() { TriggerResult::FireAndPurge } else { result }
    }
}

impl Rule {
    pub(super) fn of(plan: &TriggerPlan) -> Self {
        match plan {
            TriggerPlan::EventTime => Self::EventTime,
            TriggerPlan::ProcessingTime => Self::ProcessingTime,
            TriggerPlan::EndOfStream => Self::EndOfStream,
            TriggerPlan::Count(count) => Self::Count(*count),
            TriggerPlan::Every(millis) => Self::Every(*millis),
            TriggerPlan::EveryProcessingTime(millis) => Self::EveryProcessingTime(*millis),
            TriggerPlan::Delta(number, threshold) => Self::Delta(number.clone(), *threshold),
        }
    }

    fn on_element(
        &self,
        row: &Row,
        at: Timestamp,
        memory: &mut Memory,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::Never => TriggerResult::Continue,
            Self::EventTime => EventTimeTrigger.on_element(row, at, &mut (), ctx),
            Self::ProcessingTime => ProcessingTimeTrigger.on_element(row, at, &mut (), ctx),
            Self::EndOfStream => EndOfStreamTrigger.on_element(row, at, &mut (), ctx),
            Self::Count(count) => {
                memory.with_count(|seen| CountTrigger(*count).on_element(row, at, seen, ctx))
            }
            Self::Every(millis) => memory.with_next(|next| {
                ContinuousEventTimeTrigger::every(*millis).on_element(row, at, next, ctx)
            }),
            Self::EveryProcessingTime(millis) => memory.with_next(|next| {
                ContinuousProcessingTimeTrigger::every(*millis).on_element(row, at, next, ctx)
            }),
            Self::Delta(number, threshold) => delta(number, *threshold, row, memory),
        }
    }
}

/// A row without a number is far from nothing, and is not remembered.
fn delta(number: &Evaluator, threshold: f64, row: &Row, memory: &mut Memory) -> TriggerResult {
    let number = match number.evaluate(row) {
        Ok(number) if !number.is_null() => number,
        _ => return TriggerResult::Continue,
    };
    let fires = match memory {
        Memory::Last(last) if distance(last, &number) > threshold => true,
        Memory::Last(_) => return TriggerResult::Continue,
        _ => false,
    };
    *memory = Memory::Last(number);
    TriggerResult::fire_if(fires)
}

impl Trigger<Row> for RowTrigger {
    type State = Memory;

    fn on_element(
        &self,
        row: &Row,
        at: Timestamp,
        memory: &mut Memory,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.done(self.rule.on_element(row, at, memory, ctx))
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        memory: &mut Memory,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.done(match self.rule {
            Rule::EventTime => Trigger::<Row>::on_event_time(&EventTimeTrigger, at, &mut (), ctx),
            Rule::EndOfStream => {
                Trigger::<Row>::on_event_time(&EndOfStreamTrigger, at, &mut (), ctx)
            }
            Rule::Every(millis) => memory.with_next(|next| {
                let every = ContinuousEventTimeTrigger::every(millis);
                Trigger::<Row>::on_event_time(&every, at, next, ctx)
            }),
            _ => TriggerResult::Continue,
        })
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        memory: &mut Memory,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        self.done(match self.rule {
            Rule::ProcessingTime => {
                Trigger::<Row>::on_processing_time(&ProcessingTimeTrigger, at, &mut (), ctx)
            }
            Rule::EveryProcessingTime(millis) => memory.with_next(|next| {
                let every = ContinuousProcessingTimeTrigger::every(millis);
                Trigger::<Row>::on_processing_time(&every, at, next, ctx)
            }),
            _ => TriggerResult::Continue,
        })
    }

    fn can_merge(&self) -> bool {
        !matches!(self.rule, Rule::Delta(..))
    }

    fn merge(&self, memory: &mut Memory, other: &Memory) {
        *memory = match (take(memory), other) {
            (Memory::Count(one), Memory::Count(other)) => Memory::Count(one + other),
            (Memory::Next(one), Memory::Next(other)) => Memory::Next(one.min(*other)),
            (Memory::Blank, other) => other.clone(),
            (one, _) => one,
        };
    }

    fn on_merge(&self, memory: &mut Memory, ctx: &mut TriggerContext<'_>) {
        match self.rule {
            Rule::EventTime => Trigger::<Row>::on_merge(&EventTimeTrigger, &mut (), ctx),
            Rule::ProcessingTime => Trigger::<Row>::on_merge(&ProcessingTimeTrigger, &mut (), ctx),
            Rule::EndOfStream => Trigger::<Row>::on_merge(&EndOfStreamTrigger, &mut (), ctx),
            Rule::Every(millis) => memory.with_next(|next| {
                let every = ContinuousEventTimeTrigger::every(millis);
                Trigger::<Row>::on_merge(&every, next, ctx);
            }),
            Rule::EveryProcessingTime(millis) => memory.with_next(|next| {
                let every = ContinuousProcessingTimeTrigger::every(millis);
                Trigger::<Row>::on_merge(&every, next, ctx);
            }),
            Rule::Never | Rule::Count(_) | Rule::Delta(..) => {}
        }
    }

    fn is_blank(&self, memory: &Memory) -> bool {
        matches!(memory, Memory::Blank)
    }
}
