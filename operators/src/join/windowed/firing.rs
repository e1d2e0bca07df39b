//! The firing of a window over slices: from the groups of its slices to rows, as far as the output allows.
//!
//! A window of which one slice only holds anything is a walk over that slice's table. Else the groups of a
//! key have to be found in all slices: their places are noted with the hash of the key and put in order,
//! so that those of one key lie side by side. Records are copied nowhere.

use super::function::{Cursor, GroupFunction, Sides};
use super::group::{Group, Slices};
use super::records::Records;
use crate::window::{TimeWindow, WindowContext};
use std::ops::Bound::{Excluded, Included};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, Progress};
use tidegate_core::state::table::Table;
use tidegate_core::state::{Keyed, Value};
use tidegate_core::time::Timestamp;

/// A step looks at so many groups at most: an inner join may have nothing to emit for any of them.
const GROUPS_PER_STEP: usize = 16_384;

/// A window whose rows are being emitted. The slices do not change meanwhile: records wait.
pub(super) struct Firing {
    window: TimeWindow,
    groups: Groups,
    /// Within the key at hand.
    cursor: Cursor,
}

/// Where the groups are that have not been emitted.
enum Groups {
    /// In the only slice that has any, from a position on.
    Slice { end: Timestamp, position: usize },
    /// In several slices, from a place on.
    Places { slices: Vec<Timestamp>, places: Vec<Place>, next: usize },
}

/// Where a group is: places are in the order of the hashes of their keys, then of their slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    hash: u64,
    /// Number of the slice within the window.
    slice: u32,
    left: bool,
    right: bool,
    slot: usize,
}

impl Firing {
    /// Begins to fire `window`.
    pub(super) fn begin<K: Key, L: Value, R: Value>(
        window: TimeWindow,
        slices: &Slices<K, L, R>,
    ) -> Self {
        let mut parts = slices.range((Excluded(window.start), Included(window.end)));
        let groups = match (parts.next(), parts.next()) {
            (Some((end, _)), None) => Groups::Slice { end: *end, position: 0 },
            (first, second) => {
                let (mut ends, mut places) = (Vec::new(), Vec::new());
                for (end, table) in first.into_iter().chain(second).chain(parts) {
                    note_places(table, ends.len() as u32, &mut places);
                    ends.push(*end);
                }
                places.sort_unstable();
                Groups::Places { slices: ends, places, next: 0 }
            }
        };
        Self { window, groups, cursor: Cursor::default() }
    }

    /// Emits rows until there are none, `ctx` is full, or the step is long enough.
    pub(super) fn emit<K, L, R, P>(
        &mut self,
        slices: &Slices<K, L, R>,
        function: &mut P,
        ctx: &mut Context<P::Out>,
    ) -> Progress
    where
        K: Key,
        L: Data + Value,
        R: Data + Value,
        P: GroupFunction<K, L, R>,
    {
        let Self { window, groups, cursor } = self;
        match groups {
            Groups::Slice { end, position } => {
                let Some(table) = slices.table(end) else { return Progress::Done };
                for _ in 0..GROUPS_PER_STEP {
                    let Some((behind, key, group)) = table.next_from(*position) else {
                        return Progress::Done;
                    };
                    if function.wants(!group.left.is_empty(), !group.right.is_empty()) {
                        let sides = (&[group.left.as_slice()][..], &[group.right.as_slice()][..]);
                        if emit(*window, key, sides, cursor, function, ctx) == Progress::More {
                            return Progress::More;
                        }
                        *cursor = Cursor::default();
                    }
                    *position = behind;
                }
                Progress::More
            }
            Groups::Places { slices: ends, places, next } => {
                let tables: Vec<_> = ends.iter().filter_map(|end| slices.table(end)).collect();
                let (mut left, mut right) = (Vec::new(), Vec::new());
                for _ in 0..GROUPS_PER_STEP {
                    let of_key = places_of_key(&mut places[*next..], &tables);
                    let Some(first) = of_key.first() else { return Progress::Done };
                    let sides = (of_key.iter().any(|p| p.left), of_key.iter().any(|p| p.right));
                    if function.wants(sides.0, sides.1) {
                        let at = |place: &Place| tables[place.slice as usize].slot(place.slot);
                        let (key, _) = at(first).expect("a slice stays as it is meanwhile");
                        let groups = of_key.iter().filter_map(at).map(|(_, group)| group);
                        collect(groups, &mut left, &mut right);
                        let sides = (&left[..], &right[..]);
                        if emit(*window, key, sides, cursor, function, ctx) == Progress::More {
                            return Progress::More;
                        }
                        *cursor = Cursor::default();
                    }
                    *next += of_key.len();
                }
                Progress::More
            }
        }
    }
}

/// Notes where the groups of one slice are.
fn note_places<K: Key, L, R>(table: &Table<K, Group<L, R>>, slice: u32, places: &mut Vec<Place>) {
    places.reserve(table.len());
    let mut position = 0;
    while let Some((behind, key, group)) = table.next_from(position) {
        let (left, right) = (!group.left.is_empty(), !group.right.is_empty());
        places.push(Place { hash: key.stable_hash(), slice, left, right, slot: behind - 1 });
        position = behind;
    }
}

/// The places at the front that belong to one key. Where keys have a hash in common, which hardly ever
/// happens, their places are put in order first.
fn places_of_key<'a, K: Key, V>(places: &'a mut [Place], tables: &[&Table<K, V>]) -> &'a [Place] {
    let Some(first) = places.first().copied() else { return places };
    let key = |place: &Place| tables[place.slice as usize].slot(place.slot).map(|(key, _)| key);
    let like = places.iter().take_while(|place| place.hash == first.hash).count();
    let like = &mut places[..like];
    if like.len() > 1 && like.iter().any(|place| key(place) != key(&first)) {
        like.sort_by(|one, other| key(one).cmp(&key(other)).then(one.slice.cmp(&other.slice)));
        let least = key(&like[0]);
        let of_key = like.iter().take_while(|place| key(place) == least).count();
        return &like[..of_key];
    }
    like
}

/// The parts of both sides of a key.
fn collect<'a, L, R>(
    groups: impl Iterator<Item = &'a Group<L, R>>,
    left: &mut Vec<&'a [L]>,
    right: &mut Vec<&'a [R]>,
) {
    left.clear();
    right.clear();
    for group in groups {
        left.extend((!group.left.is_empty()).then(|| group.left.as_slice()));
        right.extend((!group.right.is_empty()).then(|| group.right.as_slice()));
    }
}

/// Emits the rows of one key and window.
#[inline]
pub(super) fn emit<K, L, R, P: GroupFunction<K, L, R>>(
    window: TimeWindow,
    key: &K,
    (left, right): (&[&[L]], &[&[R]]),
    cursor: &mut Cursor,
    function: &mut P,
    ctx: &mut Context<P::Out>,
) -> Progress {
    let (watermark, processing_time) = (ctx.watermark(), ctx.processing_time());
    let window = WindowContext { key, window, watermark, processing_time };
    let sides = Sides { left: Records { parts: left }, right: Records { parts: right } };
    function.emit(&window, &sides, cursor, ctx)
}

/// The windows of one key that fire again because of a late record, the last one first.
pub(super) struct Refiring<K> {
    key: K,
    hash: u64,
    /// The next one last.
    windows: Vec<TimeWindow>,
    cursor: Cursor,
}

impl<K: Key> Refiring<K> {
    /// Lets `windows` fire, the first of them first.
    pub(super) fn begin(key: K, hash: u64, mut windows: Vec<TimeWindow>) -> Self {
        windows.reverse();
        Self { key, hash, windows, cursor: Cursor::default() }
    }

    /// Emits rows until there are none or `ctx` is full.
    pub(super) fn emit<L, R, P>(
        &mut self,
        slices: &Slices<K, L, R>,
        function: &mut P,
        ctx: &mut Context<P::Out>,
    ) -> Progress
    where
        L: Data + Value,
        R: Data + Value,
        P: GroupFunction<K, L, R>,
    {
        let at = Keyed { key: &self.key, hash: self.hash };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        while let Some(window) = self.windows.last().copied() {
            let parts = slices.range((Excluded(window.start), Included(window.end)));
            collect(parts.filter_map(|(_, table)| table.get(at)), &mut left, &mut right);
            if function.wants(!left.is_empty(), !right.is_empty()) {
                let (cursor, sides) = (&mut self.cursor, (&left[..], &right[..]));
                if emit(window, &self.key, sides, cursor, function, ctx) == Progress::More {
                    return Progress::More;
                }
            }
            self.cursor = Cursor::default();
            self.windows.pop();
        }
        Progress::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_the_same_hash_are_told_apart() {
        // As if both keys had the hash 7.
        let mut tables: Vec<Table<u64, ()>> = vec![Table::default(), Table::default()];
        let mut places = Vec::new();
        for (slice, key) in [(0, 5u64), (0, 3), (1, 3), (1, 5)] {
            let slot = tables[slice].slot_or_insert_with(Keyed::new(&key), || ());
            let slice = slice as u32;
            places.push(Place { hash: 7, slice, left: true, right: true, slot });
        }
        places.push(Place { hash: 9, ..places[0] });
        places.sort_unstable();
        let tables: Vec<_> = tables.iter().collect();
        let mut next = 0;
        for (key, slices) in [(3, &[0, 1][..]), (5, &[0, 1]), (5, &[0])] {
            let of_key = places_of_key(&mut places[next..], &tables);
            next += of_key.len();
            let found: Vec<u32> = of_key.iter().map(|place| place.slice).collect();
            let key_of = |place: &Place| tables[place.slice as usize].slot(place.slot);
            assert_eq!(found, slices);
            assert!(of_key.iter().all(|place| key_of(place).map(|(key, ())| *key) == Some(key)));
        }
        assert!(places_of_key(&mut places[next..], &tables).is_empty());
    }
}
