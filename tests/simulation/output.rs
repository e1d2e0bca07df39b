//! The outside world of the sinks: files that are pending or published, with a file system's crash
//! semantics, and the ledger that judges what is published.
//!
//! Apart from the sink, because it outlives every process: only here is known what a reader of the
//! output has seen.

use super::fate::{Canary, Fate};
use super::model::Model;
use super::record::Item;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tidegate_core::snapshot::CheckpointId;

/// A file of rows, in one of two folders.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    rows: Vec<Item>,
    /// The epoch it was published for; `None` while it is pending.
    published: Option<CheckpointId>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    current: Option<File>,
    durable: Option<File>,
}

struct Content {
    /// By sink and name.
    files: BTreeMap<(String, String), Entry>,
    model: Model,
    /// The checkpoint that the present run has legitimately fallen back to.
    fallback: Option<CheckpointId>,
}

/// The output; a clone is the same.
#[derive(Clone)]
pub(crate) struct Output {
    content: Arc<Mutex<Content>>,
    fate: Fate,
}

/// Why an operation failed.
pub(crate) type Failure = tidegate_core::operator::BoxError;

impl Output {
    pub(crate) fn new(fate: Fate, model: Model) -> Self {
        let content = Content { files: BTreeMap::new(), model, fallback: None };
        Self { content: Arc::new(Mutex::new(content)), fate }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("nothing panics while it holds the output")
    }

    fn write_fails(&self, doing: &str) -> Result<(), Failure> {
        if self.fate.burns() || self.fate.fails() {
            return Err(format!("simulated failure to {doing}").into());
        }
        Ok(())
    }

    /// A new run, from checkpoint `from`: it may take back published output if it falls back to it, or
    /// goes on with what a run that fell back to it was killed over.
    pub(crate) fn begin_run(&self, from: Option<CheckpointId>, fell_back: bool) {
        let mut content = self.content();
        if fell_back || content.fallback != from {
            content.fallback = from.filter(|_| fell_back);
        }
    }

    /// Adds rows to a pending file.
    pub(crate) fn append(&self, sink: &str, name: &str, rows: &[Item]) -> Result<(), Failure> {
        if self.fate.burns() {
            return Err("simulated death".into());
        }
        let mut content = self.content();
        let entry = content.files.entry((sink.to_owned(), name.to_owned())).or_default();
        let file = entry.current.get_or_insert_with(|| File { rows: Vec::new(), published: None });
        if file.published.is_some() {
            self.fate.violation(format_args!("sink {sink} writes to published file {name}"));
        }
        file.rows.extend_from_slice(rows);
        Ok(())
    }

    /// Makes one file durable.
    pub(crate) fn sync(&self, sink: &str, name: &str) -> Result<(), Failure> {
        self.write_fails("sync a file")?;
        let mut content = self.content();
        if let Some(entry) = content.files.get_mut(&(sink.to_owned(), name.to_owned())) {
            entry.durable = entry.current.clone();
        }
        Ok(())
    }

    /// Makes all renames and removals of a sink durable.
    pub(crate) fn sync_folder(&self, sink: &str) -> Result<(), Failure> {
        self.write_fails("sync a folder")?;
        let mut content = self.content();
        for ((of, _), entry) in &mut content.files {
            if of == sink {
                entry.durable = entry.current.clone();
            }
        }
        content.files.retain(|_, entry| entry.current.is_some() || entry.durable.is_some());
        Ok(())
    }

    /// Publishes the first `rows` rows of a file. Doing it again changes nothing.
    pub(crate) fn publish(
        &self,
        sink: &str,
        name: &str,
        rows: usize,
        epoch: CheckpointId,
    ) -> Result<(), Failure> {
        self.write_fails("rename a file")?;
        let mut content = self.content();
        let Content { files, model, .. } = &mut *content;
        let entry = files.entry((sink.to_owned(), name.to_owned())).or_default();
        let Some(file) = &mut entry.current else {
            self.fate.violation(format_args!("sink {sink}: file {name} of epoch {epoch} is gone"));
            return Err("lost".into());
        };
        if file.published.is_some() && file.rows.len() == rows {
            return Ok(());
        }
        if file.published.is_some() || file.rows.len() < rows {
            self.fate.violation(format_args!(
                "sink {sink}: file {name} of epoch {epoch} has {} rows instead of {rows}",
                file.rows.len()
            ));
            return Err("damaged".into());
        }
        file.rows.truncate(rows);
        file.published = Some(epoch);
        self.fate.note(format_args!("published {sink}/{name}: {rows} rows of epoch {epoch}"));
        for row in &file.rows {
            if let Err(why) = model.add(sink, row) {
                self.fate.violation(format_args!("sink {sink}, file {name}: {why}: {row:?}"));
            }
        }
        Ok(())
    }

    /// Takes back everything that was published after `epoch`.
    pub(crate) fn take_back(&self, sink: &str, epoch: CheckpointId) -> Result<(), Failure> {
        if self.fate.has_canary(Canary::KeepNewer) {
            return Ok(());
        }
        let names: Vec<String> = {
            let content = self.content();
            let newer = |entry: &Entry| {
                entry.current.as_ref().is_some_and(|f| f.published.is_some_and(|e| e > epoch))
            };
            let own = content.files.iter().filter(|((of, _), entry)| of == sink && newer(entry));
            own.map(|((_, name), _)| name.clone()).collect()
        };
        for name in names {
            self.write_fails("rename a file back")?;
            let mut content = self.content();
            let Content { files, model, fallback } = &mut *content;
            let Some(entry) = files.get_mut(&(sink.to_owned(), name.clone())) else { continue };
            let Some(file) = &mut entry.current else { continue };
            if *fallback != Some(epoch) {
                self.fate.violation(format_args!(
                    "sink {sink}: file {name} of epoch {:?} is taken back to checkpoint {epoch}, \
                     and nobody fell back",
                    file.published
                ));
            }
            self.fate.note(format_args!("took back {sink}/{name} of epoch {:?}", file.published));
            file.published = None;
            file.rows.iter().for_each(|row| model.remove(sink, row));
        }
        Ok(())
    }

    /// Removes all pending files of a sink.
    pub(crate) fn remove_pending(&self, sink: &str) -> Result<(), Failure> {
        self.write_fails("remove files")?;
        let mut content = self.content();
        for ((of, _), entry) in &mut content.files {
            if of == sink && entry.current.as_ref().is_some_and(|file| file.published.is_none()) {
                entry.current = None;
            }
        }
        Ok(())
    }

    /// Whether anything is published.
    pub(crate) fn is_empty(&self) -> bool {
        let content = self.content();
        content.files.values().all(|e| e.current.as_ref().is_none_or(|f| f.published.is_none()))
    }

    /// Whether anything of a sink is still pending.
    pub(crate) fn pending(&self) -> usize {
        let content = self.content();
        let pending = |e: &&Entry| e.current.as_ref().is_some_and(|file| file.published.is_none());
        content.files.values().filter(pending).count()
    }

    /// The machine stops: each file is left as it was durable, as it is, or torn.
    pub(crate) fn crash(&self) {
        let mut content = self.content();
        let Content { files, model, .. } = &mut *content;
        for entry in files.values_mut() {
            if entry.current == entry.durable {
                continue;
            }
            let (keep, at) = self.fate.draw(|chance| (chance.below(3), chance.next()));
            match (keep, &entry.current, &entry.durable) {
                (0, Some(file), durable) if file.published.is_none() => {
                    // What was synced of a growing file stays; behind it anything may be missing.
                    let safe = durable.as_ref().map_or(0, |file| file.rows.len());
                    let rows = safe + (at as usize) % (file.rows.len().max(safe) - safe + 1);
                    let mut torn = file.clone();
                    torn.rows.truncate(rows);
                    entry.durable = Some(torn);
                }
                (1, current, _) => entry.durable = current.clone(),
                _ => {}
            }
            entry.current = entry.durable.clone();
        }
        files.retain(|_, entry| entry.current.is_some());
        model.clear();
        for ((sink, _), entry) in files.iter() {
            for file in entry.current.iter().filter(|file| file.published.is_some()) {
                for row in &file.rows {
                    if let Err(why) = model.add(sink, row) {
                        self.fate.violation(format_args!("after a crash, sink {sink}: {why}"));
                    }
                }
            }
        }
    }

    /// Judges the output of a job that has finished.
    pub(crate) fn judge(&self, windows_fire_once: bool) -> Result<(), String> {
        self.content().model.judge(windows_fire_once)
    }

    /// Published rows and those expected in all.
    pub(crate) fn progress(&self) -> (u64, u64) {
        self.content().model.progress()
    }
}
