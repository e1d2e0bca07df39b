//! Watermark alignment: no source of a group runs further ahead of the slowest than it may.
//!
//! Two sources that are joined need state for everything by which one is ahead of the other, and so do
//! the subtasks of one source. A source whose watermark is more than the allowed drift above the lowest
//! of its group reads no further until the others have caught up. Each member reports where it stands
//! before it reads; members that are idle or have ended hold nobody back. What a source has read is never
//! held back, so a member may be ahead by the drift and one batch.
//!
//! One that waits is woken when it is ahead by half of its drift only: waking it as soon as it may read
//! would wake it for every batch of the slowest.
//!
//! Flink's `withWatermarkAlignment` (FLIP-182) without its coordinator: the board is shared memory.

use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

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

impl Standing {
    /// Whether it is more than `drift_ms` above `lowest`.
    fn is_ahead(self, drift_ms: i64, lowest: Option<Timestamp>) -> bool {
        match (self, lowest) {
            (Self::At(watermark), Some(lowest)) => watermark > lowest.plus(drift_ms),
            _ => false,
        }
    }
}

/// The source's uid and the subtask's index.
type Member = (String, u32);

/// What the board says of a member.
#[derive(Debug)]
struct Entry {
    standing: Standing,
    /// The drift at which it is to be woken, and how, if it waits.
    waits: Option<(i64, Waker)>,
}

/// Where all members of all groups of a job stand.
#[derive(Debug, Default)]
pub struct AlignmentBoard {
    groups: Mutex<BTreeMap<Arc<str>, BTreeMap<Member, Entry>>>,
}

impl AlignmentBoard {
    /// Notes where `member` stands, wakes those who may go on for it, and says whether `member` itself may.
    /// If not, `waker` is kept.
    fn report(
        &self,
        Alignment { group, max_drift_ms }: &Alignment,
        member: &Member,
        standing: Standing,
        waker: &Waker,
    ) -> bool {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let members = groups.entry(Arc::clone(group)).or_default();
        match members.get_mut(member) {
            Some(entry) => entry.standing = standing,
            None => drop(members.insert(member.clone(), Entry { standing, waits: None })),
        }
        let at = |entry: &Entry| match entry.standing {
            Standing::At(watermark) => Some(watermark),
            Standing::Absent => None,
        };
        let lowest = members.values().filter_map(at).min();
        let is_ahead = standing.is_ahead(*max_drift_ms, lowest);
        let mut woken = Vec::new();
        for (of, entry) in members {
            if of == member {
                entry.waits = is_ahead.then(|| (max_drift_ms / 2, waker.clone()));
            } else if let Some((drift_ms, waker)) = entry.waits.take() {
                if entry.standing.is_ahead(drift_ms, lowest) {
                    entry.waits = Some((drift_ms, waker));
                } else {
                    woken.push(waker);
                }
            }
        }
        drop(groups);
        woken.into_iter().for_each(Waker::wake);
        !is_ahead
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
        board.report(&alignment, &member, Standing::At(watermark), Waker::noop());
        Self { board: Arc::clone(board), alignment, member }
    }

    /// Holds nobody back any more.
    pub fn leave(&self) {
        self.board.report(&self.alignment, &self.member, Standing::Absent, Waker::noop());
    }

    /// Reports where the source stands and says whether it may read on. If not, `waker` is woken when the
    /// others have caught up.
    #[must_use]
    pub fn may_read(&self, standing: Standing, waker: &Waker) -> bool {
        self.board.report(&self.alignment, &self.member, standing, waker)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    /// How often it has been woken.
    #[derive(Default)]
    pub(crate) struct Woken(pub(crate) AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_fastest_waits_for_the_slowest_but_not_for_one_that_is_absent() {
        let board = Arc::new(AlignmentBoard::default());
        let alignment = Alignment { group: "orders".into(), max_drift_ms: 10 };
        let join = |index| {
            AlignmentMember::join(&board, alignment.clone(), "source", index, Timestamp::MIN)
        };
        let (fast, slow, other) = (join(0), join(1), join(2));
        let at = |member: &AlignmentMember, at| {
            member.may_read(Standing::At(Timestamp(at)), Waker::noop())
        };
        assert!(at(&fast, i64::MIN));
        assert!(!at(&fast, 5), "the others have not begun");
        assert!(other.may_read(Standing::Absent, Waker::noop()));
        assert!(at(&slow, 0));
        assert!(at(&fast, 10));
        assert!(!at(&fast, 11));
        slow.leave();
        assert!(at(&fast, i64::MAX - 1), "nothing wraps round");
    }

    #[test]
    fn one_that_waits_is_woken_once_when_half_of_its_drift_is_left_or_the_last_is_gone() {
        let board = Arc::new(AlignmentBoard::default());
        let alignment = Alignment { group: "orders".into(), max_drift_ms: 10 };
        let join =
            |index| AlignmentMember::join(&board, alignment.clone(), "source", index, Timestamp(0));
        let (fast, slow) = (join(0), join(1));
        let woken = Arc::new(Woken::default());
        let (waker, count) = (Waker::from(Arc::clone(&woken)), || woken.0.load(Ordering::Relaxed));
        let stand = |member: &AlignmentMember, at, waker: &Waker| {
            member.may_read(Standing::At(Timestamp(at)), waker)
        };
        assert!(!stand(&fast, 20, &waker));
        assert!(stand(&slow, 14, Waker::noop()));
        assert_eq!(count(), 0, "it is ahead by six");
        assert!(stand(&slow, 15, Waker::noop()) && stand(&slow, 16, Waker::noop()));
        assert_eq!(count(), 1);
        assert!(!stand(&fast, 27, &waker));
        slow.leave();
        assert_eq!(count(), 2);
        assert!(stand(&fast, 90, &waker));
    }
}
