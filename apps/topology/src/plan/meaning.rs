//! What the state of a node means, in a text that is the same as long as the state can be taken over.
//!
//! Apart because the engine compares these texts when a job resumes: bytes of a window of another size can be read, and
//! would give wrong rows. The text has the options of the kind as they stand in the file, without those that hold for rows
//! to come only; the types of the key; and, where rows are kept, their columns in order.

use super::{DedupPlan, NodePlan, PlanNode};
use crate::tree::{Node, Value};
use tidegate_rows::Schema;

/// Options that hold for rows and times to come; state stays right with others.
const FREE: &[&str] = &[
    "allowed_lateness",
    "books",
    "cache",
    "capacity",
    "columns",
    "hold",
    "limits",
    "one_phase",
    "only_rising",
    "order",
    "refreshed_by_duplicates",
    "retain",
    "retry",
    "timed_out",
    "timeout",
    "top_n",
];

/// What the state of a node means; `options` is what stands under its kind, `inputs` are the columns that it takes.
pub(super) fn meaning(node: &PlanNode, options: Option<&Node>, inputs: &[&Schema]) -> Option<String> {
    let (keys, keeps_rows) = state(&node.kind)?;
    let mut meaning = format!("{} {}", node.kind.word(), options.map_or_else(String::new, written));
    for (key, schema) in keys.iter().zip(inputs) {
        let types: Vec<String> =
            key.iter().map(|at| schema.columns()[*at].data_type.to_string()).collect();
        meaning.push_str(&format!("; key ({})", types.join(", ")));
    }
    if keeps_rows {
        for schema in inputs {
            meaning.push_str(&format!("; rows ({schema})"));
        }
    }
    if let NodePlan::Window(_) | NodePlan::Aggregate(_) = &node.kind {
        let gives = node.outputs.first().map(|port| port.schema.to_string());
        meaning.push_str(&format!("; gives ({})", gives.unwrap_or_default()));
    }
    Some(meaning)
}

/// The columns of the key of each input, and whether rows are kept; nothing where there is no state, or where only the
/// program knows what it means.
fn state(kind: &NodePlan) -> Option<(Vec<&[usize]>, bool)> {
    Some(match kind {
        NodePlan::Window(window) => (vec![&window.key], window.evict.is_some()),
        NodePlan::Aggregate(aggregate) => (vec![&aggregate.key], false),
        NodePlan::TopN(top) => (vec![&top.key], true),
        NodePlan::Dedup(DedupPlan::Bitmap(_)) => (Vec::new(), false),
        NodePlan::Dedup(dedup @ DedupPlan::Last { .. }) => (keyed(dedup.key()), true),
        NodePlan::Dedup(dedup) => (keyed(dedup.key()), false),
        NodePlan::Pattern(pattern) => (vec![&pattern.key], true),
        NodePlan::Materialize(key, _) => (vec![key], true),
        NodePlan::LookupJoin(lookup) => (vec![&lookup.key], true),
        kind => {
            let keys = kind.join_keys()?;
            (vec![&keys.left, &keys.right], true)
        }
    })
}

fn keyed(key: Option<&Vec<usize>>) -> Vec<&[usize]> {
    key.map(Vec::as_slice).into_iter().collect()
}

/// Options in one form, however they are written: keys in order, a list of one item as the item.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Null => String::new(),
        Value::Scalar(scalar) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Sequence(items) => match items.as_slice() {
            [one] => written(one),
            items => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        },
        Value::Mapping(entries) => {
            let kept = entries.iter().filter(|entry| !FREE.contains(&entry.key.as_str()));
            let mut kept: Vec<String> =
                kept.map(|entry| format!("{}: {}", entry.key, written(&entry.value))).collect();
            kept.sort();
            format!("{{ {} }}", kept.join(", "))
        }
    }
}
