//! Objects in two trees of sled: what a name leads to, and the chunks of those that lie in the database.
//!
//! Apart from the storage, which knows of flushes and errors: here are keys and rows alone.

use crate::limits::SLED_VALUE_BYTES;
use crate::points::reach;
use sled::{IVec, Tree};
use std::collections::HashSet;

/// Where the bytes of an object are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In rows of chunks.
    Chunks,
    /// In a file of its own.
    File,
}

/// What an object's name leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) place: Place,
    pub(super) write: u64,
    pub(super) length: u64,
}

impl Head {
    fn encode(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[0] = u8::from(self.place == Place::File);
        bytes[1..9].copy_from_slice(&self.write.to_be_bytes());
        bytes[9..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (place, numbers) = bytes.split_first()?;
        let place = match place {
            0 => Place::Chunks,
            1 => Place::File,
            _ => return None,
        };
        let both = u128::from_be_bytes(numbers.try_into().ok()?);
        Some(Self { place, write: (both >> 64) as u64, length: both as u64 })
    }

    fn read(bytes: &[u8]) -> sled::Result<Self> {
        let unread = || sled::Error::ReportableBug("a head is not what was written".into());
        Self::decode(bytes).ok_or_else(unread)
    }

    fn chunk_keys(self) -> impl Iterator<Item = [u8; 16]> {
        (0..self.length.div_ceil(SLED_VALUE_BYTES as u64)).map(move |n| chunk_key(self.write, n))
    }
}

fn chunk_key(write: u64, number: u64) -> [u8; 16] {
    (u128::from(write) << 64 | u128::from(number)).to_be_bytes()
}

pub(super) fn number(key: &[u8]) -> Option<u64> {
    key.get(..8).and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)))
}

/// Blobs or manifests: heads by name, chunks by write number and position.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) heads: Tree,
    pub(super) chunks: Tree,
}

impl Objects {
    pub(super) fn head(&self, key: &[u8]) -> sled::Result<Option<Head>> {
        match self.heads.get(key)? {
            None => Ok(None),
            Some(bytes) => Head::read(&bytes).map(Some),
        }
    }

    pub(super) fn write_chunks(&self, write: u64, bytes: &[u8]) -> sled::Result<()> {
        for (number, chunk) in bytes.chunks(SLED_VALUE_BYTES).enumerate() {
            self.chunks.insert(chunk_key(write, number as u64), chunk)?;
        }
        Ok(())
    }

    /// Whether the name was free.
    pub(super) fn set_head(&self, key: &[u8], head: Head) -> sled::Result<bool> {
        let free: Option<&[u8]> = None;
        Ok(self.heads.compare_and_swap(key, free, Some(&head.encode()[..]))?.is_ok())
    }

    pub(super) fn read(&self, head: Head) -> sled::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        for key in head.chunk_keys() {
            match self.chunks.get(key)? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == head.length).then_some(bytes))
    }

    /// Removes an object, all but its file; returns its head.
    pub(super) fn remove(&self, key: &[u8]) -> sled::Result<Option<Head>> {
        let head = self.heads.remove(key)?.as_deref().and_then(Head::decode);
        if let Some(head) = head.filter(|head| head.place == Place::Chunks) {
            reach("sled.blob.beheaded");
            self.remove_chunks(head)?;
        }
        Ok(head)
    }

    /// The write numbers of all objects that have a name. A head that cannot be read is an error: what it
    /// leads to would be taken for garbage.
    pub(super) fn living(&self) -> sled::Result<HashSet<u64>> {
        self.heads.iter().values().map(|head| Ok(Head::read(&head?)?.write)).collect()
    }

    pub(super) fn remove_chunks(&self, head: Head) -> sled::Result<()> {
        head.chunk_keys().try_for_each(|key| self.chunks.remove(key).map(|_| ()))
    }

    /// Removes the chunks that no head names. Living objects are stepped over by one look-up each.
    pub(super) fn remove_headless(&self, living: &HashSet<u64>) -> sled::Result<u64> {
        let mut removed = 0;
        let mut next = self.chunks.first()?;
        while let Some((key, _)) = next {
            let after = match number(&key) {
                Some(write) if living.contains(&write) => {
                    IVec::from(&chunk_key(write, u64::MAX)[..])
                }
                _ => {
                    self.chunks.remove(&key)?;
                    removed += 1;
                    key
                }
            };
            next = self.chunks.get_gt(after)?;
        }
        Ok(removed)
    }
}
