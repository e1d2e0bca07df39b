//! What a topology says of its size: which nodes hold state and of what kind, windows, types of keys, parallelism,
//! checkpoints. What it cannot say, numbers of records and of keys, comes from flags.

use super::asked::Asked;
use super::costs::Work;
use super::model::{Given, Held, Node};
use tidegate_rows::Schema;
use tidegate_topology::document::CalendarUnit;
use tidegate_topology::plan::{
    Bounds, DedupPlan, JoinWindows, NodePlan, Plan, PlanNode, WindowPlan, Windows,
};

/// Bytes of a value of a row; text of up to 24 bytes is in it.
const VALUE_BYTES: f64 = 24.0;

/// The nodes of a plan that take work, with their rates. Numbers that are missing are noted in `asked`.
pub(super) fn nodes(plan: &Plan, events: f64, asked: &mut Asked<'_>) -> Vec<Node> {
    let sources = plan.nodes.iter().filter(|node| node.inputs.is_empty()).count().max(1) as f64;
    // What each node takes, and what it gives.
    let mut gives: Vec<f64> = Vec::with_capacity(plan.nodes.len());
    let mut nodes = Vec::new();
    for node in &plan.nodes {
        if node.inputs.is_empty() {
            gives.push(events / sources * asked.share(&node.name));
            continue;
        }
        let takes: f64 = node.inputs.iter().map(|input| gives[input.node]).sum();
        let takes = takes * asked.share(&node.name);
        let Some((work, held, by_key)) = work(plan, node, takes, asked) else {
            gives.push(takes);
            continue;
        };
        gives.push(given_out(node, takes, &held));
        nodes.push(Node {
            name: node.name.clone(),
            rate: takes,
            exchange_bytes: by_key.then(|| row_bytes(&input(plan, node, 0))),
            work,
            held,
        });
    }
    nodes
}

/// Bytes of a row of these columns in memory.
pub(super) fn row_bytes(schema: &Schema) -> f64 {
    schema.len() as f64 * VALUE_BYTES
}

fn input(plan: &Plan, node: &PlanNode, at: usize) -> Schema {
    let port = &node.inputs[at];
    plan.nodes[port.node].outputs[port.output].schema.clone()
}

/// Records per second that a node gives: of windows the results, of all else what it takes.
fn given_out(node: &PlanNode, takes: f64, held: &Held) -> f64 {
    match (&node.kind, held) {
        (NodePlan::Window(window), Held::Keys { keys, pieces: Some((pieces, seconds)), .. }) => {
            let whole = pieces * seconds;
            let results = match &window.ranking {
                Some(ranking) => (ranking.n as f64).min(keys.value),
                None => super::model::distinct(keys.value, takes * whole),
            };
            results / seconds
        }
        _ => takes,
    }
}

/// What kind of work a node is, what it holds, and whether its records come by key; `None` for a sink.
fn work(
    plan: &Plan,
    node: &PlanNode,
    rate: f64,
    asked: &mut Asked<'_>,
) -> Option<(Work, Held, bool)> {
    let entry = |columns: usize, asked: &mut Asked<'_>| {
        let bytes = columns as f64 * VALUE_BYTES;
        asked.entry(&node.name, bytes, format!("{columns} values x {VALUE_BYTES} B"))
    };
    let row = row_bytes(&input(plan, node, 0));
    let updates = Given::new(rate, "records taken");
    Some(match &node.kind {
        NodePlan::Window(window) => windows(plan, node, window, rate, asked),
        NodePlan::Aggregate(aggregate) => {
            let columns = aggregate.key.len() + aggregate.aggregation.aggregate.columns().len();
            let keys = asked.keys(&node.name, aggregate.key.is_empty());
            let pieces = aggregate.retain_ms.map(|retain| (1.0, retain as f64 / 1e3));
            let entry = entry(columns, asked);
            (Work::Aggregate, Held::Keys { keys, entry, updates, pieces }, true)
        }
        NodePlan::Dedup(DedupPlan::First { key, retain_ms, .. }) => {
            let keys = asked.keys(&node.name, false);
            let pieces = retain_ms.map(|retain| (1.0, retain as f64 / 1e3));
            let entry = entry(key.len() + 1, asked);
            (Work::Dedup, Held::Keys { keys, entry, updates, pieces }, true)
        }
        NodePlan::Dedup(DedupPlan::Last { key, retain_ms, .. }) => {
            let keys = asked.keys(&node.name, false);
            let pieces = retain_ms.map(|retain| (1.0, retain as f64 / 1e3));
            let entry = entry(key.len() + (row / VALUE_BYTES) as usize, asked);
            (Work::Dedup, Held::Keys { keys, entry, updates, pieces }, true)
        }
        NodePlan::Dedup(DedupPlan::Bitmap(_)) => {
            let keys = asked.keys(&node.name, false).value;
            let how = "one bit for each number up to the largest key, if they are close together";
            (Work::Dedup, Held::Bytes(keys / 8.0, how.to_owned()), true)
        }
        NodePlan::Dedup(DedupPlan::Bloom { expected, false_positives, .. }) => {
            let bits = -false_positives.ln() / std::f64::consts::LN_2.powi(2);
            let how = format!("{expected} keys x {bits:.1} bits: -ln({false_positives}) / ln(2)^2");
            (Work::Dedup, Held::Bytes(*expected as f64 * bits / 8.0, how), true)
        }
        NodePlan::TopN(top) => {
            let keys = asked.keys(&node.name, top.key.is_empty());
            (Work::TopN, Held::KeyedRecords { keys, each: top.n as f64, entry: row }, true)
        }
        NodePlan::Materialize(key, _) => {
            let keys = asked.keys(&node.name, key.is_empty());
            let entry = entry(key.len() + (row / VALUE_BYTES) as usize, asked);
            (Work::Dedup, Held::Keys { keys, entry, updates, pieces: None }, true)
        }
        NodePlan::Sink(_) => return None,
        NodePlan::LookupJoin(_) => (Work::Lookup, Held::Nothing, false),
        NodePlan::Filter(_)
        | NodePlan::Columns(_)
        | NodePlan::FlatMap(_)
        | NodePlan::AssignTimestamps(_)
        | NodePlan::Split(_)
        | NodePlan::ToChangelog
        | NodePlan::Union
        | NodePlan::Source(..)
        | NodePlan::Registered(..) => (Work::Step, Held::Nothing, false),
        _ => pairs(plan, node, asked),
    })
}

/// What brings two streams, or events that follow each other, together: it holds records for a time.
fn pairs(plan: &Plan, node: &PlanNode, asked: &mut Asked<'_>) -> (Work, Held, bool) {
    let inputs = 0..node.inputs.len();
    let entry = inputs.map(|at| row_bytes(&input(plan, node, at))).fold(0.0, f64::max);
    let said = |millis: i64, what: &str| Given::new(millis as f64 / 1e3, what.to_owned());
    let span = |bounds: &Bounds| bounds.lower_ms.unsigned_abs().max(bounds.upper_ms.unsigned_abs());
    let retain = |asked: &mut Asked<'_>| asked.retention(&node.name);
    let (work, time) = match &node.kind {
        NodePlan::IntervalJoin(join) => {
            let span = i64::try_from(span(&join.bounds)).unwrap_or(i64::MAX);
            (Work::Join, said(span, "its interval"))
        }
        NodePlan::Reconcile(join) => {
            let span = i64::try_from(span(&join.bounds)).unwrap_or(i64::MAX);
            (Work::Join, said(span, "its interval"))
        }
        NodePlan::WindowJoin(join) => {
            let windows = match &join.windows {
                JoinWindows::Same(windows) | JoinWindows::Each(windows, _) => windows,
            };
            let time = match size_ms(windows) {
                Some(size) => said(size + join.allowed_lateness_ms, "its windows, and lateness"),
                None => retain(asked),
            };
            (Work::WindowJoin, time)
        }
        NodePlan::OuterJoin(join) => {
            (Work::Join, said(join.left_waits_ms.max(join.right_waits_ms), "how long a row waits"))
        }
        NodePlan::TemporalJoin(join) => {
            let time = join.valid_ms.map(|valid| said(valid, "how long a version is valid"));
            (Work::Join, time.unwrap_or_else(|| retain(asked)))
        }
        NodePlan::UnboundedJoin(join) if join.many_to_one => {
            let (keys, entry) = (asked.keys(&node.name, false), row_bytes(&input(plan, node, 1)));
            return (Work::ManyToOneJoin, Held::KeyedRecords { keys, each: 1.0, entry }, true);
        }
        NodePlan::UnboundedJoin(join) => {
            let time = join.retain_ms.map(|retain| said(retain, "its `retain`"));
            (Work::UnboundedJoin, time.unwrap_or_else(|| retain(asked)))
        }
        NodePlan::Pattern(pattern) => {
            let time = pattern.within_ms.map(|within| said(within, "its `within`"));
            (Work::Session, time.unwrap_or_else(|| retain(asked)))
        }
        // A table that every subtask has.
        _ => {
            let keys = asked.keys(&node.name, false);
            return (Work::Step, Held::KeyedRecords { keys, each: 1.0, entry }, false);
        }
    };
    (work, Held::Records { time, entry }, true)
}

/// How long windows last, in milliseconds; `None` where only the records tell.
fn size_ms(windows: &Windows) -> Option<i64> {
    Some(match windows {
        Windows::Tumbling(size, _)
        | Windows::Sliding(size, _, _)
        | Windows::Cumulate(size, _, _)
        | Windows::Session(size) => *size,
        Windows::Calendar(unit, _) => calendar_ms(*unit),
        Windows::SessionBy(_) | Windows::Count(..) | Windows::Global => return None,
    })
}

const fn calendar_ms(unit: CalendarUnit) -> i64 {
    let hours = match unit {
        CalendarUnit::Hour => 1,
        CalendarUnit::Day => 24,
        CalendarUnit::Week => 7 * 24,
        CalendarUnit::Month => 31 * 24,
    };
    hours * 3_600_000
}

fn windows(
    plan: &Plan,
    node: &PlanNode,
    window: &WindowPlan,
    rate: f64,
    asked: &mut Asked<'_>,
) -> (Work, Held, bool) {
    let keys = asked.keys(&node.name, window.key.is_empty());
    let columns = window.key.len() + window.aggregation.aggregate.columns().len();
    let bytes = columns as f64 * VALUE_BYTES;
    let entry = asked.entry(&node.name, bytes, format!("{columns} values x {VALUE_BYTES} B"));
    let updates = Given::new(rate, "records taken");
    let work = match window.windows {
        Windows::Session(_) | Windows::SessionBy(_) => Work::Session,
        _ => Work::Window,
    };
    // An evictor needs the rows themselves.
    if window.evict.is_some() {
        let row = row_bytes(&input(plan, node, 0));
        let time = match size_ms(&window.windows) {
            Some(size) => Given::new(size as f64 / 1e3, "its windows: `evict` keeps rows"),
            None => asked.retention(&node.name),
        };
        return (work, Held::Records { time, entry: row }, true);
    }
    let pieces = match &window.windows {
        Windows::Tumbling(size, _) => Some((1, *size)),
        // With a trigger each window is kept by itself; else windows share their slices.
        Windows::Sliding(size, slide, _) if window.trigger.is_none() => {
            let slice = greatest_common_divisor(*size, *slide);
            Some((size / slice, slice))
        }
        Windows::Sliding(size, slide, _) => Some((size / slide.max(&1), *size)),
        Windows::Cumulate(size, step, _) => Some((size / step.max(&1), *step)),
        Windows::Session(gap) => Some((1, *gap)),
        Windows::Calendar(unit, _) => Some((1, calendar_ms(*unit))),
        Windows::SessionBy(_) | Windows::Count(..) | Windows::Global => None,
    };
    // One more is being filled, and late ones are kept.
    let pieces = pieces.map(|(alive, millis)| {
        let late = window.allowed_lateness_ms as f64 / millis.max(1) as f64;
        (alive.max(1) as f64 + 1.0 + late.ceil(), millis as f64 / 1e3)
    });
    (work, Held::Keys { keys, entry, updates, pieces }, true)
}

/// The length of slices that windows of this size and slide share.
pub(super) const fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b > 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a.cast_signed() }
}
