//! `filter_map`: what a function makes of a record, if anything, with the same event time.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::filter_map::FilterMap;
//!
//! let mut halves = FilterMap::new(|n: u64| (n % 2 == 0).then_some(n / 2));
//! let records = (0..5).map(|n| Record::new(n, Timestamp(7))).collect();
//! let mut ctx = Context::new(16);
//! halves.process(&mut Batch::new(records, vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([0, 1, 2]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data};
use tidegate_core::operator::{BoxError, Context, Operator};

/// Applies a function that may return nothing to each record.
pub struct FilterMap<T, F> {
    filter_map: F,
    of: PhantomData<fn(T)>,
}

impl<T, F> FilterMap<T, F> {
    /// Emits what `filter_map` returns.
    pub const fn new(filter_map: F) -> Self {
        Self { filter_map, of: PhantomData }
    }
}

impl<T: Data, U: Data, F: Fn(T) -> Option<U> + Send + 'static> Operator for FilterMap<T, F> {
    type In = T;
    type Out = U;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<U>) -> Result<(), BoxError> {
        // As many as there is room for are taken at once; what was left out leaves room for more.
        while !ctx.is_full() && input.open() > 0 {
            for record in input.take_up_to(ctx.room()) {
                if let Some(value) = (self.filter_map)(record.value) {
                    ctx.emit(value, record.timestamp);
                }
            }
        }
        Ok(())
    }
}
