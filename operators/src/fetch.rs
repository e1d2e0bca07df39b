//! Looking at the state of several keys before any of them is needed.
//!
//! Apart because what it does is to the processor, not to the state: a look-up in a large table waits for
//! memory, and looking at many at once the processor waits for all of them together instead of one by
//! one. First come all slots, then what they point to: what is done with a slot depends on what it holds,
//! and the processor can run ahead only as far as it can guess.

use std::hint::black_box;
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_core::state::handles::ValueState;

/// So many keys are fetched from memory together.
pub(crate) const TOGETHER: usize = 16;

/// So many keys and what is kept of them lie in the cache anyway.
const CACHED_KEYS: usize = 4096;

/// Looks at the values of the next keys, and by `touch` at what these point to. Nothing comes of it but
/// that they lie in the cache when they are needed.
pub(crate) fn fetch<K: Key, V: Value>(
    state: &ValueState<K, V>,
    hashes: impl Iterator<Item = u64>,
    touch: impl Fn(&V) -> i64,
) {
    if state.len() < CACHED_KEYS {
        return;
    }
    let mut slots = [usize::MAX; TOGETHER];
    for (slot, hash) in slots.iter_mut().zip(hashes) {
        *slot = state.slot_of(hash, |_| true).unwrap_or(usize::MAX);
    }
    let seen = slots.iter().filter_map(|slot| state.slot(*slot));
    black_box(seen.fold(0, |seen, (_, value)| seen ^ touch(value)));
}
