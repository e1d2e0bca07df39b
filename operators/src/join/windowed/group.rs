//! What has come for one key on both sides in one stretch of time, and a record with its side.

use super::bag::Bag;
use crate::window::{Contents, WindowContext, WindowOutput};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_core::state::namespaced::NamespacedState;
use tidegate_core::state::table::Table;
use tidegate_core::time::Timestamp;

/// A record of either side: what an assigner of windows over two streams sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tagged<L, R> {
    /// Of the left stream.
    Left(L),
    /// Of the right stream.
    Right(R),
}

/// Both sides of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "L: Serialize, R: Serialize",
    deserialize = "L: Deserialize<'de>, R: Deserialize<'de>"
))]
pub(crate) struct Group<L, R> {
    pub(crate) left: Bag<L>,
    pub(crate) right: Bag<R>,
}

impl<L, R> Default for Group<L, R> {
    fn default() -> Self {
        Self { left: Bag::Empty, right: Bag::Empty }
    }
}

/// The groups of each slice, by the end of the slice.
pub(super) type Slices<K, L, R> = NamespacedState<Timestamp, K, Group<L, R>>;

/// So many keys are fetched from memory together.
pub(super) const TOGETHER: usize = 16;

/// So many keys lie in the cache anyway.
const CACHED_KEYS: usize = 4096;

/// Looks at the groups of the next records, so that the processor waits for the memory of all of them at
/// once instead of one by one.
pub(super) fn fetch<K: Key, L, R, T>(table: &Table<K, Group<L, R>>, next: &[Record<T>]) {
    if table.len() < CACHED_KEYS {
        return;
    }
    let found = next.iter().filter(|record| table.slot_of(record.key_hash, |_| true).is_some());
    black_box(found.count());
}

/// Keeps both sides of a window that is computed by itself, and emits them when it fires.
pub(super) struct BothSides;

/// A window that has fired for a key.
#[derive(Clone)]
pub(super) struct Fired<K, L, R> {
    pub(super) key: K,
    pub(super) window: crate::window::TimeWindow,
    pub(super) group: Group<L, R>,
}

impl<K, L, R> Contents<K, Tagged<L, R>, Fired<K, L, R>> for BothSides
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
{
    type State = Group<L, R>;

    fn add(&self, state: &mut Option<Group<L, R>>, value: &Tagged<L, R>, timestamp: Timestamp) {
        Contents::<K, _, Fired<K, L, R>>::add_last(self, state, value.clone(), timestamp);
    }

    fn add_last(&self, state: &mut Option<Group<L, R>>, value: Tagged<L, R>, _: Timestamp) {
        let group = state.get_or_insert_default();
        match value {
            Tagged::Left(value) => group.left.push(value),
            Tagged::Right(value) => group.right.push(value),
        }
    }

    fn merge(&self, state: &mut Option<Group<L, R>>, later: Option<Group<L, R>>) {
        if let Some(Group { left, right }) = later {
            let group = state.get_or_insert_default();
            group.left.append(left);
            group.right.append(right);
        }
    }

    fn fire(
        &self,
        window: &WindowContext<'_, K>,
        group: &mut Group<L, R>,
        out: &mut WindowOutput<'_, Fired<K, L, R>>,
    ) {
        let (key, window) = (window.key.clone(), window.window);
        out.emit(Fired { key, window, group: group.clone() });
    }
}
