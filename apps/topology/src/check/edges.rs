//! From the names of inputs to edges: what is not there, what is no output, too few, too many, unused.

use super::{Checking, Edge, Graph, Output, kind};
use crate::code::Code;
use crate::dead_letters;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{Kind, Node, OperatorKind, Role, Text};
use crate::source::Span;
use crate::suggest;
use std::collections::{HashMap, HashSet};

pub(super) fn resolve(checking: &mut Checking<'_>) -> Graph {
    let document = checking.document;
    let mut graph = Graph::default();
    let by_name: HashMap<&str, usize> = {
        let names = document.nodes.iter().enumerate().rev();
        names.map(|(at, node)| (node.name.as_str(), at)).collect()
    };
    let mut used: HashSet<usize> = HashSet::new();
    for (at, node) in document.nodes.iter().enumerate() {
        let mut broken = node.common.is_none();
        let mut edges = Vec::new();
        for input in node.common.iter().flat_map(|common| &common.inputs) {
            match output(at, input, &by_name, checking) {
                Some(from) => {
                    used.insert(from.node);
                    edges.push(Edge { from, span: input.span });
                }
                None => broken = true,
            }
        }
        count(node, checking);
        twice(node, &edges, checking);
        graph.inputs.push(edges);
        graph.broken.push(broken);
    }
    // A name that nobody can make out may have meant any of them.
    let all_known = !graph.broken.iter().any(|broken| *broken)
        && document.nodes.iter().any(|node| node.role == Role::Sink);
    for (at, node) in document.nodes.iter().enumerate() {
        let shadowed = by_name.get(node.name.as_str()) != Some(&at);
        if all_known && node.role != Role::Sink && !used.contains(&at) && !shadowed {
            let message = format!(
                "nothing takes what the {} `{}` gives",
                node.role.word(),
                node.name.as_str()
            );
            let help = format!(
                "name `{}` among the `inputs` of another node, or remove it",
                node.name.as_str()
            );
            let wrong = Diagnostic::new(Code::Unused, node.name.span, message);
            checking.push(wrong.label("its records are dropped").help(help));
        }
    }
    graph
}

/// The output that an input names.
fn output(
    at: usize,
    input: &Spanned<Text>,
    by_name: &HashMap<&str, usize>,
    checking: &mut Checking<'_>,
) -> Option<Output> {
    let text: &str = &input.value;
    let (name, side) = match text.split_once('.') {
        Some((name, side)) => (name, Some(side)),
        None => (text, None),
    };
    let Some(from) = by_name.get(name).copied() else {
        unknown_input(at, input, name, checking);
        return None;
    };
    let node = &checking.document.nodes[from];
    if node.role == Role::Sink {
        let help = match node.common.as_ref().and_then(|common| common.inputs.first()) {
            Some(before) => format!("take what goes into the sink: `{}`", &*before.value),
            None => "take what goes into the sink".into(),
        };
        let wrong = Diagnostic::new(
            Code::SinkAsInput,
            input.span,
            format!("the sink `{name}` is used as an input"),
        );
        checking.push(wrong.label("nothing comes out of a sink").help(help));
        return None;
    }
    let Some(side) = side else { return Some(Output { node: from, side: None }) };
    let Some(sides) = kind::side_outputs(node) else {
        // What its side outputs are is not known while it is broken.
        return Some(Output { node: from, side: Some(side.to_owned()) });
    };
    if sides.iter().any(|known| known == side) {
        return Some(Output { node: from, side: Some(side.to_owned()) });
    }
    let start = name.len() + 1;
    let span = checking.within(input.id, input.span, start..text.len());
    let otherwise = if side == dead_letters::OUTPUT && node.role == Role::Operator {
        format!("`{name}` has it with `dead_letters: aside`")
    } else if sides.is_empty() {
        format!("{} of this kind has no side outputs: write `{name}`", node.role.one())
    } else {
        format!("`{name}` has {}", suggest::list(&sides, "and"))
    };
    let message = format!("`{name}` has no side output `{side}`");
    let wrong =
        Diagnostic::new(Code::UnknownSideOutput, span, message).label("no such side output");
    checking.push(wrong.meant(suggest::nearest(side, sides.iter().map(String::as_str)), otherwise));
    None
}

fn unknown_input(at: usize, input: &Spanned<Text>, name: &str, checking: &mut Checking<'_>) {
    let nodes = &checking.document.nodes;
    let others =
        || nodes.iter().enumerate().filter(|(other, node)| *other != at && node.role != Role::Sink);
    let names: Vec<&str> = others().map(|(_, node)| node.name.as_str()).collect();
    // The name of a side output alone.
    let side = others().find_map(|(_, node)| {
        let sides = kind::side_outputs(node)?;
        sides.iter().any(|side| side == name).then(|| format!("{}.{name}", node.name.as_str()))
    });
    let near = suggest::nearest(name, names.iter().copied());
    let help = match (side, near) {
        (Some(side), _) => format!("did you mean `{side}`?"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) if names.is_empty() => {
            "there are no sources and operators to take from".into()
        }
        (None, None) if names.len() <= 12 => format!("there are {}", suggest::list(&names, "and")),
        (None, None) => "inputs are names of sources and operators of this file".into(),
    };
    let span = checking.within(input.id, input.span, 0..name.len());
    let wrong = Diagnostic::new(
        Code::UnknownInput,
        span,
        format!("there is no source or operator `{name}`"),
    );
    checking.push(wrong.label("no such name").help(help));
}

/// Whether a node has as many inputs as its kind takes.
fn count(node: &Node, checking: &mut Checking<'_>) {
    let (Some(kind), Some(common)) = (&node.kind, &node.common) else { return };
    let arity = kind::arity(kind);
    let there = common.inputs.len();
    if node.role == Role::Source || arity.contains(&there) {
        return;
    }
    let name = node.name.as_str();
    let (least, most) = (*arity.start(), *arity.end());
    let takes = match (least, most) {
        (1, 1) => "one input".to_owned(),
        (2, 2) => "two inputs, the left one first".to_owned(),
        (2, _) => "two inputs or more".to_owned(),
        (least, _) => format!("{least} inputs"),
    };
    let span = match common.inputs.get(most) {
        Some(first_too_many) => first_too_many.span,
        None => checking
            .tree
            .find(node.name.id)
            .and_then(|map| map.entry("inputs"))
            .map_or(node.name.span, |entry| entry.key_span),
    };
    let label = match there {
        0 => "here is none".to_owned(),
        1 => "here is one".to_owned(),
        there if there > most => "this is one too many".to_owned(),
        there => format!("here are {there}"),
    };
    let help = match (least, there) {
        (1, 0) => "name the source or operator that records come from".to_owned(),
        (1, _) => format!(
            "bring the streams together first: a node with `union: {{}}` and these inputs, then `{name}` with that node"
        ),
        (2, 1) if matches!(kind, Kind::Operator(OperatorKind::Union(_))) => {
            "with one input there is nothing to bring together: use the input itself".to_owned()
        }
        _ => String::new(),
    };
    let message = format!("`{name}` takes {takes}");
    checking.push(Diagnostic::new(Code::WrongInputs, span, message).label(label).help(help));
}

/// An input that is there twice, where that cannot be meant.
fn twice(node: &Node, edges: &[Edge], checking: &mut Checking<'_>) {
    let may = node.kind.as_ref().is_none_or(|kind| {
        *kind::arity(kind).start() == 2 && !matches!(kind, Kind::Operator(OperatorKind::Union(_)))
    });
    if may {
        return;
    }
    for (at, edge) in edges.iter().enumerate() {
        if edges[..at].iter().any(|before| before.from == edge.from) {
            let span: Span = edge.span;
            let message = format!("the input `{}` is there twice", checking.source.slice(span));
            let wrong = Diagnostic::new(Code::SameInputTwice, span, message);
            checking.push(wrong.label("every record would come twice").help("remove it"));
        }
    }
}
