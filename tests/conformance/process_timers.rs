//! `process_timers`: process functions with and without keys, their timers and side outputs.

use super::Way;
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::operator::{BoxError, OutputTag};
use tidegate_core::process::{
    KeyedContext, KeyedProcess, KeyedProcessOperator, Process, ProcessContext, ProcessOperator,
    Timer,
};
use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

const INT: OutputTag<Value> = OutputTag::new("int-out");
const LONG: OutputTag<Value> = OutputTag::new("long-out");
const SIDES: &[&str] = &["int-out", "long-out"];

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    ProcessTimers { keyed: bool, function: String },
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |Operator::ProcessTimers { keyed, function }| {
        let does = Does::read(function)?;
        if *keyed {
            let make = move || KeyedProcessOperator::new(Function::new(does), does.key());
            Ok(Subject::new(make, Value::clone, SIDES).keyed_by(does.key()))
        } else if does.needs_keys() {
            Err(format!("cannot be run: `{function}` needs keys"))
        } else {
            Ok(Subject::new(move || ProcessOperator::new(Unkeyed(does)), Value::clone, SIDES))
        }
    })
}

/// What a function does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Emits the record; a timer 5 later emits 1777.
    TimerLater(TimeDomain),
    /// Two timers in each domain, of which the first is deleted.
    DeletesTimers,
    /// Sets state and a timer, or clears both.
    Toggles(TimeDomain),
    /// Tells the time of the clock and of the record.
    TellsTime(TimeDomain),
    /// To two side outputs.
    SideOutputs,
    /// The second element of an array, by the first.
    EmitsSecond,
}

impl Does {
    fn read(function: &str) -> Result<Self, String> {
        let (text, domain) = match function.rsplit_once(" [DOMAIN = ") {
            None => (function, None),
            Some((text, "event time]")) => (text, Some(TimeDomain::Event)),
            Some((text, "processing time]")) => (text, Some(TimeDomain::Processing)),
            Some(_) => (function, None),
        };
        Ok(match (text, domain) {
            (
                "key = the value itself. On element: emit the value, register a timer in DOMAIN at \
                 current DOMAIN time + 5. On timer: emit 1777.",
                Some(domain),
            ) => Self::TimerLater(domain),
            (
                "key = the value itself, keyed value state. On element: if state empty: emit \
                 'INPUT:'+value, set state, register a DOMAIN timer at now+5; else clear state and \
                 delete the DOMAIN timer at now+4. On timer: emit 'STATE:'+state. (now = current \
                 watermark or current processing time)",
                Some(domain),
            ) => Self::Toggles(domain),
            (
                "emit value+'TIME:'+now+' TS:'+element timestamp (null when absent)"
                | "emit value+'TIME:'+now+' TS:'+element timestamp",
                Some(domain),
            ) => Self::TellsTime(domain),
            (
                "On element register processing timers 3 and 5 and event timers 4 and 6, then \
                 delete processing timer 3 and event timer 4. On event timer emit 'EVENT:1777', on \
                 processing timer emit 'PROC:1777'.",
                None,
            ) => Self::DeletesTimers,
            ("emit 'IN:'+value; side output int-out: value; side output long-out: value", None) => {
                Self::SideOutputs
            }
            ("key = value[0]; emit value[1]", None) => Self::EmitsSecond,
            _ => return Err(format!("cannot be run: the function `{function}` is not known")),
        })
    }

    fn needs_keys(self) -> bool {
        !matches!(self, Self::TellsTime(_) | Self::SideOutputs)
    }

    fn key(self) -> impl Fn(&Value) -> String + Clone {
        move |value| match self {
            Self::EmitsSecond => value[0].to_string(),
            _ => value.to_string(),
        }
    }
}

/// A value within a text: a string stands for itself.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// `value+'TIME:'+now+' TS:'+element timestamp`.
fn told(value: &Value, now: Timestamp, timestamp: Timestamp) -> Value {
    let timestamp = super::case::event_time(timestamp);
    let timestamp = timestamp.map_or_else(|| "null".to_owned(), |ts| ts.to_string());
    format!("{}TIME:{} TS:{timestamp}", text(value), now.millis()).into()
}

struct Function {
    does: Does,
    state: ValueState<String, Value>,
}

type Ctx<'a> = KeyedContext<'a, String, Value>;

impl Function {
    fn new(does: Does) -> Self {
        Self { does, state: ValueState::default() }
    }

    fn toggle(&mut self, key: Keyed<'_, String>, value: Value, domain: TimeDomain, ctx: &mut Ctx) {
        let now = now(domain, ctx);
        if self.state.remove(key).is_some() {
            ctx.delete_timer(domain, now.plus(4));
        } else {
            ctx.emit(format!("INPUT:{}", text(&value)).into());
            self.state.set(key, value);
            ctx.register_timer(domain, now.plus(5));
        }
    }
}

fn now(domain: TimeDomain, ctx: &Ctx) -> Timestamp {
    match domain {
        TimeDomain::Event => ctx.watermark(),
        TimeDomain::Processing => ctx.processing_time(),
    }
}

impl KeyedProcess for Function {
    type Key = String;
    type In = Value;
    type Out = Value;

    fn process(
        &mut self,
        key: Keyed<'_, String>,
        value: Value,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), BoxError> {
        match self.does {
            Does::TimerLater(domain) => {
                ctx.emit(value);
                ctx.register_timer(domain, now(domain, ctx).plus(5));
            }
            Does::DeletesTimers => {
                for at in [3, 5].map(Timestamp) {
                    ctx.register_timer(TimeDomain::Processing, at);
                    ctx.register_timer(TimeDomain::Event, at.plus(1));
                }
                ctx.delete_timer(TimeDomain::Processing, Timestamp(3));
                ctx.delete_timer(TimeDomain::Event, Timestamp(4));
            }
            Does::Toggles(domain) => self.toggle(key, value, domain, ctx),
            Does::TellsTime(domain) => ctx.emit(told(&value, now(domain, ctx), ctx.timestamp())),
            Does::SideOutputs => {
                ctx.emit(format!("IN:{}", text(&value)).into());
                ctx.emit_side(&INT, value.clone());
                ctx.emit_side(&LONG, value);
            }
            Does::EmitsSecond => ctx.emit(value[1].clone()),
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, String>,
        timer: Timer,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), BoxError> {
        match (self.does, timer.domain) {
            (Does::DeletesTimers, TimeDomain::Event) => ctx.emit("EVENT:1777".into()),
            (Does::DeletesTimers, TimeDomain::Processing) => ctx.emit("PROC:1777".into()),
            (Does::Toggles(_), _) => {
                let state = self.state.get(key).map_or_else(|| "null".to_owned(), text);
                ctx.emit(format!("STATE:{state}").into());
            }
            _ => ctx.emit(1777.into()),
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("state", &mut self.state);
    }
}

/// What needs no key.
struct Unkeyed(Does);

impl Process for Unkeyed {
    type In = Value;
    type Out = Value;

    fn process(
        &mut self,
        value: Value,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        match self.0 {
            Does::TellsTime(TimeDomain::Event) => {
                ctx.emit(told(&value, ctx.watermark(), ctx.timestamp()));
            }
            Does::TellsTime(TimeDomain::Processing) => {
                ctx.emit(told(&value, ctx.processing_time(), ctx.timestamp()));
            }
            _ => {
                ctx.emit(format!("IN:{}", text(&value)).into());
                ctx.emit_side(&INT, value.clone());
                ctx.emit_side(&LONG, value);
            }
        }
        Ok(())
    }
}
