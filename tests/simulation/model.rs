//! What the output must be, computed from the inputs alone, and the ledger that compares.
//!
//! Apart from the jobs, because it must not share a line with what it judges. A row that depends on
//! how channels were interleaved is judged by what does not: a record goes into its window or to the
//! late output, whichever, but into exactly one of them and exactly once.

use super::record::{GAP_MS, Item, Kind, window_end};
use std::collections::{BTreeMap, BTreeSet};

/// The ledger of all sinks of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Facts that must be published, each once: by sink, or by "" when any sink may tell it.
    expected: BTreeSet<(String, Item)>,
    published: BTreeMap<(String, Item), u32>,
    /// Watermarks at which the windows of a key fired.
    firings: BTreeMap<(u32, i64), BTreeMap<i64, u32>>,
}

/// What a row of a sink claims, without what may differ between interleavings.
fn fact(sink: &str, row: &Item) -> (String, Item) {
    match row.kind {
        Kind::Fired | Kind::Late => {
            let at = if row.kind == Kind::Fired { row.at } else { window_end(row.at) };
            (String::new(), Item { kind: Kind::Fired, at, n: 0, ..*row })
        }
        _ => (sink.to_owned(), *row),
    }
}

impl Model {
    fn expect(&mut self, sink: &str, row: &Item) {
        assert!(self.expected.insert(fact(sink, row)), "every expected row is unique: {row:?}");
    }

    /// Every input record comes out of `sink` as often as the map copies it.
    pub(crate) fn expect_copies(&mut self, sink: &str, input: &[Item]) {
        input.iter().flat_map(copies).for_each(|row| self.expect(sink, &row));
    }

    /// Every input record comes out of `sink` once.
    pub(crate) fn expect_each(&mut self, sink: &str, input: &[Item]) {
        input.iter().for_each(|row| self.expect(sink, row));
    }

    /// `sink` gets the sessions of each key: records with no longer pause than [`GAP_MS`].
    pub(crate) fn expect_sessions(&mut self, sink: &str, input: &[Item]) {
        let mut keys: BTreeMap<u32, Vec<(i64, u64)>> = BTreeMap::new();
        for row in input {
            keys.entry(row.key).or_default().push((row.at, row.id));
        }
        for (key, mut records) in keys {
            records.sort_unstable();
            for session in records.chunk_by(|(before, _), (after, _)| after - before <= GAP_MS) {
                let id = session.iter().fold(0, |sum: u64, (_, id)| sum.wrapping_add(*id));
                let (at, n) = (session[session.len() - 1].0 + GAP_MS, session.len() as i64);
                self.expect(sink, &Item { kind: Kind::Window, key, id, at, n });
            }
        }
    }

    /// `sink` gets a running count per key.
    pub(crate) fn expect_running_counts(&mut self, sink: &str, input: &[Item]) {
        let mut keys: BTreeMap<u32, i64> = BTreeMap::new();
        for &Item { key, .. } in input {
            let n = *keys.entry(key).and_modify(|n| *n += 1).or_insert(1);
            self.expect(sink, &Item { kind: Kind::Counted, key, id: 0, at: 0, n });
        }
    }

    /// `sink` gets a running count per key, the windows of each key, and each key's total.
    pub(crate) fn expect_counts(&mut self, sink: &str, input: &[Item]) {
        let mut keys: BTreeMap<u32, i64> = BTreeMap::new();
        let mut windows: BTreeMap<(u32, i64), (i64, u64)> = BTreeMap::new();
        for row in input.iter().flat_map(copies) {
            *keys.entry(row.key).or_default() += 1;
            let window = windows.entry((row.key, window_end(row.at))).or_default();
            *window = (window.0 + 1, window.1.wrapping_add(row.id));
        }
        for (&key, &total) in &keys {
            for n in 1..=total {
                self.expect(sink, &Item { kind: Kind::Counted, key, id: 0, at: 0, n });
            }
            self.expect(sink, &Item { kind: Kind::Total, key, id: 0, at: 0, n: total });
        }
        for ((key, at), (n, id)) in windows {
            self.expect(sink, &Item { kind: Kind::Window, key, id, at, n });
        }
    }

    /// Every input record comes out once: fired with its window, or late.
    pub(crate) fn expect_fired_or_late(&mut self, input: &[Item]) {
        for row in input {
            self.expect("", &Item { kind: Kind::Fired, at: window_end(row.at), ..*row });
        }
    }

    /// A row was published.
    pub(crate) fn add(&mut self, sink: &str, row: &Item) -> Result<(), String> {
        let fact = fact(sink, row);
        if row.kind == Kind::Fired {
            *self.firings.entry((row.key, row.at)).or_default().entry(row.n).or_default() += 1;
        }
        let wanted = self.expected.contains(&fact);
        let times = self.published.entry(fact).or_default();
        *times += 1;
        match (wanted, *times) {
            (false, _) => Err("a row that the inputs do not lead to".to_owned()),
            (true, 1) => Ok(()),
            (true, times) => Err(format!("a row for the {times}. time")),
        }
    }

    /// A row was taken back.
    pub(crate) fn remove(&mut self, sink: &str, row: &Item) {
        let fact = fact(sink, row);
        if let Some(times) = self.published.get_mut(&fact) {
            *times -= 1;
            if *times == 0 {
                self.published.remove(&fact);
            }
        }
        if row.kind == Kind::Fired
            && let Some(firings) = self.firings.get_mut(&(row.key, row.at))
            && let Some(rows) = firings.get_mut(&row.n)
        {
            *rows -= 1;
            if *rows == 0 {
                firings.remove(&row.n);
            }
        }
    }

    /// Nothing is published.
    pub(crate) fn clear(&mut self) {
        self.published.clear();
        self.firings.clear();
    }

    /// Facts published and facts expected.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.published.len() as u64, self.expected.len() as u64)
    }

    /// Everything has been published. What was too much has been said before.
    pub(crate) fn judge(&self, windows_fire_once: bool) -> Result<(), String> {
        let missing: Vec<_> =
            self.expected.iter().filter(|fact| !self.published.contains_key(fact)).collect();
        if !missing.is_empty() {
            let some: Vec<_> = missing.iter().take(5).collect();
            return Err(format!("{} rows are missing, such as {some:?}", missing.len()));
        }
        let twice = self.firings.iter().find(|(_, firings)| firings.len() > 1);
        if windows_fire_once && let Some((window, firings)) = twice {
            return Err(format!("window {window:?} fired at watermarks {firings:?}"));
        }
        Ok(())
    }
}

/// What the map makes of a record: odd ids come twice.
pub(crate) fn copies(row: &Item) -> impl Iterator<Item = Item> + use<> {
    let row = *row;
    let copy = move |n| Item { id: row.id * 2 + n, key: row.key + n as u32, ..row };
    (0..=row.id % 2).map(copy)
}
