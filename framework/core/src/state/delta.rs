//! The encoded entries of one keyed state: all of them (a *base*) or those changed since the last
//! capture (a *delta*). What a snapshot writes, recovery reads and compaction merges.
//!
//! Apart from the tables because it works on bytes alone: merging and rescaling need no types.
//!
//! Entries stand in runs, one per key group, so that a subtask at another parallelism reads only its
//! own. An entry is three fields: namespace (empty when the state has none), key, and value; a value
//! of length 0 is a deletion, all others are stored with their length + 1.

use crate::codec::{self, DecodeError, FrameKind};
use crate::key::{KeyGroup, KeyGroupRange};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// One changed entry, as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// CBOR of the namespace; empty for a state without one.
    pub namespace: &'a [u8],
    /// CBOR of the key.
    pub key: &'a [u8],
    /// CBOR of the value; `None` is a deletion.
    pub value: Option<&'a [u8]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    group: u16,
    start: u64,
    end: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    full: bool,
    entries: u64,
    dropped: Vec<Vec<u8>>,
    runs: Vec<Run>,
}

/// Encoded entries of one keyed state, grouped by key group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// A base: whatever came before is replaced, not merged.
    pub full: bool,
    /// Number of entries, deletions included.
    pub entries: u64,
    /// Namespaces (CBOR) that were dropped as a whole before the entries below apply.
    pub dropped: Vec<Vec<u8>>,
    runs: Vec<Run>,
    bytes: Vec<u8>,
}

impl Delta {
    /// Size of the encoded entries in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// About how many entries lie in `range`, to make room for them.
    #[must_use]
    pub fn estimate(&self, range: KeyGroupRange) -> usize {
        let inside = |run: &&Run| range.contains(KeyGroup(run.group));
        let bytes: u64 = self.runs.iter().filter(inside).map(|run| run.end - run.start).sum();
        let share = u128::from(self.entries) * u128::from(bytes) / u128::from(self.bytes().max(1));
        usize::try_from(share).unwrap_or(0)
    }

    /// The sealed frame, ready to be stored.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        let header = Header {
            full: self.full,
            entries: self.entries,
            dropped: self.dropped.clone(),
            runs: self.runs.clone(),
        };
        let mut head = Vec::new();
        codec::write_field(&codec::to_cbor(&header), &mut head);
        codec::seal_parts(FrameKind::KeyedState, &[&head, &self.bytes])
    }

    /// The delta that a frame holds.
    ///
    /// # Errors
    /// When the frame is damaged or of another kind or version.
    pub fn from_frame(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut body = codec::open(FrameKind::KeyedState, frame)?;
        let header: Header = codec::from_cbor(codec::read_field(&mut body)?)?;
        let length = body.len() as u64;
        if header.runs.iter().any(|run| run.start > run.end || run.end > length) {
            return Err(DecodeError::Content("a key group lies outside the entries".into()));
        }
        Ok(Self {
            full: header.full,
            entries: header.entries,
            dropped: header.dropped,
            runs: header.runs,
            bytes: body.to_vec(),
        })
    }

    /// Calls `visit` for every entry whose key group lies in `range`, oldest first within a key.
    ///
    /// # Errors
    /// Damaged entries, or whatever `visit` returns.
    pub fn for_each<'a>(
        &'a self,
        range: KeyGroupRange,
        mut visit: impl FnMut(KeyGroup, Entry<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        for run in self.runs.iter().filter(|run| range.contains(KeyGroup(run.group))) {
            let mut rest = &self.bytes[run.start as usize..run.end as usize];
            while !rest.is_empty() {
                let namespace = codec::read_field(&mut rest)?;
                let key = codec::read_field(&mut rest)?;
                let value = match codec::read_varint(&mut rest)?.checked_sub(1) {
                    None => None,
                    Some(length) => {
                        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
                        let (value, tail) =
                            rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
                        rest = tail;
                        Some(value)
                    }
                };
                visit(KeyGroup(run.group), Entry { namespace, key, value })?;
            }
        }
        Ok(())
    }

    /// One base with the content of `chain` (a base and its deltas, oldest first).
    ///
    /// # Errors
    /// When one of them holds damaged entries.
    pub fn merge(chain: &[Self]) -> Result<Self, DecodeError> {
        type Live<'a> = HashMap<(&'a [u8], &'a [u8]), &'a [u8]>;
        let mut groups: BTreeMap<KeyGroup, Live<'_>> = BTreeMap::new();
        for delta in chain {
            if delta.full {
                groups.clear();
            }
            if !delta.dropped.is_empty() {
                for live in groups.values_mut() {
                    live.retain(|(namespace, _), _| !delta.dropped.iter().any(|d| d == namespace));
                }
            }
            delta.for_each(KeyGroupRange::ALL, |group, entry| {
                let live = groups.entry(group).or_default();
                match entry.value {
                    Some(value) => live.insert((entry.namespace, entry.key), value),
                    None => live.remove(&(entry.namespace, entry.key)),
                };
                Ok(())
            })?;
        }
        let mut merged = DeltaBuilder::new(true);
        for (group, live) in groups {
            for ((namespace, key), value) in live {
                merged.push(group, Entry { namespace, key, value: Some(value) });
            }
        }
        Ok(merged.finish())
    }
}

/// The same content without dropped namespaces: `chain` itself when it drops none, else its merge.
///
/// # Errors
/// When one of them holds damaged entries.
pub fn resolve(chain: Vec<Delta>) -> Result<Vec<Delta>, DecodeError> {
    if chain.iter().all(|delta| delta.dropped.is_empty()) {
        return Ok(chain);
    }
    Ok(vec![Delta::merge(&chain)?])
}

/// Collects entries in any order and sorts them into runs by key group.
///
/// All bytes lie in one buffer: entries that come in the order of their groups are never copied again.
#[derive(Debug)]
pub struct DeltaBuilder {
    full: bool,
    entries: u64,
    dropped: Vec<Vec<u8>>,
    /// Entries of the same group that came one after the other, each a run.
    runs: Vec<Run>,
    bytes: Vec<u8>,
    /// Entries that were announced.
    expected: u64,
}

/// Of so many entries the size of those announced is estimated.
const SAMPLE: u64 = 256;

impl DeltaBuilder {
    /// An empty base (`full`) or delta.
    #[must_use]
    pub fn new(full: bool) -> Self {
        let (dropped, runs, bytes) = (Vec::new(), Vec::new(), Vec::new());
        Self { full, entries: 0, dropped, runs, bytes, expected: 0 }
    }

    /// Announces entries, so that room is made for all of them at once when the first have shown how
    /// large they are.
    #[must_use]
    pub const fn expecting(mut self, entries: usize) -> Self {
        self.expected = entries as u64;
        self
    }

    /// Notes that a whole namespace was dropped before the entries of this delta.
    pub fn drop_namespace(&mut self, namespace: Vec<u8>) {
        self.dropped.push(namespace);
    }

    /// Adds an entry.
    pub fn push(&mut self, group: KeyGroup, entry: Entry<'_>) {
        let (start, bytes) = (self.bytes.len() as u64, &mut self.bytes);
        codec::write_field(entry.namespace, bytes);
        codec::write_field(entry.key, bytes);
        match entry.value {
            None => codec::write_varint(0, bytes),
            Some(value) => {
                codec::write_varint(value.len() as u64 + 1, bytes);
                bytes.extend_from_slice(value);
            }
        }
        let end = self.bytes.len() as u64;
        match self.runs.last_mut() {
            Some(last) if last.group == group.0 => last.end = end,
            _ => self.runs.push(Run { group: group.0, start, end }),
        }
        self.entries += 1;
        if self.entries == SAMPLE && self.expected > SAMPLE {
            // A sixteenth more, for those that are larger.
            let rest = (self.expected - SAMPLE) * end / SAMPLE;
            self.bytes.reserve(usize::try_from(rest + rest / 16).unwrap_or(0));
        }
    }

    /// The finished base or delta.
    #[must_use]
    pub fn finish(self) -> Delta {
        let Self { full, entries, dropped, runs, bytes, .. } = self;
        if runs.is_sorted_by(|one, next| one.group < next.group) {
            return Delta { full, entries, dropped, runs, bytes };
        }
        let mut sorted = Vec::with_capacity(bytes.len());
        let mut by_group: BTreeMap<u16, Vec<Run>> = BTreeMap::new();
        runs.into_iter().for_each(|run| by_group.entry(run.group).or_default().push(run));
        let gather = |(group, parts): (u16, Vec<Run>)| {
            let start = sorted.len() as u64;
            for part in parts {
                sorted.extend_from_slice(&bytes[part.start as usize..part.end as usize]);
            }
            Run { group, start, end: sorted.len() as u64 }
        };
        let runs = by_group.into_iter().map(gather).collect();
        Delta { full, entries, dropped, runs, bytes: sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put<'a>(namespace: &'a [u8], key: &'a [u8], value: &'a [u8]) -> Entry<'a> {
        Entry { namespace, key, value: Some(value) }
    }

    fn content(delta: &Delta, range: KeyGroupRange) -> Vec<(u16, String)> {
        let mut found = Vec::new();
        delta
            .for_each(range, |group, entry| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let value = entry.value.map_or("deleted".into(), text);
                found.push((
                    group.0,
                    format!("{}/{}={value}", text(entry.namespace), text(entry.key)),
                ));
                Ok(())
            })
            .expect("whole");
        found.sort();
        found
    }

    #[test]
    fn a_frame_comes_back_and_a_range_reads_only_its_groups() {
        let mut builder = DeltaBuilder::new(true);
        builder.push(KeyGroup(9), put(b"", b"b", b"2"));
        builder.push(KeyGroup(3), put(b"", b"a", b""));
        let delta = builder.finish();
        let mut sorted = DeltaBuilder::new(true).expecting(2);
        sorted.push(KeyGroup(3), put(b"", b"a", b""));
        sorted.push(KeyGroup(9), put(b"", b"b", b"2"));
        assert_eq!(sorted.finish(), delta, "in whatever order they come");
        let read = Delta::from_frame(&delta.to_frame()).expect("whole");
        assert_eq!(read, delta);
        assert_eq!(content(&read, KeyGroupRange::ALL), [(3, "/a=".into()), (9, "/b=2".into())]);
        let low = KeyGroupRange { start: KeyGroup(0), end: KeyGroup(5) };
        assert_eq!(content(&read, low), [(3, "/a=".into())]);
    }

    #[test]
    fn merging_keeps_the_last_word_on_every_key() {
        let mut base = DeltaBuilder::new(true);
        base.push(KeyGroup(1), put(b"w1", b"a", b"1"));
        base.push(KeyGroup(1), put(b"w1", b"b", b"1"));
        base.push(KeyGroup(2), put(b"w2", b"c", b"1"));
        let mut first = DeltaBuilder::new(false);
        first.push(KeyGroup(1), Entry { namespace: b"w1", key: b"a", value: None });
        first.push(KeyGroup(2), put(b"w2", b"c", b"2"));
        let mut second = DeltaBuilder::new(false);
        second.drop_namespace(b"w2".to_vec());
        second.push(KeyGroup(2), put(b"w2", b"d", b"3"));
        let merged =
            Delta::merge(&[base.finish(), first.finish(), second.finish()]).expect("whole");
        assert!(merged.full);
        assert_eq!(
            content(&merged, KeyGroupRange::ALL),
            [(1, "w1/b=1".into()), (2, "w2/d=3".into())]
        );
    }
}
