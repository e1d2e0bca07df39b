//! What a plan says, for people: nodes, kinds, columns per edge, keys and time, as text or as a diagram.
//!
//! Apart from the plan because three forms show the same. Pure: a plan goes in, a text comes out.

use crate::document::{Restart, Role};
use crate::plan::{NodePlan, Plan, PlanNode, Port, PortRef};
use std::fmt::Write;

/// Columns that a diagram shows of an edge; the text shows all.
const MOST_COLUMNS: usize = 6;

/// The plan as text: a paragraph for each node, inputs before those who take them.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for node in &plan.nodes {
        let _ = writeln!(out, "{} {} ({})", node.role.word(), node.name, node.kind.word());
        for input in &node.inputs {
            let _ = writeln!(out, "  takes   {}", name_of(plan, input));
        }
        if let Some(columns) = grouped(plan, node) {
            let _ = writeln!(out, "  by key  {columns}");
        }
        if let Some(parallelism) = node.parallelism {
            let _ = writeln!(out, "  subtasks {parallelism}");
        }
        if let Some(said) = &node.restart {
            let _ = writeln!(out, "  restart {}", restart(said));
        }
        for port in &node.outputs {
            let side = port.side.as_ref().map_or_else(String::new, |side| format!(" .{side}"));
            let _ = writeln!(out, "  gives{side}   {}", port.schema);
            let _ = writeln!(out, "          {}", about(port));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What follows failures of a node that does not leave it to the job.
fn restart(said: &Restart) -> String {
    match said {
        Restart::None => "never".to_owned(),
        Restart::FixedDelay(fixed) => {
            format!("at most {} times, each after {}", fixed.attempts, fixed.delay)
        }
        Restart::ExponentialDelay(_) => "always, after ever longer delays".to_owned(),
        Restart::FailureRate(rate) => format!(
            "while at most {} failures come within {}, each after {}",
            rate.failures, rate.interval, rate.delay
        ),
    }
}

/// The plan as a diagram of Mermaid.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, node) in plan.nodes.iter().enumerate() {
        let (open, close) = match node.role {
            Role::Source => ("([", "])"),
            Role::Operator => ("[", "]"),
            Role::Sink => ("[/", "/]"),
        };
        let label = escaped(&format!("{}\n{}", node.name, node.kind.word()), "<br/>");
        let _ = writeln!(out, "    n{at}{open}\"{label}\"{close}");
    }
    edges(plan, |from, to, label| {
        let label = escaped(label, "<br/>");
        let _ = writeln!(out, "    n{from} -->|\"{label}\"| n{to}");
    });
    out
}

/// The plan as a diagram of Graphviz.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph topology {\n    rankdir=LR;\n    node [shape=box];\n");
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    for (at, node) in plan.nodes.iter().enumerate() {
        let label = quoted(&format!("{}\n{}", node.name, node.kind.word()));
        let shape = match node.role {
            Role::Source => ", shape=ellipse",
            Role::Operator => "",
            Role::Sink => ", shape=cds",
        };
        let _ = writeln!(out, "    n{at} [label=\"{label}\"{shape}];");
    }
    edges(plan, |from, to, label| {
        let _ = writeln!(out, "    n{from} -> n{to} [label=\"{}\"];", quoted(label));
    });
    out.push_str("}\n");
    out
}

fn edges(plan: &Plan, mut each: impl FnMut(usize, usize, &str)) {
    for (to, node) in plan.nodes.iter().enumerate() {
        for input in &node.inputs {
            let port = &plan.nodes[input.node].outputs[input.output];
            let side = port.side.as_ref().map_or_else(String::new, |side| format!(".{side}\n"));
            let columns = port.schema.columns();
            let shown = columns.iter().take(MOST_COLUMNS);
            let shown: Vec<String> = shown
                .map(|column| {
                    format!("{}: {}", column.name, short(&column.field_type().to_string()))
                })
                .collect();
            let more = columns.len().saturating_sub(MOST_COLUMNS);
            let more = if more == 0 { String::new() } else { format!("\n{more} more") };
            let changes = if port.changes { "\nchangelog" } else { "" };
            each(input.node, to, &format!("{side}{}{more}{changes}", shown.join("\n")));
        }
    }
}

/// A type that fits into a diagram.
fn short(data_type: &str) -> String {
    match data_type.split_once('<') {
        Some((outer, _)) => {
            format!("{outer}<...>{}", if data_type.ends_with('?') { "?" } else { "" })
        }
        None => data_type.to_owned(),
    }
}

fn escaped(text: &str, line_end: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;").replace('\n', line_end)
}

fn name_of(plan: &Plan, input: &PortRef) -> String {
    let node = &plan.nodes[input.node];
    match &node.outputs[input.output].side {
        Some(side) => format!("{}.{side}", node.name),
        None => node.name.clone(),
    }
}

fn about(port: &Port) -> String {
    let rows = if port.changes { "a changelog" } else { "rows that stay" };
    let time = if port.watermarks { "with watermarks" } else { "without watermarks" };
    let key = match port.key.as_slice() {
        [] => String::new(),
        key => format!(", one per {}", key.join(", ")),
    };
    format!("{rows}, {time}{key}")
}

/// The columns by which a node brings rows together.
fn grouped(plan: &Plan, node: &PlanNode) -> Option<String> {
    let names = |input: usize, columns: &[usize]| {
        let input = node.inputs.get(input)?;
        let schema = &plan.nodes[input.node].outputs[input.output].schema;
        let names = columns.iter().filter_map(|at| schema.columns().get(*at));
        Some(names.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "))
    };
    use NodePlan as N;
    let key = match &node.kind {
        N::Window(window) => &window.key,
        N::Aggregate(aggregate) => &aggregate.key,
        N::TopN(top) => &top.key,
        N::Pattern(pattern) => &pattern.key,
        N::Materialize(key, _) => key,
        N::LookupJoin(join) => &join.key,
        N::Dedup(dedup) => dedup.key()?,
        other => {
            let keys = other.join_keys()?;
            return Some(format!("{} = {}", names(0, &keys.left)?, names(1, &keys.right)?));
        }
    };
    if key.is_empty() { Some("all together".to_owned()) } else { names(0, key) }
}
