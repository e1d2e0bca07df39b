//! Event-time windows behind a [`crate::window::LocalWindow`]: as [`SlicedWindow`], over what was
//! combined.
//!
//! Apart from it because what comes here is no record any more: a combined part is merged into its
//! slice where a record would be added. It comes before any window of its slice has fired; should it
//! come later all the same, it is late as its records would be, with the difference that it can only
//! be counted: nothing in it could go to a side output.

use super::partial::{Combined, Partial};
use super::sliced_window::{self, SlicedWindow};
use crate::window::spec::{InvalidWindow, Window};
use crate::window::time_window::Windowed;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::StateVisitor;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::state::table::Table;
use tidegate_core::time::Timestamp;

/// Aggregates by `A` what falls into the same window and has the same key.
pub struct CombinedWindow<K: Key, A: Aggregate, F> {
    windows: SlicedWindow<K, A, F>,
}

impl<K: Key, A: Aggregate, F: Fn(&A::In) -> K> CombinedWindow<K, A, F> {
    /// Aggregates each window of `window` over a stream that is keyed by `key`.
    ///
    /// # Errors
    /// When there are no such windows.
    pub fn new(window: Window, aggregate: A, key: F) -> Result<Self, InvalidWindow> {
        Ok(Self { windows: SlicedWindow::new(window, aggregate, key)? })
    }

    /// Sends late records to `tag`.
    #[must_use]
    pub fn side_output_late(self, tag: OutputTag<A::In>) -> Self {
        Self { windows: self.windows.side_output_late(tag) }
    }
}

/// Adds a record to the table of its slice, or merges what was combined into it.
fn add<K: Key, A: Aggregate, F: Fn(&A::In) -> K>(
    aggregate: &A,
    key: &F,
    table: &mut Table<K, A::Accumulator>,
    record: &Record<Partial<K, A>>,
) {
    match &record.value {
        Partial::Record(value) => {
            sliced_window::add(aggregate, key, table, value, record.key_hash);
        }
        Partial::Combined(Combined { key, accumulator, .. }) => {
            let at = sliced_window::keyed(key, record.key_hash);
            aggregate.merge(table.get_or_insert_with(at, || aggregate.create()), accumulator);
        }
    }
}

impl<K, A, F> Operator for CombinedWindow<K, A, F>
where
    K: Key,
    A: Aggregate,
    A::Accumulator: Sync,
    F: Fn(&A::In) -> K + Send + 'static,
{
    type In = Partial<K, A>;
    type Out = Windowed<K, A::Out>;

    fn open(&mut self, watermark: Timestamp) {
        self.windows.open(watermark);
    }

    fn process(
        &mut self,
        input: &mut Batch<Partial<K, A>>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(first) = input.upcoming().first()
        {
            let slice = self.windows.slice_of(first.timestamp)?;
            if !self.windows.is_behind(&slice) {
                self.windows.add_run(&slice, input, add);
                continue;
            }
            let Some(Record { value, timestamp, key_hash }) = input.take() else { break };
            match value {
                Partial::Record(value) => {
                    self.windows.add_late(&slice, Record { value, timestamp, key_hash }, ctx);
                }
                Partial::Combined(Combined { key, accumulator, records, .. }) => {
                    self.windows.merge_late(&slice, (&key, key_hash), &accumulator, records, ctx);
                }
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        self.windows.on_watermark(watermark, ctx)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.windows.states(visitor);
    }
}
