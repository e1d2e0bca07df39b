//! Lookup joins: what a service that the program has registered knows about the key of a row.

use super::NodePlan;
use super::join_output::{JoinOutput, Side, Sides};
use super::walk::{Input, Planned, Planning};
use crate::document::{LookupJoin, LookupKind, LookupOrder, Retry};
use crate::kinds::Configuration;
use crate::source::Span;
use std::fmt;

/// What a service knows about the key of a row.
///
/// With a cache the rows are keyed by what is looked up, so that each key is asked for and kept in one subtask only;
/// results that keep their order then do so among the rows that a subtask gets from another one.
#[derive(Clone)]
pub struct LookupPlan {
    /// The name of the lookup.
    pub lookup: String,
    /// Its configuration.
    pub configuration: Configuration,
    /// The columns that are looked up.
    pub key: Vec<usize>,
    /// Whether rows come out of whose key nothing is known.
    pub outer: bool,
    /// Whether results keep the order of rows.
    pub ordered: bool,
    /// How long a row waits, in milliseconds.
    pub timeout_ms: i64,
    /// Rows under way in one subtask.
    pub capacity: Option<u64>,
    /// Whether a call that failed is made again.
    pub retry: RetryPlan,
    /// How many answers are kept, for how many milliseconds, and whether also that nothing is known.
    pub cache: Option<(u64, i64, bool)>,
    /// The rows that come out.
    pub output: JoinOutput,
}

impl fmt::Debug for LookupPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupPlan").field("lookup", &self.lookup).finish_non_exhaustive()
    }
}

/// Whether a call that failed is made again; times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPlan {
    /// It is not.
    Never,
    /// Calls in all, and the delay after each.
    Fixed(u64, i64),
    /// Calls in all, the first delay and the longest.
    Exponential(u64, i64, i64),
}

impl Planning<'_> {
    pub(super) fn lookup_join(&mut self, join: &LookupJoin, input: &Input, span: Span) -> Planned {
        let key = self.key(&join.key_by, input.schema.as_ref());
        let kinds = self.kinds;
        let said = join.lookup.value.0.first();
        let found = said.and_then(|(name, options)| {
            let registered = kinds.lookups.get(&name.value)?;
            let node = self.tree.find(options.id)?;
            let config = registered.decode(node, name.span, self.diagnostics)?;
            Some((name.value.clone(), config, registered.traits.columns.clone()?))
        });
        let outer = join.kind == LookupKind::Left;
        let output = match (&input.schema, &found) {
            (Some(left), Some((_, _, right))) => {
                let left = Side { schema: left, optional: false };
                let right = Some(Side { schema: right, optional: outer });
                let sides = Sides { left, right, on: None, more: Vec::new() };
                self.join_output(&join.columns, &sides, span)
            }
            _ => {
                self.only_texts(&join.columns);
                None
            }
        };
        let (output, main) = output.unzip();
        let retry = match &join.retry {
            Retry::Never => RetryPlan::Never,
            Retry::FixedDelay(fixed) => RetryPlan::Fixed(fixed.calls.0, fixed.delay.millis()),
            Retry::Exponential(one) => {
                RetryPlan::Exponential(one.calls.0, one.first.millis(), one.most.millis())
            }
        };
        let cache = join.cache.as_ref();
        let cache = cache.map(|one| (one.entries.0, one.ttl.millis(), one.missing.unwrap_or(true)));
        let plan = || {
            let (lookup, configuration, _) = found?;
            Some(NodePlan::LookupJoin(LookupPlan {
                lookup,
                configuration,
                key: key?,
                outer,
                ordered: join.order == LookupOrder::Ordered,
                timeout_ms: join.timeout.value.millis(),
                capacity: join.capacity.map(|most| most.0),
                retry,
                cache,
                output: output?,
            }))
        };
        Planned::new(plan(), main).side("failed", input.schema.clone())
    }
}
