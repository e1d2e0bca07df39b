//! The floor: the same work with plain threads, bare hash maps and batched channels.

use super::cpu_seconds;
use hashbrown::HashTable;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;
use tidegate_core::key::{Key, MaxParallelism};
use tidegate_generator::Sequence;

/// How a floor went.
pub struct Floor {
    /// Records per second.
    pub records_per_second: f64,
    /// Sum over all results, for comparison.
    pub checksum: u64,
    /// CPU nanoseconds per record, over all threads.
    pub cpu_ns: f64,
}

/// Records in a batch, and batches on their way per channel: as in the engine.
const BATCH: usize = 1024;
const CREDITS: usize = 8;

#[derive(Clone, Copy)]
struct Keyed {
    key: u64,
    hash: u64,
}

/// Keyed count on `threads` threads that each generate and count.
#[must_use]
pub fn keyed_count(records: u64, keys: u64, threads: usize) -> Floor {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let (mut senders, mut receivers) = (Vec::new(), Vec::new());
    for _ in 0..threads {
        let (sender, receiver) = sync_channel::<Vec<Keyed>>(CREDITS * threads);
        senders.push(sender);
        receivers.push(receiver);
    }
    let checksum = std::thread::scope(|scope| {
        let workers: Vec<_> = receivers
            .into_iter()
            .enumerate()
            .map(|(index, receiver)| {
                let senders = senders.clone();
                scope.spawn(move || worker(index, threads, records, keys, senders, &receiver))
            })
            .collect();
        drop(senders);
        let sums =
            workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        sums.fold(0u64, u64::wrapping_add)
    });
    Floor {
        records_per_second: records as f64 / started.elapsed().as_secs_f64(),
        checksum,
        cpu_ns: (cpu_seconds() - cpu) * 1e9 / records as f64,
    }
}

/// Generates its share, and counts whatever is there in between: one thread per core.
fn worker(
    index: usize,
    threads: usize,
    records: u64,
    keys: u64,
    senders: Vec<SyncSender<Vec<Keyed>>>,
    receiver: &Receiver<Vec<Keyed>>,
) -> u64 {
    let sequence = Sequence::new(records).keys(keys);
    let max = MaxParallelism::DEFAULT;
    let mut counts: HashTable<(u64, u64)> = HashTable::new();
    let mut checksum = 0u64;
    let mut open: Vec<Vec<Keyed>> = (0..threads).map(|_| Vec::with_capacity(BATCH)).collect();
    let mut position = index as u64;
    while position < records {
        for _ in 0..BATCH.min((records - position).div_ceil(threads as u64) as usize) {
            let key = sequence.key(position);
            let hash = key.stable_hash();
            let owner = max.owner(max.group_of(hash), threads as u32) as usize;
            open[owner].push(Keyed { key, hash });
            if open[owner].len() == BATCH {
                let mut batch = std::mem::replace(&mut open[owner], Vec::with_capacity(BATCH));
                // A full channel is no reason to wait: count something first.
                while let Err(std::sync::mpsc::TrySendError::Full(back)) =
                    senders[owner].try_send(batch)
                {
                    batch = back;
                    if let Ok(other) = receiver.try_recv() {
                        checksum = checksum.wrapping_add(count(&mut counts, &other));
                    }
                }
            }
            position += threads as u64;
        }
        while let Ok(batch) = receiver.try_recv() {
            checksum = checksum.wrapping_add(count(&mut counts, &batch));
        }
    }
    for (owner, mut batch) in open.into_iter().enumerate() {
        while let Err(std::sync::mpsc::TrySendError::Full(back)) = senders[owner].try_send(batch) {
            batch = back;
            if let Ok(other) = receiver.try_recv() {
                checksum = checksum.wrapping_add(count(&mut counts, &other));
            }
        }
    }
    drop(senders);
    while let Ok(batch) = receiver.recv() {
        checksum = checksum.wrapping_add(count(&mut counts, &batch));
    }
    checksum
}

fn count(counts: &mut HashTable<(u64, u64)>, batch: &[Keyed]) -> u64 {
    let mut checksum = 0u64;
    for &Keyed { key, hash } in batch {
        let entry =
            counts.entry(hash, |(other, _)| *other == key, |(other, _)| other.stable_hash());
        let (_, count) = entry.or_insert((key, 0)).into_mut();
        *count += 1;
        checksum = checksum.wrapping_add(key ^ *count);
    }
    checksum
}
