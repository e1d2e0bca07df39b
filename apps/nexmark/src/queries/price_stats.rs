//! The prices of bids in numbers: how many in each of three bands, the least, the greatest, the sum.

use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use tidegate::core::element::Data;
use tidegate::prelude::*;

/// Bands there are.
pub(super) const BANDS: usize = 3;

/// The band of a price: below a hundred dollars, below ten thousand, above.
#[inline]
pub(super) const fn band(price: u64) -> usize {
    match price {
        ..10_000 => 0,
        10_000..1_000_000 => 1,
        _ => 2,
    }
}

/// Folds prices behind a key.
pub(super) struct PriceStats<K>(PhantomData<fn(K)>);

impl<K> PriceStats<K> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K> Clone for PriceStats<K> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// At least one price in numbers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Prices {
    pub(super) bids: [u64; BANDS],
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) sum: u64,
}

impl Prices {
    /// How many.
    pub(super) const fn count(&self) -> u64 {
        let [low, middle, high] = self.bids;
        low + middle + high
    }
}

impl<K: Data> Aggregate for PriceStats<K> {
    type In = (K, u64);
    type Accumulator = Prices;
    type Out = Prices;

    fn create(&self) -> Prices {
        Prices { bids: [0; BANDS], min: u64::MAX, max: 0, sum: 0 }
    }

    #[inline]
    fn add(&self, prices: &mut Prices, (_, price): &(K, u64)) {
        prices.bids[band(*price)] += 1;
        prices.min = prices.min.min(*price);
        prices.max = prices.max.max(*price);
        prices.sum += price;
    }

    fn merge(&self, prices: &mut Prices, other: &Prices) {
        for (bids, others) in prices.bids.iter_mut().zip(other.bids) {
            *bids += others;
        }
        prices.min = prices.min.min(other.min);
        prices.max = prices.max.max(other.max);
        prices.sum += other.sum;
    }

    fn result(&self, prices: &Prices) -> Prices {
        *prices
    }
}
