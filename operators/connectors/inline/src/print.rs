//! A sink that prints: each record as soon as it comes, so after a recovery some come again.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use tidegate_core::element::{Barrier, Batch, Data};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};

/// Appends a record as a line, without its end, or says why it cannot be written.
type Format<T> = Arc<dyn Fn(&T, &mut Vec<u8>) -> Result<(), String> + Send + Sync>;

/// What stands above all records, and whether it does already.
#[derive(Default)]
struct Header {
    line: Vec<u8>,
    printed: AtomicBool,
}

/// Prints every record on standard output, a line each. Delivery is at least once: what was printed
/// cannot be taken back.
pub struct Print<T> {
    format: Format<T>,
    /// Shared by the subtasks, so that the first to print prints it, and nobody again after a recovery.
    header: Arc<Header>,
}

impl<T: Data> Print<T> {
    /// Prints what `format` makes of a record.
    pub fn new(format: impl Fn(&T) -> String + Send + Sync + 'static) -> Self {
        Self::fallible(move |record, line| {
            line.extend_from_slice(format(record).as_bytes());
            Ok(())
        })
    }

    /// Prints what `format` appends to the line, without its end; a record that it cannot write fails the subtask.
    pub fn fallible(
        format: impl Fn(&T, &mut Vec<u8>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { format: Arc::new(format), header: Arc::default() }
    }

    /// Prints this line above the first record.
    #[must_use]
    pub fn header(mut self, line: &[u8]) -> Self {
        let line = [line, b"\n"].concat();
        self.header = Arc::new(Header { line, printed: AtomicBool::new(false) });
        self
    }
}

/// One subtask's end.
pub struct PrintSink<T> {
    format: Format<T>,
    header: Arc<Header>,
    buffer: Vec<u8>,
}

impl<T> PrintSink<T> {
    fn put(&mut self) -> Result<(), BoxError> {
        let mut stdout = std::io::stdout().lock();
        // Under the lock, so that no record comes before it.
        let is_first =
            !self.buffer.is_empty() && !self.header.printed.swap(true, Ordering::Relaxed);
        let header = if is_first { &self.header.line[..] } else { &[] };
        let printed = stdout.write_all(header);
        let printed = printed.and_then(|()| stdout.write_all(&self.buffer));
        let printed = printed.and_then(|()| stdout.flush());
        self.buffer.clear();
        match printed {
            // Whoever was reading has had enough, as with `| head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(format!("standard output cannot be written: {error}").into()),
            Ok(()) => Ok(()),
        }
    }
}

impl<T: Data> Sink for PrintSink<T> {
    type In = T;

    fn write(&mut self, input: &mut Batch<T>, _waker: &Waker) -> Result<(), BoxError> {
        for record in input.take_open() {
            let start = self.buffer.len();
            if let Err(reason) = (self.format)(&record.value, &mut self.buffer) {
                self.buffer.truncate(start);
                self.put()?;
                return Err(format!(
                    "a record cannot be printed: {reason}; filter such records out"
                )
                .into());
            }
            self.buffer.push(b'\n');
        }
        self.put()
    }

    fn freeze(&mut self, _barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl<T: Data> SinkFactory for Print<T> {
    type In = T;
    type Sink = PrintSink<T>;

    fn kind(&self) -> &'static str {
        "print-sink"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _identity: &SubtaskIdentity) -> Result<PrintSink<T>, BoxError> {
        let (format, header) = (Arc::clone(&self.format), Arc::clone(&self.header));
        Ok(PrintSink { format, header, buffer: Vec::new() })
    }
}
