//! Rules: the states that a broadcast input fills, and that data may read.
//!
//! Apart from the operator that owns them because their type is the guarantee: rules consist of
//! [`BroadcastState`] and nothing else, so that every subtask has the same ones and a new subtask takes
//! a copy.

use super::broadcast::BroadcastState;
use super::{StateVisitor, Value};
use std::hash::Hash;

/// The broadcast states of a function, such as limits and lists of suspects.
///
/// A single [`BroadcastState`] is enough for most; several stand in a struct.
///
/// ```
/// use tidegate_core::state::broadcast::BroadcastState;
/// use tidegate_core::state::rules::{BroadcastRules, RulesVisitor};
///
/// #[derive(Default)]
/// struct Limits {
///     per_user: BroadcastState<u64, u32>,
///     per_country: BroadcastState<String, u32>,
/// }
///
/// impl BroadcastRules for Limits {
///     fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
///         visitor.state("per-user", &mut self.per_user);
///         visitor.state("per-country", &mut self.per_country);
///     }
/// }
/// ```
pub trait BroadcastRules: Default + Send + 'static {
    /// Shows every state to `visitor`, always the same ones.
    fn states(&mut self, visitor: &mut RulesVisitor<'_>);

    /// Whether data that waits for the first rules may go; asked after every record of the broadcast
    /// input until it does. Of itself one is enough. With `false` data waits until the broadcast input
    /// has ended: for a list of rules that is complete only then.
    fn suffice(&self) -> bool {
        true
    }
}

impl<U: Value + Ord + Hash, V: Value> BroadcastRules for BroadcastState<U, V> {
    fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
        visitor.state("rules", self);
    }
}

/// Walks over the states of rules, for a snapshot or a restore.
pub struct RulesVisitor<'a>(&'a mut dyn StateVisitor);

impl<'a> RulesVisitor<'a> {
    /// Shows what it sees to `visitor`.
    pub(crate) fn new(visitor: &'a mut dyn StateVisitor) -> Self {
        Self(visitor)
    }

    /// A broadcast state, by its name within the rules.
    pub fn state<U: Value + Ord + Hash, V: Value>(
        &mut self,
        name: &str,
        state: &mut BroadcastState<U, V>,
    ) {
        self.0.list(&format!("rules.{name}"), state);
    }
}
