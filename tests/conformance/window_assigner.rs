//! `window_assigner`: which windows a timestamp falls into, and which windows merge.

use super::Way;
use super::case::read;
use serde::Deserialize;
use serde_json::Value;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, Operator as _, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::window::{
    MergingWindows, Stamped, TimeWindow, Window, WindowAssigner, WindowContext, WindowOutput,
    Windowing,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "hidden")]
    _hidden: bool,
    #[serde(rename = "origin")]
    _origin: String,
    operator: Operator,
    #[serde(default)]
    assignments: Vec<Assignment>,
    #[serde(default)]
    windows: Vec<(i64, i64)>,
    #[serde(default)]
    merged_unordered: Vec<(i64, i64)>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    WindowAssigner {
        #[serde(rename = "type")]
        kind: Kind,
        size_ms: i64,
        slide_ms: Option<i64>,
        offset_ms: i64,
    },
    SessionMerge {},
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    TumblingEventTime,
    SlidingEventTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    ts: i64,
    windows: Vec<(i64, i64)>,
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    let case: Described = read(case)?;
    let asks_to_merge = !case.windows.is_empty();
    match case.operator {
        Operator::WindowAssigner { kind, size_ms, slide_ms, offset_ms } if !asks_to_merge => {
            let window = match (kind, slide_ms) {
                (Kind::TumblingEventTime, None) => Window::tumbling(size_ms),
                (Kind::SlidingEventTime, Some(slide_ms)) => Window::sliding(size_ms, slide_ms),
                _ => return Err("cannot be run: only sliding windows have a slide".into()),
            };
            let window = window.offset(offset_ms).validate().map_err(|error| error.to_string())?;
            case.assignments.iter().try_for_each(|expected| assign(window, expected))
        }
        Operator::SessionMerge {} if asks_to_merge && case.assignments.is_empty() => {
            let merged = merge(&case.windows, way)?;
            compare("the merged windows", merged, case.merged_unordered)
        }
        _ => Err("cannot be run: the fields do not belong to the operator".into()),
    }
}

fn assign(mut window: Window, expected: &Assignment) -> Result<(), String> {
    let mut windows = Vec::new();
    window.assign(&(), Timestamp(expected.ts), Timestamp::MIN, &mut windows);
    let found = windows.iter().map(|window| (window.start.millis(), window.end.millis()));
    compare(&format!("windows at {}", expected.ts), found.collect(), expected.windows.clone())
}

fn compare(
    what: &str,
    mut found: Vec<(i64, i64)>,
    mut expected: Vec<(i64, i64)>,
) -> Result<(), String> {
    found.sort_unstable();
    expected.sort_unstable();
    let differ = format!("{what}: expected {expected:?}, got {found:?}");
    if found == expected { Ok(()) } else { Err(differ) }
}

/// The windows that fire at the end when each of `windows` was brought by a record of one key.
fn merge(windows: &[(i64, i64)], way: Way) -> Result<Vec<(i64, i64)>, String> {
    type Brought = (i64, i64);
    let window = |&(start, end): &Brought, _: Timestamp| TimeWindow {
        start: Timestamp(start),
        end: Timestamp(end),
    };
    let emit = |context: &WindowContext<'_, ()>,
                _: &[Stamped<Brought>],
                out: &mut WindowOutput<'_, Brought>| {
        out.emit((context.window.start.millis(), context.window.end.millis()));
    };
    let mut operator = Windowing::new(MergingWindows::new(window))
        .process(emit, |_| ())
        .map_err(|error| error.to_string())?;
    let record = |&window: &Brought| {
        let (value, timestamp) = (window, Timestamp(window.0));
        Record { value, timestamp, key_hash: ().stable_hash() }
    };
    let mut ctx = Context::new(if way == Way::OutputFull { 1 } else { 1024 });
    let mut batch = Batch::new(windows.iter().map(record).collect(), Vec::new());
    operator.process(&mut batch, &mut ctx).map_err(|error| error.to_string())?;
    let mut merged = Vec::new();
    loop {
        let progress = operator.on_watermark(Timestamp::MAX, &mut ctx);
        merged.extend(ctx.take().into_iter().map(|row| row.value));
        if progress.map_err(|error| error.to_string())? == Progress::Done {
            return Ok(merged);
        }
    }
}
