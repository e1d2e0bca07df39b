//! A formula whose records are turned into others, without a step of its own between the two.
//!
//! Apart from `counted` because only who wants the records in another form needs it.

use crate::counted::{Counted, Formula};
use tidegate_core::element::Data;
use tidegate_core::time::Timestamp;

/// The records of `F`, as `M` sees them.
#[derive(Clone, Copy, Debug)]
pub struct Mapped<F, M> {
    formula: F,
    map: M,
}

impl<T, F, M> Formula for Mapped<F, M>
where
    T: Data,
    F: Formula,
    M: Fn(F::Out, Timestamp) -> T + Send + 'static,
{
    type Out = T;

    #[inline]
    fn record(&self, n: u64) -> (T, Timestamp) {
        let (value, timestamp) = self.formula.record(n);
        ((self.map)(value, timestamp), timestamp)
    }

    #[inline]
    fn hand<R>(&self, n: u64, take: impl FnOnce(T, Timestamp) -> R) -> R {
        self.formula.hand(n, |value, timestamp| take((self.map)(value, timestamp), timestamp))
    }
}

impl<F: Formula> Counted<F> {
    /// The same reader with each record, of which it is told the event time, turned into another by a pure function.
    pub fn map<T: Data, M>(self, map: M) -> Counted<Mapped<F, M>>
    where
        M: Fn(F::Out, Timestamp) -> T + Send + 'static,
    {
        self.with_formula(|formula| Mapped { formula, map })
    }
}
