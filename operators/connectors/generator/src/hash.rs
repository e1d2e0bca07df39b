//! Chance without a generator's state: hashes of a counter, and integer arithmetic that shapes them.
//!
//! Apart because determinism hangs on it: no floating point and no library function that may round
//! differently elsewhere, so the same seed gives the same records on every machine.

/// The odd constant of splitmix64: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The `counter`th number of the splitmix64 sequence that starts at `seed` (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", 2014).
#[inline]
pub(crate) const fn splitmix64(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Maps a hash onto `0..n` by multiplication: what `hash % n` does, without a division.
#[inline]
pub(crate) const fn below(hash: u64, n: u64) -> u64 {
    ((hash as u128 * n as u128) >> 64) as u64
}

/// Squares a fraction of 32 bits: pulls it towards zero.
#[inline]
pub(crate) const fn squared(fraction: u32) -> u32 {
    ((fraction as u64 * fraction as u64) >> 32) as u32
}

/// A popularity of `1..=n` that falls off as 1/rank: Zipf's law in steps.
///
/// Drawing 2^x for a uniform x in `[0, log2(n+1))` gives each rank a chance of nearly 1/rank. Here
/// the power is interpolated linearly between whole octaves: an octave is drawn with equal chances
/// (the last one may be a part), and a rank within it uniformly. One multiplication, no table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zipf {
    /// The octaves that `1..=n` covers, as a fixed-point number with 32 fractional bits.
    octaves: u64,
}

impl Zipf {
    /// Over the ranks `1..=n`, for `n` in `1..=u32::MAX`.
    pub(crate) const fn new(n: u64) -> Self {
        let whole = n.ilog2() as u64;
        let part = ((n + 1 - (1 << whole)) << 32) >> whole;
        Self { octaves: (whole << 32) + part }
    }

    /// The rank that `hash` draws.
    #[inline]
    pub(crate) const fn rank(self, hash: u64) -> u64 {
        let x = below(hash, self.octaves);
        let octave = x >> 32;
        (1 << octave) + (((x & 0xffff_ffff) << octave) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_the_published_sequence() {
        let first = [0, 1, 2].map(|counter| splitmix64(1_234_567, counter));
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, published);
    }

    #[test]
    fn every_rank_lies_in_the_population_and_both_ends_are_reached() {
        for n in [1, 2, 3, 7, 8, 9, 1_000, 100_000, u64::from(u32::MAX)] {
            let zipf = Zipf::new(n);
            assert_eq!(zipf.rank(0), 1, "n = {n}");
            let last = zipf.rank(u64::MAX);
            assert!(last <= n && last >= n - n / 1_000, "n = {n}: the last rank is {last}");
        }
    }

    #[test]
    fn a_rank_is_drawn_about_as_often_as_one_over_it() {
        let zipf = Zipf::new(1 << 16);
        let mut counts = vec![0_u32; (1 << 16) + 1];
        for counter in 0..1_000_000 {
            counts[zipf.rank(splitmix64(7, counter)) as usize] += 1;
        }
        let octave = |o: u32| counts[1 << o..2 << o].iter().sum::<u32>();
        for o in 0..16 {
            assert!((60_500..64_500).contains(&octave(o)), "octave {o}: {}", octave(o));
        }
    }
}
