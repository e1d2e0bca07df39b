//! The running aggregate where nothing can be deducted: two stacks, in blocks.
//!
//! A queue is two stacks back to back. Slices enter at the back, where one accumulator holds them all.
//! The front keeps for each of its slices the merge from there up to the back, so that the oldest can
//! leave by a pop; when the front is empty the whole back moves over, from the newest slice to the
//! oldest. The window is the merge of the two tops. (Tangwongsan, Hirzel and Schneider, "Low-latency
//! sliding-window aggregation in worst-case constant time", DEBS 2017, section 2.)
//!
//! A front of n slices would be n accumulators. It is cut into blocks of sqrt(n) slices: only the first
//! block has all its merges, the others have the one at their beginning, from which the rest of a block
//! is made when its turn comes. That is 2 sqrt(n) accumulators for one more merge: a slice is merged
//! three times in its life, once at the back, once when it moves over, once when its block opens.

use super::carry::{Parts, Running};
use std::collections::VecDeque;
use tidegate_core::key::Key;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// The slices of a key, and their merges.
pub(crate) struct Stacks<V> {
    /// The ends of the slices that the key has anything in, oldest first: the front, then the back.
    slices: VecDeque<Timestamp>,
    /// How many of them are in the front.
    front: usize,
    /// The merges that begin at each slice of the open block and reach up to the back, the oldest
    /// slice's last.
    open: Vec<V>,
    /// The merges that begin at the first slice of each later block, the next block's last.
    later: Vec<V>,
    /// How many slices a block has; the last one may have less.
    block: usize,
    /// The merge of the back; none while it is one slice or less.
    back: Option<V>,
}

impl<V> Stacks<V> {
    fn back_slices(&self) -> usize {
        self.slices.len() - self.front
    }

    /// Moves the back, of two slices or more, over to the front, which is empty.
    fn turn_over<K: Key, A: Aggregate<Accumulator = V>>(&mut self, parts: &Parts<'_, K, A>)
    where
        V: Clone,
    {
        self.front = self.slices.len();
        self.block = self.front.isqrt();
        let mut all = parts.aggregate.running();
        for (index, end) in self.slices.iter().enumerate().skip(self.block).rev() {
            parts.aggregate.merge(&mut all, parts.part(*end));
            if index > self.block && index.is_multiple_of(self.block) {
                self.later.push(all.clone());
            }
        }
        self.later.push(all);
        self.back = None;
        self.open_block(None, parts);
    }

    /// Makes the merges of the block that the front begins with; `first` is the one that begins at its
    /// first slice, if there is one already.
    fn open_block<K: Key, A: Aggregate<Accumulator = V>>(
        &mut self,
        first: Option<V>,
        parts: &Parts<'_, K, A>,
    ) where
        V: Clone,
    {
        let size = self.block.min(self.front);
        let known = usize::from(first.is_some());
        for end in self.slices.range(known..size).rev() {
            let behind = self.open.last().or(self.later.last());
            let mut all = behind.cloned().unwrap_or_else(|| parts.aggregate.running());
            parts.aggregate.merge(&mut all, parts.part(*end));
            self.open.push(all);
        }
        self.open.extend(first);
    }
}

impl<A: Aggregate> Running<A> for Stacks<A::Accumulator> {
    fn begin<K: Key>(end: Timestamp, _parts: &Parts<'_, K, A>) -> Self {
        Self {
            slices: VecDeque::from([end]),
            front: 0,
            open: Vec::new(),
            later: Vec::new(),
            block: 0,
            back: None,
        }
    }

    fn enter<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>) {
        if self.back_slices() == 1 {
            let mut back = parts.aggregate.running();
            parts.aggregate.merge(&mut back, parts.part(self.slices[self.front]));
            self.back = Some(back);
        }
        if let Some(back) = &mut self.back {
            parts.aggregate.merge(back, parts.part(end));
        }
        self.slices.push_back(end);
    }

    fn leave<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>) -> bool {
        debug_assert_eq!(self.slices.front(), Some(&end), "slices leave in their order");
        if self.slices.len() == 1 {
            return false;
        }
        if self.front == 0 {
            self.turn_over(parts);
        }
        self.open.pop();
        self.slices.pop_front();
        self.front -= 1;
        if self.open.is_empty()
            && let Some(first) = self.later.pop()
        {
            self.open_block(Some(first), parts);
        }
        true
    }

    fn result<K: Key>(&self, parts: &Parts<'_, K, A>) -> A::Out {
        let aggregate = parts.aggregate;
        // One slice is no merge: it is read where it is.
        let single = (self.back_slices() == 1).then(|| parts.part(self.slices[self.front]));
        match (self.open.last(), self.back.as_ref().or(single)) {
            (Some(front), Some(back)) => {
                let mut all = front.clone();
                aggregate.merge(&mut all, back);
                aggregate.result(&all)
            }
            (Some(all), None) | (None, Some(all)) => aggregate.result(all),
            (None, None) => unreachable!("a key without slices has left"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Fold;
    use crate::window::sliced::firing::Slices;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tidegate_core::state::Keyed;

    static MERGES: AtomicU64 = AtomicU64::new(0);

    type List = Fold<i64, Vec<i64>>;

    /// A list of what was added, sorted; merges are counted.
    fn list() -> List {
        let merge = |all: &mut Vec<i64>, part: &Vec<i64>| {
            MERGES.fetch_add(1, Ordering::Relaxed);
            all.extend(part);
            all.sort_unstable();
        };
        Fold::new(Vec::new(), |all: &mut Vec<i64>, n: &i64| all.push(*n), merge)
    }

    /// Slides a window over slices and compares it with the slices at each step; returns the most
    /// accumulators held, and merges per slide.
    fn slide(window: i64, slides: i64) -> (usize, u64) {
        let (aggregate, mut slices) = (list(), Slices::<u8, List>::default());
        let at = Keyed::new(&7);
        for n in 0..window + slides {
            slices.table_mut(Timestamp(n)).get_or_insert_with(at, || vec![n]);
        }
        let parts = Parts { at, slices: &slices, aggregate: &aggregate };
        let mut stacks: Stacks<Vec<i64>> = Running::<List>::begin(Timestamp(0), &parts);
        (1..window).for_each(|n| stacks.enter(Timestamp(n), &parts));
        let (mut most, before) = (0, MERGES.load(Ordering::Relaxed));
        for n in window..window + slides {
            assert_eq!(stacks.result(&parts), (n - window..n).collect::<Vec<_>>());
            most = most.max(stacks.open.len() + stacks.later.len() + 1);
            if !stacks.leave(Timestamp(n - window), &parts) {
                stacks = Running::<List>::begin(Timestamp(n), &parts);
            } else {
                stacks.enter(Timestamp(n), &parts);
            }
        }
        (most, (MERGES.load(Ordering::Relaxed) - before) / slides as u64)
    }

    #[test]
    fn a_window_is_its_slices_at_a_few_merges_a_slide_and_few_accumulators() {
        for window in [1, 2, 3, 4, 5, 9, 10, 360] {
            let (most, merges) = slide(window, 4 * window + 3);
            assert!(most as i64 <= 2 * window.isqrt() + 3, "{most} accumulators for {window}");
            // Three for the slice, one for the window.
            assert!(merges <= 4, "{merges} merges per slide for {window}");
        }
    }
}
