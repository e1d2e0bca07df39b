//! The names of the sink's files; each follows from the other, so that a part can be taken back.
//!
//! ```text
//! .pending-<run>-<attempt>-<subtask>-<seq>           being written, or waiting for its checkpoint
//! part-<epoch>-<run>-<attempt>-<subtask>-<seq>       published; the checkpoint has ten digits
//! ```
//!
//! Invariant: a name is ours only if rendering what was parsed gives the same name again; no other
//! file is ever touched.

use serde::{Deserialize, Serialize};
use tidegate_core::snapshot::CheckpointId;

/// Who wrote a file, and which one of its files it is; unique within an output folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct FileId {
    pub(crate) run: u64,
    pub(crate) attempt: u32,
    pub(crate) subtask: u32,
    pub(crate) seq: u64,
}

impl FileId {
    pub(crate) fn pending(&self) -> String {
        let Self { run, attempt, subtask, seq } = self;
        format!(".pending-{run}-{attempt}-{subtask}-{seq}")
    }

    pub(crate) fn part(&self, epoch: CheckpointId) -> String {
        let Self { run, attempt, subtask, seq } = self;
        format!("part-{epoch:010}-{run}-{attempt}-{subtask}-{seq}")
    }
}

/// A name of ours; `epoch` is there when the file is published.
pub(crate) fn parse(name: &str) -> Option<(FileId, Option<CheckpointId>)> {
    let (published, numbers) = match name.strip_prefix("part-") {
        Some(numbers) => (true, numbers),
        None => (false, name.strip_prefix(".pending-")?),
    };
    let mut numbers = numbers.split('-');
    let epoch = if published { Some(numbers.next()?.parse().ok()?) } else { None };
    let id = FileId {
        run: numbers.next()?.parse().ok()?,
        attempt: numbers.next()?.parse().ok()?,
        subtask: numbers.next()?.parse().ok()?,
        seq: numbers.next()?.parse().ok()?,
    };
    let rendered = epoch.map_or_else(|| id.pending(), |epoch| id.part(epoch));
    (rendered == name).then_some((id, epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_derived_both_ways() {
        let id = FileId { run: 3, attempt: 1, subtask: 0, seq: 27 };
        assert_eq!(id.pending(), ".pending-3-1-0-27");
        assert_eq!(id.part(12), "part-0000000012-3-1-0-27");
        assert_eq!(parse(&id.pending()), Some((id, None)));
        assert_eq!(parse(&id.part(12)), Some((id, Some(12))));
        assert_eq!(parse(&id.part(u64::MAX)), Some((id, Some(u64::MAX))));
    }

    #[test]
    fn foreign_names_are_not_ours() {
        let foreign = [
            "part-12-3-1-0-27",
            "part-0000000012-3-1-0",
            "part-0000000012-3-1-0-27-1",
            "part-0000000012-3-1-0-27.gz",
            "part-0000000012-+3-1-0-27",
            "part-00000",
            ".pending-3-1-0-027",
            ".pending-",
            "pending-3-1-0-27",
            "_SUCCESS",
        ];
        for name in foreign {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
