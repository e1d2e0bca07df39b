//! Writes the entries of a keyed state as a frame, in pieces: what a capture holds is never encoded as a
//! whole in memory.
//!
//! Apart from [`Delta`](super::delta::Delta), which reads, because it knows nothing of what has been
//! written: it holds one segment of bounded size, puts its entries in the order of their key groups, hands
//! it on and begins the next. Entries that come in the order of their groups are not copied for that.
//!
//! A writer that fails says so at the end, once, so that encoding needs no error of its own.

use super::delta::{Entry, Head, Run};
use crate::codec::packed::{Packer, Shapes};
use crate::codec::{self, FRAME_HEAD_BYTES, FrameHead, FrameKind};
use crate::key::KeyGroup;
use crate::limits::SEGMENT_BYTES;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes one base or delta.
pub struct DeltaWriter<'a> {
    out: &'a mut dyn Write,
    head: Head,
    packer: Packer,
    /// Key and value that are being packed.
    entry: Vec<u8>,
    /// Encoded entries that have not been handed on.
    segment: Vec<u8>,
    /// Where they are, by stretches of one group; positions within the segment.
    stretches: Vec<Run>,
    /// Bytes handed on.
    written: u64,
    checksum: u32,
    failed: Option<io::Error>,
}

/// A frame whose body has been written.
#[derive(Debug)]
pub struct WrittenDelta {
    /// What belongs before the body.
    pub frame_head: [u8; FRAME_HEAD_BYTES],
    /// Number of entries, deletions included.
    pub entries: u64,
    /// Bytes of the body.
    pub bytes: u64,
}

impl<'a> DeltaWriter<'a> {
    /// Writes the body of a base (`full`) or a delta to `out`.
    #[must_use]
    pub fn new(full: bool, out: &'a mut dyn Write) -> Self {
        Self {
            out,
            head: Head { full, ..Head::default() },
            packer: Packer::default(),
            entry: Vec::new(),
            segment: Vec::new(),
            stretches: Vec::new(),
            written: 0,
            checksum: 0,
            failed: None,
        }
    }

    /// Notes that a whole namespace was dropped before the entries of this delta.
    pub fn drop_namespace(&mut self, namespace: Vec<u8>) {
        self.head.dropped.push(namespace);
    }

    /// Notes what the tags stand for in the entries that come encoded.
    pub fn note_shapes(&mut self, shapes: &Shapes) {
        if let Err(why) = self.head.shapes.add(shapes) {
            self.failed.get_or_insert(io::Error::other(why));
        }
    }

    /// A namespace as bytes, for [`put`](Self::put) and [`drop_namespace`](Self::drop_namespace).
    pub fn pack<N: Serialize>(&mut self, namespace: &N) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.packer.write(namespace, &mut bytes);
        bytes
    }

    /// Adds an entry or, without a value, a deletion. Those of one key stay in the order in which they come.
    pub fn put<K: Serialize, V: Serialize>(
        &mut self,
        group: KeyGroup,
        namespace: &[u8],
        key: &K,
        value: Option<&V>,
    ) {
        let mut bytes = std::mem::take(&mut self.entry);
        bytes.clear();
        self.packer.write(key, &mut bytes);
        let end = bytes.len();
        if let Some(value) = value {
            self.packer.write(value, &mut bytes);
        }
        let (key, packed) = bytes.split_at(end);
        self.push(group, Entry { namespace, key, value: value.map(|_| packed) });
        self.entry = bytes;
    }

    /// Adds an entry that is encoded. Those of one key stay in the order in which they come.
    pub fn push(&mut self, group: KeyGroup, entry: Entry<'_>) {
        let (start, segment) = (self.segment.len() as u64, &mut self.segment);
        codec::write_field(entry.namespace, segment);
        codec::write_field(entry.key, segment);
        match entry.value {
            None => codec::write_varint(0, segment),
            Some(value) => {
                codec::write_varint(value.len() as u64 + 1, segment);
                segment.extend_from_slice(value);
            }
        }
        let end = segment.len() as u64;
        match self.stretches.last_mut() {
            Some(last) if last.group == group.0 => last.end = end,
            _ => self.stretches.push(Run { group: group.0, start, end }),
        }
        self.head.entries += 1;
        if self.segment.len() >= SEGMENT_BYTES {
            self.hand_on();
        }
    }

    /// Hands the segment on, in the order of its groups.
    fn hand_on(&mut self) {
        let segment = std::mem::take(&mut self.segment);
        let stretches = std::mem::take(&mut self.stretches);
        if stretches.is_sorted_by(|one, next| one.group < next.group) {
            for Run { group, start, end } in &stretches {
                self.note_run(*group, end - start);
            }
            self.write(&segment);
        } else {
            let mut by_group: BTreeMap<u16, Vec<&Run>> = BTreeMap::new();
            stretches.iter().for_each(|run| by_group.entry(run.group).or_default().push(run));
            for (group, parts) in by_group {
                self.note_run(group, parts.iter().map(|part| part.end - part.start).sum());
                for part in parts {
                    self.write(&segment[part.start as usize..part.end as usize]);
                }
            }
        }
        // Their memory serves the next segment.
        (self.segment, self.stretches) = (segment, stretches);
        self.segment.clear();
        self.stretches.clear();
    }

    /// Notes `length` bytes of `group` behind what has been noted.
    fn note_run(&mut self, group: u16, length: u64) {
        let start = self.head.runs.last().map_or(0, |run| run.end);
        match self.head.runs.last_mut() {
            Some(last) if last.group == group => last.end += length,
            _ => self.head.runs.push(Run { group, start, end: start + length }),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
            self.checksum = codec::checksum(self.checksum, bytes);
            self.written += bytes.len() as u64;
        }
    }

    /// Writes the rest, and says what belongs before the body.
    ///
    /// # Errors
    /// The first one of `out`.
    pub fn finish(mut self) -> io::Result<WrittenDelta> {
        self.hand_on();
        self.note_shapes(&self.packer.shapes());
        let head = codec::to_cbor(&self.head);
        let length = u32::try_from(head.len()).map_err(io::Error::other)?;
        self.write(&head);
        self.write(&length.to_le_bytes());
        let Self { head, written, checksum, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        let frame = FrameHead { kind: FrameKind::KeyedState, length: written, checksum };
        Ok(WrittenDelta { frame_head: frame.to_bytes(), entries: head.entries, bytes: written })
    }
}

impl std::fmt::Debug for DeltaWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeltaWriter").field("head", &self.head).finish_non_exhaustive()
    }
}
