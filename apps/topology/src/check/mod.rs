//! What is wrong with a document whose values are right: names, the graph, what flows through it, and
//! options that do not go together.
//!
//! Once the edges are known, the nodes are walked once in topological order ([`flow`]): what is known of
//! a node's inputs says what is known of its outputs. Whatever else flows along edges, such as columns
//! and their types, belongs into that walk.

mod edges;
mod flow;
mod graph;
mod job;
mod kind;
mod lookups;
mod pattern_stage;
mod patterns;
pub(crate) mod windows;

pub use flow::Flow;
pub use graph::{Edge, Graph, Output};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Node, Role, SECTIONS};
use crate::kinds::Kinds;
use crate::limits;
use crate::source::{Source, Span};
use crate::tree::{self, NodeId};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Checks a document.
pub fn check(
    source: &Source,
    tree: &tree::Node,
    document: &Document,
    kinds: &Kinds,
    diagnostics: &mut Diagnostics,
) -> Graph {
    let mut checking = Checking { source, tree, document, kinds, diagnostics };
    if let Some(job) = &document.job {
        job::check(job, &mut checking);
    }
    checking.names();
    checking.ends();
    for node in &document.nodes {
        kind::check(node, &mut checking);
    }
    let mut graph = edges::resolve(&mut checking);
    graph::order(&mut graph, &mut checking);
    flow::walk(&mut graph, &mut checking);
    graph
}

/// What every check looks at.
struct Checking<'a> {
    source: &'a Source,
    tree: &'a tree::Node,
    document: &'a Document,
    kinds: &'a Kinds,
    diagnostics: &'a mut Diagnostics,
}

impl Checking<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Where bytes of a scalar's text stand in the file; all of it where that cannot be told.
    fn within(&self, id: NodeId, span: Span, within: Range<usize>) -> Span {
        let scalar = self.tree.find(id).and_then(tree::Node::scalar);
        scalar.map_or(span, |scalar| scalar.span_within(self.source.text(), span, within))
    }

    /// Names that cannot be names, and names that are there twice in different sections.
    fn names(&mut self) {
        let document = self.document;
        let mut seen: HashMap<&str, &Node> = HashMap::new();
        for node in &document.nodes {
            let name = node.name.as_str();
            if let Some(wrong) = wrong_name(name) {
                let label = format!("{wrong} in a name");
                let message = format!("`{name}` cannot be the name of a node");
                let help = "a name has letters, digits, `_` and `-`, starts with a letter or `_`, and is no longer than 100";
                self.push(
                    Diagnostic::new(Code::BadName, node.name.span, message).label(label).help(help),
                );
            }
            if let Some(first) = seen.get(name) {
                let line = self.source.place(first.name.span.start).line;
                let message = format!("the name `{name}` is there twice");
                let label = format!("{} in line {line} has it already", first.role.one());
                let help =
                    "all nodes share one space of names, since each can be named as an input";
                self.push(
                    Diagnostic::new(Code::DuplicateName, node.name.span, message)
                        .label(label)
                        .help(help),
                );
            }
            seen.entry(name).or_insert(node);
        }
        if document.nodes.len() > limits::GRAPH_NODES {
            let message = format!("a topology has {} nodes at most", limits::GRAPH_NODES);
            let span = document.nodes[limits::GRAPH_NODES].name.span;
            self.push(Diagnostic::new(Code::TooMuch, span, message).label("this is one too many"));
        }
    }

    /// Whether there are sources and sinks at all.
    fn ends(&mut self) {
        let roles: HashSet<&str> =
            self.document.nodes.iter().map(|node| node.role.word()).collect();
        let ends = [
            (
                Role::Source,
                "sources",
                Code::NoSource,
                "nothing comes into the job",
                "`generator: { clicks: {} }`",
            ),
            (Role::Sink, "sinks", Code::NoSink, "nothing leaves the job", "`print: {}`"),
        ];
        // A section that is misspelt is told of already.
        let is_known = |entry: &tree::Entry| {
            SECTIONS.contains(&entry.key.as_str()) || entry.key.starts_with("x-")
        };
        if self.tree.entries().is_empty() || !self.tree.entries().iter().all(is_known) {
            return;
        }
        for (role, section, code, message, first) in ends {
            if roles.contains(role.word()) {
                continue;
            }
            let (span, label) = match self.tree.entry(section) {
                Some(entry) if entry.value.entries().is_empty() => {
                    (entry.key_span, format!("no {} is here", role.word()))
                }
                Some(_) => continue,
                None => {
                    let last =
                        self.tree.entries().last().map_or(Span::default(), |entry| entry.key_span);
                    (last, format!("there is no section `{section}`"))
                }
            };
            let help = format!("name one below `{section}:`; for a first try {first}");
            self.push(Diagnostic::new(code, span, message).label(label).help(help));
        }
    }
}

/// What a name has that it cannot have.
fn wrong_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("there must be something".into());
    }
    if name.chars().count() > 100 {
        return Some("no more than 100 characters can be".into());
    }
    let is_letter = |c: char| c.is_alphabetic() || c == '_';
    let other = name.chars().find(|c| !is_letter(*c) && !c.is_numeric() && *c != '-');
    match (name.chars().next().filter(|c| !is_letter(*c)), other) {
        (_, Some(' ')) => Some("no space can be".into()),
        (_, Some(c)) => Some(format!("no `{}` can be", c.escape_debug())),
        (Some(c), None) => Some(format!("no `{c}` can be the first")),
        (None, None) => None,
    }
}
