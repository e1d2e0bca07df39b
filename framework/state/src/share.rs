//! A subtask's share of a checkpoint: everything [`Plan::build`] needs to rebuild its task.
//!
//! Apart from recovery because it knows the plan: which operators and channels a subtask has today.

use crate::recovery::{RecoveryError, Restore};
use crate::rescale::Sides;
use crate::storage::CheckpointStorage;
use tidegate_core::graph::Partitioning;
use tidegate_core::plan::{Plan, PlannedEdge, SubtaskId};
use tidegate_core::restore::{RestoredOperator, RestoredSubtask};
use tidegate_core::snapshot::{ChannelSnapshot, KeyedPart};
use tidegate_core::state::delta::{self, Delta};
use tidegate_core::time::Timestamp;

/// A share, and the blobs it took over unchanged.
pub struct Share {
    /// What the task is rebuilt from.
    pub subtask: RestoredSubtask,
    /// The keyed states whose chains can be carried on as they are.
    pub chains: Vec<KeyedPart>,
}

/// Reads the share of `subtask`; blocks.
///
/// # Errors
/// When a blob cannot be read.
pub fn read(
    restore: &Restore,
    storage: &dyn CheckpointStorage,
    plan: &Plan,
    subtask: SubtaskId,
) -> Result<Share, RecoveryError> {
    let vertex = &plan.vertices[subtask.vertex];
    let (index, parallelism) = (subtask.index, vertex.parallelism);
    let mut share = RestoredSubtask::default();
    let mut watermark = None;
    let mut chains = Vec::new();
    for &node in &vertex.nodes {
        let uid = &plan.graph.nodes[node].uid;
        let snapshot = restore.operator(uid, index, parallelism);
        let mut operator = RestoredOperator { totals: snapshot.totals, ..Default::default() };
        for (name, list) in snapshot.lists {
            operator.lists.insert(name, list.elements);
        }
        for (state, parts) in restore.keyed(storage, uid, index, parallelism)? {
            let mut flat: Vec<Delta> = Vec::new();
            for chain in parts {
                flat.extend(delta::resolve(chain).map_err(|why| RecoveryError::Damaged {
                    blob: format!("of state {state} of operator {uid}"),
                    why: why.to_string(),
                })?);
            }
            operator.keyed.insert(state, flat);
        }
        if restore.parallelism(uid) == parallelism {
            let parts = restore.keyed_parts(uid, index, parallelism);
            chains.extend(parts.into_values().flatten().cloned());
        }
        let passed_on = restore.watermark(uid, index, parallelism);
        watermark = [watermark, passed_on].into_iter().flatten().min();
        share.operators.insert(uid.clone(), operator);
    }
    share.watermark = watermark.unwrap_or(Timestamp::MIN);
    share.channels = channels(restore, plan, subtask);
    for &edge in &vertex.outputs {
        let name = &plan.edges[edge].name;
        let sent = restore.sent(name, index, parallelism);
        share.edges.sent.insert(name.clone(), sent);
    }
    for &edge in &vertex.inputs {
        let name = &plan.edges[edge].name;
        let received = restore.received(name, index, parallelism);
        share.edges.received.insert(name.clone(), received);
    }
    Ok(Share { subtask: share, chains })
}

fn channels(restore: &Restore, plan: &Plan, subtask: SubtaskId) -> Vec<ChannelSnapshot> {
    let vertex = &plan.vertices[subtask.vertex];
    if plan.is_source(subtask.vertex) {
        let sides = Sides { senders: vertex.parallelism, receivers: vertex.parallelism };
        return restore
            .channel(&vertex.uid, subtask.index, subtask.index, sides)
            .into_iter()
            .collect();
    }
    let of = |edge: &PlannedEdge| {
        let senders = plan.vertices[edge.from].parallelism;
        let sides = Sides { senders, receivers: vertex.parallelism };
        let from = match edge.partitioning {
            Partitioning::Forward => subtask.index..subtask.index + 1,
            _ => 0..senders,
        };
        let channel = |from| restore.channel(&edge.name, from, subtask.index, sides);
        from.filter_map(channel).collect::<Vec<_>>()
    };
    vertex.inputs.iter().flat_map(|&edge| of(&plan.edges[edge])).collect()
}
