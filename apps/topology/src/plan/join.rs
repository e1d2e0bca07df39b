//! Joins with a table or without bounds, and the keys of all joins.

use super::NodePlan;
use super::aggregate::retain_ms;
use super::join_output::{JoinOutput, Side, Sides};
use super::walk::{Input, Planned, Planning};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{
    Broadcast, BroadcastKind, Entries, Expression, JoinKind, On, TemporalJoin, UnboundedJoin,
    UnboundedPairing, Validity,
};
use crate::source::Span;
use tidegate_rows::Schema;
use tidegate_rows::expression::Predicate;

/// The columns that are equal, in pairs. NULL equals NULL, as in every key.
#[derive(Clone, Debug)]
pub struct JoinKeys {
    /// Of the left rows.
    pub left: Vec<usize>,
    /// Of the right rows.
    pub right: Vec<usize>,
}

/// The version of a table that was valid at a row's time.
#[derive(Clone, Debug)]
pub struct TemporalPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// How many milliseconds a version is valid at most; until it is replaced if not said.
    pub valid_ms: Option<i64>,
    /// Whether left rows without a version come out.
    pub left_outer: bool,
    /// Which right rows delete the version of their key.
    pub tombstones: Option<Predicate>,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// Every pair.
///
/// Inner over rows that stay: the engine's inner join. Else its join of changelogs, before which rows that
/// stay become changes that only add.
#[derive(Clone, Debug)]
pub struct UnboundedPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// Whose rows come out alone.
    pub kind: JoinKind,
    /// How long a row is remembered, in milliseconds; for ever if not said.
    pub retain_ms: Option<i64>,
    /// Whether the join is one of changelogs.
    pub of_changes: bool,
    /// Whether a key has one right row at most, which is never revised.
    pub many_to_one: bool,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// A table that every subtask has.
///
/// Built as a broadcast process whose state is a map from key to row: a right row replaces that of its key, a left one
/// looks its key up. Of the kinds semi and anti only keys are kept.
#[derive(Clone, Debug)]
pub struct BroadcastPlan {
    /// The columns that are equal.
    pub keys: JoinKeys,
    /// Which rows come out.
    pub kind: BroadcastKind,
    /// How many left rows of a subtask wait for the first right one; none do if not said.
    pub hold: Option<u64>,
    /// Whether right rows may come in any order.
    pub commutative: bool,
    /// The rows that come out.
    pub output: JoinOutput,
}

/// Whether there may be no left row, and no right one.
pub(super) const fn optional(kind: JoinKind) -> (bool, bool) {
    match kind {
        JoinKind::Inner => (false, false),
        JoinKind::Left => (false, true),
        JoinKind::Right => (true, false),
        JoinKind::Full => (true, true),
    }
}

impl Planning<'_> {
    /// The columns by which two streams are joined: pairs of one type.
    pub(super) fn join_keys(&mut self, on: &On, left: &Input, right: &Input) -> Option<JoinKeys> {
        let of_left = self.key(&on.left, left.schema.as_ref());
        let of_right = self.key(&on.right, right.schema.as_ref());
        let (of_left, of_right) = (of_left?, of_right?);
        let (left_schema, right_schema) = (left.schema.as_ref()?, right.schema.as_ref()?);
        let mut are_equal = of_left.len() == of_right.len();
        for (at, (first, second)) in of_left.iter().zip(&of_right).enumerate() {
            let (first, second) =
                (&left_schema.columns()[*first], &right_schema.columns()[*second]);
            if first.data_type == second.data_type {
                continue;
            }
            are_equal = false;
            let message = format!(
                "`{}` of `{}` and `{}` of `{}` are never equal",
                first.name, left.name, second.name, right.name
            );
            let label = format!("one is {}, the other {}", first.data_type, second.data_type);
            let help = format!(
                "bring them to one type in a `map` before the join, such as `set: {{ {0}: CAST({0} AS {1}) }}`",
                second.name, first.data_type
            );
            let wrong = Diagnostic::new(Code::KeyMismatch, on.right[at].span, message);
            self.diagnostics.push(wrong.label(label).help(help));
        }
        are_equal.then_some(JoinKeys { left: of_left, right: of_right })
    }

    /// The rows of a join of two streams.
    pub(super) fn pairs(
        &mut self,
        columns: &Entries<Expression>,
        on: &On,
        inputs: (&Input, &Input),
        optional: (bool, bool),
        span: Span,
    ) -> Option<(JoinOutput, Schema)> {
        let (Some(left), Some(right)) = (&inputs.0.schema, &inputs.1.schema) else {
            self.only_texts(columns);
            return None;
        };
        let left = Side { schema: left, optional: optional.0 };
        let right = Some(Side { schema: right, optional: optional.1 });
        let sides = Sides { left, right, on: Some(on), more: Vec::new() };
        self.join_output(columns, &sides, span)
    }

    pub(super) fn temporal_join(
        &mut self,
        join: &TemporalJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let tombstones = match &join.tombstones {
            None => Some(None),
            Some(text) => self.predicate(text, right.schema.as_ref()).map(Some),
        };
        let output =
            self.pairs(&join.columns, &join.on, (left, right), (false, join.left_outer), span);
        let (output, main) = output.unzip();
        let valid_ms = match &join.validity {
            Validity::UntilReplaced => None,
            Validity::AtMost(most) => Some(most.value.millis()),
        };
        let left_outer = join.left_outer;
        let plan = || {
            let (keys, tombstones, output) = (keys?, tombstones?, output?);
            Some(NodePlan::TemporalJoin(TemporalPlan {
                keys,
                valid_ms,
                left_outer,
                tombstones,
                output,
            }))
        };
        Planned::new(plan(), main)
            .side("late_left", left.schema.clone())
            .side("late_versions", right.schema.clone())
    }

    pub(super) fn unbounded_join(
        &mut self,
        join: &UnboundedJoin,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let output = self.pairs(&join.columns, &join.on, (left, right), optional(join.kind), span);
        let (output, main) = output.unzip();
        let of_changes =
            join.kind != JoinKind::Inner || left.changed_by.is_some() || right.changed_by.is_some();
        let many_to_one = self.is_many_to_one(join, of_changes);
        let (kind, retain_ms) = (join.kind, retain_ms(join.retain));
        let plan = keys.zip(output).map(|(keys, output)| {
            NodePlan::UnboundedJoin(UnboundedPlan {
                keys,
                kind,
                retain_ms,
                of_changes,
                many_to_one,
                output,
            })
        });
        Planned::new(plan, main)
    }

    /// Whether rows may be forgotten once they are paired, which rows that can be revised may not.
    fn is_many_to_one(&mut self, join: &UnboundedJoin, of_changes: bool) -> bool {
        let Some(pairing) = &join.pairing else { return false };
        let many_to_one = pairing.value == UnboundedPairing::ManyToOne;
        if many_to_one && of_changes {
            let message = "`pairing: many-to-one` is for pairs that stand once they are out";
            let (label, help) = if join.kind == JoinKind::Inner {
                let label = "an input is revised, and what follows from a row may be taken back";
                (label, "remove it, or join the rows before they are revised")
            } else {
                let label =
                    "the `kind` tells of rows without a partner, and takes it back when one comes";
                (label, "remove it, or the `kind`")
            };
            let wrong = Diagnostic::new(Code::Contradiction, pairing.span, message);
            self.diagnostics.push(wrong.label(label).help(help));
        }
        many_to_one
    }

    pub(super) fn broadcast(
        &mut self,
        join: &Broadcast,
        left: &Input,
        right: &Input,
        span: Span,
    ) -> Planned {
        let keys = self.join_keys(&join.on, left, right);
        let output = match join.kind {
            BroadcastKind::Inner | BroadcastKind::Left => {
                let optional = (false, join.kind == BroadcastKind::Left);
                self.pairs(&join.columns, &join.on, (left, right), optional, span)
            }
            BroadcastKind::Semi | BroadcastKind::Anti => self.left_only(&join.columns, left, span),
        };
        let (output, main) = output.unzip();
        let hold = join.hold.map(|most| most.0);
        let (kind, commutative) = (join.kind, join.commutative);
        let plan = keys.zip(output).map(|(keys, output)| {
            NodePlan::Broadcast(BroadcastPlan { keys, kind, hold, commutative, output })
        });
        Planned::new(plan, main)
    }

    /// The rows of a join of which only left ones come out.
    pub(super) fn left_only(
        &mut self,
        columns: &Entries<Expression>,
        left: &Input,
        span: Span,
    ) -> Option<(JoinOutput, Schema)> {
        let Some(schema) = &left.schema else {
            self.only_texts(columns);
            return None;
        };
        let left = Side { schema, optional: false };
        let sides = Sides { left, right: None, on: None, more: Vec::new() };
        self.join_output(columns, &sides, span)
    }
}
