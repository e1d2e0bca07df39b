//! `filter`: the records that a predicate accepts, unchanged.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::filter::Filter;
//!
//! let mut even = Filter::new(|n: &u64| n % 2 == 0);
//! let records = (0..5).map(|n| Record::new(n, Timestamp(7))).collect();
//! let mut ctx = Context::new(16);
//! even.process(&mut Batch::new(records, vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|record| record.value).eq([0, 2, 4]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::operator::{BoxError, Context, Operator};

/// Keeps the records for which a predicate holds.
pub struct Filter<T, F> {
    keep: F,
    of: PhantomData<fn(T)>,
}

impl<T, F> Filter<T, F> {
    /// Keeps the records for which `keep` holds.
    pub const fn new(keep: F) -> Self {
        Self { keep, of: PhantomData }
    }
}

impl<T: Data, F: Fn(&T) -> bool + Send + 'static> Operator for Filter<T, F> {
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        // In runs: what is left out is dropped where it lies, what is kept is moved together, nothing is asked for twice.
        let keep = |record: &&Record<T>| (self.keep)(&record.value);
        let mut known_out = 0;
        while !ctx.is_full() && input.open() > 0 {
            let unknown = input.upcoming()[known_out..].iter();
            let left_out = known_out + unknown.take_while(|record| !keep(record)).count();
            input.skip(left_out);
            let most = ctx.room().min(input.open());
            if most == 0 {
                break;
            }
            let kept = 1 + input.upcoming()[1..most].iter().take_while(keep).count();
            known_out = usize::from(kept < most);
            ctx.reserve(most);
            ctx.extend(input.take_up_to(kept));
        }
        Ok(())
    }
}
