//! The names of what operators keep: the columns of keys and of rows, the aggregates of windows. A topology has all of
//! them; the meaning that a node has stored with its state has those of rows.
//!
//! Apart from decoding because it guesses nothing: only states that are known to be by the key of their node are named,
//! and only where as many values are there as there are names.

use super::rows::Inputs;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tidegate_topology::plan::{DedupPlan, NodePlan, Plan, PlanNode, PortRef};

/// States whose keys are those of the node.
const BY_KEY: &[&str] = &[
    "groups",
    "last",
    "matches",
    "rows",
    "seen",
    "slices",
    "timelines",
    "timers.event",
    "timers.processing",
    "waiting",
    "windows",
];

/// By the name of the node.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, Node>);

#[derive(Default)]
struct Node {
    key: Vec<String>,
    aggregates: Vec<String>,
    /// Whether what waits there is by key too.
    waits_by_key: bool,
    /// The columns of rows that it keeps.
    rows: Inputs,
}

impl Names {
    pub(super) fn of(plan: &Plan) -> Self {
        let node = |node: &PlanNode| (node.name.clone(), Node::of(plan, node));
        Self(plan.nodes.iter().map(node).collect())
    }

    /// What the nodes of a topology have said themselves, by their uids.
    pub(super) fn of_meanings(meanings: &BTreeMap<String, String>) -> Self {
        let node = |(uid, meaning): (&String, &String)| {
            let rows = Inputs::of_meaning(meaning)?;
            Some((uid.clone(), Node { rows, ..Node::default() }))
        };
        Self(meanings.iter().filter_map(node).collect())
    }

    /// Whether an operator is known to be of a topology, whose values are those of rows.
    pub(super) fn knows(&self, uid: &str) -> bool {
        self.node(uid).is_some()
    }

    fn node(&self, uid: &str) -> Option<&Node> {
        // Behind a dot stands the part of a node that is built of several operators.
        self.0.get(uid.split('.').next()?)
    }

    /// A key with the names of its columns.
    pub(super) fn key(&self, uid: &str, state: &str, key: Value) -> Value {
        let Some(node) = self.node(uid) else { return key };
        if !BY_KEY.contains(&state) || state == "waiting" && !node.waits_by_key {
            return key;
        }
        match (key, &node.key[..]) {
            (Value::Array(values), names) if names.len() > 1 && names.len() == values.len() => {
                Value::Object(names.iter().cloned().zip(values).collect())
            }
            (value, [name]) if !value.is_array() && !value.is_object() => {
                Value::Object(Map::from_iter([(name.clone(), value)]))
            }
            (other, _) => other,
        }
    }

    /// A value in which rows, and what was aggregated, have their names.
    pub(super) fn value(&self, uid: &str, state: &str, value: Value) -> Value {
        let Some(node) = self.node(uid) else { return value };
        let value = node.rows.named(state, value);
        if node.aggregates.is_empty() { value } else { node.named(value) }
    }
}

impl Node {
    fn of(plan: &Plan, node: &PlanNode) -> Self {
        let (key, aggregation, waits_by_key) = match &node.kind {
            NodePlan::Window(window) => (&window.key, Some(&window.aggregation), false),
            NodePlan::Aggregate(group) => (&group.key, Some(&group.aggregation), false),
            NodePlan::TopN(top) => (&top.key, None, false),
            NodePlan::Dedup(DedupPlan::First { key, .. } | DedupPlan::Last { key, .. }) => {
                (key, None, false)
            }
            NodePlan::Pattern(pattern) => (&pattern.key, None, false),
            NodePlan::IntervalJoin(join) => (&join.keys.left, None, true),
            NodePlan::WindowJoin(join) => (&join.keys.left, None, true),
            NodePlan::OuterJoin(join) => (&join.keys.left, None, true),
            NodePlan::TemporalJoin(join) => (&join.keys.left, None, true),
            NodePlan::UnboundedJoin(join) => (&join.keys.left, None, true),
            NodePlan::Reconcile(join) => (&join.keys.left, None, true),
            _ => return Self { rows: rows(plan, node), ..Self::default() },
        };
        let columns = node.inputs.first().map(|input| {
            let schema = &plan.nodes[input.node].outputs[input.output].schema;
            schema.columns()
        });
        let name = |at: &usize| Some(columns?.get(*at)?.name.to_string());
        let key = key.iter().filter_map(name).collect();
        let aggregates = aggregation.map_or(&[][..], |aggregation| aggregation.aggregate.columns());
        let aggregates = aggregates.iter().map(|column| column.name.to_string()).collect();
        Self { key, aggregates, waits_by_key, rows: rows(plan, node) }
    }

    fn named(&self, value: Value) -> Value {
        match value {
            Value::Array(values) => values.into_iter().map(|value| self.named(value)).collect(),
            Value::Object(map) => self.named_map(map),
            other => other,
        }
    }

    /// What was aggregated is a map of its parts, `p`, and of what failed, `f`.
    fn named_map(&self, mut map: Map<String, Value>) -> Value {
        let is_one = map.keys().all(|key| key == "p" || key == "f");
        let parts = map.get("p").and_then(Value::as_array).map(Vec::len);
        if !is_one || parts != Some(self.aggregates.len()) {
            let named = map.into_iter().map(|(key, value)| (key, self.named(value)));
            return Value::Object(named.collect());
        }
        let mut named = Map::new();
        if let Some(Value::Array(parts)) = map.remove("p") {
            named.extend(self.aggregates.iter().cloned().zip(parts.into_iter().map(part)));
        }
        if let Some(failed) = map.remove("f") {
            named.insert("failed".to_owned(), failed);
        }
        Value::Object(named)
    }
}

/// The columns of what a node takes.
fn rows(plan: &Plan, node: &PlanNode) -> Inputs {
    let schema = |input: &PortRef| plan.nodes[input.node].outputs[input.output].schema.clone();
    Inputs::new(node.kind.word(), node.inputs.iter().map(schema))
}

/// A count and an extreme are what they are; of others it is told what they consist of.
fn part(part: Value) -> Value {
    match part {
        Value::Object(mut map) if map.len() == 1 => {
            let plain = map.remove("n").or_else(|| map.remove("x"));
            plain.unwrap_or(Value::Object(map))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names() -> Names {
        let node = |key: &[&str], aggregates: &[&str]| Node {
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            aggregates: aggregates.iter().map(|name| (*name).to_owned()).collect(),
            ..Node::default()
        };
        Names(BTreeMap::from([
            ("one".to_owned(), node(&["item"], &["views", "most"])),
            ("two".to_owned(), node(&["item", "shop"], &[])),
        ]))
    }

    #[test]
    fn keys_are_named_only_where_they_are_those_of_the_node() {
        let names = names();
        let check = |uid: &str, state: &str, key: Value, expected: Value| {
            assert_eq!(names.key(uid, state, key), expected, "{uid} {state}");
        };
        check("one", "slices", json!(7), json!({ "item": 7 }));
        check("one.counts", "timers.event", json!("a"), json!({ "item": "a" }));
        check("two", "rows", json!([7, "a"]), json!({ "item": 7, "shop": "a" }));
        check("two", "rows", json!([7, "a", 1]), json!([7, "a", 1]));
        check("one", "best", json!(7), json!(7));
        check("one", "waiting", json!(7), json!(7));
        check("one", "windows", json!({ "start": 1 }), json!({ "start": 1 }));
        check("other", "windows", json!(7), json!(7));
    }

    #[test]
    fn what_is_aggregated_is_named_wherever_it_stands() {
        let names = names();
        let value = json!([{ "p": [{ "n": 3 }, { "x": 9 }] }, 5]);
        assert_eq!(names.value("one", "slices", value), json!([{ "views": 3, "most": 9 }, 5]));
        let failed = json!({ "p": [{ "n": 3 }, { "i": [4, 2] }], "f": ["why"] });
        let expected = json!({ "views": 3, "most": { "i": [4, 2] }, "failed": ["why"] });
        assert_eq!(names.value("one", "slices", failed), expected);
        let other = json!({ "p": [{ "n": 3 }] });
        assert_eq!(names.value("one", "slices", other.clone()), other);
        assert_eq!(names.value("two", "rows", json!({ "p": [1, 2] })), json!({ "p": [1, 2] }));
    }
}
