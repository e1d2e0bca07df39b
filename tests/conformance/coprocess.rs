//! `coprocess`: process functions over two streams, with and without keys.

use super::Way;
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::operator::BoxError;
use tidegate_core::process::{
    CoProcess, CoProcessOperator, KeyedCoProcess, KeyedCoProcessOperator, KeyedContext,
    ProcessContext, Timer,
};
use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    Coprocess { keyed: bool, function: String },
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |Operator::Coprocess { keyed, function }| {
        let does = Does::read(function)?;
        if *keyed {
            let make = move || KeyedCoProcessOperator::new(Function::new(does), text, text);
            Ok(Subject::with_two_inputs(make, Value::clone, &[]).keyed_by(text))
        } else if let Does::TellsTime(domain) = does {
            let make = move || CoProcessOperator::new(TellsTime(domain));
            Ok(Subject::with_two_inputs(make, Value::clone, &[]))
        } else {
            Err(format!("cannot be run: `{function}` needs keys"))
        }
    })
}

/// What a function does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Emits the record with its key.
    EmitsKey,
    /// Tells the time of the clock and of the record.
    TellsTime(TimeDomain),
    /// Emits the record and sets a timer, at 5 for the first input, at 6 for the second.
    SetsTimers(TimeDomain),
    /// Two timers in two domains for each input, of which one is deleted.
    DeletesTimers,
    /// Sets state and a timer, or clears both.
    Toggles(TimeDomain),
}

impl Does {
    fn read(function: &str) -> Result<Self, String> {
        Ok(match function {
            "emit value+','+key" => Self::EmitsKey,
            "emit value+'PT:'+current processing time+' TS:'+element timestamp" => {
                Self::TellsTime(TimeDomain::Processing)
            }
            "emit value+'WM:'+current watermark+' TS:'+element timestamp" => {
                Self::TellsTime(TimeDomain::Event)
            }
            "input 0: emit 'INPUT1:'+value, event timer at 5; input 1: emit 'INPUT2:'+value, event \
             timer at 6; on timer emit key+':1777'" => Self::SetsTimers(TimeDomain::Event),
            "input 0: emit 'INPUT1:'+value, processing timer at 5; input 1: emit 'INPUT2:'+value, \
             processing timer at 6; on timer emit '1777'" => {
                Self::SetsTimers(TimeDomain::Processing)
            }
            "input 0: processing timer 3, event timer 6, delete processing timer 3; input 1: event \
             timer 4, processing timer 5, delete event timer 4. On event timer emit 'EVENT:1777', \
             on processing timer 'PROC:1777'" => Self::DeletesTimers,
            "one keyed state shared by both inputs. On element of input i: if state empty: emit \
             'INPUT'+(i+1)+':'+value, set state, event timer at watermark+5; else clear state, \
             delete event timer at watermark+4. On timer emit 'STATE:'+state" => {
                Self::Toggles(TimeDomain::Event)
            }
            "as the event-time one but with processing time" => {
                Self::Toggles(TimeDomain::Processing)
            }
            _ => return Err(format!("cannot be run: the function `{function}` is not known")),
        })
    }
}

/// A value within a text, and the key of a record: a string stands for itself.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn told(value: &Value, domain: TimeDomain, now: Timestamp, timestamp: Timestamp) -> Value {
    let at = super::case::event_time(timestamp);
    let at = at.map_or_else(|| "null".to_owned(), |at| at.to_string());
    let clock = match domain {
        TimeDomain::Event => "WM",
        TimeDomain::Processing => "PT",
    };
    format!("{}{clock}:{} TS:{at}", text(value), now.millis()).into()
}

type Ctx<'a> = KeyedContext<'a, String, Value>;

fn now(domain: TimeDomain, ctx: &Ctx<'_>) -> Timestamp {
    match domain {
        TimeDomain::Event => ctx.watermark(),
        TimeDomain::Processing => ctx.processing_time(),
    }
}

struct Function {
    does: Does,
    state: ValueState<String, Value>,
}

impl Function {
    fn new(does: Does) -> Self {
        Self { does, state: ValueState::default() }
    }

    fn process(&mut self, input: i64, key: Keyed<'_, String>, value: &Value, ctx: &mut Ctx<'_>) {
        let said = Value::from(format!("INPUT{}:{}", input + 1, text(value)));
        match self.does {
            Does::EmitsKey => ctx.emit(format!("{},{}", text(value), key.key).into()),
            Does::TellsTime(domain) => {
                ctx.emit(told(value, domain, now(domain, ctx), ctx.timestamp()));
            }
            Does::SetsTimers(domain) => {
                ctx.emit(said);
                ctx.register_timer(domain, Timestamp(5 + input));
            }
            Does::DeletesTimers => {
                let (deleted, kept) = match input {
                    0 => ((TimeDomain::Processing, 3), (TimeDomain::Event, 6)),
                    _ => ((TimeDomain::Event, 4), (TimeDomain::Processing, 5)),
                };
                for (domain, at) in [deleted, kept] {
                    ctx.register_timer(domain, Timestamp(at));
                }
                ctx.delete_timer(deleted.0, Timestamp(deleted.1));
            }
            Does::Toggles(domain) => {
                let now = now(domain, ctx);
                if self.state.remove(key).is_some() {
                    return ctx.delete_timer(domain, now.plus(4));
                }
                ctx.emit(said);
                self.state.set(key, value.clone());
                ctx.register_timer(domain, now.plus(5));
            }
        }
    }
}

impl KeyedCoProcess for Function {
    type Key = String;
    type First = Value;
    type Second = Value;
    type Out = Value;

    fn process_first(
        &mut self,
        key: Keyed<'_, String>,
        value: Value,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), BoxError> {
        self.process(0, key, &value, ctx);
        Ok(())
    }

    fn process_second(
        &mut self,
        key: Keyed<'_, String>,
        value: Value,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), BoxError> {
        self.process(1, key, &value, ctx);
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, String>,
        timer: Timer,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), BoxError> {
        let said = match (self.does, timer.domain) {
            (Does::SetsTimers(TimeDomain::Event), _) => format!("{}:1777", key.key),
            (Does::DeletesTimers, TimeDomain::Event) => "EVENT:1777".to_owned(),
            (Does::DeletesTimers, TimeDomain::Processing) => "PROC:1777".to_owned(),
            (Does::Toggles(_), _) => {
                let state = self.state.get(key).map_or_else(|| "null".to_owned(), text);
                format!("STATE:{state}")
            }
            _ => "1777".to_owned(),
        };
        ctx.emit(said.into());
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("state", &mut self.state);
    }
}

/// Tells the time without keys.
struct TellsTime(TimeDomain);

impl TellsTime {
    fn tell(&self, value: &Value, ctx: &mut ProcessContext<'_, Value>) {
        let now = match self.0 {
            TimeDomain::Event => ctx.watermark(),
            TimeDomain::Processing => ctx.processing_time(),
        };
        ctx.emit(told(value, self.0, now, ctx.timestamp()));
    }
}

impl CoProcess for TellsTime {
    type First = Value;
    type Second = Value;
    type Out = Value;

    fn process_first(
        &mut self,
        value: Value,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        self.tell(&value, ctx);
        Ok(())
    }

    fn process_second(
        &mut self,
        value: Value,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        self.tell(&value, ctx);
        Ok(())
    }
}
