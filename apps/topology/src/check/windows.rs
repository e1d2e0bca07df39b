//! Windows: exactly one kind of them, sizes that make sense, triggers that fire.

use super::{Checking, kind};
use crate::code::Code;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{
    Clock, Cumulate, Duration, Evict, Session, Sliding, Trigger, Tumbling, Window, WindowJoin,
};
use crate::source::Span;
use crate::suggest;

/// What a window is one of.
pub(crate) const KINDS: &[&str] =
    &["tumbling", "sliding", "cumulate", "session", "calendar", "count", "global"];

/// What the windows of a join are one of.
pub(crate) const KINDS_OF_JOINS: &[&str] = &["tumbling", "sliding", "session"];

/// What ends a session.
pub(crate) const GAPS: &[&str] = &["gap", "gap_by"];

/// What may be evicted.
pub(crate) const EVICTED: &[&str] = &["keep_last", "keep_time", "delta"];

/// Columns that a window brings.
const OWN: &[&str] = &["window_start", "window_end"];

/// Whether the windows end by time, or fire by it.
pub(super) fn needs_event_time(window: &Window) -> bool {
    let timeless = window.count.is_some() || window.global.is_some();
    let by_time = matches!(window.trigger.as_deref(), Some(Trigger::EventTime | Trigger::Every(_)));
    by_time || (!timeless && !window.windowings().is_empty())
}

pub(super) fn check(window: &Window, span: Span, checking: &mut Checking<'_>) {
    let said = window.windowings();
    exactly_one(&said, KINDS, "a window", span, checking);
    sizes(
        window.tumbling.as_ref(),
        window.sliding.as_ref(),
        window.cumulate.as_ref(),
        window.session.as_ref(),
        checking,
    );
    let needs_key = said.first().map(|(name, _)| *name);
    if let Some(name @ ("session" | "count")) = needs_key
        && window.key_by.is_empty()
        && said.len() == 1
    {
        let message = format!("windows of kind `{name}` belong to a key");
        let wrong = Diagnostic::new(Code::MissingKey, said[0].1, message).label("whose?");
        checking.push(wrong.help("say `key_by: [column]`"));
    }
    if let [(name, _)] = said.as_slice() {
        trigger(window, name, span, checking);
        lateness(window.allowed_lateness.as_ref(), window.time, name, checking);
    }
    if let Some(evict) = &window.evict {
        self::evict(evict, checking);
    }
    let own: &[&str] = if window.global.is_some() || window.count.is_some() { &[] } else { OWN };
    kind::aggregates(&window.aggregates, &window.key_by, own, span, checking);
}

pub(super) fn check_join(join: &WindowJoin, span: Span, checking: &mut Checking<'_>) {
    let said = [
        join.tumbling.as_ref().map(|one| ("tumbling", one.span)),
        join.sliding.as_ref().map(|one| ("sliding", one.span)),
        join.session.as_ref().map(|one| ("session", one.span)),
    ];
    let said: Vec<(&'static str, Span)> = said.into_iter().flatten().collect();
    exactly_one(&said, KINDS_OF_JOINS, "a window join", span, checking);
    sizes(join.tumbling.as_ref(), join.sliding.as_ref(), None, join.session.as_ref(), checking);
    if let [(name, _)] = said.as_slice() {
        lateness(join.allowed_lateness.as_ref(), join.time, name, checking);
    }
}

fn exactly_one(
    said: &[(&'static str, Span)],
    kinds: &[&str],
    what: &str,
    span: Span,
    checking: &mut Checking<'_>,
) {
    let list = suggest::list(kinds, "or");
    match said {
        [_] => {}
        [] => {
            let wrong = Diagnostic::new(Code::OneOf, span, format!("{what} needs one of {list}"));
            let help = "for windows of an hour side by side write `tumbling: { size: 1h }`";
            checking.push(wrong.label("which windows?").help(help));
        }
        [(first, _), (second, at), ..] => {
            let message = format!("{what} is `{first}` or `{second}`, not both");
            let wrong = Diagnostic::new(Code::OneOf, *at, message)
                .label(format!("it is `{first}` already"));
            checking
                .push(wrong.help("keep one of them; for both write two nodes with the same input"));
        }
    }
}

fn sizes(
    tumbling: Option<&Spanned<Tumbling>>,
    sliding: Option<&Spanned<Sliding>>,
    cumulate: Option<&Spanned<Cumulate>>,
    session: Option<&Spanned<Session>>,
    checking: &mut Checking<'_>,
) {
    if let Some(tumbling) = tumbling {
        positive(&tumbling.size, "size", checking);
    }
    if let Some(sliding) = sliding {
        positive(&sliding.size, "size", checking);
        positive(&sliding.slide, "slide", checking);
        if sliding.slide.value > sliding.size.value && sliding.size.value.millis() > 0 {
            let message = format!(
                "windows of {} every {} leave gaps",
                sliding.size.value, sliding.slide.value
            );
            let wrong = Diagnostic::new(Code::NeedlessOption, sliding.slide.span, message);
            checking.push(
                wrong
                    .label("records in between belong to no window")
                    .help("the slide is mostly shorter than the size"),
            );
        }
    }
    if let Some(cumulate) = cumulate {
        positive(&cumulate.size, "size", checking);
        positive(&cumulate.step, "step", checking);
        let (size, step) = (cumulate.size.value.millis(), cumulate.step.value.millis());
        if size > 0 && step > 0 && size % step != 0 {
            let message = format!(
                "windows that grow by {} never reach {}",
                cumulate.step.value, cumulate.size.value
            );
            let wrong = Diagnostic::new(Code::BadWindow, cumulate.step.span, message);
            checking.push(wrong.label("the size must be a multiple of the step"));
        }
    }
    if let Some(session) = session {
        match (&session.gap, &session.gap_by) {
            (Some(gap), None) => positive(gap, "gap", checking),
            (None, Some(_)) => {}
            (None, None) => {
                let wrong =
                    Diagnostic::new(Code::OneOf, session.span, "a session needs `gap` or `gap_by`");
                checking.push(
                    wrong
                        .label("when does it end?")
                        .help("say after how long without a record: `gap: 30m`"),
                );
            }
            (Some(_), Some(by)) => {
                let wrong = Diagnostic::new(
                    Code::OneOf,
                    by.span,
                    "a session has `gap` or `gap_by`, not both",
                );
                checking.push(wrong.label("there is a `gap` already").help("keep one of them"));
            }
        }
    }
}

fn positive(time: &Spanned<Duration>, what: &str, checking: &mut Checking<'_>) {
    if time.value.millis() <= 0 {
        let wrong = Diagnostic::new(
            Code::BadWindow,
            time.span,
            format!("the {what} of a window must be above zero"),
        );
        checking.push(wrong.label("there are no such windows"));
    }
}

fn trigger(window: &Window, name: &str, span: Span, checking: &mut Checking<'_>) {
    let Some(trigger) = &window.trigger else {
        if name == "global" {
            let wrong = Diagnostic::new(
                Code::BadTrigger,
                span,
                "a global window never fires without a trigger",
            );
            checking.push(wrong.label("no result would ever come").help("say `trigger: { count: 100 }`, `trigger: { every: 1m }` or `trigger: end-of-stream`"));
        }
        if let Some(purge) = window.purge.as_ref().filter(|purge| purge.value && name != "global") {
            let wrong = Diagnostic::new(
                Code::NeedlessOption,
                purge.span,
                "`purge` has no effect without a trigger",
            );
            checking.push(
                wrong
                    .label("a window fires once, at its end")
                    .help("remove it, or say when windows fire: `trigger: { every: 1m }`"),
            );
        }
        return;
    };
    let why = match (&trigger.value, name) {
        (Trigger::Delta(_), "session") => {
            "sessions merge, and the record that fired last is then not known"
        }
        (Trigger::EventTime | Trigger::ProcessingTime, "global") => {
            "a global window has no end to fire at"
        }
        (_, "count") => "windows of so many records fire when they have them",
        (Trigger::EndOfStream, name) if name != "global" && window.time == Clock::EventTime => {
            "by event time a window is forgotten at its end, before the input has ended"
        }
        _ => return,
    };
    let wrong = Diagnostic::new(
        Code::BadTrigger,
        trigger.span,
        format!("this trigger does not go with `{name}` windows"),
    );
    checking.push(wrong.label(why));
}

fn lateness(
    allowed: Option<&Spanned<Duration>>,
    time: Clock,
    name: &str,
    checking: &mut Checking<'_>,
) {
    let Some(lateness) = allowed else { return };
    let mut contradicts = |why: &str, help: &str| {
        let wrong = Diagnostic::new(
            Code::Contradiction,
            lateness.span,
            "`allowed_lateness` means nothing here",
        );
        checking.push(wrong.label(why).help(help));
    };
    if lateness.value.millis() < 0 {
        let wrong = Diagnostic::new(
            Code::OutOfRange,
            lateness.span,
            "the allowed lateness must be zero or more",
        );
        checking.push(wrong.label("this is below zero"));
    } else if time == Clock::ProcessingTime {
        contradicts("by the wall clock nothing is late", "remove it, or `time: processing-time`");
    } else if matches!(name, "global" | "count") {
        contradicts(
            &format!("`{name}` windows have no end that a record could be late for"),
            "remove it",
        );
    }
}

fn evict(evict: &Spanned<Evict>, checking: &mut Checking<'_>) {
    let Evict { keep_last, keep_time, delta, .. } = &evict.value;
    let said = usize::from(keep_last.is_some())
        + usize::from(keep_time.is_some())
        + usize::from(delta.is_some());
    if said != 1 {
        let wrong = Diagnostic::new(
            Code::OneOf,
            evict.span,
            "`evict` needs one of `keep_last`, `keep_time` or `delta`",
        );
        checking.push(wrong.label(if said == 0 {
            "which records go?"
        } else {
            "here are several"
        }));
    }
}
