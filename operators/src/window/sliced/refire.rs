//! The windows of one key that fire again because of a late record, all at once.
//!
//! With many overlapping windows and a long lateness there are as many of them as a window has slices:
//! each by itself would be a merge of all its slices. Taken together, from the last window to the first,
//! they slide like windows that fire on time, only backwards in time, and share the same running
//! aggregate ([`super::carry`]).

use super::carry::{Parts, Running};
use super::firing::Merging;
use super::rolling::Rolling;
use super::stacks::Stacks;
use crate::window::time_window::TimeWindow;
use std::collections::VecDeque;
use std::ops::Bound::{Excluded, Included};
use tidegate_core::key::Key;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// The results of a key over each of `windows`, which have a slice in common, the last window first.
pub(crate) fn results<K: Key, A: Aggregate>(
    windows: &[TimeWindow],
    cumulate: bool,
    merging: &Merging<K, A>,
    parts: &Parts<'_, K, A>,
) -> Vec<A::Out> {
    match merging {
        Merging::Rolling(_) if cumulate => growing(windows, parts),
        Merging::Rolling(_) => sliding::<K, A, Rolling<A::Accumulator>>(windows, parts),
        Merging::Stacks(_) => sliding::<K, A, Stacks<A::Accumulator>>(windows, parts),
        Merging::Anew => {
            let alone = |window| growing(std::slice::from_ref(window), parts);
            windows.iter().flat_map(alone).collect()
        }
    }
}

/// Windows of equal size: those slices leave that end behind the window, the newest first.
fn sliding<K: Key, A: Aggregate, R: Running<A>>(
    windows: &[TimeWindow],
    parts: &Parts<'_, K, A>,
) -> Vec<A::Out> {
    let mut running: Option<R> = None;
    let mut entered: VecDeque<Timestamp> = VecDeque::new();
    let mut upto = Timestamp::MAX;
    let mut results = Vec::with_capacity(windows.len());
    for window in windows {
        while let Some(end) = entered.pop_front_if(|end| *end > window.end) {
            running.take_if(|running| !running.leave(end, parts));
        }
        let older = (Excluded(window.start), Included(upto.min(window.end)));
        for (end, table) in parts.slices.range(older).rev() {
            if table.get(parts.at).is_some() {
                entered.push_back(*end);
                match &mut running {
                    Some(running) => running.enter(*end, parts),
                    None => running = Some(R::begin(*end, parts)),
                }
            }
        }
        upto = window.start;
        results.extend(running.as_ref().map(|running| running.result(parts)));
    }
    results
}

/// Windows with one start: from the shortest on, each is the one before with more slices.
fn growing<K: Key, A: Aggregate>(windows: &[TimeWindow], parts: &Parts<'_, K, A>) -> Vec<A::Out> {
    let aggregate = parts.aggregate;
    let mut all = aggregate.create();
    let mut from = windows.last().map_or(Timestamp::MAX, |window| window.start);
    let mut results = Vec::with_capacity(windows.len());
    for window in windows.iter().rev() {
        for (_, table) in parts.slices.range((Excluded(from), Included(window.end))) {
            if let Some(part) = table.get(parts.at) {
                aggregate.merge(&mut all, part);
            }
        }
        from = window.end;
        results.push(aggregate.result(&all));
    }
    results.reverse();
    results
}
