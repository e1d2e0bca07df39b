//! Patterns: what is said of the whole, and of stages that hang together. What needs the expressions of stages comes with
//! these; what one stage can be is in `pattern_stage`.

use super::{Checking, pattern_stage};
use crate::code::Code;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{AfterMatch, Contiguity, Name, Pattern, Stage, Times};
use crate::source::Span;
use crate::suggest;

pub(super) fn check(pattern: &Pattern, span: Span, checking: &mut Checking<'_>) {
    let all = &pattern.stages.value;
    let mut names = Names::default();
    stages(all, pattern.stages.span, &mut names, checking);
    if let Some(last) = all.last()
        && last.after == Contiguity::NotFollowedBy
        && pattern.within.is_none()
        && last.within.is_none()
    {
        let wrong = bad(last.span, "an absence at the end of a pattern has no end");
        checking
            .push(wrong.label("until when must nothing come?").help("say how long: `within: 15m`"));
    }
    if let Some(within) = &pattern.within {
        super::job::above_zero(within, checking);
    }
    match &pattern.after_match {
        AfterMatch::ToFirst(name) | AfterMatch::ToLast(name) => goes_on(name, &names, checking),
        AfterMatch::NoSkip | AfterMatch::ToNext | AfterMatch::PastLastEvent => {
            if pattern.fail_on_miss {
                let wrong = "`fail_on_miss` needs a stage with which matching goes on";
                let wrong = Diagnostic::new(Code::Contradiction, span, wrong);
                let help = "say which: `after_match: { to-first: pay }`, or remove `fail_on_miss`";
                checking.push(wrong.label("nothing can be missed").help(help));
            }
        }
    }
    if pattern.timed_out.is_some() && pattern.within.is_none() && !any_timed(all) {
        let wrong = Diagnostic::new(Code::Contradiction, span, "`timed_out` needs `within`");
        checking.push(
            wrong
                .label("without a bound no match runs out of time")
                .help("say how long a match may take: `within: 15m`"),
        );
    }
    super::kind::repeated(&pattern.key_by, checking);
    if let Some(within) = &pattern.within {
        not_longer(all, within.value.millis(), checking);
    }
    let size = size(all);
    if size > MOST_STAGES {
        let wrong = format!(
            "with its repetitions the pattern has {size} stages; {MOST_STAGES} are possible at most"
        );
        let help = "count by `times: one-or-more` and a condition on what was taken";
        checking.push(bad(pattern.stages.span, wrong).label("too many").help(help));
    }
}

/// Stages of a pattern at most, each counted as often as it is repeated by number: as the engine has it.
const MOST_STAGES: u64 = 1_000;

/// How many stages there are when all repetitions are written out.
fn size(stages: &[Spanned<Stage>]) -> u64 {
    let stages = stages.iter().map(|stage| {
        let times = match &stage.times {
            Times::Once => 1,
            Times::OneOrMore => 2,
            Times::Exactly(times) => times.0,
            Times::AtLeast(times) => times.0.saturating_add(1),
            Times::Between(times) => times.value[1].into(),
        };
        times.saturating_mul(stage.group.as_deref().map_or(1, size))
    });
    stages.fold(0, u64::saturating_add)
}

/// Names of stages, and those of stages that take events.
#[derive(Default)]
struct Names<'a> {
    all: Vec<&'a str>,
    taking: Vec<&'a str>,
}

/// The stage with which matching goes on must take events.
fn goes_on(name: &Name, names: &Names<'_>, checking: &mut Checking<'_>) {
    let text = &*name.value;
    if names.taking.contains(&text) {
        return;
    }
    let (message, label) = if names.all.contains(&text) {
        (format!("matching cannot go on with `{text}`"), "this stage takes no events")
    } else {
        (format!("there is no stage `{text}`"), "no such stage")
    };
    let near = suggest::nearest(text, names.taking.iter().copied());
    let otherwise = format!("events are taken by {}", suggest::list(&names.taking, "and"));
    checking.push(bad(name.span, message).label(label).meant(near, otherwise));
}

/// Whether a stage has a time of its own.
fn any_timed(stages: &[Spanned<Stage>]) -> bool {
    stages.iter().any(|stage| {
        let inner = stage.group.as_deref().is_some_and(any_timed);
        inner || stage.within.is_some() || stage.repeats_within.is_some()
    })
}

/// No stage may take longer than the whole.
fn not_longer(stages: &[Spanned<Stage>], whole_ms: i64, checking: &mut Checking<'_>) {
    for stage in stages {
        let times = [stage.within, stage.repeats_within];
        if times.into_iter().flatten().any(|time| time.millis() > whole_ms) {
            let wrong = bad(stage.span, "the stage may take longer than the whole pattern");
            let help = "give it a shorter time, or the pattern a longer `within`";
            checking.push(wrong.label("the pattern's `within` is shorter").help(help));
        }
        not_longer(stage.group.as_deref().unwrap_or_default(), whole_ms, checking);
    }
}

pub(super) fn bad(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadPattern, span, message)
}

fn stages<'a>(
    all: &'a [Spanned<Stage>],
    span: Span,
    names: &mut Names<'a>,
    checking: &mut Checking<'_>,
) {
    if all.is_empty() {
        checking.push(bad(span, "a pattern has at least one stage").label("there is none"));
    }
    for (at, stage) in all.iter().enumerate() {
        if at == 0 && pattern_stage::is_absence(stage) {
            let wrong = bad(stage.span, "a pattern cannot begin with an absence");
            checking
                .push(wrong.label("nothing comes before it").help("begin with what must be there"));
        }
        match (&stage.name, &stage.group) {
            (Some(name), None) => {
                if names.all.contains(&&*name.value) {
                    let wrong =
                        bad(name.span, format!("the stage `{}` is there twice", name.value));
                    checking.push(wrong.label("expressions could not tell them apart"));
                }
                names.all.push(&name.value);
                if !pattern_stage::is_absence(stage) {
                    names.taking.push(&name.value);
                }
            }
            (None, Some(group)) => {
                if let Some(last) = group.last()
                    && last.after == Contiguity::NotFollowedBy
                {
                    let wrong = bad(last.span, "an absence at the end of a group has no end");
                    let help = "put it behind the group";
                    checking.push(wrong.label("until when must nothing come?").help(help));
                }
                stages(group, stage.span, names, checking);
            }
            (None, None) => {
                let wrong = bad(stage.span, "a stage has a `name`, or is a `group`");
                checking.push(
                    wrong.label("what is it?").help("write `{ name: paid, where: step = 'pay' }`"),
                );
            }
            (Some(name), Some(_)) => {
                checking.push(
                    bad(name.span, "a group has no name")
                        .label("its stages have")
                        .help("remove `name`"),
                );
            }
        }
        let before = at.checked_sub(1).and_then(|before| all.get(before));
        pattern_stage::check(stage, before, checking);
    }
}
