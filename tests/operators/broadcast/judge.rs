//! The functions under test: they use everything that a function beside a broadcast stream has.

use tidegate_core::operator::BoxError;
use tidegate_core::process::{
    BroadcastProcess, KeyedBroadcastProcess, KeyedContext, ProcessContext, Timer,
};
use tidegate_core::state::broadcast::BroadcastState;
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::rules::{BroadcastRules, RulesVisitor};
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::timer::TimeDomain;

/// A record: key, colour, number.
pub(super) type In = (u8, u8, u32);

/// A rule: its colour and its limit; a negative limit takes the rule back, the limit [`TELL`] makes every
/// key tell its count and begin anew.
pub(super) type Rule = (u8, i64);

/// A limit at which every key begins anew.
pub(super) const TELL: i64 = 3;

/// The colour whose rule is the last one of the first rules.
pub(super) const LAST_COLOUR: u8 = 0;

/// How long after a record its timer fires.
pub(super) const LATER: i64 = 5;

/// Limits by colour.
#[derive(Default)]
pub(super) struct Limits {
    by_colour: BroadcastState<u8, i64>,
}

impl Limits {
    fn of(&self, colour: u8) -> i64 {
        self.by_colour.get(&colour).copied().unwrap_or(-1)
    }

    fn change(&mut self, (colour, limit): Rule) {
        if limit < 0 {
            self.by_colour.remove(&colour);
        } else {
            self.by_colour.insert(colour, limit);
        }
    }
}

impl BroadcastRules for Limits {
    fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
        visitor.state("by-colour", &mut self.by_colour);
    }

    fn suffice(&self) -> bool {
        self.by_colour.get(&LAST_COLOUR).is_some()
    }
}

/// Counts per key; says whether a record is late, its count, and the limit of its colour.
#[derive(Default)]
pub(super) struct Judge {
    counts: ValueState<u8, u32>,
}

impl KeyedBroadcastProcess for Judge {
    type Key = u8;
    type In = In;
    type Broadcast = Rule;
    type Rules = Limits;
    type Out = String;

    fn process(
        &mut self,
        key: Keyed<'_, u8>,
        (_, colour, number): In,
        limits: &Limits,
        ctx: &mut KeyedContext<'_, u8, String>,
    ) -> Result<(), BoxError> {
        let count = self.counts.get_or_insert_with(key, || 0);
        *count += 1;
        let late = if ctx.timestamp() <= ctx.watermark() { "late " } else { "" };
        ctx.emit(format!("{late}{number}: {count} of {}", limits.of(colour)));
        ctx.register_timer(TimeDomain::Event, ctx.timestamp().plus(LATER));
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        rule: Rule,
        limits: &mut Limits,
        ctx: &mut ProcessContext<'_, String>,
    ) -> Result<(), BoxError> {
        limits.change(rule);
        if rule.1 == TELL {
            self.counts.retain(|key, count| {
                ctx.emit(format!("{key} had {count}"));
                // Odd counts go, even ones begin anew.
                let stays = *count % 2 == 0;
                *count = 0;
                stays
            });
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u8>,
        timer: Timer,
        limits: &Limits,
        ctx: &mut KeyedContext<'_, u8, String>,
    ) -> Result<(), BoxError> {
        let count = self.counts.get(key).copied().unwrap_or(0);
        let last = limits.of(LAST_COLOUR);
        ctx.emit(format!("{} at {}: {count} of {last}", key.key, timer.at.millis()));
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("counts", &mut self.counts);
    }
}

/// Says whether a record is late, and the limit of its colour.
pub(super) struct JudgeUnkeyed;

impl BroadcastProcess for JudgeUnkeyed {
    type In = In;
    type Broadcast = Rule;
    type Rules = Limits;
    type Out = String;

    fn process(
        &mut self,
        (_, colour, number): In,
        limits: &Limits,
        ctx: &mut ProcessContext<'_, String>,
    ) -> Result<(), BoxError> {
        let late = if ctx.timestamp() <= ctx.watermark() { "late " } else { "" };
        ctx.emit(format!("{late}{number}: {}", limits.of(colour)));
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        rule: Rule,
        limits: &mut Limits,
        _: &mut ProcessContext<'_, String>,
    ) -> Result<(), BoxError> {
        limits.change(rule);
        Ok(())
    }
}
