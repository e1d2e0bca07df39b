//! Totals of numbers: of int64 and decimal exact, whatever the order, so that what came in can be taken out again.
//!
//! Apart because decimals cannot be added up in their own type, which rounds when it is full. Their digits are summed as
//! integers, for each number of digits behind the point on its own; nearly always there is only one such number.

use crate::expression::float_of;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub(crate) const TOO_LARGE: &str = "the total is too large to be kept";

/// A number of 128 bits, in halves so that it can stand at any address that is good for 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "i128", into = "i128")]
pub(crate) struct Wide {
    high: i64,
    low: u64,
}

impl Wide {
    #[inline]
    pub(crate) const fn get(self) -> i128 {
        (self.high as i128) << 64 | self.low as i128
    }

    /// Adds a number.
    ///
    /// # Errors
    /// When the total is too large to be kept.
    #[inline]
    pub(crate) fn put(&mut self, number: i128) -> Result<(), String> {
        *self = self.get().checked_add(number).ok_or(TOO_LARGE)?.into();
        Ok(())
    }

    /// Takes a number out that was added.
    ///
    /// # Errors
    /// When the total is too large to be kept.
    pub(crate) fn take(&mut self, number: i128) -> Result<(), String> {
        *self = self.get().checked_sub(number).ok_or(TOO_LARGE)?.into();
        Ok(())
    }
}

impl From<i128> for Wide {
    #[inline]
    fn from(number: i128) -> Self {
        Self { high: (number >> 64) as i64, low: number as u64 }
    }
}

impl From<Wide> for i128 {
    fn from(number: Wide) -> Self {
        number.get()
    }
}

/// The sum of decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DecimalTotal {
    /// By ascending scale: the sum of the digits of that scale.
    totals: Vec<(u32, i128)>,
}

impl DecimalTotal {
    fn put_digits(&mut self, scale: u32, digits: i128) -> Result<(), String> {
        match self.totals.binary_search_by_key(&scale, |total| total.0) {
            Ok(at) => {
                let total = &mut self.totals[at].1;
                *total = total.checked_add(digits).ok_or(TOO_LARGE)?;
            }
            Err(at) => self.totals.insert(at, (scale, digits)),
        }
        Ok(())
    }

    pub(crate) fn put(&mut self, number: Decimal) -> Result<(), String> {
        self.put_digits(number.scale(), number.mantissa())
    }

    pub(crate) fn join(&mut self, part: &Self) -> Result<(), String> {
        part.totals.iter().try_for_each(|(scale, digits)| self.put_digits(*scale, *digits))
    }

    pub(crate) fn take(&mut self, part: &Self) -> Result<(), String> {
        let negated = |digits: i128| digits.checked_neg().ok_or(TOO_LARGE);
        let mut all = part.totals.iter();
        all.try_for_each(|(scale, digits)| self.put_digits(*scale, negated(*digits)?))
    }

    /// The sum, rounded where it has more digits than a decimal; none when it is larger than one.
    pub(crate) fn sum(&self) -> Option<Decimal> {
        if let Some((digits, scale)) = self.exact() {
            return rounded(digits, scale);
        }
        let mut parts = self.totals.iter().map(|(scale, digits)| rounded(*digits, *scale));
        parts.try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part?))
    }

    /// All totals as one, at the scale of the finest that is not zero.
    fn exact(&self) -> Option<(i128, u32)> {
        let finest = self.totals.iter().rev().find(|total| total.1 != 0);
        let shown = self.totals.last().map_or(0, |total| total.0);
        let scale = finest.map_or(shown, |total| total.0);
        let mut sum = 0_i128;
        for (own, digits) in self.totals.iter().filter(|total| total.1 != 0) {
            let factor = 10_i128.checked_pow(scale - own)?;
            sum = sum.checked_add(digits.checked_mul(factor)?)?;
        }
        Some((sum, scale))
    }

    pub(crate) fn approximate(&self) -> f64 {
        match self.sum() {
            Some(sum) => float_of(sum),
            None => {
                let part =
                    |(scale, digits): &(u32, i128)| *digits as f64 / 10_f64.powi(*scale as i32);
                self.totals.iter().map(part).sum()
            }
        }
    }
}

/// A decimal of these digits, of which so many stand behind the point; fewer when there is no room for all.
fn rounded(digits: i128, scale: u32) -> Option<Decimal> {
    let (mut rest, mut scale, mut cut) = (digits, scale, 0_i128);
    let mut sticky = false;
    loop {
        // Half goes to the even digit, as decimals do it everywhere else.
        let up = cut.abs() > 5 || (cut.abs() == 5 && (sticky || rest % 2 != 0));
        let nearest = if up { rest + digits.signum() } else { rest };
        if let Ok(number) = Decimal::try_from_i128_with_scale(nearest, scale) {
            return Some(number);
        }
        scale = scale.checked_sub(1)?;
        sticky |= cut != 0;
        (rest, cut) = (rest / 10, rest % 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn total(numbers: &[&str]) -> DecimalTotal {
        let mut total = DecimalTotal::default();
        numbers.iter().for_each(|number| total.put(decimal(number)).expect("room"));
        total
    }

    #[test]
    fn sums_are_exact_and_rounded_only_where_there_is_no_room() {
        let max = "79228162514264337593543950335";
        let sum = |numbers: &[&str]| total(numbers).sum().map(|sum| sum.to_string());
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(sum(&["1.50", "2.5", "-1"]), is("3.00"));
        assert_eq!(sum(&[]), is("0"));
        assert_eq!(sum(&[max, "1", "-1"]), is(max));
        assert_eq!(sum(&[max, "1"]), None);
        assert_eq!(sum(&[max, "0.4"]), is(max));
        assert_eq!(
            sum(&["7.9228162514264337593543950335", "10"]),
            is("17.922816251426433759354395034")
        );
        assert_eq!(
            sum(&["1000000000000000000000000000", "0.0000000000000000000000000001"]),
            is("1000000000000000000000000000.0")
        );
    }

    #[test]
    fn wide_numbers_come_back_from_their_halves() {
        for number in [0, 1, -1, i128::from(u64::MAX), -(1 << 64), i128::MAX, i128::MIN] {
            assert_eq!(Wide::from(number).get(), number);
        }
        let mut most = Wide::from(i128::MAX);
        assert_eq!(most.put(1), Err(TOO_LARGE.to_owned()));
        assert_eq!(most.take(i128::MAX).and_then(|()| most.put(-7)), Ok(()));
        assert_eq!(most.get(), -7);
    }

    #[test]
    fn what_is_taken_out_was_never_there() {
        let mut all = total(&["1.5", "0.0000000000000000000000000001"]);
        all.join(&total(&["79228162514264337593543950335", "0.25"])).expect("room");
        all.take(&total(&["79228162514264337593543950335", "0.25"])).expect("room");
        assert_eq!(all.sum(), total(&["1.5", "0.0000000000000000000000000001"]).sum());
    }

    #[test]
    fn a_total_beyond_all_bounds_is_an_error() {
        let mut total = DecimalTotal { totals: vec![(0, i128::MAX)] };
        assert_eq!(total.put(Decimal::ONE), Err(TOO_LARGE.to_owned()));
        assert!(DecimalTotal { totals: vec![(0, i128::MAX)] }.approximate() > 1e38);
    }
}
