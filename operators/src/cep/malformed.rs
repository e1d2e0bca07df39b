//! What a pattern cannot be, and why.

use crate::cep::pattern::Pattern;
use crate::cep::stage::{Contiguity, Quantifier, Stage};
use std::collections::HashSet;
use thiserror::Error;

/// Conditions in a pattern, at most: their answers about an event are kept as bits of a word.
pub const MAX_CONDITIONS: usize = 64;

/// Stages in a pattern, at most, each counted as often as it is repeated by number: a state or two of the
/// automaton for each.
pub const MAX_STAGES: usize = 1_000;

/// Edges of a pattern's automaton, at most: the ways on which stages that may be left out can be, from each
/// stage.
pub const MAX_EDGES: usize = 100_000;

/// Why a pattern cannot be matched.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "every variant says itself what is wrong with which stage")]
pub enum MalformedPattern {
    #[error("two stages are called `{0}`; what they take is told apart by name, so rename one")]
    SameName(String),
    #[error("a stage has no name; give it one, matches are read by it")]
    NoName,
    #[error("matching cannot go on at `{0}`: no stage is called so, or it stands for an absence")]
    SkipToUnknown(String),
    #[error("a group has an after-match strategy; give it to the whole pattern")]
    SkipInGroup,
    #[error("{stage} has two quantifiers; say once how often it repeats")]
    QuantifierTwice { stage: String },
    #[error(
        "{stage} repeats {from} to {to} times; take at least 1 and at most as many as the last"
    )]
    Times { stage: String, from: usize, to: usize },
    #[error("{stage} is consecutive and allows combinations; choose one of the two")]
    ConsecutiveCombinations { stage: String },
    #[error(
        "{stage} is to be {what}, but does not repeat: add `times`, `one_or_more` or `times_or_more`"
    )]
    DoesNotRepeat { stage: String, what: &'static str },
    #[error("{stage} has an `until` but does not repeat without end: use `one_or_more` before it")]
    UntilWithoutLoop { stage: String },
    #[error("{stage} has two `until`; join their conditions in one")]
    UntilTwice { stage: String },
    #[error(
        "{stage} is greedy and leaves events out (`allow_combinations`); choose one of the two"
    )]
    GreedyCombinations { stage: String },
    #[error("{stage} cannot be greedy: only single stages can")]
    GreedyGroup { stage: String },
    #[error("{stage} has a condition; give it to the stages in the group")]
    ConditionOnGroup { stage: String },
    #[error("{stage} stands for an absence: it cannot repeat, and it cannot be optional")]
    RepeatedAbsence { stage: String },
    #[error("{stage} is optional but follows a greedy stage, which must know what comes after it")]
    OptionalAfterGreedy { stage: String },
    #[error(
        "{stage} stands for an absence after an optional stage; use two patterns, with that stage and \
         without it"
    )]
    AbsenceAfterOptional { stage: String },
    #[error("{stage} is the last and must not happen, but until when? Say so with `within`")]
    OpenAbsence { stage: String },
    #[error("{stage} ends a group and must not happen, but until when? Put it after the group")]
    AbsenceEndsGroup { stage: String },
    #[error("{0} ms is no time in which a pattern could match; take at least 1")]
    Within(i64),
    #[error("{stage} may take {ms} ms, longer than the whole pattern with {within_ms} ms")]
    LongerThanWhole { stage: String, ms: i64, within_ms: i64 },
    #[error("the pattern has {0} conditions; at most {MAX_CONDITIONS} are possible")]
    TooManyConditions(usize),
    #[error(
        "with its repetitions the pattern has {0} stages; at most {MAX_STAGES} are possible. Count by \
         `one_or_more` and a condition on what has been taken"
    )]
    TooManyStages(usize),
    #[error(
        "there are more than {0} ways through the pattern; make fewer stages optional, most of all in \
         groups that are optional too"
    )]
    TooManyWays(usize),
}

/// The first thing that makes no sense.
pub(super) fn check<T>(pattern: &Pattern<T>) -> Result<(), MalformedPattern> {
    if let Some(fault) = &pattern.fault {
        return Err(fault.clone());
    }
    if let Some(ms) = pattern.within_ms.filter(|ms| *ms < 1) {
        return Err(MalformedPattern::Within(ms));
    }
    let mut names = Names::default();
    names.add(&pattern.stages)?;
    if let Some(stage) = pattern.skip.stage().filter(|stage| !names.taking.contains(stage)) {
        return Err(MalformedPattern::SkipToUnknown(stage.to_owned()));
    }
    check_stages(&pattern.stages, pattern.within_ms)?;
    let size = size(&pattern.stages);
    if size > MAX_STAGES {
        return Err(MalformedPattern::TooManyStages(size));
    }
    let last = pattern.stages.last();
    match last.filter(|last| last.contiguity == Contiguity::NotFollowedBy) {
        Some(last) if pattern.within_ms.or(last.within_previous_ms).is_none() => {
            Err(MalformedPattern::OpenAbsence { stage: last.called() })
        }
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Names<'a> {
    all: HashSet<&'a str>,
    /// Of stages that take events.
    taking: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn add<T>(&mut self, stages: &'a [Stage<T>]) -> Result<(), MalformedPattern> {
        for stage in stages {
            if let Some(group) = &stage.group {
                self.add(group)?;
                continue;
            }
            if stage.name.is_empty() {
                return Err(MalformedPattern::NoName);
            }
            if !self.all.insert(&stage.name) {
                return Err(MalformedPattern::SameName(stage.name.clone()));
            }
            if !stage.contiguity.is_absence() {
                self.taking.insert(&stage.name);
            }
        }
        Ok(())
    }
}

/// How many stages there are when all repetitions are written out.
fn size<T>(stages: &[Stage<T>]) -> usize {
    let stages = stages.iter().map(|stage| {
        let times = match stage.quantifier {
            Quantifier::One => 1,
            Quantifier::Times { to, .. } => to,
            Quantifier::AtLeast(times) => times.saturating_add(1),
        };
        times.saturating_mul(stage.group.as_ref().map_or(1, |group| size(group)))
    });
    stages.fold(0, usize::saturating_add)
}

fn check_stages<T>(stages: &[Stage<T>], within_ms: Option<i64>) -> Result<(), MalformedPattern> {
    let mut before: Option<&Stage<T>> = None;
    for stage in stages {
        check_stage(stage)?;
        check_times(stage, within_ms)?;
        let called = || stage.called();
        if stage.optional && before.is_some_and(|before| before.greedy) {
            return Err(MalformedPattern::OptionalAfterGreedy { stage: called() });
        }
        if stage.contiguity.is_absence() && before.is_some_and(|before| before.optional) {
            return Err(MalformedPattern::AbsenceAfterOptional { stage: called() });
        }
        if let Some(group) = &stage.group {
            let last = group.last();
            if let Some(last) = last.filter(|last| last.contiguity == Contiguity::NotFollowedBy) {
                return Err(MalformedPattern::AbsenceEndsGroup { stage: last.called() });
            }
            check_stages(group, within_ms)?;
        }
        before = Some(stage);
    }
    Ok(())
}

fn check_stage<T>(stage: &Stage<T>) -> Result<(), MalformedPattern> {
    let called = || stage.called();
    let repeats = stage.quantifier != Quantifier::One;
    if stage.contiguity.is_absence() && (repeats || stage.optional) {
        return Err(MalformedPattern::RepeatedAbsence { stage: called() });
    }
    let what = match stage.between {
        Some(Contiguity::Next) => Some("consecutive"),
        Some(_) => Some("combined"),
        None if stage.greedy => Some("greedy"),
        None => None,
    };
    if let Some(what) = what.filter(|_| !repeats) {
        return Err(MalformedPattern::DoesNotRepeat { stage: called(), what });
    }
    let (from, to) = match stage.quantifier {
        Quantifier::One => (1, 1),
        Quantifier::Times { from, to } => (from, to),
        Quantifier::AtLeast(times) => (times, times),
    };
    if from < 1 || to < from {
        return Err(MalformedPattern::Times { stage: called(), from, to });
    }
    if stage.until.is_some() && !matches!(stage.quantifier, Quantifier::AtLeast(_)) {
        return Err(MalformedPattern::UntilWithoutLoop { stage: called() });
    }
    if stage.greedy && stage.between == Some(Contiguity::FollowedByAny) {
        return Err(MalformedPattern::GreedyCombinations { stage: called() });
    }
    if stage.group.is_some() && stage.greedy {
        return Err(MalformedPattern::GreedyGroup { stage: called() });
    }
    if stage.group.is_some() && stage.criterion.is_some() {
        return Err(MalformedPattern::ConditionOnGroup { stage: called() });
    }
    Ok(())
}

fn check_times<T>(stage: &Stage<T>, within_ms: Option<i64>) -> Result<(), MalformedPattern> {
    for ms in [stage.within_previous_ms, stage.repeats_within_ms].into_iter().flatten() {
        if ms < 1 {
            return Err(MalformedPattern::Within(ms));
        }
        if let Some(within_ms) = within_ms.filter(|within_ms| ms > *within_ms) {
            let stage = stage.called();
            return Err(MalformedPattern::LongerThanWhole { stage, ms, within_ms });
        }
    }
    if stage.repeats_within_ms.is_some() && stage.quantifier == Quantifier::One {
        let what = "repeated within a time";
        return Err(MalformedPattern::DoesNotRepeat { stage: stage.called(), what });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cep::AfterMatchSkip;

    type Letters = Pattern<char>;

    fn refused(pattern: &Letters, said: &str) {
        let error = pattern.build().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(said), "`{said}` is not in `{error}`");
    }

    fn ab() -> Letters {
        Pattern::begin("a").followed_by("b").is(|event| *event == 'b')
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_way_out() {
        refused(&ab().next("a"), "two stages are called `a`");
        refused(&ab().next(""), "a stage has no name");
        refused(&ab().times(2).one_or_more(), "stage `b` has two quantifiers");
        refused(&ab().times(0), "take at least 1");
        refused(&ab().times_between(3, 2), "repeats 3 to 2 times");
        refused(&ab().times(2).consecutive().allow_combinations(), "choose one of the two");
        refused(&ab().consecutive(), "to be consecutive, but does not repeat");
        refused(&ab().greedy(), "to be greedy, but does not repeat");
        refused(&ab().one_or_more().allow_combinations().greedy(), "greedy and leaves events out");
        refused(&ab().until(|_| true), "an `until` but does not repeat");
        refused(&ab().times(2).until(|_| true), "an `until` but does not repeat");
        refused(&ab().one_or_more().until(|_| true).until(|_| true), "two `until`");
        refused(&ab().not_next("c").optional().next("d"), "stands for an absence: it cannot");
        refused(&ab().not_followed_by("c").times(2).next("d"), "stands for an absence: it cannot");
        refused(&ab().one_or_more().greedy().next("c").optional(), "follows a greedy stage");
        refused(&ab().optional().not_followed_by("c").next("d"), "after an optional stage");
        refused(&ab().not_followed_by("c"), "but until when?");
        refused(&ab().within(0), "0 ms is no time");
        refused(&ab().within_from_previous(-1), "-1 ms is no time");
        refused(&ab().within(5).within_from_previous(6), "longer than the whole pattern");
        refused(&ab().repeats_within(6), "does not repeat");
        refused(&ab().next_group(ab()), "two stages are called `a`");
        let group = || Pattern::begin("c").next("d");
        refused(
            &ab().next_group(group()).is(|_| true),
            "the group that begins with `c` has a cond",
        );
        refused(&ab().next_group(group()).times(2).greedy(), "only single stages can");
        refused(&ab().next_group(group().not_followed_by("e")), "stage `e` ends a group");
        refused(&ab().after_match(AfterMatchSkip::to_first("x")), "matching cannot go on at `x`");
        let skipping = group().after_match(AfterMatchSkip::to_next());
        refused(&ab().next_group(skipping), "a group has an after-match strategy");
        refused(&ab().times(1_000), "1001 stages; at most 1000");
        refused(&ab().next_group(group().times(100)).times(10), "stages; at most 1000");
        let many = (0..64).fold(ab(), |pattern, _| pattern.or(|_| true));
        refused(&many, "65 conditions; at most 64");
    }

    #[test]
    fn what_makes_sense_is_not() {
        let fine = ab().not_followed_by("c").within(5).after_match(AfterMatchSkip::to_last("b"));
        assert_eq!(fine.validate(), Ok(()));
        let group = Pattern::begin("c").one_or_more().until(|_| true).consecutive();
        let fine = ab().times_between(0, 3).greedy().next_group(group).one_or_more().not_next("e");
        assert_eq!(fine.validate(), Ok(()));
    }
}
