//! What a plan is, as text for people: which operators run as one, how records get from one to the
//! next, and what operators say of themselves.
//!
//! Apart from the plan because nothing depends on how it reads.

use crate::plan::{Plan, PlannedEdge, Vertex};
use std::fmt::Write;

impl Plan {
    /// The plan as text: a paragraph for each vertex, front to back.
    #[must_use]
    pub fn explain(&self) -> String {
        let (vertices, subtasks) = (self.vertices.len(), self.subtasks().count());
        let mut text = format!(
            "{}: {}, {}, {}, {}\n",
            self.graph.name,
            count(vertices, "vertex", "vertices"),
            count(subtasks, "subtask", "subtasks"),
            count(self.regions, "region", "regions"),
            count(self.max_parallelism.get().into(), "key group", "key groups"),
        );
        for vertex in &self.vertices {
            self.explain_vertex(vertex, &mut text);
        }
        text
    }

    fn explain_vertex(&self, vertex: &Vertex, text: &mut String) {
        let written = (|| {
            let subtasks = count(vertex.parallelism as usize, "subtask", "subtasks");
            writeln!(text, "\n{}: {subtasks}", vertex.uid)?;
            for &node in &vertex.nodes {
                let node = &self.graph.nodes[node];
                write!(text, "  {} ({})", node.uid, node.kind)?;
                let detail = node.detail.as_deref().map(|detail| format!(": {detail}"));
                let restart = node.restart.map(|own| format!(" [restart {}]", own.strategy));
                writeln!(text, "{}{}", detail.unwrap_or_default(), restart.unwrap_or_default())?;
            }
            vertex.outputs.iter().try_for_each(|&edge| self.explain_edge(&self.edges[edge], text))
        })();
        written.expect("writing to a string cannot fail");
    }

    fn explain_edge(&self, edge: &PlannedEdge, text: &mut String) -> std::fmt::Result {
        let (from, to) = (&self.vertices[edge.from], &self.vertices[edge.to]);
        write!(text, "  -> {} ({}", to.uid, edge.partitioning)?;
        // A chain's output is its last operator's, unless something else is said.
        if edge.side.is_some() || edge.operator + 1 != from.nodes.len() {
            let sender = &self.graph.nodes[from.nodes[edge.operator]].uid;
            let side =
                edge.side.map_or(String::new(), |side| format!(", side output {}", side + 1));
            write!(text, ", from {sender}{side}")?;
        }
        writeln!(text, ")")
    }
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
