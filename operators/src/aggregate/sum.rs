//! `Sum`: the sum of a field.
//!
//! Integers stop at the end of their range instead of wrapping round; sum into a wider type where
//! that can happen. The sum of floating-point numbers depends on their grouping in the last digits,
//! and so, between windows that share slices, on where the slices were cut.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// What can be summed.
pub trait Addend: Value + Sync + Copy {
    /// The sum of nothing.
    const ZERO: Self;

    /// `self + other`; integers saturate.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

macro_rules! addends {
    ($($number:ty: $zero:literal, $plus:expr;)*) => {$(
        impl Addend for $number {
            const ZERO: Self = $zero;

            #[inline]
            fn plus(self, other: Self) -> Self {
                $plus(self, other)
            }
        }
    )*};
}
addends! {
    i32: 0, i32::saturating_add;
    i64: 0, i64::saturating_add;
    i128: 0, i128::saturating_add;
    u32: 0, u32::saturating_add;
    u64: 0, u64::saturating_add;
    u128: 0, u128::saturating_add;
    f32: 0.0, std::ops::Add::add;
    f64: 0.0, std::ops::Add::add;
}

/// Sums a field.
#[derive(Debug)]
pub struct Sum<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, N, F: Fn(&T) -> N> Sum<T, F> {
    /// Sums `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Sum<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

impl<T: Data, N: Addend, F> Aggregate for Sum<T, F>
where
    F: Fn(&T) -> N + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = N;
    type Out = N;

    fn create(&self) -> N {
        N::ZERO
    }

    fn add(&self, sum: &mut N, value: &T) {
        *sum = sum.plus((self.field)(value));
    }

    fn merge(&self, sum: &mut N, other: &N) {
        *sum = sum.plus(*other);
    }

    fn result(&self, sum: &N) -> N {
        *sum
    }
}
