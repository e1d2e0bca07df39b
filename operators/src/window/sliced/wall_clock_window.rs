//! Tumbling windows of the wall clock over a keyed stream: one table of accumulators per window.
//!
//! Apart from [`SlicedWindow`](super::SlicedWindow) because the wall clock knows nothing late: a record
//! belongs to the window that is open when it arrives. A window fires when the clock has reached its end, not
//! its last millisecond, in which records may still arrive; so that what has fired need not be remembered. A
//! window that came to its end while the job was down fires when the job goes on.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key, operator::{Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{aggregate::Count, window::{WallClockWindow, Window}};
//!
//! let mut clicks = WallClockWindow::new(Window::tumbling(10), Count::new(), |item: &u64| *item)?;
//! let click = Record { value: 42, timestamp: Timestamp::MIN, key_hash: 42u64.stable_hash() };
//! let mut ctx = Context::new(16);
//! ctx.set_time(Timestamp::MIN, Timestamp(7));
//! clicks.process(&mut Batch::new(vec![click], vec![]), &mut ctx)?;
//! clicks.on_processing_time(Timestamp(10), &mut ctx)?;
//! assert_eq!(ctx.take()[0].value.window.to_string(), "[0, 10)");
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use super::firing::{Firing, Merging, Slices};
use super::sliced_window::add;
use super::slicing::Slicing;
use crate::window::spec::{InvalidWindow, Window};
use crate::window::time_window::Windowed;
use tidegate_core::element::Batch;
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::StateVisitor;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// Aggregates by `A` what arrives in the same window and has the same key, which `F` reads.
pub struct WallClockWindow<K: Key, A: Aggregate, F> {
    slicing: Slicing,
    aggregate: A,
    key: F,
    windows: Slices<K, A>,
    /// The end of the window whose rows are being emitted.
    firing: Option<(Timestamp, Firing<K, A>)>,
}

impl<K: Key, A: Aggregate, F: Fn(&A::In) -> K> WallClockWindow<K, A, F> {
    /// Aggregates each window of `window`, which must tumble, over a stream that is keyed by `key`.
    ///
    /// # Errors
    /// When there are no such windows.
    ///
    /// # Panics
    /// When windows overlap or leave gaps.
    pub fn new(window: Window, aggregate: A, key: F) -> Result<Self, InvalidWindow> {
        assert!(window.tumbles(), "each record belongs to one window: {window:?}");
        let slicing = Slicing::new(window.validate()?);
        Ok(Self { slicing, aggregate, key, windows: Slices::<K, A>::default(), firing: None })
    }
}

impl<K, A, F> Operator for WallClockWindow<K, A, F>
where
    K: Key,
    A: Aggregate,
    F: Fn(&A::In) -> K + Send + 'static,
{
    type In = A::In;
    type Out = Windowed<K, A::Out>;

    fn process(
        &mut self,
        input: &mut Batch<A::In>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError> {
        let window = self.slicing.slice_of(ctx.processing_time());
        let table = self.windows.table_mut(window.end);
        for record in input.upcoming() {
            add(&self.aggregate, &self.key, table, &record.value, record.key_hash);
        }
        input.skip(input.open());
        Ok(())
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        let mut merging = Merging::Anew;
        loop {
            if let Some((end, mut firing)) = self.firing.take() {
                if firing.emit(&self.windows, &merging, &self.aggregate, ctx) == Progress::More {
                    self.firing = Some((end, firing));
                    return Ok(Progress::More);
                }
                self.windows.drop_namespace(&end);
            }
            let Some(&end) = self.windows.first().filter(|end| **end <= now) else {
                return Ok(Progress::Done);
            };
            let window = self.slicing.window(end);
            let firing = Firing::begin(window, &self.windows, &mut merging, &self.aggregate);
            self.firing = Some((end, firing));
        }
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.windows.first().copied()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("windows", &mut self.windows);
    }
}
