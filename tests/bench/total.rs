//! The sink of the window benches: adds up what comes, so that a run can be checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate_operators::window::Windowed;

/// Adds up results and drops them.
#[derive(Clone, Default)]
pub struct Total(Arc<Sums>);

#[derive(Default)]
struct Sums {
    rows: AtomicU64,
    sum: AtomicU64,
}

/// One subtask's end of a [`Total`].
pub struct TotalSink(Arc<Sums>);

impl Total {
    /// How many rows came.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }

    /// The sum of their results.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.sum.load(Ordering::Relaxed)
    }
}

impl Sink for TotalSink {
    type In = Windowed<u32, u64>;

    fn write(&mut self, input: &mut Batch<Self::In>, _: &Waker) -> Result<(), BoxError> {
        for row in input.take_open() {
            self.0.rows.fetch_add(1, Ordering::Relaxed);
            self.0.sum.fetch_add(row.value.value, Ordering::Relaxed);
        }
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for Total {
    type In = Windowed<u32, u64>;
    type Sink = TotalSink;

    fn kind(&self) -> &'static str {
        "total"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<TotalSink, BoxError> {
        Ok(TotalSink(Arc::clone(&self.0)))
    }
}
