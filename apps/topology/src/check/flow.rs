//! What flows along the edges, found in one walk in topological order: whether there are watermarks,
//! whether rows are taken back, from how many subtasks.

use super::{Checking, Graph, Output, kind};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{
    AGGREGATES, AggregateCall, Aggregated, BroadcastKind, Changes, Kind, Node, OperatorKind, Role,
    SinkKind, SourceKind, Watermark,
};
use crate::source::Span;
use crate::suggest;

/// What is known of a stream. What is not known is left alone by every check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Whether there are watermarks before the end of the input; if not, the node that is to blame.
    pub watermarks: Option<Result<(), usize>>,
    /// Whether rows are taken back; if so, the node that began with it.
    pub changes: Option<Result<(), usize>>,
    /// Subtasks, if the node says so.
    pub parallelism: Option<u32>,
}

pub(super) fn walk(graph: &mut Graph, checking: &mut Checking<'_>) {
    graph.flows = vec![Flow::default(); graph.inputs.len()];
    for at in graph.order.clone() {
        let node = &checking.document.nodes[at];
        let inputs: Vec<(Flow, Span)> = graph.inputs[at]
            .iter()
            .map(|edge| (of_output(&edge.from, &graph.flows[edge.from.node], checking), edge.span))
            .collect();
        let known = node.kind.is_some() && node.common.is_some() && !graph.broken[at];
        if known {
            needs_watermarks(node, &inputs, checking);
            needs_rows(node, &inputs, checking);
            needs_one_subtask(node, &inputs, checking);
        }
        graph.flows[at] = if known { of_node(at, node, &inputs) } else { Flow::default() };
    }
}

/// Side outputs carry rows that stay, whatever the main output does.
fn of_output(output: &Output, flow: &Flow, checking: &Checking<'_>) -> Flow {
    let mut flow = flow.clone();
    let is_split = matches!(
        checking.document.nodes[output.node].kind,
        Some(Kind::Operator(OperatorKind::Split(_)))
    );
    if output.side.is_some() && !is_split {
        flow.changes = Some(Ok(()));
    }
    flow
}

fn of_node(at: usize, node: &Node, inputs: &[(Flow, Span)]) -> Flow {
    let common = node.common.as_ref();
    let parallelism =
        common.and_then(|common| common.parallelism.as_ref()).map(|number| number.value);
    let marks = common.and_then(|common| common.event_time.as_ref()).map(|time| &time.watermark);
    let watermarks = match (&node.kind, node.role) {
        (Some(Kind::Operator(OperatorKind::AssignTimestamps(time))), _) => has(&time.watermark, at),
        (Some(Kind::Registered(..)), Role::Source) => {
            marks.map_or(Some(Ok(())), |marks| has(marks, at))
        }
        (_, Role::Source) => marks.map_or(Some(Err(at)), |marks| has(marks, at)),
        _ => join(inputs, |flow| flow.watermarks),
    };
    let changes = match &node.kind {
        Some(kind) if kind::gives_changes(kind) => Some(Err(at)),
        Some(kind) if kind::passes_changes(kind) => join(inputs, |flow| flow.changes),
        Some(_) => Some(Ok(())),
        None => None,
    };
    Flow { watermarks, changes, parallelism }
}

fn has(watermark: &Watermark, at: usize) -> Option<Result<(), usize>> {
    Some(if *watermark == Watermark::None { Err(at) } else { Ok(()) })
}

/// What is known of several streams together: the first that is to blame is.
fn join(
    inputs: &[(Flow, Span)],
    of: impl Fn(&Flow) -> Option<Result<(), usize>>,
) -> Option<Result<(), usize>> {
    let all: Vec<_> = inputs.iter().map(|(flow, _)| of(flow)).collect();
    let blamed = all.iter().find(|one| matches!(one, Some(Err(_))));
    match blamed {
        Some(blamed) => *blamed,
        None => all.iter().copied().collect::<Option<Vec<_>>>().map(|_| Ok(())),
    }
}

fn needs_watermarks(node: &Node, inputs: &[(Flow, Span)], checking: &mut Checking<'_>) {
    let Some(kind) = &node.kind else { return };
    let Some(what) = kind::event_time(kind) else { return };
    let blamed = inputs.iter().find_map(|(flow, _)| flow.watermarks.and_then(Result::err));
    let Some(blamed) = blamed else { return };
    let source = &checking.document.nodes[blamed];
    let line = checking.source.place(source.name.span.start).line;
    let name = source.name.as_str();
    let message = format!("{what} goes by event time, but `{name}` has no watermarks");
    let label = format!("nothing would come out of it before the end of `{name}`, line {line}");
    let help = match &source.kind {
        Some(Kind::Source(SourceKind::Generator(_))) => format!(
            "give `{name}` an `event_time`, such as `event_time: {{ watermark: {{ bounded_out_of_orderness: 5s }} }}`"
        ),
        _ => format!(
            "give `{name}` an `event_time`, such as `event_time: {{ timestamp: ts, watermark: {{ bounded_out_of_orderness: 5s }} }}`{}",
            if kind::can_use_wall_clock(kind) { ", or use `time: processing-time`" } else { "" }
        ),
    };
    checking.push(
        Diagnostic::new(Code::MissingWatermark, node.kind_span, message).label(label).help(help),
    );
}

fn needs_rows(node: &Node, inputs: &[(Flow, Span)], checking: &mut Checking<'_>) {
    let Some(kind) = &node.kind else { return };
    if let Kind::Operator(OperatorKind::Aggregate(aggregated)) = kind {
        takes_back(aggregated, inputs, checking);
    }
    if kind::takes_changes(kind) {
        return;
    }
    for (flow, span) in inputs {
        let Some(Err(blamed)) = flow.changes else { continue };
        let from = &checking.document.nodes[blamed];
        let (began, name) = (from.name.as_str(), node.name.as_str());
        let message = format!("`{began}` takes rows back, which `{name}` cannot take");
        let label = format!("a changelog, since `{began}` revises its results");
        let help = match kind {
            Kind::Sink(SinkKind::File(_)) => {
                "write the changes with a sign (`changes: signed`), or put a `materialize` before it if the input ends"
            }
            Kind::Operator(OperatorKind::Window(_)) => {
                "put the window before the node that revises its results, or a `materialize` between them if the input ends"
            }
            _ => {
                "put a `materialize` between them if the input ends, or take the rows before they are revised"
            }
        };
        checking.push(Diagnostic::new(Code::Retracting, *span, message).label(label).help(help));
    }
}

/// Aggregates of a changelog must be able to take rows back out.
fn takes_back(aggregated: &Aggregated, inputs: &[(Flow, Span)], checking: &mut Checking<'_>) {
    let blamed = inputs.iter().find_map(|(flow, _)| flow.changes.and_then(Result::err));
    let Some(blamed) = blamed else { return };
    let began = checking.document.nodes[blamed].name.value.clone();
    for (_, text) in aggregated.aggregates.iter() {
        let Ok(call) = AggregateCall::read(&text.value) else { continue };
        if !call.function.retracts {
            let name = call.function.name;
            let message = format!("`{began}` takes rows back, which `{name}` cannot forget");
            let able: Vec<&str> =
                AGGREGATES.iter().filter(|one| one.retracts).map(|one| one.name).collect();
            let help =
                format!("of rows that come and go there can be {}", suggest::list(&able, "and"));
            let wrong = Diagnostic::new(Code::Retracting, text.span, message);
            checking.push(wrong.label("a row that is taken back would still count").help(help));
        }
    }
}

/// The table of a broadcast has one order only when it comes from one subtask.
fn needs_one_subtask(node: &Node, inputs: &[(Flow, Span)], checking: &mut Checking<'_>) {
    let Some(Kind::Operator(OperatorKind::Broadcast(broadcast))) = &node.kind else { return };
    let Some((table, span)) = inputs.get(1) else { return };
    let job = checking.document.job.as_ref();
    let of_job = job.and_then(|job| job.parallelism.as_ref()).map_or(1, |number| number.value);
    if broadcast.commutative || table.parallelism.unwrap_or(of_job) == 1 {
        return;
    }
    let name = checking.source.slice(*span).to_owned();
    let message = format!("the table `{name}` comes from several subtasks, in no fixed order");
    let set = matches!(broadcast.kind, BroadcastKind::Semi | BroadcastKind::Anti);
    let help = if set {
        format!(
            "say `parallelism: 1` at `{name}`, or `commutative: true` here if the order of its rows does not matter"
        )
    } else {
        format!("say `parallelism: 1` at `{name}`")
    };
    let wrong = Diagnostic::new(Code::Parallelism, *span, message);
    checking.push(wrong.label("every subtask must see the same order").help(help));
}

/// Whether a file sink can write a changelog.
pub(super) fn is_signed(sink: &SinkKind) -> bool {
    match sink {
        SinkKind::File(file) => file.changes == Changes::Signed,
        SinkKind::Print(_) | SinkKind::Discard(_) => true,
    }
}
