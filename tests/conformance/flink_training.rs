//! `flink_training`: the exercises of Flink's course, whose solutions use state, timers, windows and two
//! streams.

use super::Way;
use super::case::{Emission, Order, Step, Stepped, read};
use super::drive::{self, Drive, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Ordering;
use tidegate_core::operator::BoxError;
use tidegate_core::process::{
    KeyedCoProcess, KeyedCoProcessOperator, KeyedContext, KeyedProcess, KeyedProcessOperator, Timer,
};
use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;
use tidegate_operators::aggregate::{Fold, Sum};
use tidegate_operators::window::{SlicedWindow, Window, Windowed};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    LongRideAlert { key: String, function: String },
    StatefulJoin { key: String, function: String },
    Pipeline { function: String },
}

const ALERTS: &str = "keyed process function with state and event-time timers: emit the ride id \
    when a ride lasts more than 2 hours, as soon as possible: START seen and the watermark reaches \
    START.time+2h without END, or the second of START/END arrives in either order and the \
    difference exceeds 2h. At most one alert per ride; state and timer cleared when a short ride is \
    complete";
const PAIRS: &str = "connect rides (input 0) and fares (input 1) by ride id; emit [ride,fare] when \
    the second of the two arrives; clear the state";
const TIPS: &str = "fares keyed by driver; tumbling event-time windows of 1 h, sum of tips per \
    driver; then per hour the driver with the largest sum; output [window end ms, driver, sum]; \
    input is bounded, final watermark at the end";

const HOUR_MS: i64 = 3_600_000;

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    // What kind it is decides how many operators there are.
    if case["operator"]["kind"] == "pipeline" {
        return tips(case, way);
    }
    drive::run(case, way, |operator| {
        let number = |value: &Value| value["ride"].as_i64().expect("a ride has a number");
        match operator {
            Operator::LongRideAlert { key, function } if key == "ride" && function == ALERTS => {
                let make = move || KeyedProcessOperator::new(Alerts::default(), number);
                Ok(Subject::new(make, Value::clone, &[]).keyed_by(number))
            }
            Operator::StatefulJoin { key, function } if key == "ride" && function == PAIRS => {
                let make = move || KeyedCoProcessOperator::new(Pairs::default(), number, number);
                let subject = Subject::with_two_inputs(make, Value::clone, &[]).keyed_by(number);
                Ok(subject.without_time())
            }
            Operator::LongRideAlert { function, .. }
            | Operator::StatefulJoin { function, .. }
            | Operator::Pipeline { function } => {
                Err(format!("cannot be run: the function `{function}` is not known"))
            }
        }
    })
}

/// The first event of each ride that is not over.
#[derive(Default)]
struct Alerts {
    first: ValueState<i64, Value>,
}

fn is_start(event: &Value) -> bool {
    event["kind"] == "START"
}

fn time(event: &Value) -> Timestamp {
    Timestamp(event["time"].as_i64().expect("an event has a time"))
}

fn alert_at(start: &Value) -> Timestamp {
    time(start).plus(2 * HOUR_MS)
}

impl KeyedProcess for Alerts {
    type Key = i64;
    type In = Value;
    type Out = Value;

    fn process(
        &mut self,
        ride: Keyed<'_, i64>,
        event: Value,
        ctx: &mut KeyedContext<'_, i64, Value>,
    ) -> Result<(), BoxError> {
        let Some(first) = self.first.remove(ride) else {
            if is_start(&event) {
                ctx.register_timer(TimeDomain::Event, alert_at(&event));
            }
            self.first.set(ride, event);
            return Ok(());
        };
        let (start, end) = if is_start(&event) { (event, first) } else { (first, event) };
        ctx.delete_timer(TimeDomain::Event, alert_at(&start));
        if time(&end) > alert_at(&start) {
            ctx.emit((*ride.key).into());
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        ride: Keyed<'_, i64>,
        _: Timer,
        ctx: &mut KeyedContext<'_, i64, Value>,
    ) -> Result<(), BoxError> {
        self.first.remove(ride);
        ctx.emit((*ride.key).into());
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("first", &mut self.first);
    }
}

/// Rides and fares that wait for each other.
#[derive(Default)]
struct Pairs {
    ride: ValueState<i64, Value>,
    fare: ValueState<i64, Value>,
}

fn pair(ride: &Value, fare: &Value) -> Value {
    let name = |part: &Value| {
        let what = part["what"].as_str().expect("it says what it is");
        format!("{what} {}", part["ride"])
    };
    json!([name(ride), name(fare)])
}

impl KeyedCoProcess for Pairs {
    type Key = i64;
    type First = Value;
    type Second = Value;
    type Out = Value;

    fn process_first(
        &mut self,
        at: Keyed<'_, i64>,
        ride: Value,
        ctx: &mut KeyedContext<'_, i64, Value>,
    ) -> Result<(), BoxError> {
        match self.fare.remove(at) {
            Some(fare) => ctx.emit(pair(&ride, &fare)),
            None => self.ride.set(at, ride),
        }
        Ok(())
    }

    fn process_second(
        &mut self,
        at: Keyed<'_, i64>,
        fare: Value,
        ctx: &mut KeyedContext<'_, i64, Value>,
    ) -> Result<(), BoxError> {
        match self.ride.remove(at) {
            Some(ride) => ctx.emit(pair(&ride, &fare)),
            None => self.fare.set(at, fare),
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("ride", &mut self.ride);
        visitor.keyed("fare", &mut self.fare);
    }
}

/// The row of the second operator's input and output: `[window end, driver, sum]`.
fn tip_row(row: &Windowed<i64, f64>) -> Value {
    json!([row.window.end.millis(), row.key, row.value])
}

fn greatest<'a>(left: &'a Value, right: &'a Value) -> &'a Value {
    let sum = |row: &Value| row[2].as_f64().unwrap_or(f64::NEG_INFINITY);
    // Of equal sums the first driver's, so that the result does not hang on the order.
    let driver = |row: &Value| row[1].as_i64();
    let order = sum(left).total_cmp(&sum(right)).then_with(|| driver(right).cmp(&driver(left)));
    if order == Ordering::Less { right } else { left }
}

/// Two windows in a row, each in a task of its own: what the first emits goes to the second.
fn tips(case: &Value, way: Way) -> Result<(), String> {
    let case: Stepped<Operator> = read(case)?;
    match &case.operator {
        Operator::Pipeline { function } if function == TIPS => {}
        _ => return Err("cannot be run: the pipeline is not known".into()),
    }
    let driver = |fare: &Value| fare["driver"].as_i64().expect("a fare has a driver");
    let sums = Subject::new(
        move || {
            let tip = |fare: &Value| fare["tip"].as_f64().expect("a fare has a tip");
            SlicedWindow::new(Window::tumbling(HOUR_MS), Sum::of(tip), driver).expect("an hour")
        },
        tip_row,
        &[],
    );
    let best = Subject::new(
        || {
            let keep = |best: &mut Value, row: &Value| *best = greatest(best, row).clone();
            let best = Fold::new(Value::Null, keep, keep);
            SlicedWindow::new(Window::tumbling(HOUR_MS), best, |_: &Value| ()).expect("an hour")
        },
        |row: &Windowed<(), Value>| row.value.clone(),
        &[],
    );
    let (sums, best) = (sums.keyed_by(driver), best.keyed_by(|_| ()).without_time());
    let (mut sums, mut best) = (Drive::begin(&sums, way)?, Drive::begin(&best, way)?);
    for (at, step) in case.steps.iter().enumerate() {
        let told = |what: String| format!("step {} ({step}): {what}", at + 1);
        sums.step(step).map_err(told)?;
        for emission in sums.take().concat() {
            best.step(&arriving(emission)).map_err(told)?;
        }
        if let Step::End { .. } = step {
            best.step(step).map_err(told)?;
        }
        best.compare(step.expect(), Order::Unordered).map_err(told)?;
        sums.after_step().and_then(|()| best.after_step()).map_err(told)?;
    }
    Ok(())
}

/// What is emitted, as the next operator sees it.
fn arriving(emission: Emission) -> Step {
    let expect = Vec::new();
    match emission {
        Emission::Record { value, ts } | Emission::SideOutput { value, ts, .. } => {
            Step::Element { input: 0, value, ts, expect, expect_error: None }
        }
        Emission::Watermark { ts } => Step::Watermark { input: 0, ts, expect },
        Emission::Status { status } => Step::Status { input: 0, status, expect },
    }
}
