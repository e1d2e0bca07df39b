//! What the state of a node means, in a text that is the same as long as the state can be taken over.
//!
//! Apart because the engine compares these texts when a job resumes: bytes of a window of another size can be read, and
//! would give wrong rows. The text has the options of the kind as they stand in the file, without those that hold for rows
//! to come only; the types of the key and of what is aggregated; and, where rows are kept, their columns in order.
//!
//! Options are compared as they are written, but for spaces, the order of keys and the unit of a duration. `count( )`
//! is another aggregate than `count()`, and a default that is said another option than one that is not: a job that is
//! refused can be mended by its file, one that goes on wrongly cannot be mended at all.

use super::{DedupPlan, NodePlan, PlanNode};
use crate::document::Duration;
use crate::tree::{Entry, Node, Value};
use tidegate_rows::aggregate::RowAggregate;
use tidegate_rows::{DataType, Field, Schema};

/// Options that hold for rows and times to come; state stays right with others.
const FREE: &[&str] = &[
    "allowed_lateness",
    "books",
    "cache",
    "capacity",
    "columns",
    "commutative",
    "hold",
    "left_waits",
    "limits",
    "lookup",
    "order",
    "refreshed_by_duplicates",
    "retain",
    "retry",
    "right_waits",
    "timed_out",
    "timeout",
];

/// What a state is made of.
#[derive(Default)]
struct Parts<'a> {
    /// The columns of the key of each input.
    keys: Vec<&'a [usize]>,
    /// What is aggregated.
    aggregate: Option<&'a RowAggregate>,
    /// Whether rows are kept.
    rows: bool,
}

/// What the state of a node means; `options` is what stands under its kind, `inputs` are the columns that it takes. Nothing
/// where there is no state, or where only the program knows what it means. `zone` is the job's time zone if something of the
/// node depends on it: a calendar window that names none, an expression of a function of time.
pub(super) fn meaning(
    node: &PlanNode,
    options: Option<&Node>,
    inputs: &[&Schema],
    zone: Option<&str>,
) -> Option<String> {
    let parts = parts(&node.kind)?;
    let mut meaning = node.kind.word().to_owned();
    if let Some(options) = options {
        meaning.push_str(&format!(" {}", said(&node.kind, options)));
    }
    for (key, schema) in parts.keys.iter().zip(inputs) {
        let types = key.iter().map(|at| schema.columns()[*at].data_type.to_string());
        meaning.push_str(&format!("; key ({})", types.collect::<Vec<_>>().join(", ")));
    }
    if let Some(aggregate) = parts.aggregate {
        // In order, which that of the parts of an accumulator is.
        let told = |(column, of): (&Field, &Option<DataType>)| match of {
            Some(of) => format!("{} of {of}", column.name),
            None => format!("{} of rows", column.name),
        };
        let calls = aggregate.columns().iter().zip(aggregate.arguments()).map(told);
        meaning.push_str(&format!("; {}", calls.collect::<Vec<_>>().join(", ")));
    }
    if parts.rows {
        for schema in inputs {
            meaning.push_str(&format!("; rows ({schema})"));
        }
    }
    // As all state meant before there were zones.
    if let Some(zone) = zone.filter(|zone| !matches!(*zone, "UTC" | "Etc/UTC")) {
        meaning.push_str(&format!("; time zone {zone}"));
    }
    Some(meaning)
}

fn parts(kind: &NodePlan) -> Option<Parts<'_>> {
    Some(match kind {
        NodePlan::Window(window) => Parts {
            keys: vec![&window.key],
            aggregate: Some(&window.aggregation.aggregate),
            // The ranking keeps rows of results, which the options and the types say.
            rows: window.evict.is_some(),
        },
        NodePlan::Aggregate(plan) => Parts {
            keys: vec![&plan.key],
            aggregate: Some(&plan.aggregation.aggregate),
            rows: false,
        },
        NodePlan::TopN(top) => Parts { keys: vec![&top.key], rows: true, ..Parts::default() },
        NodePlan::Dedup(DedupPlan::Bitmap(_)) => Parts::default(),
        NodePlan::Dedup(dedup) => {
            let rows = matches!(dedup, DedupPlan::Last { .. });
            let keys = dedup.key().map(Vec::as_slice).into_iter().collect();
            Parts { keys, rows, ..Parts::default() }
        }
        NodePlan::Pattern(plan) => Parts { keys: vec![&plan.key], rows: true, ..Parts::default() },
        NodePlan::Materialize(key, _) => Parts { keys: vec![key], rows: true, ..Parts::default() },
        NodePlan::LookupJoin(plan) => {
            Parts { keys: vec![&plan.key], rows: true, ..Parts::default() }
        }
        kind => {
            let keys = kind.join_keys()?;
            Parts { keys: vec![&keys.left, &keys.right], rows: true, ..Parts::default() }
        }
    })
}

/// The options of a kind that are not free.
fn said(kind: &NodePlan, options: &Node) -> String {
    // How rows are deduplicated stands between the kind and its options.
    match (kind, &options.value) {
        (NodePlan::Dedup(_), Value::Mapping(ways)) => {
            let way = |way: &Entry| format!("{} {}", way.key, bound(&way.value));
            ways.iter().map(way).collect::<Vec<_>>().join(", ")
        }
        _ => bound(options),
    }
}

/// A mapping without the options that are free.
fn bound(options: &Node) -> String {
    match &options.value {
        Value::Mapping(entries) => {
            mapping(entries.iter().filter(|entry| !FREE.contains(&entry.key.as_str())))
        }
        _ => written(options),
    }
}

/// A value in one form, however it is written: keys in order, a list of one item as the item.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Null => String::new(),
        Value::Scalar(scalar) => match Duration::read(&scalar.text) {
            Ok(duration) => format!("{} ms", duration.millis()),
            Err(_) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
        },
        Value::Sequence(items) => match items.as_slice() {
            [one] => written(one),
            items => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        },
        Value::Mapping(entries) => mapping(entries.iter()),
    }
}

fn mapping<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut entries: Vec<String> =
        entries.map(|entry| format!("{}: {}", entry.key, written(&entry.value))).collect();
    entries.sort();
    format!("{{ {} }}", entries.join(", "))
}
