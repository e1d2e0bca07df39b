//! What a subtask is rebuilt from: its share of a checkpoint, dealt out for today's parallelism.

use crate::snapshot::{ChannelSnapshot, OperatorTotals};
use crate::state::delta::Delta;
use crate::task::EdgeTotals;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// One operator's share.
#[derive(Clone, Debug, Default)]
pub struct RestoredOperator {
    /// Operator list states by name.
    pub lists: BTreeMap<String, Vec<Vec<u8>>>,
    /// Keyed states by name: bases and deltas in the order in which they apply, none of which drops
    /// namespaces. They may hold key groups of other subtasks.
    pub keyed: BTreeMap<String, Vec<Delta>>,
    /// Totals.
    pub totals: OperatorTotals,
}

/// One subtask's share; the default is an empty start.
#[derive(Clone, Debug)]
pub struct RestoredSubtask {
    /// By operator uid.
    pub operators: BTreeMap<String, RestoredOperator>,
    /// Event time per input channel.
    pub channels: Vec<ChannelSnapshot>,
    /// The watermark that had been passed on.
    pub watermark: Timestamp,
    /// Totals per edge.
    pub edges: EdgeTotals,
}

impl Default for RestoredSubtask {
    fn default() -> Self {
        Self {
            operators: BTreeMap::new(),
            channels: Vec::new(),
            watermark: Timestamp::MIN,
            edges: EdgeTotals::default(),
        }
    }
}
