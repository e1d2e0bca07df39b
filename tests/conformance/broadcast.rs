//! `broadcast`: functions over data, with and without keys, beside a broadcast stream.

use super::Way;
use super::case::event_time;
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::operator::{BoxError, OutputTag};
use tidegate_core::process::{
    BroadcastOperator, BroadcastProcess, KeyedBroadcastProcess, KeyedContext, ProcessContext, Timer,
};
use tidegate_core::state::broadcast::BroadcastState;
use tidegate_core::state::rules::{BroadcastRules, RulesVisitor};
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    Broadcast {
        #[serde(default)]
        keyed: bool,
        function: String,
    },
}

static BROADCAST: OutputTag<Value> = OutputTag::new("br-out");
static DATA: OutputTag<Value> = OutputTag::new("non-br-out");

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    let mut case = case.clone();
    sort_entries(&mut case);
    drive::run(&case, way, |Operator::Broadcast { keyed, function }| {
        let does = Does::read(function)?;
        let key =
            move |value: &Value| text(if does == Does::EmitsSecond { &value[0] } else { value });
        let sides: &[&str] = match does {
            Does::PutsAside => &["br-out", "non-br-out"],
            _ => &[],
        };
        if *keyed {
            let make = move || BroadcastOperator::keyed(Function(does), key);
            let of_input =
                move |input, value: &Value| if input == 0 { key(value) } else { String::new() };
            Ok(Subject::with_two_inputs(make, Value::clone, sides).keyed_by_input(of_input))
        } else if matches!(does, Does::SetsTimers | Does::ListsEntries) {
            Err(format!("cannot be run: `{function}` needs keys"))
        } else {
            let make = move || BroadcastOperator::unkeyed(Function(does));
            Ok(Subject::with_two_inputs(make, Value::clone, sides))
        }
    })
}

/// What a function does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Tells the time of both inputs, and sets a timer for data.
    SetsTimers,
    /// Lists what was broadcast when a timer fires.
    ListsEntries,
    /// Puts three entries, expects exactly them, tells the time.
    PutsThree,
    /// Tells the time of both inputs on side outputs.
    PutsAside,
    /// Fills two states, and lists both for each record.
    FillsTwo,
    /// Emits the second part of a record, whose key is the first.
    EmitsSecond,
}

impl Does {
    fn read(function: &str) -> Result<Self, String> {
        Ok(match function {
            "broadcast element (input 1): emit 'BR:'+value+' WM:'+watermark+' TS:'+ts; keyed element \
             (input 0): event timer at 41, emit 'NON-BR:'+value+' WM:'+watermark+' TS:'+ts; on timer \
             emit 'TIMER:'+timer ts" => Self::SetsTimers,
            "broadcast element (input 1): put (value+'.key' -> value) into the broadcast map state; \
             keyed element (input 0): the map must hold exactly what was broadcast before; event timer \
             at 41; on timer emit 'TS:'+timer ts+' '+all entries of the broadcast map as key=value \
             (entry order not significant)" => Self::ListsEntries,
            "broadcast element (input 1): put test1,test2,test3 -> value into the broadcast map; emit \
             value+'WM:'+watermark+' TS:'+ts. Element (input 0): the map must have exactly those 3 \
             keys; emit value+'WM:'+watermark+' TS:'+ts" => Self::PutsThree,
            "broadcast element (input 1): side output br-out 'BR:'+value+' WM:'+watermark+' TS:'+ts; \
             element (input 0): side output non-br-out 'NON-BR:'+..."
            | "broadcast element (input 1): side output br-out 'BR:'+value+' WM:'+watermark+' \
               TS:'+ts; keyed element (input 0): side output non-br-out 'NON-BR:'+..." => {
                Self::PutsAside
            }
            "broadcast element (input 1): stateA.put('key.'+v, v); stateB.put(v,'value.'+v). Element \
             (input 0): for each entry of stateA then of stateB emit value+':'+k+'->'+v (entry order \
             within one state not significant)" => Self::FillsTwo,
            "key=value[0]; emit value[1]" => Self::EmitsSecond,
            _ => return Err(format!("cannot be run: the function `{function}` is not known")),
        })
    }
}

/// Brings the entries that a row lists into one order, wherever rows stand.
fn sort_entries(value: &mut Value) {
    match value {
        Value::String(row) if row.starts_with("TS:") => *row = entries_sorted(row),
        Value::Array(parts) => parts.iter_mut().for_each(sort_entries),
        Value::Object(fields) => fields.values_mut().for_each(sort_entries),
        _ => {}
    }
}

fn entries_sorted(row: &str) -> String {
    let words = row.split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '[' | ']'));
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words[1..].sort_unstable();
    words.join(" ")
}

/// A value within a text: a string stands for itself.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn told(value: &Value, gap: &str, now: Timestamp, timestamp: Timestamp) -> String {
    let at = event_time(timestamp).map_or_else(|| "null".to_owned(), |at| at.to_string());
    format!("{}{gap}WM:{} TS:{at}", text(value), now.millis())
}

/// What was broadcast, in two states.
#[derive(Default)]
struct Rules {
    a: BroadcastState<String, Value>,
    b: BroadcastState<String, Value>,
}

impl BroadcastRules for Rules {
    fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
        visitor.state("a", &mut self.a);
        visitor.state("b", &mut self.b);
    }
}

/// What a record makes of the rules: rows, on which output.
type Said = (Option<&'static OutputTag<Value>>, String);

struct Function(Does);

impl Function {
    fn data(
        &self,
        value: &Value,
        rules: &Rules,
        now: Timestamp,
        at: Timestamp,
    ) -> Result<Vec<Said>, String> {
        Ok(match self.0 {
            Does::SetsTimers => vec![(None, format!("NON-BR:{}", told(value, " ", now, at)))],
            Does::PutsAside => vec![(Some(&DATA), format!("NON-BR:{}", told(value, " ", now, at)))],
            Does::EmitsSecond => vec![(None, text(&value[1]))],
            Does::PutsThree => {
                let keys: Vec<&str> = rules.a.iter().map(|(key, _)| key.as_str()).collect();
                if keys != ["test1", "test2", "test3"] {
                    return Err(format!("the broadcast map has the keys {keys:?}"));
                }
                vec![(None, told(value, "", now, at))]
            }
            Does::ListsEntries => {
                // The second state has what was broadcast, under the number of its arrival.
                let mut wanted: Vec<_> =
                    rules.b.iter().map(|(_, v)| (format!("{}.key", text(v)), v)).collect();
                wanted.sort_by(|left, right| left.0.cmp(&right.0));
                wanted.dedup();
                if !rules.a.iter().map(|(key, value)| (key.clone(), value)).eq(wanted) {
                    return Err("the broadcast map does not hold what was broadcast".to_owned());
                }
                Vec::new()
            }
            Does::FillsTwo => {
                let entries = rules.a.iter().chain(rules.b.iter());
                let row = |(k, v)| (None, format!("{}:{k}->{}", text(value), text(v)));
                entries.map(row).collect()
            }
        })
    }

    fn broadcast(
        &self,
        value: Value,
        rules: &mut Rules,
        now: Timestamp,
        at: Timestamp,
    ) -> Option<Said> {
        match self.0 {
            Does::SetsTimers => Some((None, format!("BR:{}", told(&value, " ", now, at)))),
            Does::PutsAside => {
                Some((Some(&BROADCAST), format!("BR:{}", told(&value, " ", now, at))))
            }
            Does::PutsThree => {
                for key in ["test1", "test2", "test3"] {
                    rules.a.insert(key.to_owned(), value.clone());
                }
                Some((None, told(&value, "", now, at)))
            }
            Does::ListsEntries => {
                rules.b.insert(format!("{:020}", rules.b.len()), value.clone());
                rules.a.insert(format!("{}.key", text(&value)), value);
                None
            }
            Does::FillsTwo => {
                let text = text(&value);
                rules.a.insert(format!("key.{text}"), value);
                rules.b.insert(text.clone(), format!("value.{text}").into());
                None
            }
            Does::EmitsSecond => None,
        }
    }

    fn on_broadcast(&self, value: Value, rules: &mut Rules, ctx: &mut ProcessContext<'_, Value>) {
        match self.broadcast(value, rules, ctx.watermark(), ctx.timestamp()) {
            Some((Some(side), row)) => ctx.emit_side(side, row.into()),
            Some((None, row)) => ctx.emit(row.into()),
            None => {}
        }
    }
}

impl KeyedBroadcastProcess for Function {
    type Key = String;
    type In = Value;
    type Broadcast = Value;
    type Rules = Rules;
    type Out = Value;

    fn process(
        &mut self,
        _: Keyed<'_, String>,
        value: Value,
        rules: &Rules,
        ctx: &mut KeyedContext<'_, String, Value>,
    ) -> Result<(), BoxError> {
        if matches!(self.0, Does::SetsTimers | Does::ListsEntries) {
            ctx.register_timer(TimeDomain::Event, Timestamp(41));
        }
        for (side, row) in self.data(&value, rules, ctx.watermark(), ctx.timestamp())? {
            match side {
                Some(side) => ctx.emit_side(side, row.into()),
                None => ctx.emit(row.into()),
            }
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        value: Value,
        rules: &mut Rules,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        self.on_broadcast(value, rules, ctx);
        Ok(())
    }

    fn on_timer(
        &mut self,
        _: Keyed<'_, String>,
        timer: Timer,
        rules: &Rules,
        ctx: &mut KeyedContext<'_, String, Value>,
    ) -> Result<(), BoxError> {
        let at = timer.at.millis();
        let row = if self.0 == Does::ListsEntries {
            let entries = rules.a.iter().map(|(key, value)| format!(" {key}={}", text(value)));
            entries_sorted(&format!("TS:{at}{}", entries.collect::<String>()))
        } else {
            format!("TIMER:{at}")
        };
        ctx.emit(row.into());
        Ok(())
    }

    fn states(&mut self, _: &mut dyn StateVisitor) {}
}

impl BroadcastProcess for Function {
    type In = Value;
    type Broadcast = Value;
    type Rules = Rules;
    type Out = Value;

    fn process(
        &mut self,
        value: Value,
        rules: &Rules,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        for (side, row) in self.data(&value, rules, ctx.watermark(), ctx.timestamp())? {
            match side {
                Some(side) => ctx.emit_side(side, row.into()),
                None => ctx.emit(row.into()),
            }
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        value: Value,
        rules: &mut Rules,
        ctx: &mut ProcessContext<'_, Value>,
    ) -> Result<(), BoxError> {
        self.on_broadcast(value, rules, ctx);
        Ok(())
    }
}
