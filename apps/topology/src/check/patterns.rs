//! Patterns: stages that hang together. What needs the expressions of stages comes with these.

use super::Checking;
use crate::code::Code;
use crate::decode::Spanned;
use crate::diagnostic::Diagnostic;
use crate::document::{AfterMatch, Contiguity, Pattern, Stage, Times};
use crate::source::Span;
use crate::suggest;

pub(super) fn check(pattern: &Pattern, span: Span, checking: &mut Checking<'_>) {
    let mut names: Vec<&str> = Vec::new();
    stages(&pattern.stages.value, pattern.stages.span, &mut names, checking);
    if let Some(last) = pattern.stages.value.last()
        && last.after == Contiguity::NotFollowedBy
        && pattern.within.is_none()
    {
        let wrong = bad(last.span, "an absence at the end of a pattern has no end");
        checking
            .push(wrong.label("until when must nothing come?").help("say how long: `within: 15m`"));
    }
    if let Some(within) = &pattern.within {
        super::job::above_zero(within, checking);
    }
    if let AfterMatch::ToFirst(name) | AfterMatch::ToLast(name) = &pattern.after_match
        && !names.contains(&&*name.value)
    {
        let wrong =
            bad(name.span, format!("there is no stage `{}`", name.value)).label("no such stage");
        let near = suggest::nearest(&name.value, names.iter().copied());
        checking.push(wrong.meant(near, format!("there are {}", suggest::list(&names, "and"))));
    }
    if let (Some(_), None) = (&pattern.timed_out, &pattern.within) {
        let wrong = Diagnostic::new(Code::Contradiction, span, "`timed_out` needs `within`");
        checking.push(
            wrong
                .label("without a bound no match runs out of time")
                .help("say how long a match may take: `within: 15m`"),
        );
    }
    super::kind::repeated(&pattern.key_by, checking);
}

fn bad(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadPattern, span, message)
}

fn stages<'a>(
    all: &'a [Spanned<Stage>],
    span: Span,
    names: &mut Vec<&'a str>,
    checking: &mut Checking<'_>,
) {
    if all.is_empty() {
        checking.push(bad(span, "a pattern has at least one stage").label("there is none"));
    }
    for (at, stage) in all.iter().enumerate() {
        if at == 0 && matches!(stage.after, Contiguity::NotNext | Contiguity::NotFollowedBy) {
            let wrong = bad(stage.span, "a pattern cannot begin with an absence");
            checking
                .push(wrong.label("nothing comes before it").help("begin with what must be there"));
        }
        match (&stage.name, &stage.group) {
            (Some(name), None) => {
                if names.contains(&&*name.value) {
                    let wrong =
                        bad(name.span, format!("the stage `{}` is there twice", name.value));
                    checking.push(wrong.label("expressions could not tell them apart"));
                }
                names.push(&name.value);
            }
            (None, Some(group)) => stages(group, stage.span, names, checking),
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
        one(stage, checking);
    }
}

fn one(stage: &Spanned<Stage>, checking: &mut Checking<'_>) {
    let repeats = stage.times != Times::Once;
    let absent = matches!(stage.after, Contiguity::NotNext | Contiguity::NotFollowedBy);
    if absent && (repeats || stage.optional || stage.group.is_some()) {
        let wrong = bad(stage.span, "an absence cannot repeat, be optional or be a group");
        checking.push(wrong.label("what is not there is not there once"));
    }
    if !repeats
        && (stage.greedy || stage.consecutive || stage.combinations || stage.until.is_some())
    {
        let wrong = bad(
            stage.span,
            "`greedy`, `consecutive`, `combinations` and `until` are for stages that repeat",
        );
        checking
            .push(wrong.label("this one comes once").help("say how often: `times: one-or-more`"));
    }
    if stage.consecutive && stage.combinations {
        let wrong = bad(stage.span, "`consecutive` and `combinations` contradict each other");
        checking.push(
            wrong.label("nothing between repetitions, or anything?").help("keep one of them"),
        );
    }
    if let Times::Between(times) = &stage.times
        && (times.value[0] > times.value[1] || times.value[1] == 0)
    {
        let wrong = bad(
            times.span,
            format!("a stage cannot come from {} to {} times", times.value[0], times.value[1]),
        );
        checking.push(wrong.label("the first number is the smaller one"));
    }
}
