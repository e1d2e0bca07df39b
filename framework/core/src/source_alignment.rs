//! Watermark alignment: no source of a group runs further ahead of the slowest than it may.
//!
//! Two sources that are joined need state for everything by which one is ahead of the other. A source
//! whose watermark is more than the allowed drift above the lowest of its group reads no further until
//! the others have caught up. Each member reports where it stands before it reads; members that
//! are idle or have ended hold nobody back. What a source has read is never held back, so a member may
//! be ahead by the drift and one batch.
//!
//! Flink's `withWatermarkAlignment` (FLIP-182) without its coordinator: the board is shared memory.

use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which sources are aligned, and how far one may be ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// The group's name; all sources of the job that name it belong to it.
    pub group: Arc<str>,
    /// How far a source's watermark may be above the lowest of the group, in milliseconds.
    pub max_drift_ms: i64,
}

/// Where a member of a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its watermark.
    At(Timestamp),
    /// Idle, ended, or without splits: holds nobody back.
    Absent,
}

/// The source's uid and the subtask's index.
type Member = (String, u32);

/// Where all members of all groups of a job stand.
#[derive(Debug, Default)]
pub struct AlignmentBoard {
    groups: Mutex<BTreeMap<Arc<str>, BTreeMap<Member, Standing>>>,
}

impl AlignmentBoard {
    /// Notes where `member` stands and returns the lowest watermark of its group.
    fn report(&self, group: &Arc<str>, member: &Member, standing: Standing) -> Option<Timestamp> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let members = groups.entry(Arc::clone(group)).or_default();
        match members.get_mut(member) {
            Some(known) => *known = standing,
            None => drop(members.insert(member.clone(), standing)),
        }
        let at = |standing: &Standing| match standing {
            Standing::At(watermark) => Some(*watermark),
            Standing::Absent => None,
        };
        members.values().filter_map(at).min()
    }
}

/// One source subtask's place in its group.
#[derive(Debug)]
pub struct AlignmentMember {
    board: Arc<AlignmentBoard>,
    alignment: Alignment,
    member: Member,
}

impl AlignmentMember {
    /// Joins the group, standing at `watermark`. To be done by all before any of them reads.
    #[must_use]
    pub fn join(
        board: &Arc<AlignmentBoard>,
        alignment: Alignment,
        uid: &str,
        index: u32,
        watermark: Timestamp,
    ) -> Self {
        let member = (uid.to_owned(), index);
        board.report(&alignment.group, &member, Standing::At(watermark));
        Self { board: Arc::clone(board), alignment, member }
    }

    /// Holds nobody back any more.
    pub fn leave(&self) {
        self.board.report(&self.alignment.group, &self.member, Standing::Absent);
    }

    /// Reports where the source stands and says whether it may read on.
    #[must_use]
    pub fn may_read(&self, standing: Standing) -> bool {
        let lowest = self.board.report(&self.alignment.group, &self.member, standing);
        match (standing, lowest) {
            (Standing::At(watermark), Some(lowest)) => {
                watermark <= lowest.plus(self.alignment.max_drift_ms)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_waits_for_the_slowest_but_not_for_one_that_is_absent() {
        let board = Arc::new(AlignmentBoard::default());
        let alignment = Alignment { group: "orders".into(), max_drift_ms: 10 };
        let join = |index| {
            AlignmentMember::join(&board, alignment.clone(), "source", index, Timestamp::MIN)
        };
        let (fast, slow, other) = (join(0), join(1), join(2));
        assert!(fast.may_read(Standing::At(Timestamp::MIN)));
        assert!(!fast.may_read(Standing::At(Timestamp(5))), "the others have not begun");
        assert!(other.may_read(Standing::Absent));
        assert!(slow.may_read(Standing::At(Timestamp(0))));
        assert!(fast.may_read(Standing::At(Timestamp(10))));
        assert!(!fast.may_read(Standing::At(Timestamp(11))));
        slow.leave();
        assert!(fast.may_read(Standing::At(Timestamp(i64::MAX - 1))), "nothing wraps round");
    }
}
