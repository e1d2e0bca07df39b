//! `watermark_generation`: event time that is made in mid-stream, by a strategy or by a generator.

use super::Way;
use super::case::{Emission, Step, Stepped, read};
use super::drive::{self, Drive, Subject};
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::{StrategyGenerator, WatermarkGenerator, WatermarkStrategy};
use tidegate_operators::assign_timestamps_and_watermarks::TimestampsAndWatermarks;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    TimestampsAndWatermarks {
        mode: Mode,
        auto_watermark_interval_ms: i64,
        timestamp: Extractor,
        generator: Generator,
    },
    BoundedOutOfOrderness {
        delay_ms: i64,
    },
}

#[derive(Clone, Copy, Deserialize)]
enum Mode {
    #[serde(rename = "streaming")]
    Streaming,
    #[serde(rename = "batch (no progressive watermarks)")]
    Batch,
}

#[derive(Clone, Copy, Deserialize)]
enum Extractor {
    #[serde(rename = "value")]
    Value,
    #[serde(rename = "value[1]")]
    Second,
}

impl Extractor {
    fn timestamp(self, record: &Value) -> Timestamp {
        let value = match self {
            Self::Value => record,
            Self::Second => &record[1],
        };
        Timestamp(value.as_i64().expect("the extractor finds a timestamp"))
    }
}

#[derive(Clone, Copy, Deserialize)]
enum Generator {
    #[serde(rename = "never")]
    Never,
    #[serde(rename = "on each element with value[0]==true emit watermark = its timestamp")]
    Punctuated,
    #[serde(
        rename = "on event remember its timestamp (also when lower); on periodic emit: watermark = \
                  last timestamp - 1; the output must never regress"
    )]
    Periodic,
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    // What kind it is decides what its steps look like.
    if case["operator"]["kind"] == "bounded_out_of_orderness" {
        return bounded(case, way);
    }
    drive::run(case, way, |operator| match operator {
        Operator::TimestampsAndWatermarks {
            mode,
            auto_watermark_interval_ms,
            timestamp,
            generator,
        } => {
            let (mode, timestamp, interval_ms) = (*mode, *timestamp, *auto_watermark_interval_ms);
            Ok(match generator {
                Generator::Never => {
                    let never = || StrategyGenerator::new(WatermarkStrategy::none());
                    subject(never, mode, timestamp, interval_ms)
                }
                Generator::Punctuated => subject(|| Punctuated, mode, timestamp, interval_ms),
                Generator::Periodic => subject(Last::default, mode, timestamp, interval_ms),
            })
        }
        Operator::BoundedOutOfOrderness { .. } => unreachable!("its steps are others"),
    })
}

fn subject<G: WatermarkGenerator<Value>>(
    generator: impl Fn() -> G + 'static,
    mode: Mode,
    extractor: Extractor,
    interval_ms: i64,
) -> Subject {
    let make = move || {
        let timestamp = move |record: &Value, _| extractor.timestamp(record);
        let assign =
            TimestampsAndWatermarks::generated(generator(), timestamp).periodic(interval_ms);
        match mode {
            Mode::Streaming => assign,
            Mode::Batch => assign.final_watermark_only(),
        }
    };
    Subject::new(make, Value::clone, &[])
}

/// A record that is marked is followed by a watermark.
struct Punctuated;

impl WatermarkGenerator<Value> for Punctuated {
    type State = ();

    fn on_event(&mut self, record: &Value, at: Timestamp) -> Option<Timestamp> {
        (record[0] == true).then_some(at)
    }

    fn state(&self) {}
    fn restore(&mut self, (): ()) {}
}

/// Remembers the last timestamp, even one that is lower than those before.
#[derive(Default)]
struct Last(Option<Timestamp>);

impl WatermarkGenerator<Value> for Last {
    type State = Option<Timestamp>;

    fn on_event(&mut self, _: &Value, at: Timestamp) -> Option<Timestamp> {
        self.0 = Some(at);
        None
    }

    fn on_periodic_emit(&mut self) -> Option<Timestamp> {
        self.0.map(|last| last.minus(1))
    }

    fn state(&self) -> Option<Timestamp> {
        self.0
    }

    fn restore(&mut self, state: Option<Timestamp>) {
        self.0 = state;
    }
}

/// Asks what the watermark is after each event. Flink asks at an interval; here it follows the record.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    PeriodicEmitBeforeAnyEvent { watermark: i64 },
    EventThenPeriodicEmit { ts: i64, watermark: i64 },
}

fn bounded(case: &Value, way: Way) -> Result<(), String> {
    let case: Stepped<Operator, Asked> = read(case)?;
    let Operator::BoundedOutOfOrderness { delay_ms } = case.operator else {
        return Err("cannot be run: these are the steps of another operator".into());
    };
    let make = move || {
        let strategy = WatermarkStrategy::bounded_out_of_orderness(delay_ms).each_record();
        let timestamp = |record: &Value, _| Extractor::Value.timestamp(record);
        TimestampsAndWatermarks::by(strategy, timestamp)
    };
    let subject = Subject::new(make, Value::clone, &[]);
    let mut drive = Drive::begin(&subject, way)?;
    let mut now = i64::MIN;
    for (at, step) in case.steps.iter().enumerate() {
        let expected = match step {
            Asked::PeriodicEmitBeforeAnyEvent { watermark } => watermark,
            Asked::EventThenPeriodicEmit { ts, watermark } => {
                drive.step(&Step::Element {
                    input: 0,
                    value: (*ts).into(),
                    ts: None,
                    expect: Vec::new(),
                    expect_error: None,
                })?;
                watermark
            }
        };
        let emitted = drive.take().concat();
        let mut watermarks = emitted.iter().filter_map(|emission| match emission {
            Emission::Watermark { ts } => Some(*ts),
            _ => None,
        });
        now = watermarks.next_back().unwrap_or(now);
        if now != *expected {
            let at = at + 1;
            return Err(format!("step {at}: expected watermark {expected}, got watermark {now}"));
        }
        drive.after_step()?;
    }
    Ok(())
}
