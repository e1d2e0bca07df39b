//! A sink that prints: each record as soon as it comes, so after a recovery some come again.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::task::Waker;
use tidegate_core::element::{Barrier, Batch, Data};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};

/// Text of a record.
type Format<T> = Arc<dyn Fn(&T) -> String + Send + Sync>;

/// Prints every record on standard output, a line each. Delivery is at least once: what was printed
/// cannot be taken back.
pub struct Print<T> {
    format: Format<T>,
}

impl<T: Data> Print<T> {
    /// Prints what `format` makes of a record.
    pub fn new(format: impl Fn(&T) -> String + Send + Sync + 'static) -> Self {
        Self { format: Arc::new(format) }
    }
}

/// One subtask's end.
pub struct PrintSink<T> {
    format: Format<T>,
    buffer: String,
}

impl<T> PrintSink<T> {
    fn put(&mut self) -> Result<(), BoxError> {
        let mut stdout = std::io::stdout().lock();
        let printed = stdout.write_all(self.buffer.as_bytes()).and_then(|()| stdout.flush());
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
            self.buffer.push_str(&(self.format)(&record.value));
            self.buffer.push('\n');
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
        Ok(PrintSink { format: Arc::clone(&self.format), buffer: String::new() })
    }
}
