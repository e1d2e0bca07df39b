//! The encoded entries of one keyed state: all of them (a *base*) or those changed since the last
//! capture (a *delta*). What a snapshot writes, recovery reads and compaction merges.
//!
//! Apart from the tables because it works on bytes alone: merging and rescaling need no types.
//!
//! Entries stand in runs of one key group each, so that a subtask at another parallelism reads only its
//! own; a group has a run in each segment that was written ([`DeltaWriter`]). Where they are stands behind
//! them, for it is known last. An entry is three fields: namespace (empty when the state has none), key, and value; a value
//! of length 0 is a deletion, all others are stored with their length + 1.

use super::delta_writer::DeltaWriter;
use crate::codec::packed::Shapes;
use crate::codec::{self, DecodeError, FrameKind};
use crate::key::{KeyGroup, KeyGroupRange};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// The fewest bytes of an entry: the length of each of its fields. Memory is made ready for as many entries as are
/// announced, so no more may be than can be there.
const ENTRY_BYTES: u64 = 3;

/// One changed entry, as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The namespace, packed; empty for a state without one.
    pub namespace: &'a [u8],
    /// The key, packed.
    pub key: &'a [u8],
    /// The value, packed; `None` is a deletion.
    pub value: Option<&'a [u8]>,
}

/// Entries of one key group that stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) group: u16,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// What must be known of the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) full: bool,
    pub(super) entries: u64,
    pub(super) dropped: Vec<Vec<u8>>,
    pub(super) runs: Vec<Run>,
    pub(super) shapes: Shapes,
}

/// Encoded entries of one keyed state, grouped by key group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// A base: whatever came before is replaced, not merged.
    pub full: bool,
    /// Number of entries, deletions included.
    pub entries: u64,
    /// Namespaces (packed) that were dropped as a whole before the entries below apply.
    pub dropped: Vec<Vec<u8>>,
    runs: Vec<Run>,
    shapes: Shapes,
    bytes: Vec<u8>,
}

impl Delta {
    /// Size of the encoded entries in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The namespace of one of its entries.
    ///
    /// # Errors
    /// When the bytes hold no `N`.
    pub fn namespace<N: DeserializeOwned>(&self, entry: &Entry<'_>) -> Result<N, DecodeError> {
        self.shapes.read(entry.namespace)
    }

    /// The key of one of its entries.
    ///
    /// # Errors
    /// When the bytes hold no `K`.
    pub fn key<K: DeserializeOwned>(&self, entry: &Entry<'_>) -> Result<K, DecodeError> {
        self.shapes.read(entry.key)
    }

    /// The value of one of its entries; nothing of a deletion.
    ///
    /// # Errors
    /// When the bytes hold no `V`.
    pub fn value<V: DeserializeOwned>(&self, entry: &Entry<'_>) -> Result<Option<V>, DecodeError> {
        entry.value.map(|value| self.shapes.read(value)).transpose()
    }

    /// About how many entries lie in `range`, to make room for them.
    #[must_use]
    pub fn estimate(&self, range: KeyGroupRange) -> usize {
        let inside = |run: &&Run| range.contains(KeyGroup(run.group));
        let bytes: u64 = self.runs.iter().filter(inside).map(|run| run.end - run.start).sum();
        let share = u128::from(self.entries) * u128::from(bytes) / u128::from(self.bytes().max(1));
        usize::try_from(share).unwrap_or(0)
    }

    /// A base (`full`) or delta of what `write` writes.
    ///
    /// # Panics
    /// Never: memory can be written and read.
    #[must_use]
    pub fn of(full: bool, write: impl FnOnce(&mut DeltaWriter<'_>)) -> Self {
        let mut body = Vec::new();
        let mut writer = DeltaWriter::new(full, &mut body);
        write(&mut writer);
        writer.finish().expect("memory can be written");
        Self::from_body(body).expect("it has just been written")
    }

    /// The sealed frame.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        let Self { full, entries, dropped, runs, shapes, bytes } = self.clone();
        let head = codec::to_cbor(&Head { full, entries, dropped, runs, shapes });
        let length = (head.len() as u32).to_le_bytes();
        codec::seal(FrameKind::KeyedState, &[&bytes[..], &head, &length].concat())
    }

    /// The delta that a frame holds.
    ///
    /// # Errors
    /// When the frame is damaged or of another kind or version.
    pub fn from_frame(frame: &[u8]) -> Result<Self, DecodeError> {
        Self::from_body(codec::open(FrameKind::KeyedState, frame)?.to_vec())
    }

    /// As [`from_frame`](Self::from_frame), in the memory of the frame.
    ///
    /// # Errors
    /// When the frame is damaged or of another kind or version.
    pub fn from_owned_frame(mut frame: Vec<u8>) -> Result<Self, DecodeError> {
        let head = frame.len() - codec::open(FrameKind::KeyedState, &frame)?.len();
        frame.drain(..head);
        Self::from_body(frame)
    }

    fn from_body(mut body: Vec<u8>) -> Result<Self, DecodeError> {
        let (rest, length) = body.split_last_chunk().ok_or(DecodeError::Truncated)?;
        let length = u32::from_le_bytes(*length) as usize;
        let entries_end = rest.len().checked_sub(length).ok_or(DecodeError::Truncated)?;
        let Head { full, entries, dropped, runs, shapes } = codec::from_cbor(&rest[entries_end..])?;
        let mut end = 0;
        for run in &runs {
            // In the order in which they were written, so that no byte is read twice.
            if run.start < end || run.start > run.end || run.end > entries_end as u64 {
                return Err(DecodeError::Content("a key group lies outside the entries".into()));
            }
            end = run.end;
        }
        if entries > end / ENTRY_BYTES {
            let message = format!("{entries} entries do not fit into {end} bytes");
            return Err(DecodeError::Content(message));
        }
        body.truncate(entries_end);
        Ok(Self { full, entries, dropped, runs, shapes, bytes: body })
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
            self.read_run(run, |entry| visit(KeyGroup(run.group), entry))?;
        }
        Ok(())
    }

    fn read_run<'a>(
        &'a self,
        run: &Run,
        mut visit: impl FnMut(Entry<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
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
            visit(Entry { namespace, key, value })?;
        }
        Ok(())
    }

    /// One base with the content of `chain` (a base and its deltas, oldest first).
    ///
    /// # Errors
    /// When one of them holds damaged entries.
    pub fn merge(chain: &[Self]) -> Result<Self, DecodeError> {
        let merged = Merged::of(chain)?;
        let mut read = Ok(());
        let base = Self::of(true, |into| read = merged.write(into));
        read.map(|()| base)
    }
}

/// Entries of one key group, by namespace and key.
type Live<'a> = HashMap<(&'a [u8], &'a [u8]), &'a [u8]>;

/// What a base and its deltas come to, as a base to be written.
///
/// It is made one key group at a time, so that what is at work stays as small as a group: the processor's caches
/// hold it, and memory only the chain itself.
#[derive(Debug)]
pub struct Merged<'a> {
    /// The newest base and the deltas behind it.
    chain: &'a [Delta],
    /// Where the entries of each group are: runs of the deltas, oldest first.
    groups: BTreeMap<u16, Vec<(usize, &'a Run)>>,
    shapes: Shapes,
}

impl<'a> Merged<'a> {
    /// The content of `chain`, oldest first.
    ///
    /// # Errors
    /// When a tag stands for one struct here and for another there.
    pub fn of(chain: &'a [Delta]) -> Result<Self, DecodeError> {
        let mut shapes = Shapes::default();
        for delta in chain {
            shapes.add(&delta.shapes)?;
        }
        let base = chain.iter().rposition(|delta| delta.full).unwrap_or(0);
        let chain = &chain[base..];
        let mut groups: BTreeMap<u16, Vec<(usize, &Run)>> = BTreeMap::new();
        for (at, delta) in chain.iter().enumerate() {
            for run in &delta.runs {
                groups.entry(run.group).or_default().push((at, run));
            }
        }
        Ok(Self { chain, groups, shapes })
    }

    /// What the tags in the entries stand for.
    #[must_use]
    pub const fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Calls `visit` for each entry that is alive, in the order of their key groups; none is a deletion.
    ///
    /// # Errors
    /// When a group holds damaged entries; those of the groups before it have been visited.
    pub fn for_each(&self, mut visit: impl FnMut(KeyGroup, Entry<'a>)) -> Result<(), DecodeError> {
        let mut live = Live::new();
        for (group, runs) in &self.groups {
            self.read(runs, &mut live)?;
            for ((namespace, key), value) in live.drain() {
                visit(KeyGroup(*group), Entry { namespace, key, value: Some(value) });
            }
        }
        Ok(())
    }

    /// What is alive of one group.
    fn read(&self, runs: &[(usize, &'a Run)], live: &mut Live<'a>) -> Result<(), DecodeError> {
        let mut runs = runs.iter().peekable();
        for (at, delta) in self.chain.iter().enumerate() {
            if !delta.dropped.is_empty() {
                live.retain(|(namespace, _), _| !delta.dropped.iter().any(|d| d == namespace));
            }
            while let Some((_, run)) = runs.next_if(|(of, _)| *of == at) {
                delta.read_run(run, |entry| {
                    match entry.value {
                        Some(value) => live.insert((entry.namespace, entry.key), value),
                        None => live.remove(&(entry.namespace, entry.key)),
                    };
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Writes it.
    ///
    /// # Errors
    /// When there are damaged entries; what has been written is of no use then.
    pub fn write(&self, into: &mut DeltaWriter<'_>) -> Result<(), DecodeError> {
        into.note_shapes(&self.shapes);
        self.for_each(|group, entry| into.push(group, entry))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SEGMENT_BYTES;

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
        let delta = Delta::of(true, |into| {
            into.push(KeyGroup(9), put(b"", b"b", b"2"));
            into.push(KeyGroup(3), put(b"", b"a", b""));
        });
        let sorted = Delta::of(true, |into| {
            into.push(KeyGroup(3), put(b"", b"a", b""));
            into.push(KeyGroup(9), put(b"", b"b", b"2"));
        });
        assert_eq!(sorted, delta, "in whatever order they come");
        let read = Delta::from_frame(&delta.to_frame()).expect("whole");
        assert_eq!(read, delta);
        assert_eq!(content(&read, KeyGroupRange::ALL), [(3, "/a=".into()), (9, "/b=2".into())]);
        let low = KeyGroupRange { start: KeyGroup(0), end: KeyGroup(5) };
        assert_eq!(content(&read, low), [(3, "/a=".into())]);
    }

    #[test]
    fn entries_that_cannot_be_there_are_refused() {
        let read = |entries, runs: &[(u64, u64)]| {
            let run = |&(start, end)| Run { group: 3, start, end };
            let runs = runs.iter().map(run).collect();
            let head = Head { full: true, entries, runs, ..Head::default() };
            let head = codec::to_cbor(&head);
            let length = (head.len() as u32).to_le_bytes();
            let body = [&[0; 6][..], &head, &length].concat();
            Delta::from_frame(&codec::seal(FrameKind::KeyedState, &body))
        };
        let two = read(2, &[(0, 3), (3, 6)]).expect("two entries of three bytes");
        assert_eq!(two.estimate(KeyGroupRange::ALL), 2);
        let content = |message: &str| Err(DecodeError::Content(message.into()));
        assert_eq!(read(3, &[(0, 6)]), content("3 entries do not fit into 6 bytes"));
        let most = format!("{} entries do not fit into 6 bytes", u64::MAX);
        assert_eq!(read(u64::MAX, &[(0, 6)]), content(&most), "as many as no memory holds");
        for runs in [&[(0, 7)][..], &[(3, 2)], &[(0, 6), (0, 6)], &[(3, 6), (0, 3)]] {
            assert_eq!(read(1, runs), content("a key group lies outside the entries"));
        }
    }

    #[test]
    fn merging_keeps_the_last_word_on_every_key() {
        let base = Delta::of(true, |into| {
            into.push(KeyGroup(1), put(b"w1", b"a", b"1"));
            into.push(KeyGroup(1), put(b"w1", b"b", b"1"));
            into.push(KeyGroup(2), put(b"w2", b"c", b"1"));
        });
        let first = Delta::of(false, |into| {
            into.push(KeyGroup(1), Entry { namespace: b"w1", key: b"a", value: None });
            into.push(KeyGroup(2), put(b"w2", b"c", b"2"));
        });
        let second = Delta::of(false, |into| {
            into.drop_namespace(b"w2".to_vec());
            into.push(KeyGroup(2), put(b"w2", b"d", b"3"));
        });
        let chain = [base, first, second];
        let live = Merged::of(&chain).expect("whole");
        let mut entries = Vec::new();
        live.for_each(|group, entry| entries.push((group, entry))).expect("whole");
        let expected =
            [(KeyGroup(1), put(b"w1", b"b", b"1")), (KeyGroup(2), put(b"w2", b"d", b"3"))];
        assert_eq!(entries, expected);
        let merged = Delta::merge(&chain).expect("whole");
        assert!(merged.full);
        assert_eq!(
            content(&merged, KeyGroupRange::ALL),
            [(1, "w1/b=1".into()), (2, "w2/d=3".into())]
        );
    }

    #[test]
    fn a_merge_of_damaged_entries_is_refused() {
        let base = Delta::of(true, |into| {
            into.push(KeyGroup(1), put(b"", b"a", b"1"));
            into.push(KeyGroup(2), put(b"", b"b", b"1"));
        });
        let mut cut = Delta::of(false, |into| into.push(KeyGroup(2), put(b"", b"b", b"2")));
        assert!(Delta::merge(&[base.clone(), cut.clone()]).is_ok());
        cut.bytes[0] = 9;
        let (mut seen, chain) = (Vec::new(), [base.clone(), cut.clone()]);
        let read = Merged::of(&chain).expect("one shape").for_each(|group, _| seen.push(group));
        assert_eq!((read, seen), (Err(DecodeError::Truncated), vec![KeyGroup(1)]));
        assert_eq!(Delta::merge(&chain), Err(DecodeError::Truncated));
        let renewed = [base.clone(), cut, base.clone()];
        assert_eq!(Delta::merge(&renewed), Ok(base), "what is before the newest base is not read");
    }

    #[test]
    fn what_is_written_in_segments_reads_as_one() {
        let values: Vec<Vec<u8>> =
            (0..200_u8).map(|n| vec![n; SEGMENT_BYTES / 50 + usize::from(n)]).collect();
        let fill = |into: &mut DeltaWriter<'_>| {
            for (n, value) in (0..).zip(&values) {
                let group = KeyGroup(n * 7 % 5);
                into.push(group, put(b"", &n.to_be_bytes(), value));
                into.push(group, put(b"", b"last", value));
            }
        };
        let mut body = Vec::new();
        let mut writer = DeltaWriter::new(true, &mut body);
        fill(&mut writer);
        let written = writer.finish().expect("memory");
        let frame = [&written.frame_head[..], &body].concat();
        let read = Delta::from_frame(&frame).expect("whole");
        assert_eq!((read.entries, &read), (400, &Delta::of(true, fill)));
        assert_eq!(read, Delta::from_frame(&read.to_frame()).expect("whole"));
        assert!(read.runs.len() > 5, "several segments: {:?}", read.runs);
        let mut found = BTreeMap::new();
        read.for_each(KeyGroupRange::ALL, |group, entry| {
            found.insert((group.0, entry.key.to_vec()), entry.value.map(<[u8]>::to_vec));
            Ok(())
        })
        .expect("whole");
        for (n, value) in (0..200_u16).zip(&values) {
            let key = (n * 7 % 5, n.to_be_bytes().to_vec());
            assert!(found[&key].as_ref() == Some(value), "entry {n}");
        }
        let last = |group| found[&(group, b"last".to_vec())].clone();
        assert!(last(199 * 7 % 5).as_ref() == values.last(), "the last word on a key comes last");
    }

    #[test]
    fn a_writer_that_fails_is_told_at_the_end() {
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut full = Full;
        let mut writer = DeltaWriter::new(true, &mut full);
        writer.push(KeyGroup(0), put(b"", b"a", b"1"));
        let error = writer.finish().expect_err("nothing was written");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
}
