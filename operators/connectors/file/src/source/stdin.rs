//! Standard input as a source: records until it ends.
//!
//! What was read cannot be read again, so a job with this source keeps its state exactly once only as long as nothing
//! fails. A checkpoint knows how far the input was read; a restart that would have to go back behind what has been
//! emitted is refused, and so is a resume in another process, whose standard input is another one. Both say so instead
//! of losing records. An input that has ended before the checkpoint is not needed any more, so that resume is fine.
//!
//! Apart from the file source because of that, and because a read may wait for ever: the thread that reads belongs to
//! the process, not to an attempt; it ends with the input, or at the first record that nobody wants.

use super::error::SourceError;
use super::feed::{Chunk, Feed, Next, said};
use super::format::{BYTE_ORDER_MARK, Row};
use super::malformed::{Judge, Malformed};
use super::reader::TimestampOf;
use super::record::RecordReader;
use super::records::{Records, failed};
use crate::limits::{CHUNK_ROWS, READ_BYTES};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{self, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;

/// What errors and dead letters call it.
const NAME: &str = "standard input";

/// Whether a source of this process reads it.
static IS_READ: AtomicBool = AtomicBool::new(false);

type Input = Box<dyn Read + Send>;

/// Reads records of type `T` from standard input, by one subtask.
pub struct StdinSource<T> {
    records: Records<T>,
    timestamp: TimestampOf<T>,
    malformed: Malformed,
    /// Standard input itself where nothing else was given; taken when the thread starts.
    input: Mutex<Option<Input>>,
    owned: Arc<Owned<T>>,
}

/// Where reading stands, over all attempts.
struct Cursor<T> {
    /// Behind the last row emitted.
    position: u64,
    current: Option<Chunk<T>>,
    started: bool,
    /// What the thread has failed with.
    failure: Option<String>,
}

/// The thread's feed and what has come out of it, until nobody wants any more.
struct Owned<T> {
    feed: Arc<Feed<Chunk<T>>>,
    cursor: Mutex<Cursor<T>>,
}

impl<T> Owned<T> {
    /// No code that can panic leaves half a state under the lock.
    fn cursor(&self) -> MutexGuard<'_, Cursor<T>> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl<T: Data> StdinSource<T> {
    /// Records of standard input.
    #[must_use]
    pub fn new(records: Records<T>) -> Self {
        let cursor = Cursor { position: 0, current: None, started: false, failure: None };
        Self {
            records,
            timestamp: Arc::new(|_| Ok(Timestamp::MIN)),
            malformed: Malformed::default(),
            input: Mutex::new(None),
            owned: Arc::new(Owned { feed: Arc::default(), cursor: Mutex::new(cursor) }),
        }
    }

    /// Reads these bytes instead, such as a pipe of the program's own.
    #[must_use]
    pub fn input(mut self, input: impl Read + Send + 'static) -> Self {
        self.input = Mutex::new(Some(Box::new(input)));
        self
    }

    /// What the event time of a row is; a row that has none is malformed. None has one unless set.
    #[must_use]
    pub fn try_timestamp(
        mut self,
        of: impl Fn(&T) -> Result<Timestamp, String> + Send + Sync + 'static,
    ) -> Self {
        self.timestamp = Arc::new(of);
        self
    }

    /// What becomes of malformed rows.
    #[must_use]
    pub fn on_malformed(mut self, malformed: Malformed) -> Self {
        self.malformed = malformed;
        self
    }

    #[cfg(test)]
    pub(crate) fn owned_feed(&self) -> Arc<Feed<Chunk<T>>> {
        Arc::clone(&self.owned.feed)
    }

    fn start(&self) -> Result<(), BoxError> {
        let mut given = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let input = match given.take() {
            Some(input) => input,
            None if IS_READ.swap(true, Ordering::Relaxed) => {
                let said = "standard input is read by another source already; \
                            read it once, and connect all that need it to that source";
                return Err(Box::new(Refusal(said.into())));
            }
            None => Box::new(io::stdin()),
        };
        let feed = Arc::clone(&self.owned.feed);
        let fetcher = Fetcher {
            feed: Arc::clone(&feed),
            records: self.records.clone(),
            timestamp: Arc::clone(&self.timestamp),
            judge: Judge::new(self.malformed.clone()),
        };
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| fetcher.run(input)));
            feed.end(result.unwrap_or_else(|panic| Err(SourceError::Panicked(said(&*panic)))));
        };
        // Nobody joins it: it may wait for input that never comes.
        let thread = thread::Builder::new().name("stdin-source".into()).spawn(run);
        thread.map(drop).map_err(|cause| SourceError::Thread(cause).into())
    }
}

/// Rows read and not yet handed on.
struct Ready<T> {
    rows: Vec<Row<T>>,
    judge: Judge,
    /// The last malformed row of these.
    flawed: Option<u64>,
    feed: Arc<Feed<Chunk<T>>>,
}

impl<T> Ready<T> {
    fn push(&mut self, row: Row<T>) {
        self.flawed = row.value.as_ref().err().map(|flaw| flaw.position).or(self.flawed);
        self.rows.push(row);
    }

    /// False when nobody wants any more. Dead letters are durable before their rows are counted.
    fn hand_on(&mut self) -> Result<bool, SourceError> {
        if let Some(position) = self.flawed.take() {
            self.judge.sync(NAME, position)?;
        }
        if self.rows.is_empty() {
            return Ok(self.feed.is_wanted());
        }
        let rows = std::mem::take(&mut self.rows).into_iter();
        Ok(self.feed.push(Chunk { split: 0, rows, ends: false }))
    }
}

/// Hands rows on before it asks for more bytes, which may take for ever to come.
struct Patient<T> {
    input: Input,
    ready: Rc<RefCell<Ready<T>>>,
}

impl<T> Read for Patient<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_wanted = self.ready.borrow_mut().hand_on().map_err(io::Error::other)?;
        if is_wanted { self.input.read(buffer) } else { Ok(0) }
    }
}

/// The thread's part.
struct Fetcher<T> {
    feed: Arc<Feed<Chunk<T>>>,
    records: Records<T>,
    timestamp: TimestampOf<T>,
    judge: Judge,
}

impl<T> Fetcher<T> {
    fn run(self, mut input: Input) -> Result<(), SourceError> {
        let (position, first) =
            behind_mark(&mut input).map_err(|cause| SourceError::from_io(NAME, cause))?;
        let Self { feed, records, timestamp, judge } = self;
        let ready = Ready { rows: Vec::new(), judge, flawed: None, feed };
        let ready = Rc::new(RefCell::new(ready));
        let input = Box::new(io::Cursor::new(first).chain(input));
        let patient = Patient { input, ready: Rc::clone(&ready) };
        let reader = BufReader::with_capacity(READ_BYTES, patient);
        let reader = RecordReader::new(reader, records.end(), position);
        let result = read(&records, &timestamp, reader, &ready);
        // What came before a failure is emitted before that is told.
        let handed_on = ready.borrow_mut().hand_on();
        result.and(handed_on.map(drop))
    }
}

/// Reads up to the end, or until nobody wants any more.
fn read<T>(
    records: &Records<T>,
    timestamp: &TimestampOf<T>,
    mut reader: RecordReader<BufReader<Patient<T>>>,
    ready: &RefCell<Ready<T>>,
) -> Result<(), SourceError> {
    let mut decode = None;
    if !records.has_header() {
        decode = Some(records.decode(NAME, None)?);
    }
    let (mut record, mut line) = (Vec::new(), 1);
    loop {
        let begin = reader.position();
        let read = reader.read(&mut record);
        if !read.map_err(|cause| failed(NAME, begin, cause))? {
            return Ok(());
        }
        let begins_at = line;
        line += 1 + memchr::memchr_iter(b'\n', &record).count() as u64;
        if record.is_empty() {
            continue;
        }
        let Some(decode) = &decode else {
            decode = Some(records.decode(NAME, Some(&record))?);
            continue;
        };
        let timed = decode(&record).and_then(|value| Ok((timestamp(&value)?, value)));
        let behind = reader.position();
        let row = match timed {
            Ok((timestamp, value)) => Row { value: Ok(value), timestamp, behind },
            Err(reason) => {
                let judge = &mut ready.borrow_mut().judge;
                judge.judge_record(NAME, begin, begins_at, &record, &reason)?;
                Row::new(Err(reason), begin, behind)
            }
        };
        let mut ready = ready.borrow_mut();
        ready.push(row);
        if ready.rows.len() >= CHUNK_ROWS && !ready.hand_on()? {
            return Ok(());
        }
    }
}

/// Reads a byte order mark: how long it is, and what was read without being one. Byte by byte, because a terminal
/// gives no more until somebody types.
fn behind_mark(input: &mut Input) -> io::Result<(u64, Vec<u8>)> {
    let mut first = Vec::with_capacity(BYTE_ORDER_MARK.len());
    while BYTE_ORDER_MARK.starts_with(&first) {
        if first.len() == BYTE_ORDER_MARK.len() {
            return Ok((first.len() as u64, Vec::new()));
        }
        if input.by_ref().take(1).read_to_end(&mut first)? == 0 {
            break;
        }
    }
    Ok((0, first))
}

/// How far standard input was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StdinSplit {
    /// Bytes up to the end of the last record emitted.
    position: u64,
    /// Whether the input has ended there.
    ended: bool,
}

/// One subtask's reader of standard input; only one has something to read.
pub struct StdinReader<T> {
    splits: Vec<StdinSplit>,
    owned: Arc<Owned<T>>,
}

impl<T: Data> Source for StdinReader<T> {
    type Out = T;
    type Split = StdinSplit;

    fn poll(
        &mut self,
        out: &mut SourceOutput<T>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let Some(split) = self.splits.first_mut() else { return Ok(SourceStatus::Ended) };
        let cursor = &mut *self.owned.cursor();
        let mut left = budget;
        while left > 0 {
            let Some(chunk) = &mut cursor.current else {
                let next = if split.ended { Ok(Next::End) } else { self.owned.feed.next(waker) };
                match next.inspect_err(|error| cursor.failure = Some(error.to_string()))? {
                    Next::Chunk(chunk) => cursor.current = Some(chunk),
                    Next::Pending if left == budget => return Ok(SourceStatus::Pending),
                    Next::Pending => break,
                    Next::End => {
                        split.ended = true;
                        out.end_split(0);
                        return Ok(SourceStatus::Ended);
                    }
                }
                continue;
            };
            for row in chunk.rows.by_ref().take(left) {
                left -= 1;
                split.position = row.behind;
                match row.value {
                    Ok(value) => out.emit(0, value, row.timestamp),
                    Err(_) => out.count_dropped(),
                }
            }
            cursor.position = split.position;
            if chunk.rows.len() == 0 {
                cursor.current = None;
            }
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<StdinSplit> {
        self.splits.clone()
    }
}

impl<T: Data> SourceFactory for StdinSource<T> {
    type Out = T;
    type Split = StdinSplit;
    type Source = StdinReader<T>;

    fn kind(&self) -> &'static str {
        "stdin-source"
    }

    fn enumerate(&self, _parallelism: u32) -> Result<Vec<StdinSplit>, BoxError> {
        Ok(vec![StdinSplit { position: 0, ended: false }])
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<StdinSplit>,
    ) -> Result<StdinReader<T>, BoxError> {
        let mut cursor = self.owned.cursor();
        if let Some(split) = splits.first().filter(|split| !split.ended) {
            if let Some(failure) = &cursor.failure {
                return Err(Box::new(Refusal(failure.clone())));
            }
            if split.position != cursor.position {
                let (was, is) = (split.position, cursor.position);
                return Err(Box::new(Refusal(format!(
                    "standard input cannot be read again from byte {was}, where the checkpoint \
                     stands: this process has read it up to byte {is}; save the input to a file \
                     and read that, and start over with --fresh"
                ))));
            }
            if !cursor.started {
                self.start()?;
                cursor.started = true;
            }
        }
        drop(cursor);
        Ok(StdinReader { splits, owned: Arc::clone(&self.owned) })
    }
}
