//! What a topology says of a node's state: its options, and the columns that the state holds.
//!
//! Apart from judging because it only finds what is not the same. Options are compared as they are written, values by
//! value and not by how they are quoted.

use std::collections::{BTreeMap, BTreeSet};
use tidegate_rows::{Field, Schema};
use tidegate_topology::Loaded;
use tidegate_topology::plan::{DedupPlan, NodePlan, Plan, PlanNode};
use tidegate_topology::tree::{Node, Value};

/// What is compared by what it amounts to: who gives the records, and how many subtasks; and what state has nothing to do
/// with.
const ELSEWHERE: &[&str] = &["inputs", "parallelism", "chaining", "restart"];

/// An option that is not the same: its path below the kind, and how it is written.
pub(super) struct Change {
    pub(super) path: String,
    old: Option<String>,
    new: Option<String>,
}

impl Change {
    /// What has changed, in words.
    pub(super) fn told(&self) -> String {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => format!("`{}` was {old}, is {new}", self.path),
            (Some(old), None) => format!("`{}` was {old}, is not said any more", self.path),
            (None, Some(new)) => format!("`{}` is new: {new}", self.path),
            (None, None) => format!("`{}` is the same", self.path),
        }
    }
}

/// The options of a node's kind that are not the same.
pub(super) fn changes(old: &Loaded, new: &Loaded, node: &str, kind: &str) -> Vec<Change> {
    let (old, new) = (options(old, node, kind), options(new, node, kind));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |path: &String| {
        let (old, new) = (old.get(path).cloned(), new.get(path).cloned());
        (old != new).then(|| Change { path: path.clone(), old, new })
    };
    paths.into_iter().filter_map(change).collect()
}

/// The same for two nodes of other names: whether all options are equal.
pub(super) fn are_alike(old: (&Loaded, &str), new: (&Loaded, &str), kind: &str) -> bool {
    options(old.0, old.1, kind) == options(new.0, new.1, kind)
}

/// Each value by its path.
fn options(loaded: &Loaded, node: &str, kind: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let sections = ["sources", "operators", "sinks"];
    let tree = loaded.tree.as_ref();
    let nodes = sections.into_iter().filter_map(|section| Some(&tree?.entry(section)?.value));
    let said = nodes.into_iter().find_map(|nodes| nodes.entry(node)).map(|entry| &entry.value);
    for entry in said.into_iter().flat_map(Node::entries) {
        let key = entry.key.as_str();
        // `project` and `map` are one kind to the plan; neither keeps anything.
        if key == kind {
            collect(&entry.value, String::new(), &mut found);
            // One that is no mapping, such as the condition of a filter.
            if let Some(value) = found.remove("") {
                found.insert(kind.to_owned(), value);
            }
        } else if !ELSEWHERE.contains(&key) {
            collect(&entry.value, key.to_owned(), &mut found);
        }
    }
    found
}

fn collect(node: &Node, path: String, found: &mut BTreeMap<String, String>) {
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for entry in entries {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&entry.value, format!("{path}{dot}{}", entry.key), found);
            }
        }
        _ => {
            found.insert(path, shown(node));
        }
    }
}

/// A value on one line.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Mapping(entries) => {
            let entry = |entry: &tidegate_topology::tree::Entry| {
                format!("{}: {}", entry.key, shown(&entry.value))
            };
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The columns that a node's state holds, with their types: of what only counts keys and results these; else whole rows,
/// in which a column is found by its place.
fn columns(plan: &Plan, node: &PlanNode) -> Vec<String> {
    let schema = |input: usize| {
        let input = node.inputs.get(input)?;
        Some(&plan.nodes[input.node].outputs[input.output].schema)
    };
    let told = |column: &Field| format!("{}: {}", column.name, column.data_type);
    let all = |schema: &Schema| schema.columns().iter().map(told).collect::<Vec<_>>();
    let keys = |columns: &[usize]| {
        let of = |at: &usize| schema(0)?.columns().get(*at).map(told);
        columns.iter().filter_map(of).collect::<Vec<_>>()
    };
    match &node.kind {
        NodePlan::Window(window) if window.evict.is_none() => {
            [keys(&window.key), all(&node.outputs[0].schema)].concat()
        }
        NodePlan::Aggregate(group) => [keys(&group.key), all(&node.outputs[0].schema)].concat(),
        NodePlan::Dedup(DedupPlan::First { key, .. } | DedupPlan::Bloom { key, .. }) => keys(key),
        NodePlan::Dedup(DedupPlan::Bitmap(_)) => Vec::new(),
        _ => (0..node.inputs.len()).filter_map(schema).flat_map(all).collect(),
    }
}

/// What is not the same about the columns that the state of a node holds, in words.
pub(super) fn other_columns(old: (&Plan, &PlanNode), new: (&Plan, &PlanNode)) -> Option<String> {
    let (held, holds) = (columns(old.0, old.1), columns(new.0, new.1));
    if held == holds {
        return None;
    }
    let only = |these: &[String], others: &[String]| {
        let only: BTreeSet<&String> = these.iter().filter(|one| !others.contains(one)).collect();
        only.into_iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
    };
    let (gone, come) = (only(&held, &holds), only(&holds, &held));
    Some(match (gone.as_str(), come.as_str()) {
        ("", "") => "it holds its columns in another order than before".to_owned(),
        ("", come) => format!("it holds {come} more"),
        (gone, "") => format!("it holds {gone} no more"),
        (gone, come) => format!("it held {gone}, holds {come}"),
    })
}

/// Where a node's records come from, by name.
pub(super) fn inputs(plan: &Plan, node: &PlanNode) -> Vec<String> {
    let of = |input: &tidegate_topology::plan::PortRef| {
        let from = &plan.nodes[input.node];
        match &from.outputs[input.output].side {
            Some(side) => format!("{}.{side}", from.name),
            None => from.name.clone(),
        }
    };
    node.inputs.iter().map(of).collect()
}
