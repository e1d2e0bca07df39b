//! What a subtask stores: its captures, one after another, and between them the merges of its chains.
//!
//! A capture is acknowledged before anything is merged: no checkpoint waits for the merge that it made worth
//! while, at most the next one does. The two never overlap, so that an upload names what the merge before it made.

use super::{SubtaskActor, Surroundings, lock};
use crate::mailbox::{Abandoned, MergeDone, UploadDone};
use actix::prelude::*;
use std::sync::Arc;
use tidegate_core::chain::Phase;
use tidegate_core::master::Event;
use tidegate_core::snapshot::CheckpointId;
use tidegate_state::upload::{self, Chains, Uploaded};

impl SubtaskActor {
    /// Uploads the oldest capture that waits, if nothing else is being stored.
    pub(super) fn start_upload(&mut self, ctx: &Context<Self>) {
        if self.storing || self.stopping {
            return;
        }
        let Some((capture, begun)) = self.waiting_uploads.pop_front() else { return };
        self.storing = true;
        let Surroundings { storage, uploader, chains, .. } = &self.around;
        let (storage, uploader) = (Arc::clone(storage), Arc::clone(uploader));
        let chains = Arc::clone(chains);
        let (pool, me) = (self.around.pool.clone(), ctx.address());
        let checkpoint = capture.barrier.checkpoint;
        actix_rt::spawn(async move {
            let job = move || {
                let access = |f: &mut dyn FnMut(&mut Chains)| f(&mut lock(&chains));
                upload::upload(&*storage, &uploader, capture, begun, &access)
            };
            let result = pool.run(job).await;
            me.do_send(UploadDone { checkpoint, result });
        });
    }

    /// The next upload, or before it a merge: the checkpoint that made it worth while is on its way.
    fn store_on(&mut self, checkpoint: CheckpointId, ctx: &Context<Self>) {
        self.storing = false;
        if !self.stopping && self.task.is_some() && lock(&self.around.chains).worth_merging() {
            self.start_merge(checkpoint, ctx);
        } else {
            self.start_upload(ctx);
        }
    }

    fn start_merge(&mut self, checkpoint: CheckpointId, ctx: &Context<Self>) {
        self.storing = true;
        let Surroundings { storage, uploader, chains, master, .. } = &self.around;
        let (storage, uploader) = (Arc::clone(storage), Arc::clone(uploader));
        let (chains, master) = (Arc::clone(chains), master.clone());
        let (pool, me) = (self.around.pool.clone(), ctx.address());
        actix_rt::spawn(async move {
            let job = move || {
                let access = |f: &mut dyn FnMut(&mut Chains)| f(&mut lock(&chains));
                match upload::compact_chains(&*storage, &uploader, checkpoint, &access) {
                    Ok(names) => master.do_send(Abandoned { checkpoint, names }),
                    Err(error) => tracing::warn!(%error, "compaction put off"),
                }
            };
            me.do_send(MergeDone { result: pool.run(job).await });
        });
    }

    fn fail_storing(&mut self, panic: &str, ctx: &Context<Self>) {
        let vertex = self.around.uploader.vertex.clone();
        self.fail(&vertex, Phase::Storing, panic, ctx);
    }
}

impl Handler<UploadDone> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, done: UploadDone, ctx: &mut Self::Context) {
        let Surroundings { subtask, attempt, .. } = self.around;
        let checkpoint = done.checkpoint;
        match done.result {
            Ok(Uploaded::Part { part, bytes, entries }) => {
                self.around.stats.checkpoint_bytes.set(bytes);
                self.around.stats.checkpoint_entries.set(entries);
                self.tell(Event::Acknowledged { subtask, attempt, checkpoint, part });
            }
            Ok(Uploaded::Declined { cause, committables }) => {
                let cause = format!(
                    "subtask {} of {}: {cause}",
                    subtask.index, self.around.uploader.vertex
                );
                self.tell(Event::Declined { subtask, attempt, checkpoint, cause, committables });
            }
            Ok(Uploaded::Failed { operator, cause }) => {
                let cause = upload::describe(cause.as_ref());
                self.fail(&operator, Phase::Snapshot, &cause, ctx);
            }
            Err(panic) => {
                self.fail_storing(&panic, ctx);
            }
        }
        self.store_on(checkpoint, ctx);
        self.stop_when_free(ctx);
    }
}

impl Handler<MergeDone> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, MergeDone { result }: MergeDone, ctx: &mut Self::Context) {
        self.storing = false;
        if let Err(panic) = result {
            self.fail_storing(&panic, ctx);
        }
        self.start_upload(ctx);
        self.stop_when_free(ctx);
    }
}
