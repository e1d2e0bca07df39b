//! What each kind is to the graph, and what can be wrong with its options alone.

use super::{Checking, flow, lookups, patterns, windows};
use crate::code::Code;
use crate::dead_letters;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{
    AggregateCall, AggregateText, Between, Clock, Dedup, Entries, FlatMap, JoinKind, Kind, Name,
    Node, OperatorKind, Retain, Text, Unusable, Validity,
};
use crate::limits;
use crate::source::Span;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// How many inputs it takes.
pub(super) fn arity(kind: &Kind) -> RangeInclusive<usize> {
    use OperatorKind as K;
    match kind {
        Kind::Source(_) => 0..=0,
        Kind::Sink(_) => 1..=1,
        Kind::Registered(_, traits, _) => traits.inputs..=traits.inputs,
        Kind::Operator(K::Union(_)) => 2..=usize::MAX,
        Kind::Operator(
            K::IntervalJoin(_)
            | K::WindowJoin(_)
            | K::OuterJoin(_)
            | K::TemporalJoin(_)
            | K::UnboundedJoin(_)
            | K::Reconcile(_)
            | K::Broadcast(_),
        ) => 2..=2,
        Kind::Operator(_) => 1..=1,
    }
}

/// The side outputs of a node; nothing while its kind is not known.
pub(super) fn side_outputs(node: &Node) -> Option<Vec<String>> {
    let mut sides = of_kind(node.kind.as_ref()?);
    if puts_aside(node) && matches!(node.kind, Some(Kind::Operator(_))) {
        sides.push(dead_letters::OUTPUT.to_owned());
    }
    Some(sides)
}

fn puts_aside(node: &Node) -> bool {
    node.common.as_ref().is_some_and(|common| common.dead_letters == Unusable::Aside)
}

/// The side outputs that the kind has.
fn of_kind(kind: &Kind) -> Vec<String> {
    use OperatorKind as K;
    let fixed: &[&str] = match kind {
        Kind::Registered(_, traits, _) => return traits.side_outputs.clone(),
        Kind::Operator(K::Split(outputs)) => {
            return outputs.iter().map(|(name, _)| name.value.clone()).collect();
        }
        Kind::Operator(K::Window(window)) if window.time == Clock::EventTime => &["late"],
        Kind::Operator(K::Dedup(Dedup::FirstRow(first))) if first.time == Clock::EventTime => {
            &["late"]
        }
        Kind::Operator(K::IntervalJoin(_)) => &["late_left", "late_right"],
        Kind::Operator(K::WindowJoin(join)) if join.time == Clock::EventTime => {
            &["late_left", "late_right"]
        }
        Kind::Operator(K::OuterJoin(join)) if join.time == Clock::EventTime => {
            &["late_left", "late_right"]
        }
        Kind::Operator(K::TemporalJoin(_)) => &["late_left", "late_versions"],
        Kind::Operator(K::LookupJoin(_)) => &["failed"],
        Kind::Operator(K::Reconcile(reconcile)) if reconcile.books.is_some() => {
            &["unmatched_left", "unmatched_right", "books"]
        }
        Kind::Operator(K::Reconcile(_)) => &["unmatched_left", "unmatched_right"],
        Kind::Operator(K::Pattern(pattern)) if pattern.timed_out.is_some() => {
            &["late", "timed_out"]
        }
        Kind::Operator(K::Pattern(_)) => &["late"],
        _ => &[],
    };
    fixed.iter().map(|name| (*name).to_owned()).collect()
}

/// What goes by event time, in words; nothing when it does not.
pub(super) fn event_time(kind: &Kind) -> Option<String> {
    use OperatorKind as K;
    let by = |clock: Clock, what: &str| (clock == Clock::EventTime).then(|| what.to_owned());
    match kind {
        Kind::Registered(name, traits, _) => traits.event_time.then(|| format!("a `{name}`")),
        Kind::Operator(K::Window(window)) if windows::needs_event_time(window) => {
            by(window.time, "this window")
        }
        Kind::Operator(K::WindowJoin(join)) => by(join.time, "this window"),
        Kind::Operator(K::OuterJoin(join)) => by(join.time, "this join"),
        Kind::Operator(K::IntervalJoin(_)) => Some("an interval join".into()),
        Kind::Operator(K::TemporalJoin(_)) => Some("a temporal join".into()),
        Kind::Operator(K::Reconcile(_)) => Some("a reconciliation".into()),
        Kind::Operator(K::Pattern(pattern)) => by(pattern.time, "this pattern"),
        Kind::Operator(K::Dedup(Dedup::FirstRow(first))) => by(first.time, "the first row by time"),
        _ => None,
    }
}

/// Whether `time: processing-time` would do.
pub(super) const fn can_use_wall_clock(kind: &Kind) -> bool {
    use OperatorKind as K;
    matches!(
        kind,
        Kind::Operator(
            K::Window(_) | K::WindowJoin(_) | K::OuterJoin(_) | K::Pattern(_) | K::Dedup(_)
        )
    )
}

/// Whether it takes rows that are taken back.
pub(super) fn takes_changes(kind: &Kind) -> bool {
    use OperatorKind as K;
    match kind {
        Kind::Registered(_, traits, _) => traits.takes_changes,
        Kind::Sink(sink) => flow::is_signed(sink),
        Kind::Operator(K::TopN(_) | K::UnboundedJoin(_) | K::Materialize(_) | K::Aggregate(_)) => {
            true
        }
        kind => passes_changes(kind),
    }
}

/// Whether it hands a changelog on as one.
pub(super) const fn passes_changes(kind: &Kind) -> bool {
    use OperatorKind as K;
    matches!(
        kind,
        Kind::Operator(
            K::Filter(_) | K::Project(_) | K::Map(_) | K::Union(_) | K::UnboundedJoin(_)
        )
    )
}

/// Whether its results are revised.
pub(super) fn gives_changes(kind: &Kind) -> bool {
    use OperatorKind as K;
    match kind {
        Kind::Registered(_, traits, _) => traits.gives_changes,
        Kind::Operator(K::Aggregate(_) | K::TopN(_) | K::ToChangelog(_)) => true,
        Kind::Operator(K::Dedup(dedup)) => matches!(dedup, Dedup::LastRow(_)),
        Kind::Operator(K::UnboundedJoin(join)) => join.kind != JoinKind::Inner,
        _ => false,
    }
}

/// Whether a node that puts records aside has an output for them.
fn aside(node: &Node, checking: &mut Checking<'_>) {
    if !puts_aside(node) {
        return;
    }
    let own = dead_letters::OUTPUT;
    let (message, help) = match &node.kind {
        Some(Kind::Sink(_)) => (
            "a sink has no side output to put records aside to",
            "compute what may fail in a node before it, and put aside there",
        ),
        Some(Kind::Registered(..)) => (
            "`dead_letters: aside` is for the kinds that are built in",
            "what this kind does with records that it cannot use, its options say",
        ),
        Some(Kind::Operator(OperatorKind::Split(ways)))
            if ways.iter().any(|(name, _)| name.value == own) =>
        {
            ("two side outputs are called `dead_letters`", "give that of the split another name")
        }
        _ => return,
    };
    let wrong = Diagnostic::new(Code::Contradiction, node.kind_span, message);
    checking.push(wrong.label("with `dead_letters: aside`").help(help));
}

/// Checks a node by itself.
pub(super) fn check(node: &Node, checking: &mut Checking<'_>) {
    if let Some(common) = &node.common {
        if let Some(parallelism) = &common.parallelism {
            super::job::parallelism(parallelism, checking);
        }
        super::job::restart(common.restart.as_ref(), checking);
    }
    aside(node, checking);
    let Some(Kind::Operator(kind)) = &node.kind else { return };
    let span = node.kind_span;
    use OperatorKind as K;
    match kind {
        K::Window(window) => windows::check(window, span, checking),
        K::WindowJoin(join) => windows::check_join(join, span, checking),
        K::Aggregate(aggregated) => {
            aggregates(&aggregated.aggregates, &aggregated.key_by, &[], span, checking);
        }
        K::Project(columns) if columns.is_empty() => nothing("columns", span, checking),
        K::Split(outputs) if outputs.is_empty() => nothing("side outputs", span, checking),
        K::Map(map) if map.set.is_empty() && map.drop.is_empty() => {
            nothing("columns", span, checking);
        }
        K::FlatMap(FlatMap::Split(split)) if split.by.is_empty() => {
            let wrong = Diagnostic::new(
                Code::EmptyText,
                span,
                "`by` is empty: a text cannot be split by nothing",
            );
            checking.push(wrong.label("split by what?"));
        }
        K::IntervalJoin(join) => interval(&join.between, checking),
        K::Reconcile(reconcile) => interval(&reconcile.within, checking),
        K::Dedup(dedup) => self::dedup(dedup, checking),
        K::Pattern(pattern) => patterns::check(pattern, span, checking),
        K::LookupJoin(join) => lookups::check(join, checking),
        K::TemporalJoin(join) => {
            if let Validity::AtMost(most) = &join.validity
                && most.value.millis() < 0
            {
                let wrong = Diagnostic::new(
                    Code::OutOfRange,
                    most.span,
                    "a version cannot be valid for less than no time",
                );
                checking.push(wrong.label("this is below zero"));
            }
        }
        _ => {}
    }
    if let Some(on) = on(kind)
        && on.left.len() != on.right.len()
    {
        let many = |count: usize| {
            if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
        };
        let (left, right) = (many(on.left.len()), many(on.right.len()));
        let message = format!("the left side is joined by {left}, the right side by {right}");
        let span = on.right.first().map_or(span, |name| name.span);
        let wrong = Diagnostic::new(Code::Contradiction, span, message);
        checking.push(
            wrong
                .label("the first of both are equal, and so on")
                .help("name as many on both sides"),
        );
    }
}

const fn on(kind: &OperatorKind) -> Option<&crate::document::On> {
    use OperatorKind as K;
    match kind {
        K::IntervalJoin(join) => Some(&join.on),
        K::WindowJoin(join) => Some(&join.on),
        K::OuterJoin(join) => Some(&join.on),
        K::TemporalJoin(join) => Some(&join.on),
        K::UnboundedJoin(join) => Some(&join.on),
        K::Reconcile(join) => Some(&join.on),
        K::Broadcast(join) => Some(&join.on),
        _ => None,
    }
}

fn nothing(what: &str, span: Span, checking: &mut Checking<'_>) {
    let wrong = Diagnostic::new(Code::MissingKey, span, format!("no {what} are named"));
    checking.push(
        wrong
            .label("nothing would come out")
            .help("write a name and an expression: `name: expression`"),
    );
}

fn interval(between: &Spanned<Between>, checking: &mut Checking<'_>) {
    let Between { lower, upper, lower_exclusive, upper_exclusive } = &between.value;
    let least = lower.value.millis().saturating_add(i64::from(*lower_exclusive));
    let most = upper.value.millis().saturating_sub(i64::from(*upper_exclusive));
    if least <= most {
        return;
    }
    let swapped = lower.value > upper.value;
    let help = if swapped {
        format!("swap them: `{{ lower: {}, upper: {} }}`", upper.value, lower.value)
    } else {
        "with both bounds the same, none of them can be left out".into()
    };
    let wrong = Diagnostic::new(Code::BadInterval, lower.span, "no pair can lie in this interval");
    let label = if swapped {
        "the lower bound is above the upper one"
    } else {
        "nothing lies between the bounds"
    };
    checking.push(wrong.label(label).help(help));
}

fn dedup(dedup: &Dedup, checking: &mut Checking<'_>) {
    match dedup {
        Dedup::FirstRow(first) => {
            if let Some(refreshed) = first.refreshed_by_duplicates.as_ref().filter(|on| on.value) {
                let why = match (first.retain, first.time) {
                    (_, Clock::EventTime) => {
                        "by event time, the time always counts from the first row"
                    }
                    (Retain::Forever, _) => "what is kept for ever has no time to refresh",
                    _ => return,
                };
                let wrong = Diagnostic::new(
                    Code::NeedlessOption,
                    refreshed.span,
                    "`refreshed_by_duplicates` has no effect here",
                );
                checking.push(wrong.label(why).help("remove it"));
            }
        }
        Dedup::Bloom(bloom) => {
            let share = &bloom.false_positives;
            if !(share.value > 0.0 && share.value < 1.0) {
                let wrong =
                    Diagnostic::new(Code::OutOfRange, share.span, "a share lies between 0 and 1");
                checking.push(
                    wrong
                        .label("this is not between 0 and 1")
                        .help("for one in a thousand write `0.001`"),
                );
            }
        }
        _ => {}
    }
}

/// Checks aggregates: that there are some, that they are calls, that their columns are new.
pub(super) fn aggregates(
    aggregates: &Entries<AggregateText>,
    key_by: &[Name],
    own: &[&str],
    span: Span,
    checking: &mut Checking<'_>,
) {
    if aggregates.is_empty() {
        let wrong = Diagnostic::new(Code::MissingKey, span, "no aggregates are named");
        checking.push(
            wrong
                .label("nothing would be computed")
                .help("write a name and an aggregate: `views: count()`"),
        );
    }
    let mut columns: HashMap<&str, &str> =
        key_by.iter().map(|key| (&*key.value as &str, "the key")).collect();
    columns.extend(own.iter().map(|own| (*own, "the window")));
    for (name, text) in aggregates.iter() {
        if let Some(whose) = columns.get(name.value.as_str()) {
            let message = format!("the result has a column `{}` already", name.value);
            let wrong = Diagnostic::new(Code::DuplicateColumn, name.span, message);
            checking.push(
                wrong
                    .label(format!("{whose} has that name"))
                    .help("give the aggregate another name"),
            );
        }
        call(text, checking);
    }
    repeated(key_by, checking);
}

fn call(text: &Spanned<Text>, checking: &mut Checking<'_>) {
    if let Err(wrong) = AggregateCall::read(&text.value) {
        let span = checking.within(text.id, text.span, wrong.within);
        checking.push(
            Diagnostic::new(wrong.code, span, wrong.message).label(wrong.label).help(wrong.help),
        );
    }
}

/// A column that is there twice in a list of names.
pub(super) fn repeated(names: &[Name], checking: &mut Checking<'_>) {
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|before| before.value == name.value) {
            let message = format!("the column `{}` is there twice", name.value);
            checking.push(
                Diagnostic::new(Code::DuplicateColumn, name.span, message).label("once is enough"),
            );
        }
    }
}

/// The most subtasks there can ever be.
pub(super) fn most_subtasks(checking: &Checking<'_>) -> u32 {
    let most = checking.document.job.as_ref().and_then(|job| job.max_parallelism.as_ref());
    most.map_or(128, |number| number.value.min(limits::PARALLELISM))
}
