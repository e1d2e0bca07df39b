//! What plays the task and the job master for sources and sinks. Apart because all tests of the edges need it.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use tidegate_core::element::{Barrier, BarrierKind, Batch, Data, Element, Record, downcast};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{RecoveryPoint, Sink, SinkFactory, SubtaskIdentity};
use tidegate_core::snapshot::Committable;
use tidegate_core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::{SplitWatermark, WatermarkStrategy};
use tidegate_rows::expression::{Checked, Expression, Functions};
use tidegate_rows::{Field, FieldType, Row, Schema};

/// A folder of its own for each test, removed when the test is done.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-row-connectors-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A schema from `name: type` pairs.
pub(crate) fn schema(columns: &[(&str, &str)]) -> Schema {
    let field = |(name, text): &(&str, &str)| {
        let FieldType { data_type, nullable } = FieldType::from_str(text).unwrap();
        Field { name: (*name).into(), data_type, nullable }
    };
    Schema::new(columns.iter().map(field)).unwrap()
}

/// An expression over rows of a schema.
pub(crate) fn expression(text: &str, schema: &Schema) -> Checked {
    Expression::parse(text).unwrap().check(schema, &Functions::built_in()).unwrap()
}

pub(crate) fn identity(index: u32) -> SubtaskIdentity {
    SubtaskIdentity { operator: "edge".into(), index, parallelism: 9, run: 1, attempt: 0 }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// Rows with their event times, and how many records were left out.
pub(crate) type Read = (Vec<(Row, Timestamp)>, u64);

/// All rows of `splits` by one reader; with `restore`, a new one goes on after every poll.
pub(crate) fn read<F: SourceFactory<Out = Row>>(
    source: &F,
    splits: Vec<F::Split>,
    budget: usize,
    restore: bool,
) -> Result<Read, BoxError> {
    let (mut rows, mut dropped) = (Vec::new(), 0);
    let mut reader = source.create(&identity(0), splits)?;
    loop {
        let fresh = vec![(SplitWatermark::default(), false); reader.splits().len()];
        let mut out = SourceOutput::new(WatermarkStrategy::none(), fresh, Timestamp::MIN);
        let status = match reader.poll(&mut out, budget, &waker())? {
            SourceStatus::Pending => {
                thread::park();
                continue;
            }
            status => status,
        };
        assert!(out.len() <= budget);
        for element in out.take() {
            let Element::Batch(mut batch) = element else { continue };
            let open = downcast::<Row>(&mut *batch).take_open();
            rows.extend(open.map(|record| (record.value, record.timestamp)));
        }
        dropped += out.take_dropped();
        if status == SourceStatus::Ended {
            return Ok((rows, dropped));
        }
        if restore {
            let splits = reader.splits();
            drop(reader);
            reader = source.create(&identity(0), splits)?;
        }
    }
}

/// All rows by so many readers, one for each split, and by one for all that is restored again and again: the same.
pub(crate) fn read_in_ranges<F: SourceFactory<Out = Row>>(source: &F, parallelism: u32) -> Read {
    let splits = source.enumerate(parallelism).unwrap();
    let whole = read(source, splits.clone(), 3, true).unwrap();
    let mut apart = (Vec::new(), 0);
    for split in splits {
        let (rows, dropped) = read(source, vec![split], 1_000, false).unwrap();
        apart.0.extend(rows);
        apart.1 += dropped;
    }
    assert_eq!(whole, apart, "at parallelism {parallelism}");
    whole
}

pub(crate) fn values(read: Read) -> Vec<Row> {
    read.0.into_iter().map(|(row, _)| row).collect()
}

/// Feeds all records to one subtask.
pub(crate) fn feed<S: Sink>(sink: &mut S, records: Vec<S::In>) -> Result<(), BoxError>
where
    S::In: Data,
{
    let records = records.into_iter().map(|value| Record::new(value, Timestamp::MIN)).collect();
    let mut batch = Batch::new(records, Vec::new());
    loop {
        sink.write(&mut batch, &waker())?;
        if batch.open() == 0 {
            return Ok(());
        }
        thread::park();
    }
}

/// Writes all records by one subtask, with one checkpoint at the end.
pub(crate) fn write<F: SinkFactory>(factory: &F, records: Vec<F::In>) -> Result<(), BoxError> {
    let committer = factory.committer()?;
    committer.recover(RecoveryPoint {
        owner: "job",
        checkpoint: None,
        committables: &[],
        committed_rows: 0,
        fresh: false,
    })?;
    let mut sink = factory.create(&identity(0))?;
    feed(&mut sink, records)?;
    let barrier = Barrier { checkpoint: 1, kind: BarrierKind::Stop, sent: 0 };
    let prepared = sink.freeze(barrier)?.prepare()?;
    let sealed = prepared.sealed.into_iter().map(|sealed| Committable {
        sink: "edge".into(),
        epoch: 1,
        rows: sealed.rows,
        payload: sealed.payload,
    });
    committer.commit(&sealed.collect::<Vec<_>>())
}

/// The parts below a folder, by their sub-folder, each with its text.
pub(crate) fn parts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = parts(&path).into_iter();
            found.extend(below.map(|(bucket, text)| (format!("{name}/{bucket}"), text)));
        } else if name.starts_with("part-") {
            found.push((String::new(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}
