//! `window`: windows of every kind, their triggers, evictors and lateness.

use super::Way;
use super::drive::{self, Subject};
use super::window_trigger::AnyTrigger;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate_core::operator::{Operator, OutputTag};
use tidegate_core::time::Timestamp;
use tidegate_operators::aggregate::Sum;
use tidegate_operators::window::{
    CountEvictor, DeltaEvictor, Evictor, GlobalWindows, InvalidWindowing, MergingWindows,
    ProcessingTime, Session, Stamped, TimeEvictor, TimeWindow, When, Window, WindowAssigner,
    WindowContext, WindowOutput, Windowing,
};

const LATE: OutputTag<Value> = OutputTag::new("late-output");

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Described {
    Window {
        key: String,
        assigner: Assigner,
        trigger: Value,
        evictor: Option<EvictorOf>,
        allowed_lateness_ms: i64,
        late_side_output: Option<String>,
        function: String,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gaps {
    key1: i64,
    key2_other: i64,
    key2_value_10: i64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Assigner {
    TumblingEventTime { size_ms: i64, offset_ms: i64 },
    TumblingProcessingTime { size_ms: i64, offset_ms: i64 },
    SlidingEventTime { size_ms: i64, slide_ms: i64, offset_ms: i64 },
    SlidingProcessingTime { size_ms: i64, slide_ms: i64, offset_ms: i64 },
    SessionEventTime { gap_ms: i64 },
    SessionProcessingTime { gap_ms: i64 },
    DynamicSessionEventTime { gap_ms: Gaps, note: String },
    DynamicSessionProcessingTime { gap_ms: Gaps, note: String },
    CustomMergingEventTimeSession { gap_ms: i64, note: String },
    Global {},
}

/// What the one made-up assigner does.
const CUSTOM: &str = "an element whose value[1]==33 gets the zero-length window [ts,ts); every \
    other element gets [ts,ts+gap); overlapping or touching windows merge";

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Evict {
    Before,
    After,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum EvictorOf {
    Count { evict: Evict, size: usize },
    Time { evict: Evict, size_ms: i64, note: Option<String> },
    Delta { evict: Evict, threshold: f64, delta: String },
}

/// A window function of the cases.
#[derive(Clone, Copy)]
enum Function {
    /// `[key, sum]`.
    Sum,
    /// `[key-sum, start, end]`.
    SumInWindow,
    /// Every record.
    Records,
    /// All records in one text.
    Text,
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |described: &Described| {
        let Described::Window { key, assigner, .. } = described;
        if key != "value[0]" {
            return Err(format!("cannot be run: the key `{key}`"));
        }
        subject(described, assigner)
    })
}

fn subject(case: &Described, assigner: &Assigner) -> Result<Subject, String> {
    match assigner {
        Assigner::TumblingEventTime { size_ms, offset_ms } => {
            with(case, Window::tumbling(*size_ms).offset(*offset_ms))
        }
        Assigner::TumblingProcessingTime { size_ms, offset_ms } => {
            with(case, ProcessingTime(Window::tumbling(*size_ms).offset(*offset_ms)))
        }
        Assigner::SlidingEventTime { size_ms, slide_ms, offset_ms } => {
            with(case, Window::sliding(*size_ms, *slide_ms).offset(*offset_ms))
        }
        Assigner::SlidingProcessingTime { size_ms, slide_ms, offset_ms } => {
            with(case, ProcessingTime(Window::sliding(*size_ms, *slide_ms).offset(*offset_ms)))
        }
        Assigner::SessionEventTime { gap_ms } => with(case, Session::with_gap(*gap_ms)),
        Assigner::SessionProcessingTime { gap_ms } => {
            with(case, ProcessingTime(Session::with_gap(*gap_ms)))
        }
        Assigner::DynamicSessionEventTime { gap_ms, note } => {
            known(note, "gap by element")?;
            with(case, MergingWindows::with_gap(gap_of(*gap_ms)))
        }
        Assigner::DynamicSessionProcessingTime { gap_ms, note } => {
            known(note, "gap by element")?;
            with(case, ProcessingTime(MergingWindows::with_gap(gap_of(*gap_ms))))
        }
        Assigner::CustomMergingEventTimeSession { gap_ms, note } => {
            known(note, CUSTOM)?;
            let gap_ms = *gap_ms;
            let window = move |value: &Value, start: Timestamp| {
                let end = if value[1] == 33 { start } else { start.plus(gap_ms) };
                TimeWindow { start, end }
            };
            with(case, MergingWindows::new(window))
        }
        Assigner::Global {} => with(case, GlobalWindows),
    }
}

fn known(note: &str, expected: &str) -> Result<(), String> {
    let unknown = || format!("cannot be run: the assigner `{note}` is not known");
    if note == expected { Ok(()) } else { Err(unknown()) }
}

fn gap_of(gaps: Gaps) -> impl Fn(&Value) -> i64 + Clone + Send + Sync + 'static {
    move |value| match (value[0].as_str(), value[1].as_i64()) {
        (Some("key1"), _) => gaps.key1,
        (_, Some(10)) => gaps.key2_value_10,
        _ => gaps.key2_other,
    }
}

/// The operator of a case with an assigner of its type.
fn with<W: WindowAssigner<Value>>(case: &Described, assigner: W) -> Result<Subject, String> {
    let Described::Window { trigger, evictor, allowed_lateness_ms, late_side_output, .. } = case;
    let Described::Window { function, .. } = case;
    let mut windowing = Windowing::new(assigner)
        .trigger(AnyTrigger::read(trigger)?)
        .allowed_lateness(*allowed_lateness_ms);
    let mut sides: &[&str] = &[];
    match late_side_output.as_deref() {
        None => {}
        Some("late-output") => {
            windowing = windowing.late_output(&LATE);
            sides = &["late-output"];
        }
        Some(other) => return Err(format!("cannot be run: the late output `{other}`")),
    }
    let function = Function::read(function)?;
    let evictor = evictor.as_ref().map(EvictorOf::make).transpose()?;
    if let Some(evictor) = evictor {
        let windowing = windowing.evictor(evictor);
        let make = move || windowing.clone().process(over_records(function), key);
        return operator(make, sides);
    }
    match function {
        // One and the same of both ways to compute: incrementally where that is possible.
        Function::Sum | Function::SumInWindow => {
            let sum = Sum::of(|value: &Value| value[1].as_i64().unwrap_or(0));
            let emit = move |window: &WindowContext<'_, String>, sum: i64, out: &mut Out<'_>| {
                out.emit(function.of_sum(window, sum));
            };
            operator(move || windowing.clone().aggregate_then(sum.clone(), emit, key), sides)
        }
        Function::Records | Function::Text => {
            operator(move || windowing.clone().process(over_records(function), key), sides)
        }
    }
}

type Out<'a> = WindowOutput<'a, Value>;

fn key(value: &Value) -> String {
    value[0].as_str().unwrap_or_default().to_owned()
}

fn operator<O: Operator<In = Value, Out = Value>>(
    make: impl Fn() -> Result<O, InvalidWindowing> + 'static,
    sides: &'static [&'static str],
) -> Result<Subject, String> {
    make().map_err(|error| format!("cannot be run: {error}"))?;
    let make = move || make().expect("it was made before");
    Ok(Subject::new(make, Value::clone, sides).keyed_by(key))
}

impl Function {
    fn read(text: &str) -> Result<Self, String> {
        Ok(match text {
            "emit [key, sum(value[1])]" => Self::Sum,
            "emit [key + '-' + sum(value[1]), window.start, window.end]" => Self::SumInWindow,
            "emit every element of the window in arrival order" => Self::Records,
            "emit one string 'GOT: ' + the window's elements each printed as (key,value) joined \
             by ','" => Self::Text,
            _ => return Err(format!("cannot be run: the function `{text}` is not known")),
        })
    }

    fn of_sum(self, context: &WindowContext<'_, String>, sum: i64) -> Value {
        let (key, window) = (context.key, context.window);
        match self {
            Self::SumInWindow => {
                json!([format!("{key}-{sum}"), window.start.millis(), window.end.millis()])
            }
            _ => json!([key, sum]),
        }
    }
}

/// The function over a list of records.
fn over_records(
    function: Function,
) -> impl Fn(&WindowContext<'_, String>, &[Stamped<Value>], &mut Out<'_>) + Send + 'static {
    move |window, records, out| match function {
        Function::Sum | Function::SumInWindow => {
            let sum = records.iter().filter_map(|record| record.value[1].as_i64()).sum();
            out.emit(function.of_sum(window, sum));
        }
        Function::Records => records.iter().for_each(|record| out.emit(record.value.clone())),
        Function::Text => {
            let text = |r: &Stamped<Value>| format!("({},{})", key(&r.value), r.value[1]);
            let all: Vec<String> = records.iter().map(text).collect();
            out.emit(format!("GOT: {}", all.join(",")).into());
        }
    }
}

/// An evictor of some type.
#[derive(Clone)]
struct AnyEvictor(Arc<dyn Evictor<Value>>);

impl Evictor<Value> for AnyEvictor {
    fn evict(&self, when: When, records: &mut Vec<Stamped<Value>>) {
        self.0.evict(when, records);
    }
}

fn newer(old: &Value, newest: &Value) -> f64 {
    let number = |value: &Value| value[1].as_f64().unwrap_or(0.0);
    number(newest) - number(old)
}

impl EvictorOf {
    fn make(&self) -> Result<AnyEvictor, String> {
        let evictor: Arc<dyn Evictor<Value>> = match self {
            Self::Count { evict: Evict::Before, size } => Arc::new(CountEvictor::before(*size)),
            Self::Count { evict: Evict::After, size } => Arc::new(CountEvictor::after(*size)),
            Self::Time { evict, size_ms, note } => {
                let expected = "elements carry no timestamp: nothing is evicted";
                note.as_deref().map_or(Ok(()), |note| known(note, expected))?;
                match evict {
                    Evict::Before => Arc::new(TimeEvictor::before(*size_ms)),
                    Evict::After => Arc::new(TimeEvictor::after(*size_ms)),
                }
            }
            Self::Delta { evict, threshold, delta } => {
                known(delta, "newest.value[1]-old.value[1]")?;
                match evict {
                    Evict::Before => Arc::new(DeltaEvictor::before(*threshold, newer)),
                    Evict::After => Arc::new(DeltaEvictor::after(*threshold, newer)),
                }
            }
        };
        Ok(AnyEvictor(evictor))
    }
}
