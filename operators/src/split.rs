//! `split`: two streams of one, each record in one of them, in none, but never in both.
//!
//! What would be two `filter_map`s over the same stream, without a copy of every record for the second.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::split::{Split, Way, second};
//!
//! let mut by_sign = Split::new(|n: i64| match n {
//!     0 => Way::Neither,
//!     1.. => Way::First(n as u64),
//!     _ => Way::Second(n.to_string()),
//! });
//! let records = [3, 0, -4].map(|n| Record::new(n, Timestamp(7)));
//! let mut ctx = Context::new(16);
//! ctx.connect(&second::<String>());
//! by_sign.process(&mut Batch::new(records.to_vec(), vec![]), &mut ctx)?;
//! assert_eq!(ctx.take(), [Record::new(3, Timestamp(7))]);
//! assert_eq!(ctx.take_sides().count(), 1);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data};
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag};

/// Where a record goes, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<A, B> {
    /// Into the first stream.
    First(A),
    /// Into the second stream.
    Second(B),
    /// Nowhere.
    Neither,
}

/// Lets a function decide for each record which way it goes.
pub struct Split<T, A, B, F> {
    way: F,
    second: OutputTag<B>,
    of: PhantomData<fn(T) -> A>,
}

impl<T, A, B, F> Split<T, A, B, F> {
    /// The first stream is the main output, the second one a side output.
    pub const fn new(way: F) -> Self {
        Self { way, second: second(), of: PhantomData }
    }
}

/// The side output that is the second stream.
#[must_use]
pub const fn second<B>() -> OutputTag<B> {
    OutputTag::new("second")
}

impl<T, A, B, F> Operator for Split<T, A, B, F>
where
    T: Data,
    A: Data,
    B: Data,
    F: Fn(T) -> Way<A, B> + Send + 'static,
{
    type In = T;
    type Out = A;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<A>) -> Result<(), BoxError> {
        for record in input.take_up_to(ctx.room()) {
            match (self.way)(record.value) {
                Way::First(value) => ctx.emit(value, record.timestamp),
                Way::Second(value) => {
                    ctx.emit_side(&self.second, value, record.timestamp);
                }
                Way::Neither => {}
            }
        }
        Ok(())
    }
}
