//! One stage of a pattern: whether what is said of it can be, by itself and behind the stage before.

use super::Checking;
use super::patterns::bad;
use crate::decode::Spanned;
use crate::document::{Contiguity, Stage, Times};

/// Whether it stands for what is not there.
pub(super) const fn is_absence(stage: &Spanned<Stage>) -> bool {
    matches!(stage.value.after, Contiguity::NotNext | Contiguity::NotFollowedBy)
}

/// Whether it may take more than one event.
fn repeats(stage: &Stage) -> bool {
    match &stage.times {
        Times::Once => false,
        Times::OneOrMore | Times::AtLeast(_) => true,
        Times::Exactly(times) => times.0 > 1,
        Times::Between(times) => times.value != [1, 1],
    }
}

/// Whether a match need not have it.
fn is_optional(stage: &Stage) -> bool {
    stage.optional || matches!(&stage.times, Times::Between(times) if times.value[0] == 0)
}

pub(super) fn check(
    stage: &Spanned<Stage>,
    before: Option<&Spanned<Stage>>,
    checking: &mut Checking<'_>,
) {
    absence(stage, before, checking);
    repetitions(stage, checking);
    group(stage, checking);
    if is_optional(stage) && before.is_some_and(|before| before.greedy) {
        let wrong = bad(stage.span, "what follows a greedy stage cannot be left out");
        let help = "let another stage come between, or remove `greedy` or `optional`";
        checking.push(wrong.label("this stage is optional").help(help));
    }
    if [stage.within, stage.repeats_within].into_iter().flatten().any(|time| time.millis() < 1) {
        let wrong = bad(stage.span, "no event comes within no time");
        checking.push(wrong.label("this takes at least 1 ms").help("write `within: 5s`"));
    }
}

fn absence(stage: &Spanned<Stage>, before: Option<&Spanned<Stage>>, checking: &mut Checking<'_>) {
    if !is_absence(stage) {
        return;
    }
    if repeats(stage) || is_optional(stage) || stage.group.is_some() {
        let wrong = bad(stage.span, "an absence cannot repeat, be optional or be a group");
        checking.push(wrong.label("what is not there is not there once"));
    }
    if before.is_some_and(|before| is_optional(before)) {
        let wrong = bad(stage.span, "an absence cannot follow a stage that can be left out");
        let help = "take two patterns, with that stage and without it";
        checking.push(wrong.label("the stage before is optional").help(help));
    }
}

fn repetitions(stage: &Spanned<Stage>, checking: &mut Checking<'_>) {
    let only_then = stage.greedy
        || stage.consecutive
        || stage.combinations
        || stage.until.is_some()
        || stage.repeats_within.is_some();
    let has_end = !matches!(stage.times, Times::OneOrMore | Times::AtLeast(_));
    if !repeats(stage) && only_then {
        let wrong = bad(
            stage.span,
            "`greedy`, `consecutive`, `combinations`, `until` and `repeats_within` are for stages that repeat",
        );
        checking
            .push(wrong.label("this one comes once").help("say how often: `times: one-or-more`"));
    } else if stage.until.is_some() && has_end {
        let wrong = bad(stage.span, "`until` is for a stage that repeats without end");
        let help = "write `times: one-or-more` or `times: { at-least: 2 }`, or remove `until`";
        checking.push(wrong.label("this one ends by its number").help(help));
    }
    if stage.consecutive && stage.combinations {
        let wrong = bad(stage.span, "`consecutive` and `combinations` contradict each other");
        checking.push(
            wrong.label("nothing between repetitions, or anything?").help("keep one of them"),
        );
    }
    if stage.greedy && stage.combinations {
        let wrong = bad(stage.span, "`greedy` and `combinations` contradict each other");
        checking
            .push(wrong.label("take all that fits, or leave some out?").help("keep one of them"));
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

fn group(stage: &Spanned<Stage>, checking: &mut Checking<'_>) {
    if stage.group.is_none() {
        return;
    }
    if stage.greedy {
        let wrong = bad(stage.span, "a group cannot be greedy");
        checking.push(wrong.label("only single stages can").help("remove `greedy`"));
    }
    if stage.condition.is_some() {
        let wrong = bad(stage.span, "a group has no `where`");
        let help = "give the condition to the stages in the group";
        checking.push(wrong.label("it takes no events itself").help(help));
    }
}
