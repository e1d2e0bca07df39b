//! The committers of a job's sinks, together: asked before the job's first run, recovered with their
//! region, told of every completed checkpoint.

use crate::node::NodeFactory;
use crate::operator::BoxError;
use crate::plan::Plan;
use crate::sink::{Committer, RecoveryPoint};
use crate::snapshot::{Committable, JobIdentity, Manifest};
use std::collections::BTreeMap;

/// A failure of one sink's committer.
#[derive(Debug, thiserror::Error)]
#[error("sink {sink}")]
pub struct CommitterError {
    /// The sink's uid.
    pub sink: String,
    /// What went wrong.
    #[source]
    pub cause: BoxError,
}

/// Every sink's committer.
pub struct Committers {
    by_sink: BTreeMap<String, Owned>,
}

struct Owned {
    /// Whose output it is.
    owner: String,
    committer: Box<dyn Committer>,
}

impl Committers {
    /// The committers of `plan`'s sinks, for the job that `identity` says it is.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn open(plan: &Plan, identity: &JobIdentity) -> Result<Self, CommitterError> {
        let mut by_sink = BTreeMap::new();
        for node in &plan.graph.nodes {
            if let NodeFactory::Sink(sink) = &node.factory {
                let committer = sink.committer().map_err(failed(&node.uid))?;
                let owner = identity.owner_of(&node.uid);
                by_sink.insert(node.uid.clone(), Owned { owner, committer });
            }
        }
        Ok(Self { by_sink })
    }

    /// Asks each sink whether the output of a job without state may be written; changes nothing.
    ///
    /// # Errors
    /// [`crate::sink::Refusal`] where there is output already.
    pub fn ask(&self) -> Result<(), CommitterError> {
        for (sink, Owned { owner, committer }) in &self.by_sink {
            let (checkpoint, committables, committed_rows) = (None, &[][..], 0);
            let point =
                RecoveryPoint { owner, checkpoint, committables, committed_rows, fresh: true };
            committer.recover(point).map_err(failed(sink))?;
        }
        Ok(())
    }

    /// Brings the sinks of `region` to `from`.
    ///
    /// # Errors
    /// The first that failed.
    pub fn recover(
        &self,
        plan: &Plan,
        region: usize,
        from: Option<&Manifest>,
    ) -> Result<(), CommitterError> {
        let vertices = plan.vertices.iter().filter(|vertex| vertex.region == region);
        for &node in vertices.flat_map(|vertex| &vertex.nodes) {
            let uid = &plan.graph.nodes[node].uid;
            let Some(Owned { owner, committer }) = self.by_sink.get(uid) else { continue };
            let committables: Vec<Committable> =
                from.into_iter().flat_map(|from| to_recover(from, uid)).cloned().collect();
            let committed = from.and_then(|manifest| manifest.committed_rows.get(uid));
            let point = RecoveryPoint {
                owner,
                checkpoint: from.map(|manifest| manifest.id),
                committables: &committables,
                committed_rows: committed.copied().unwrap_or(0),
                fresh: false,
            };
            committer.recover(point).map_err(failed(uid))?;
        }
        Ok(())
    }

    /// Has each sink commit its own of `committables`.
    ///
    /// # Errors
    /// The first that failed; doing all of it again is safe.
    pub fn commit(&self, committables: &[Committable]) -> Result<(), CommitterError> {
        for (sink, Owned { committer, .. }) in &self.by_sink {
            let own: Vec<Committable> =
                committables.iter().filter(|c| c.sink == *sink).cloned().collect();
            if !own.is_empty() {
                committer.commit(&own).map_err(failed(sink))?;
            }
        }
        Ok(())
    }
}

fn failed(sink: &str) -> impl FnOnce(BoxError) -> CommitterError {
    let sink = sink.to_owned();
    move |cause| CommitterError { sink, cause }
}

/// Everything a restore to `manifest` publishes of `sink`: what was sealed, and what was still open.
fn to_recover<'a>(
    manifest: &'a Manifest,
    sink: &'a str,
) -> impl Iterator<Item = &'a Committable> + 'a {
    let unsealed = manifest.parts.iter().flat_map(|part| &part.unsealed);
    manifest.committables.iter().chain(unsealed).filter(move |c| c.sink == sink)
}

/// How many rows of `sink` are out once it has been recovered to `manifest`.
pub(crate) fn rows_after_recovery(manifest: &Manifest, sink: &str) -> u64 {
    let committed = manifest.committed_rows.get(sink).copied().unwrap_or(0);
    committed + to_recover(manifest, sink).map(|c| c.rows).sum::<u64>()
}
