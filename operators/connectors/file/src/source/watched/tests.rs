//! A watched folder against plain readers of what its files hold in the end, whenever it looks and is restored.
//!
//! Nothing waits for time to pass: a row that arrives from a file written last (a *fence*) tells that a look has seen
//! all that was written before it.

use super::*;
use crate::scratch::Scratch;
use crate::source::tests::{Fields, csv_file, identity, output, plain_csv, refusal, taken};
use crate::source::tests::{any_bytes, plain_lines};
use crate::source::{Lines, RecordEnd, Records};
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs::OpenOptions;
use std::io::Write;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;
use tidegate_core::element::{Element, downcast};
use tidegate_core::source::{Source, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::{SplitWatermark, WatermarkStrategy};

const OFTEN: Duration = Duration::from_millis(1);
/// What has not come by then does not come.
const DEADLINE: Duration = Duration::from_secs(60);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// One poll that emits, ends or fails.
fn poll<S: Source>(
    reader: &mut S,
    out: &mut SourceOutput<S::Out>,
    budget: usize,
) -> Result<SourceStatus, BoxError> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let start = Instant::now();
    loop {
        match reader.poll(out, budget, &waker)? {
            SourceStatus::Pending => thread::park_timeout(DEADLINE),
            status => return Ok(status),
        }
        assert!(start.elapsed() < DEADLINE, "nothing has come");
    }
}

/// Polls until `done` says so of the rows; with `restore`, a new reader goes on after every poll.
fn read<T: Data, F: Format<T>>(
    source: &WatchedFolder<T, F>,
    splits: &mut Vec<FolderSplit>,
    restore: bool,
    done: impl Fn(&[T]) -> bool,
) -> Result<Vec<T>, BoxError> {
    let (mut rows, mut reader) = (Vec::new(), source.create(&identity(), splits.clone())?);
    while !done(&rows) {
        let mut out = output(splits.len());
        poll(&mut reader, &mut out, 3)?;
        rows.extend(taken(&mut out));
        *splits = reader.splits();
        if restore {
            reader = source.create(&identity(), splits.clone())?;
        }
    }
    Ok(rows)
}

fn append(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn lines(folder: &Path) -> WatchedFolder<String, Lines<String>> {
    FileSource::lines(folder, |line| Ok(line.to_owned())).watch(OFTEN)
}

/// What comes up to a fence that is written now, without it.
fn seen(
    source: &WatchedFolder<String, Lines<String>>,
    splits: &mut Vec<FolderSplit>,
    folder: &Path,
) -> Result<Vec<String>, BoxError> {
    append(folder, "zz", b"fence\n");
    let mut rows = read(source, splits, false, |rows| rows.last().is_some_and(|r| r == "fence"))?;
    rows.pop();
    Ok(rows)
}

fn failure(source: &WatchedFolder<String, Lines<String>>, splits: &[FolderSplit]) -> String {
    let error = read(source, &mut splits.to_vec(), false, |_| false).unwrap_err();
    error.to_string()
}

/// Appends pieces of a file, one after each look; the rows must be those of `expected` in the end.
fn check_pieces<T, F>(
    source: impl Fn(&Path) -> FileSource<T, F>,
    pieces: &[&[u8]],
    fence: (&[u8], &T),
    restore: bool,
    expected: &[T],
) where
    T: Data + PartialEq + std::fmt::Debug,
    F: Format<T>,
{
    let scratch = Scratch::new();
    let source = source(scratch.path()).on_malformed(Malformed::Skip).watch(OFTEN);
    let mut splits = source.enumerate(1).unwrap();
    let mut rows = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        append(scratch.path(), "rows", piece);
        let name = format!("zz-{number}");
        append(scratch.path(), &name, fence.0);
        let is_fence = |rows: &[T]| rows.last() == Some(fence.1);
        let mut read = read(&source, &mut splits, restore, is_fence).unwrap();
        read.pop();
        rows.extend(read);
        // Gone with the next look, and out of the state then.
        fs::remove_file(scratch.path().join(name)).unwrap();
    }
    assert_eq!(rows, expected);
    let last = format!("zz-{}", pieces.len() - 1);
    assert!(splits[0].files.keys().all(|name| *name == "rows" || *name == last), "{splits:?}");
}

/// Cut at these shares of the whole.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut * bytes.len() / 100).collect();
    bounds.extend([0, bytes.len()]);
    bounds.sort_unstable();
    bounds.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rows_of_a_csv_file_that_grows_are_those_of_a_plain_reader(
        file in csv_file(), cuts in prop::collection::vec(0..100_usize, 0..5), restore: bool,
    ) {
        let bytes = [&file[..], b"\n"].concat();
        let (pieces, expected) = (pieces(&bytes, &cuts), plain_csv(&bytes).0);
        let fence: Fields = vec!["fence".to_owned()];
        let fence = (&b"fence\n"[..], &fence);
        check_pieces(|at| FileSource::csv::<Fields>(at), &pieces, fence, restore, &expected);
        // The same by the other cutter of records: as many, each as it stands in the file.
        let end = RecordEnd::NewlineOutsideQuotes { delimiter: b',' };
        let records = Records::new(end, |record| {
            String::from_utf8(record.into()).map_err(|error| error.to_string())
        });
        let whole = {
            let scratch = Scratch::new();
            scratch.file("rows", &bytes);
            let source = FileSource::new(scratch.path(), records.clone());
            crate::source::tests::read(&source, source.enumerate(1).unwrap(), 99, false).unwrap().0
        };
        let fence = (&b"fence\n"[..], &"fence".to_owned());
        check_pieces(|at| FileSource::new(at, records.clone()), &pieces, fence, restore, &whole);
    }

    #[test]
    fn lines_of_any_bytes_are_those_of_a_plain_reader(
        bytes in any_bytes(), cuts in prop::collection::vec(0..100_usize, 0..5), restore: bool,
    ) {
        let bytes = [&bytes[..], b"\n"].concat();
        let (pieces, expected) = (pieces(&bytes, &cuts), plain_lines(&bytes).0);
        let fence = (&b"fence\n"[..], &"fence".to_owned());
        let lines = |at: &Path| FileSource::lines(at, |line| Ok(line.to_owned()));
        check_pieces(lines, &pieces, fence, restore, &expected);
    }
}

#[test]
fn what_comes_is_read_in_the_order_of_names_and_hidden_files_are_not() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    scratch.file("b", "b1\nb2\n");
    scratch.file("a", "a1\n");
    scratch.file(".hidden", "no\n");
    scratch.file("_temporary", "c1\n");
    fs::create_dir(folder.join("folder")).unwrap();
    append(folder, "folder/below", b"no\n");
    let source = lines(folder);
    let mut splits = source.enumerate(1).unwrap();
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["a1", "b1", "b2"]);
    append(folder, "b", b"b3\nb4 is not en");
    fs::rename(folder.join("_temporary"), folder.join("c")).unwrap();
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["b3", "c1"]);
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), [""; 0]);
    append(folder, "b", b"ded\n");
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["b4 is not ended"]);
}

#[test]
fn a_header_counts_when_it_is_ended() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    let end = RecordEnd::NewlineOutsideQuotes { delimiter: b',' };
    let format = Records::with_header(end, |header: &[u8]| {
        if header != b"user,at" {
            return Err("it must be user,at".to_owned());
        }
        Ok(|record: &[u8]| Ok(String::from_utf8_lossy(record).into_owned()))
    });
    let source = FileSource::new(folder, format).watch(OFTEN);
    let mut splits = source.enumerate(1).unwrap();
    let mut fences = 0;
    let mut come = |splits: &mut Vec<FolderSplit>| {
        fences += 1;
        append(folder, &format!("zz-{fences}"), b"user,at\nfence\n");
        let is_fence = |rows: &[String]| rows.last().is_some_and(|row| row == "fence");
        let mut rows = read(&source, splits, false, is_fence)?;
        rows.pop();
        Ok::<_, BoxError>(rows)
    };
    append(folder, "a", b"user,");
    assert_eq!(come(&mut splits).unwrap(), [""; 0]);
    append(folder, "a", b"at\n1,2\n3");
    assert_eq!(come(&mut splits).unwrap(), ["1,2"]);
    append(folder, "a", b",4\n");
    assert_eq!(come(&mut splits).unwrap(), ["3,4"]);
    append(folder, "b", b"user\n1\n2");
    let error = come(&mut splits).unwrap_err().to_string();
    let path = folder.join("b");
    let expected = format!(
        "the first row of {} is not the header it should be: it must be user,at",
        path.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn a_file_that_is_not_what_it_was_is_an_error() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    let path = scratch.file("a", "one\ntwo\nthr");
    let source = lines(folder);
    let mut splits = source.enumerate(1).unwrap();
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["one", "two"]);
    let shown = path.display();
    // A line that is not ended may be taken back.
    scratch.file("a", "one\ntwo\n");
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), [""; 0]);
    scratch.file("a", "one\n");
    let expected = format!(
        "{shown} has 4 bytes, and has been read up to byte 8; files of a watched folder only grow: put the whole file \
         back, or take it away and give new rows a file of another name, then resume"
    );
    assert_eq!(failure(&source, &splits), expected);
    scratch.file("a", "ONE\ntwo\nthree\n");
    let expected = format!(
        "{shown} begins otherwise than when its rows were read; in a watched folder each name is used once: give the \
         new file a name of its own (a log that is rotated: one with its date), then resume"
    );
    // Before anything is read that may have taken over its rows.
    scratch.file("Z", "one\ntwo\n");
    let mut reader = source.create(&identity(), splits.clone()).unwrap();
    let mut out = output(1);
    let error = poll(&mut reader, &mut out, 9).unwrap_err().to_string();
    assert_eq!((error, out.len()), (expected, 0));
    // Put back, and grown.
    scratch.file("a", "one\ntwo\nthree\n");
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["one", "two", "three"]);
}

#[test]
fn a_file_that_was_taken_away_is_forgotten() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    let path = scratch.file("a", "one\n");
    let source = lines(folder);
    let mut splits = source.enumerate(1).unwrap();
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["one"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), [""; 0]);
    assert_eq!(splits[0].files.keys().collect::<Vec<_>>(), ["zz"]);
    scratch.file("a", "1\n");
    assert_eq!(seen(&source, &mut splits, folder).unwrap(), ["1"]);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_file_is_read_once_whole() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    let text: String = (0..2_500).map(|n| format!("{n}\n")).collect();
    let whole = gzip(&(text + "last"));
    let path = scratch.file("a.gz", &whole);
    scratch.file("empty.gz", "");
    let source = lines(folder);
    for restore in [false, true] {
        let mut splits = source.enumerate(1).unwrap();
        let rows = read(&source, &mut splits, restore, |rows| rows.len() == 2_501).unwrap();
        assert_eq!((&*rows[0], &*rows[2_499], &*rows[2_500]), ("0", "2499", "last"));
        assert_eq!(seen(&source, &mut splits, folder).unwrap(), [""; 0]);
        let progress = &splits[0].files["a.gz"];
        assert_eq!((progress.position, progress.compressed), (u64::MAX, Some(whole.len() as u64)));
        fs::remove_file(folder.join("zz")).unwrap();
    }
    let mut splits = source.enumerate(1).unwrap();
    read(&source, &mut splits, false, |rows| rows.len() == 2_501).unwrap();
    append(folder, "a.gz", &gzip("more"));
    let (shown, before, now) = (path.display(), whole.len(), whole.len() + gzip("more").len());
    let expected = format!(
        "the compressed file {shown} had {before} bytes when it was read, and has {now} now; it is read once, whole: \
         put it back and give new rows a file of their own, then resume"
    );
    assert_eq!(failure(&source, &splits), expected);
    scratch.file("a.gz", &whole[..whole.len() / 2]);
    let error = failure(&source, &source.enumerate(1).unwrap());
    assert!(
        error.starts_with(&format!("the compressed file {shown} ends in its middle:")),
        "{error}"
    );
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("a", "one\n");
    let missing = scratch.path().join("missing");
    let told = |source: WatchedFolder<String, Lines<String>>| {
        let told = refusal(source.enumerate(1).map(drop));
        assert_eq!(refusal(source.fingerprint().map(drop)), told);
        told
    };
    let expected = format!(
        "cannot watch the folder {}: No such file or directory (os error 2); make it before the job starts, or check \
         the path of the source",
        missing.display()
    );
    assert_eq!(told(lines(&missing)), expected);
    let expected = format!(
        "{} is no folder that could be watched; read a file without watching, or name the folder it is in",
        file.display()
    );
    assert_eq!(told(lines(&file)), expected);
    let of = |path: &Path| FileSource::lines(path, |line| Ok(line.to_owned()));
    let several = told(of(&missing).paths([scratch.path(), scratch.path()]).watch(OFTEN));
    assert_eq!(several, "a source watches one folder, and 2 are named; make a source for each");
    let letters = |name: &str| Malformed::DeadLetter(scratch.path().join(name));
    let looped = told(of(scratch.path()).on_malformed(letters("bad")).watch(OFTEN));
    assert!(looped.contains("would be read as new rows"), "{looped}");
    assert!(of(scratch.path()).on_malformed(letters("_bad")).watch(OFTEN).enumerate(1).is_ok());
    let other = Scratch::new();
    let [here, there] = [scratch.path(), other.path()].map(|at| lines(at).fingerprint().unwrap());
    assert_ne!(here, there, "another folder is another input");
}

#[test]
fn a_malformed_row_fails_the_source_after_the_rows_before_it_and_with_its_place() {
    let scratch = Scratch::new();
    let path = scratch.file("a", "1\n2\nthree\n4\n");
    let source = FileSource::json_lines::<i64>(scratch.path()).watch(OFTEN);
    let mut reader = source.create(&identity(), source.enumerate(1).unwrap()).unwrap();
    let mut out = output(1);
    poll(&mut reader, &mut out, 2).unwrap();
    assert_eq!(taken::<i64>(&mut out), [1, 2]);
    let error = poll(&mut reader, &mut out, 2).unwrap_err().to_string();
    let place = format!("malformed row at byte 4 of {} (line 3): ", path.display());
    assert!(error.starts_with(&place), "{error}");
}

#[test]
fn every_line_is_read_once_however_many_readers_share_the_buckets() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    let source = lines(folder);
    let mut splits = source.enumerate(3).unwrap();
    let mut rows = Vec::new();
    // One reader for all, one for each, two.
    for (round, shares) in [vec![3], vec![1, 1, 1], vec![2, 1], vec![0, 3]].into_iter().enumerate()
    {
        for file in 0..20 {
            append(folder, &format!("file-{file}"), format!("{file} {round}\n").as_bytes());
        }
        let mut left = std::mem::take(&mut splits);
        for share in shares {
            let mut own: Vec<FolderSplit> = left.drain(..share).collect();
            let mine = |name: &String| own.iter().any(|split| split.holds(name));
            let expected = (0..20).map(|file| format!("file-{file}")).filter(mine).count();
            let restore = round % 2 == 0;
            let read = read(&source, &mut own, restore, |rows| rows.len() >= expected).unwrap();
            rows.extend(read);
            splits.extend(own);
        }
        assert_eq!(splits.iter().map(|split| split.bucket).collect::<Vec<_>>(), [0, 1, 2]);
    }
    let mut expected: Vec<String> =
        (0..20).flat_map(|file| (0..4).map(move |round| format!("{file} {round}"))).collect();
    rows.sort();
    expected.sort();
    assert_eq!(rows, expected);
    // A subtask for which there is no bucket has nothing to read, ever.
    let mut idle = source.create(&identity(), Vec::new()).unwrap();
    assert_eq!(idle.poll(&mut output(0), 1, Waker::noop()).unwrap(), SourceStatus::Ended);
}

#[test]
fn a_bucket_without_files_holds_event_time_back_until_it_is_idle() {
    let scratch = Scratch::new();
    scratch.file("times", "5\n9\n");
    let source = FileSource::json_lines::<i64>(scratch.path()).timestamp(|at| Timestamp(*at));
    let source = source.watch(OFTEN);
    let mut reader = source.create(&identity(), source.enumerate(2).unwrap()).unwrap();
    let strategy = WatermarkStrategy::monotonous().each_record().idle_after(10);
    let fresh = vec![(SplitWatermark::default(), false); 2];
    let mut out = SourceOutput::new(strategy, fresh, Timestamp::MIN);
    out.tick(Timestamp(0), true);
    while out.len() < 2 {
        poll(&mut reader, &mut out, 9).unwrap();
    }
    let watermarks = |out: &mut SourceOutput<i64>| {
        let batches = out.take().into_iter().filter_map(|element| match element {
            Element::Batch(batch) => Some(batch),
            _ => None,
        });
        let mut found = Vec::new();
        for mut batch in batches {
            downcast::<i64>(&mut *batch).take_open().for_each(drop);
            while let Some(mark) = batch.take_mark() {
                found.push(mark);
            }
        }
        found
    };
    assert_eq!(watermarks(&mut out), []);
    out.tick(Timestamp(9), true);
    assert_eq!(watermarks(&mut out), []);
    // Both are silent; the one that has read something is as far as its rows.
    out.tick(Timestamp(10), true);
    assert_eq!(watermarks(&mut out), [Timestamp(8)]);
    assert!(out.is_idle());
}

#[test]
fn a_reader_that_rests_stops_at_once() {
    let scratch = Scratch::new();
    scratch.file("a", "one\n");
    let source = FileSource::lines(scratch.path(), |line| Ok(line.to_owned()));
    let source = source.watch(Duration::from_secs(1 << 40));
    let mut reader = source.create(&identity(), source.enumerate(1).unwrap()).unwrap();
    let mut out = output::<String>(1);
    poll(&mut reader, &mut out, 10).unwrap();
    let feed = Arc::downgrade(reader.feed());
    drop(reader);
    assert_eq!(feed.strong_count(), 0, "the thread still holds its end of the queue");
}
