//! What becomes of each node's state, and why.
//!
//! The rules are the engine's: a job goes on from a checkpoint only as the same job with the same operators, by uid,
//! kind and what their state means, with the same inputs and as many key groups (`framework/docs/semantics.md`); one
//! thing else, and all of it is refused. What the state of a kind means that a program has registered, only that
//! program knows: the engine takes it as it is.

use super::parts::{End, Part, Parts};
use super::shape;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidegate_topology::Loaded;
use tidegate_topology::plan::{Plan, PlanNode};

/// What becomes of a state, from nothing to do to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// There is none.
    NoState,
    /// It is as it was.
    Kept,
    /// It goes on under what has changed.
    Migrated,
    /// A state of the node is given up, silently.
    Dropped,
    /// It is taken as it is, and nobody knows whether it means something else now.
    Unchecked,
    /// The node is not in the state; the job is refused.
    Added,
    /// The job is refused.
    Refused,
}

impl Fate {
    const fn word(self) -> &'static str {
        match self {
            Self::NoState => "no state",
            Self::Kept => "kept",
            Self::Migrated => "migrated",
            Self::Dropped => "dropped",
            Self::Unchecked => "unchecked",
            Self::Added => "added",
            Self::Refused => "refused",
        }
    }
}

/// What becomes of one node's state.
struct Verdict {
    node: String,
    /// The word for it in a topology.
    kind: String,
    fate: Fate,
    why: Vec<String>,
}

impl Verdict {
    fn new(node: &PlanNode) -> Self {
        let (node, kind) = (node.name.clone(), node.kind.word().to_owned());
        Self { node, kind, fate: Fate::NoState, why: Vec::new() }
    }

    /// Not better than this, for this reason.
    fn at_least(&mut self, fate: Fate, why: impl Into<String>) {
        self.fate = self.fate.max(fate);
        let why = why.into();
        // All operators of a node have as many subtasks: it is told once.
        if !self.why.contains(&why) {
            self.why.push(why);
        }
    }
}

/// All verdicts.
pub(super) struct Report {
    job: String,
    /// Why the whole job is refused, whatever its nodes are.
    refused: Vec<String>,
    nodes: Vec<Verdict>,
}

/// Judges what becomes of the state of `old` when `new` goes on with it.
pub(super) fn judge(old: (&Loaded, &Parts), new: (&Loaded, &Parts)) -> Report {
    let (was, is) = (old.1, new.1);
    let mut refused = Vec::new();
    if was.job != is.job {
        refused.push(format!(
            "the job was called `{}`, is called `{}`: its state folder belongs to the old name",
            was.job, is.job
        ));
    }
    let (groups, now) = (was.max_parallelism.get(), is.max_parallelism.get());
    if groups != now {
        refused.push(format!(
            "max_parallelism was {groups}, is {now}: keys are dealt out to so many groups for ever"
        ));
    }
    let mut nodes = Vec::new();
    if let (Some(before), Some(after)) = (&old.0.plan, &new.0.plan) {
        let judging = Judging { old, new, before, after };
        nodes.extend(after.nodes.iter().map(|node| judging.node(node)));
        let gone = before.nodes.iter().filter(|node| find(after, &node.name).is_none());
        nodes.extend(gone.map(|node| judging.gone(node)));
    }
    Report { job: is.job.clone(), refused, nodes }
}

fn find<'a>(plan: &'a Plan, name: &str) -> Option<&'a PlanNode> {
    plan.nodes.iter().find(|node| node.name == name)
}

struct Judging<'a> {
    old: (&'a Loaded, &'a Parts),
    new: (&'a Loaded, &'a Parts),
    before: &'a Plan,
    after: &'a Plan,
}

impl Judging<'_> {
    fn node(&self, node: &PlanNode) -> Verdict {
        let mut verdict = Verdict::new(node);
        let Some(was) = find(self.before, &node.name) else {
            verdict.at_least(Fate::Added, "the state has no operator of this name");
            if let Some(like) = self.renamed(node) {
                let hint = format!("it looks like a rename of `{like}`: keep the name `{like}`");
                verdict.why.push(hint);
            }
            return verdict;
        };
        let word = was.kind.word();
        self.operators(&node.name, &mut verdict);
        if word != verdict.kind {
            verdict.why.insert(0, format!("it was of the kind {word}"));
        }
        if verdict.fate < Fate::Added {
            self.content(was, node, &mut verdict);
        }
        verdict
    }

    fn gone(&self, node: &PlanNode) -> Verdict {
        let mut verdict = Verdict::new(node);
        verdict.at_least(Fate::Refused, "the state has it, and the new topology lacks it");
        verdict
    }

    /// Whether the state of the node means what it meant, if that is said of any of its operators.
    fn means_the_same(&self, node: &str) -> Option<bool> {
        let meanings = self.new.1.of_node(node).filter_map(|(uid, part)| {
            let was = self.old.1.operators.get(uid)?;
            Some(was.meaning.as_ref()? == part.meaning.as_ref()?)
        });
        meanings.reduce(|all, one| all && one)
    }

    /// Whether the job has another time zone, where the state of a node depends on it.
    fn other_zone(&self, was: &PlanNode, is: &PlanNode) -> Option<String> {
        let zone = |loaded: &Loaded| {
            let job = loaded.document.as_ref().and_then(|document| document.job.as_ref());
            let zone = job.and_then(|job| job.time_zone.as_ref());
            zone.map_or_else(|| "UTC".to_owned(), |zone| zone.0.clone())
        };
        let depends = |node: &PlanNode| {
            node.meaning.as_ref().is_some_and(|meaning| meaning.contains("; time zone "))
        };
        let (had, has) = (zone(self.old.0), zone(self.new.0));
        let is_other = had != has && (depends(was) || depends(is));
        is_other.then(|| format!("`job.time_zone` was {had}, is {has}"))
    }

    /// Whether the node has states, and none of those that it had: nothing old is read in it. Timers do not count: every
    /// process may have some.
    fn is_new(&self, node: &str) -> bool {
        let of = |parts: &Parts| -> BTreeSet<String> {
            let states = parts.of_node(node).map(|(uid, part)| (uid.to_owned(), part.states()));
            let named = states.flat_map(|(uid, states)| {
                let states = states.into_iter().filter(|state| !state.starts_with("timers."));
                states.map(move |state| format!("{uid} {state}"))
            });
            named.collect()
        };
        let (had, has) = (of(self.old.1), of(self.new.1));
        !has.is_empty() && had.is_disjoint(&has)
    }

    /// A node that is gone, of the same kind and with the same options.
    fn renamed(&self, node: &PlanNode) -> Option<&str> {
        let kind = node.kind.word();
        let gone = self.before.nodes.iter().filter(|was| find(self.after, &was.name).is_none());
        let mut like = gone.filter(|was| {
            let (old, new) = ((self.old.0, was.name.as_str()), (self.new.0, node.name.as_str()));
            was.kind.word() == kind && shape::are_alike(old, new, kind)
        });
        // Of two that are alike nobody knows which it is.
        let first = like.next()?;
        like.next().is_none().then_some(first.name.as_str())
    }

    /// What the engine compares, and which states it finds again.
    fn operators(&self, node: &str, verdict: &mut Verdict) {
        let (old, new) = (self.old.1, self.new.1);
        for (uid, part) in new.of_node(node) {
            match old.operators.get(uid) {
                None => {
                    let why = format!("its operator `{uid}` ({}) is not in the state", part.kind);
                    verdict.at_least(Fate::Refused, why);
                }
                Some(was) if was.kind != part.kind => {
                    let why = format!("its operator `{uid}` was {}, is {}", was.kind, part.kind);
                    verdict.at_least(Fate::Refused, why);
                }
                Some(was) => part_of(uid, was, part, verdict),
            }
        }
        for (uid, was) in old.of_node(node) {
            if !new.operators.contains_key(uid) {
                let why = format!(
                    "its operator `{uid}` ({}) is in the state, and is built no more",
                    was.kind
                );
                verdict.at_least(Fate::Refused, why);
            }
        }
    }

    /// What has changed of a node whose operators are found again, and what that does to its state.
    fn content(&self, was: &PlanNode, is: &PlanNode, verdict: &mut Verdict) {
        let new = self.new.1;
        let changes = shape::changes(self.old.0, self.new.0, &is.name, is.kind.word());
        let end = new.operators.get(&is.name).map(|part| &part.end);
        if let Some(End::Source(_)) = end {
            // Whether it is the same input has been asked; how it is read may change.
            changes.iter().for_each(|change| verdict.at_least(Fate::Migrated, change.told()));
            return;
        }
        if verdict.fate == Fate::NoState {
            // There is nothing to lose; what comes out of it changes all the same.
            changes.iter().for_each(|change| verdict.at_least(Fate::NoState, change.told()));
            return;
        }
        if let Some(End::Sink { .. }) = end {
            for change in &changes {
                verdict.at_least(Fate::Migrated, change.told());
                if change.path == "directory" {
                    verdict.why.push("move what is in the folder along with it".to_owned());
                }
            }
            return;
        }
        let fate = match self.means_the_same(&is.name) {
            // What has changed holds for rows to come.
            Some(true) => Fate::Migrated,
            Some(false) => {
                verdict.at_least(Fate::Refused, "its state means something else now");
                if let Some(why) = shape::other_columns((self.before, was), (self.after, is)) {
                    verdict.why.push(why);
                }
                verdict.why.extend(self.other_zone(was, is));
                Fate::Refused
            }
            None if self.is_new(&is.name) => Fate::Dropped,
            None => Fate::Unchecked,
        };
        changes.iter().for_each(|change| verdict.at_least(fate, change.told()));
        let (took, takes) = (shape::inputs(self.before, was), shape::inputs(self.after, is));
        if took != takes {
            let why = format!("it takes {}, took {}", takes.join(", "), took.join(", "));
            verdict.at_least(Fate::Migrated, why);
        }
    }
}

/// One operator that is there before and after, of one kind.
fn part_of(uid: &str, was: &Part, is: &Part, verdict: &mut Verdict) {
    let (had, has) = (was.states(), is.states());
    match (&was.end, &is.end) {
        (End::Source(old), End::Source(new)) => {
            verdict.fate = verdict.fate.max(Fate::Kept);
            let (old, now) = (old.fingerprint(), new.fingerprint());
            match (old, now) {
                (_, Err(why)) => verdict.at_least(Fate::Refused, why.to_string()),
                (Err(why), _) => {
                    let why = format!("whether the input is the same cannot be said here: {why}");
                    verdict.at_least(Fate::Unchecked, why);
                }
                (Ok(Some(old)), Ok(Some(now))) if !new.same_input(&old, &now) => {
                    verdict.at_least(Fate::Refused, "its input is not the one it was");
                }
                _ => {}
            }
        }
        (_, End::Sink { is_transactional }) if *is_transactional => {
            verdict.fate = verdict.fate.max(Fate::Kept);
        }
        _ => {}
    }
    let names = |states: &BTreeSet<String>| {
        states.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let lost: BTreeSet<String> = had.difference(&has).cloned().collect();
    let begun: BTreeSet<String> = has.difference(&had).cloned().collect();
    if !has.is_empty() || !had.is_empty() {
        verdict.fate = verdict.fate.max(Fate::Kept);
    }
    if !lost.is_empty() {
        let why = format!("nothing asks for the state {} of `{uid}` any more", names(&lost));
        verdict.at_least(Fate::Dropped, why);
    }
    if !begun.is_empty() {
        let why = format!("the state {} of `{uid}` begins empty", names(&begun));
        verdict.at_least(Fate::Dropped, why);
    }
    if was.parallelism != is.parallelism {
        let why = format!("subtasks: {} before, {} now", was.parallelism, is.parallelism);
        let fate = if verdict.fate == Fate::NoState { Fate::NoState } else { Fate::Migrated };
        verdict.at_least(fate, why);
    }
}

impl Report {
    /// Whether the job goes on and nothing of its state is lost.
    pub(super) fn is_safe(&self) -> bool {
        self.refused.is_empty() && self.worst() <= Fate::Migrated
    }

    fn worst(&self) -> Fate {
        self.nodes.iter().map(|verdict| verdict.fate).max().unwrap_or(Fate::NoState)
    }

    fn is_refused(&self) -> bool {
        !self.refused.is_empty() || self.worst() >= Fate::Added
    }

    /// What will be, in words.
    fn conclusion(&self) -> &'static str {
        if self.is_refused() {
            "The job would be refused (exit code 2) and its state left as it is: it goes on only with the same name, \
             operators, inputs and max_parallelism, and state that means the same. Keep them, run it as a job of \
             another name beside the old one, or start over with --fresh; all state is lost then."
        } else if self.worst() == Fate::Unchecked {
            "The job would start, and take state as it is that may mean something else now: ask whoever wrote that \
             operator. If in doubt, run it as a job of another name beside the old one, or start over with --fresh."
        } else if self.worst() == Fate::Dropped {
            "The job would go on, without the state that is dropped."
        } else {
            "The job goes on from its state; nothing is lost."
        }
    }

    /// For people: a line per node, its reasons below.
    pub(super) fn to_text(&self) -> String {
        let mut out = format!("job {}\n", self.job);
        self.refused.iter().for_each(|why| out.push_str(&format!("  refused    {why}\n")));
        let width = self.nodes.iter().map(|verdict| verdict.node.len()).max().unwrap_or(0);
        for Verdict { node, kind, fate, why } in &self.nodes {
            out.push_str(&format!("  {:<9}  {node:<width$}  {kind}\n", fate.word()));
            why.iter().for_each(|why| out.push_str(&format!("             - {why}\n")));
        }
        out.push_str(&format!("\n{}\n", self.conclusion()));
        out
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let node = |verdict: &Verdict| {
            let Verdict { node, kind, fate, why } = verdict;
            json!({ "node": node, "kind": kind, "state": fate.word(), "why": why })
        };
        json!({
            "job": self.job,
            "goes_on": !self.is_refused(),
            "is_safe": self.is_safe(),
            "refused": self.refused,
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
        })
    }
}
