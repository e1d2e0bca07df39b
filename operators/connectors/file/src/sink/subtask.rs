//! One subtask's end of the file sink: encodes rows, decides which files end at a barrier.
//!
//! It never touches the disk: full buffers go to the writing thread, and `prepare` waits for that.
//! Whether a file is too large is seen at each row, whether it is too old only at a barrier.

use super::bucket;
use super::committer;
use super::error::SinkError;
use super::lane::{CutFile, Lane, Work};
use super::name::FileId;
use super::writer::Writer;
use super::{BucketOf, Encode, FileSink};
use crate::limits::{BUCKETS_OPEN_MAX, WRITE_BYTES};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tidegate_core::element::{Barrier, BarrierKind, Batch, Data};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Prepare, Prepared, Sealed, Sink, SubtaskIdentity};

/// A file that takes rows, or has taken its last one.
struct Part {
    id: FileId,
    bucket: Arc<str>,
    /// Rows not yet handed to the thread.
    buffer: Vec<u8>,
    /// Its length, the buffer included.
    bytes: u64,
    rows: u64,
    opened: Instant,
}

impl Part {
    fn hand_over(&mut self) -> Work {
        let rows = std::mem::take(&mut self.buffer);
        Work::Append { id: self.id, bucket: Arc::clone(&self.bucket), rows }
    }

    fn at_barrier(&self, sealed: bool) -> (CutFile, Sealed) {
        let (id, bytes) = (self.id, self.bytes);
        let payload = committer::payload(&self.bucket, id, bytes, sealed);
        (CutFile { id, bytes, sealed }, Sealed { rows: self.rows, payload })
    }
}

/// One subtask's end of a file sink.
pub struct FileWriter<T> {
    encode: Encode<T>,
    bucket: Option<BucketOf<T>>,
    header: Arc<[u8]>,
    roll_bytes: u64,
    roll_after: Duration,
    /// The next file's name.
    next: FileId,
    /// The file that takes rows, per bucket.
    open: BTreeMap<Arc<str>, Part>,
    /// Files that have reached their size in this epoch.
    full: Vec<Part>,
    /// A buffer for which the thread had no room.
    stuck: Option<Work>,
    lane: Arc<Lane>,
    /// Taken when it is joined.
    thread: Option<JoinHandle<()>>,
}

impl<T> FileWriter<T> {
    pub(crate) fn start(sink: &FileSink<T>, identity: &SubtaskIdentity) -> Result<Self, SinkError> {
        let lane = Arc::new(Lane::default());
        let writer = Writer::new(sink.folder.clone(), Arc::clone(&lane));
        let thread = thread::Builder::new().name("file-sink".into()).spawn(|| writer.run());
        let failed = |cause| SinkError::disk("start a thread that writes to", &sink.folder, cause);
        let SubtaskIdentity { run, attempt, index: subtask, .. } = *identity;
        Ok(Self {
            encode: Arc::clone(&sink.encode),
            bucket: sink.bucket.clone(),
            header: Arc::clone(&sink.header),
            roll_bytes: sink.roll_bytes,
            roll_after: sink.roll_after,
            next: FileId { run, attempt, subtask, seq: 0 },
            open: BTreeMap::new(),
            full: Vec::new(),
            stuck: None,
            lane,
            thread: Some(thread.map_err(failed)?),
        })
    }

    /// Encodes a row; a buffer that is full then is stuck until it is handed over.
    fn append(&mut self, value: &T) -> Result<(), SinkError> {
        let bucket = self.bucket.as_ref().map_or_else(|| Ok(String::new()), |of| of(value));
        let bucket = bucket.map_err(SinkError::NoBucket)?;
        let part = match self.open.get_mut(bucket.as_str()) {
            Some(part) => part,
            None => open_part(&mut self.open, &mut self.next, &bucket, &self.header)?,
        };
        let before = part.buffer.len();
        (self.encode)(value, &mut part.buffer).map_err(SinkError::Format)?;
        part.buffer.push(b'\n');
        part.bytes += (part.buffer.len() - before) as u64;
        part.rows += 1;
        let full = part.bytes >= self.roll_bytes;
        if full || part.buffer.len() >= WRITE_BYTES {
            self.stuck = Some(part.hand_over());
        }
        if full {
            self.full.extend(self.open.remove(bucket.as_str()));
        }
        Ok(())
    }
}

/// The file that takes the rows of a bucket from now on.
fn open_part<'a>(
    open: &'a mut BTreeMap<Arc<str>, Part>,
    next: &mut FileId,
    bucket: &str,
    header: &[u8],
) -> Result<&'a mut Part, SinkError> {
    bucket::check(bucket)?;
    if open.len() >= BUCKETS_OPEN_MAX {
        return Err(SinkError::TooManyBuckets);
    }
    let (id, bucket) = (*next, Arc::<str>::from(bucket));
    next.seq += 1;
    let part = Part {
        id,
        bucket: Arc::clone(&bucket),
        buffer: header.to_vec(),
        bytes: header.len() as u64,
        rows: 0,
        opened: Instant::now(),
    };
    Ok(open.entry(bucket).or_insert(part))
}

impl<T: Data> Sink for FileWriter<T> {
    type In = T;

    fn write(&mut self, input: &mut Batch<T>, waker: &Waker) -> Result<(), BoxError> {
        loop {
            if self.stuck.is_some() {
                self.lane.offer(&mut self.stuck, waker)?;
                if self.stuck.is_some() {
                    return Ok(());
                }
            }
            let Some(record) = input.take() else { return Ok(()) };
            self.append(&record.value)?;
        }
    }

    fn freeze(&mut self, barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        let buffers = self.open.values_mut().filter(|part| !part.buffer.is_empty());
        for work in self.stuck.take().into_iter().chain(buffers.map(Part::hand_over)) {
            self.lane.push(work)?;
        }
        let everything = barrier.kind != BarrierKind::Periodic;
        let due = |part: &Part| everything || part.opened.elapsed() >= self.roll_after;
        self.full.extend(self.open.extract_if(.., |_, part| due(part)).map(|(_, part)| part));
        let sealed = self.full.drain(..).map(|part| part.at_barrier(true));
        let (mut files, sealed): (Vec<_>, Vec<_>) = sealed.unzip();
        let open = self.open.values().map(|part| part.at_barrier(false));
        let (still_open, unsealed): (Vec<_>, Vec<_>) = open.unzip();
        files.extend(still_open);
        let (done, durable) = mpsc::channel();
        self.lane.push(Work::Cut { files, done })?;
        Ok(Box::new(Epoch { prepared: Prepared { sealed, unsealed }, durable }))
    }
}

impl<T> Drop for FileWriter<T> {
    fn drop(&mut self) {
        self.lane.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told already: to whoever waited for its answer.
            drop(thread.join());
        }
    }
}

/// An epoch that the thread makes durable.
struct Epoch {
    prepared: Prepared,
    durable: Receiver<Result<(), SinkError>>,
}

impl Prepare for Epoch {
    fn prepare(self: Box<Self>) -> Result<Prepared, BoxError> {
        self.durable.recv().map_err(|_| SinkError::Closed)??;
        Ok(self.prepared)
    }
}
