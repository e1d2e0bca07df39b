//! `map`: one record out for each record in, with the same event time.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::map::Map;
//!
//! let mut double = Map::new(|n: u64| 2 * n);
//! let (mut ctx, record) = (Context::new(16), Record::new(21, Timestamp(7)));
//! double.process(&mut Batch::new(vec![record], vec![]), &mut ctx)?;
//! assert_eq!(ctx.take(), [Record::new(42, Timestamp(7))]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::operator::{BoxError, Context, Operator};

/// Applies a function to each record.
///
/// The function is an `Fn`: what it would remember between two records would be in no snapshot.
pub struct Map<T, F> {
    map: F,
    of: PhantomData<fn(T)>,
}

impl<T, F> Map<T, F> {
    /// Applies `map`.
    pub const fn new(map: F) -> Self {
        Self { map, of: PhantomData }
    }
}

impl<T: Data, U: Data, F: Fn(T) -> U + Send + 'static> Operator for Map<T, F> {
    type In = T;
    type Out = U;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<U>) -> Result<(), BoxError> {
        let taken = input.take_up_to(ctx.room());
        ctx.extend(taken.map(|record| Record::new((self.map)(record.value), record.timestamp)));
        Ok(())
    }
}
