//! Prices: from a dollar to a million, each order of magnitude as likely as the next.
//!
//! The reference computes `round(10^(6u) * 100)` for a uniform `u`, which costs more than the rest of an
//! event. The same distribution comes from `2^x` for a uniform `x`: whole octaves are shifts, and between
//! the 64 steps of an octave a straight line is exact to a few millionths.

use crate::hash::below;

/// A million dollars.
const HIGHEST: u64 = 100_000_000;
/// Steps of an octave.
const STEPS: usize = 64;
/// log2(10^6) with 32 fractional bits.
const OCTAVES: u64 = (19 << 32) + 4_001_056_539;

/// `2^(i / 64)` with 32 fractional bits.
const POWERS: [u64; STEPS + 1] = powers();

const fn powers() -> [u64; STEPS + 1] {
    // roots[k] is 2^(1 / 2^(k+1)) with 62 fractional bits.
    let mut roots = [0_u64; 6];
    let mut root: u128 = 2 << 62;
    let mut k = 0;
    while k < 6 {
        root = (root << 62).isqrt();
        roots[k] = root as u64;
        k += 1;
    }
    let mut powers = [0; STEPS + 1];
    let mut step = 0;
    while step < STEPS {
        let mut power: u128 = 1 << 62;
        let mut bit = 0;
        while bit < 6 {
            if step & (STEPS >> (bit + 1)) != 0 {
                power = (power * roots[bit] as u128) >> 62;
            }
            bit += 1;
        }
        powers[step] = (power >> 30) as u64;
        step += 1;
    }
    powers[STEPS] = 2 << 32;
    powers
}

/// The price in cents that `hash` draws, from 100 to 100,000,000.
#[inline]
pub(super) const fn price(hash: u64) -> u64 {
    let x = below(hash, OCTAVES);
    let (octave, fraction) = (x >> 32, x as u32);
    let step = (fraction >> 26) as usize;
    let rest = (fraction & ((1 << 26) - 1)) as u64;
    let slope = POWERS[step + 1] - POWERS[step];
    let power = POWERS[step] + ((slope * rest) >> 26);
    // 32 fractional bits; the largest product has 20 + 32 + 7 bits.
    let cents = (((power << octave) * 100) + (1 << 31)) >> 32;
    // The straight lines lie a little above the curve, also at its end.
    if cents < HIGHEST { cents } else { HIGHEST }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::splitmix64;

    #[test]
    fn prices_follow_the_formula_of_the_reference() {
        for n in 0..10_000_u64 {
            let u = n as f64 / 10_000.0;
            let exact = (10_f64.powf(6.0 * u) * 100.0).round();
            let ours = price((u * 2_f64.powi(64)) as u64) as f64;
            assert!((ours - exact).abs() <= 1.0 + exact * 3e-5, "{u}: {ours} for {exact}");
        }
        assert_eq!(price(0), 100);
        assert!((99_990_000..=100_000_000).contains(&price(u64::MAX)), "{}", price(u64::MAX));
    }

    #[test]
    fn each_order_of_magnitude_is_as_likely_as_the_next() {
        let mut counts = [0; 6];
        for n in 0..60_000 {
            counts[price(splitmix64(1, n)).ilog10() as usize - 2] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }
}
