//! `Addend`: numbers that can be summed, and the total they are summed into.
//!
//! Integers have a total so wide that no stream leaves it: it is exact, so that what came in can be
//! taken out again, and only the result stops at the end of the number's range. Floating-point numbers
//! are their own total: their sum depends on the order in the last digits.

use serde::{Deserialize, Serialize};
use tidegate_core::state::Value;

/// What can be summed.
pub trait Addend: Value + Sync + Copy {
    /// What it is summed into.
    type Total: Value + Sync + Copy + Default;

    /// Whether totals are exact, so that `take` undoes `put`.
    const EXACT: bool;

    /// Puts `self` into `total`.
    fn put(self, total: &mut Self::Total);
    /// Puts all of `part` into `total`.
    fn join(total: &mut Self::Total, part: &Self::Total);
    /// Takes all of `part` out of `total` again.
    fn take(total: &mut Self::Total, part: &Self::Total);
    /// The total as a number of this type; integers saturate.
    fn of(total: &Self::Total) -> Self;
    /// The total as a floating-point number.
    fn approximate(total: &Self::Total) -> f64;
}

macro_rules! narrow_addends {
    ($($number:ty)*) => {$(
        impl Addend for $number {
            type Total = i128;

            const EXACT: bool = true;

            #[inline]
            fn put(self, total: &mut i128) {
                *total += i128::from(self);
            }

            #[inline]
            fn join(total: &mut i128, part: &i128) {
                *total += part;
            }

            #[inline]
            fn take(total: &mut i128, part: &i128) {
                *total -= part;
            }

            fn of(total: &i128) -> Self {
                (*total).clamp(Self::MIN.into(), Self::MAX.into()) as Self
            }

            fn approximate(total: &i128) -> f64 {
                *total as f64
            }
        }
    )*};
}
narrow_addends!(i32 i64 u32 u64);

macro_rules! wide_addends {
    ($($number:ty: $high:expr;)*) => {$(
        impl Addend for $number {
            type Total = Wide;

            const EXACT: bool = true;

            fn put(self, total: &mut Wide) {
                let high: fn(Self) -> i64 = $high;
                total.join(Wide { high: high(self), low: self as u128 });
            }

            fn join(total: &mut Wide, part: &Wide) {
                total.join(*part);
            }

            fn take(total: &mut Wide, part: &Wide) {
                total.take(*part);
            }

            fn of(total: &Wide) -> Self {
                let high: fn(Self) -> i64 = $high;
                let number = total.low as Self;
                if high(number) == total.high {
                    number
                } else if total.high < 0 {
                    Self::MIN
                } else {
                    Self::MAX
                }
            }

            fn approximate(total: &Wide) -> f64 {
                let near = total.low as i128;
                if i64::from(near >> 127 != 0) == -total.high {
                    return near as f64;
                }
                total.high as f64 * 2f64.powi(128) + total.low as f64
            }
        }
    )*};
}
wide_addends! {
    i128: |number| if number < 0 { -1 } else { 0 };
    u128: |_| 0;
}

/// A signed integer of 192 bits, `high * 2^128 + low`: the total of integers of 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wide {
    high: i64,
    low: u128,
}

impl Wide {
    fn join(&mut self, other: Self) {
        let (low, carry) = self.low.overflowing_add(other.low);
        *self = Self { high: self.high + other.high + i64::from(carry), low };
    }

    fn take(&mut self, other: Self) {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        *self = Self { high: self.high - other.high - i64::from(borrow), low };
    }
}

macro_rules! float_addends {
    ($($number:ty)*) => {$(
        impl Addend for $number {
            type Total = Self;

            const EXACT: bool = false;

            #[inline]
            fn put(self, total: &mut Self) {
                *total += self;
            }

            #[inline]
            fn join(total: &mut Self, part: &Self) {
                *total += part;
            }

            fn take(total: &mut Self, part: &Self) {
                *total -= part;
            }

            fn of(total: &Self) -> Self {
                *total
            }

            fn approximate(total: &Self) -> f64 {
                f64::from(*total)
            }
        }
    )*};
}
float_addends!(f32 f64);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<N: Addend + PartialEq + std::fmt::Debug>(numbers: &[N], sum: N) {
        let mut total = N::Total::default();
        numbers.iter().for_each(|number| number.put(&mut total));
        assert_eq!(N::of(&total), sum, "{numbers:?}");
        let last = &numbers[numbers.len() - 1..];
        let mut part = N::Total::default();
        last[0].put(&mut part);
        N::take(&mut total, &part);
        let mut rest = N::Total::default();
        numbers[..numbers.len() - 1].iter().for_each(|number| number.put(&mut rest));
        assert_eq!(N::of(&total), N::of(&rest), "{numbers:?} without the last");
    }

    #[test]
    fn a_total_is_exact_and_its_number_stops_at_the_ends_of_the_range() {
        check(&[i64::MAX, 1, -2], i64::MAX - 1);
        check(&[i64::MIN, -1], i64::MIN);
        check(&[u32::MAX, 1], u32::MAX);
        check(&[i128::MAX, i128::MAX, i128::MIN, i128::MIN, -5], -7);
        check(&[i128::MIN, -1], i128::MIN);
        check(&[i128::MAX, 1], i128::MAX);
        check(&[u128::MAX, 1, 3], u128::MAX);
        check(&[0u128, 3], 3);
        assert_eq!(i128::approximate(&Wide { high: -1, low: u128::MAX - 1 }), -2.0);
    }
}
