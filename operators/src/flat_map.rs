//! `flat_map`: any number of records out for each record in, all with its event time.
//!
//! One record may yield a million rows: the iterator is kept when the output is full and continued
//! when it has been taken, so a lazy one needs no more memory than a batch. Until it is exhausted its
//! record counts as open, and no watermark and no barrier can overtake the rows still to come.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::flat_map::FlatMap;
//!
//! let mut count_up = FlatMap::new(|n: u64| 0..n);
//! let mut batch = Batch::new(vec![Record::new(1_000_000, Timestamp(7))], vec![]);
//! let mut ctx = Context::new(1_000);
//! count_up.process(&mut batch, &mut ctx)?;
//! assert_eq!(ctx.take().len(), 1_000);
//! count_up.process(&mut batch, &mut ctx)?;
//! assert_eq!(ctx.take()[0], Record::new(1_000, Timestamp(7)));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data};
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::time::Timestamp;

/// Applies a function that returns an iterator to each record.
pub struct FlatMap<T, I: IntoIterator, F> {
    flat_map: F,
    /// What the record begun last still has to yield, and its event time.
    rest: Option<(I::IntoIter, Timestamp)>,
    of: PhantomData<fn(T)>,
}

impl<T, I: IntoIterator, F: Fn(T) -> I> FlatMap<T, I, F> {
    /// Emits what `flat_map` yields.
    pub const fn new(flat_map: F) -> Self {
        Self { flat_map, rest: None, of: PhantomData }
    }
}

impl<T, I, F> Operator for FlatMap<T, I, F>
where
    T: Data,
    I: IntoIterator<Item: Data, IntoIter: Send> + 'static,
    F: Fn(T) -> I + Send + 'static,
{
    type In = T;
    type Out = I::Item;

    fn process(
        &mut self,
        input: &mut Batch<T>,
        ctx: &mut Context<I::Item>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some((rows, timestamp)) = &mut self.rest else {
                let Some(record) = input.begin() else { break };
                self.rest = Some(((self.flat_map)(record.value).into_iter(), record.timestamp));
                continue;
            };
            let room = ctx.room();
            rows.take(room).for_each(|value| ctx.emit(value, *timestamp));
            if !ctx.is_full() {
                self.rest = None;
                input.finish();
            }
        }
        Ok(())
    }
}
