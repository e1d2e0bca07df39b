//! Event-time windows behind a [`super::LocalWindow`]: as [`SlicedWindow`], over what was combined.
//!
//! Apart from it because what comes here is no record any more: a combined part is merged into its
//! slice where a record would be added. It comes before any window of its slice has fired; should it
//! come later all the same, it is late as its records would be, with the difference that it can only
//! be counted: nothing in it could go to a side output.

use super::partial::{Combined, Partial};
use super::sliced::SlicedWindow;
use super::slicing::Slice;
use super::spec::{InvalidWindow, Window};
use super::time_window::Windowed;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::StateVisitor;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// Aggregates by `A` what falls into the same window and has the same key.
pub struct MergingWindow<K: Key, A: Aggregate, F> {
    windows: SlicedWindow<K, A, F>,
}

impl<K: Key, A: Aggregate, F: Fn(&A::In) -> K> MergingWindow<K, A, F> {
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

impl<K, A, F> Operator for MergingWindow<K, A, F>
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
        let mut slice: Option<Slice> = None;
        while !ctx.is_full() {
            let Some(Record { value, timestamp, key_hash }) = input.take() else { break };
            let of = match slice {
                Some(slice) if slice.contains(timestamp) => slice,
                _ => self.windows.slice_of(timestamp)?,
            };
            slice = Some(of);
            match value {
                Partial::Record(value) => {
                    self.windows.add(&of, Record { value, timestamp, key_hash }, ctx);
                }
                Partial::Combined(combined) => {
                    debug_assert_eq!(combined.slice_end, of.end, "combined by the same windows");
                    let Combined { key, accumulator, records, .. } = combined;
                    self.windows.merge(&of, (&key, key_hash), &accumulator, records, ctx);
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
