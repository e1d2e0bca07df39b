//! What q15 and q16 tell of the bids of a day: how many there were in all and in each of three bands of
//! prices, and how many different bidders and auctions.

use super::price_stats::{BANDS, band};
use crate::csv::Csv;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use tidegate::core::element::Data;
use tidegate::operators::aggregate::{Distinct, DistinctIds};
use tidegate::prelude::*;
use tidegate_generator::Bid;

/// A bid, as far as the statistics need it. Ids are below 2^32.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) auction: u32,
    pub(super) bidder: u32,
    pub(super) price: u64,
    pub(super) at: Timestamp,
}

impl Seen {
    /// Ids beyond 32 bits are refused where events are read.
    pub(super) fn of(bid: &Bid) -> Self {
        let (auction, bidder) = (bid.auction as u32, bid.bidder as u32);
        Self { auction, bidder, price: bid.price, at: bid.date_time }
    }
}

/// Bids and different bidders and auctions, each in all and per band.
#[derive(Clone, Copy, Debug)]
pub(super) struct BidStats {
    pub(super) bids: [u64; 1 + BANDS],
    pub(super) bidders: [u64; 1 + BANDS],
    pub(super) auctions: [u64; 1 + BANDS],
    /// The last bid.
    pub(super) last: Timestamp,
}

impl BidStats {
    /// Appends the twelve numbers.
    pub(super) fn write<'a>(&self, row: Csv<'a>) -> Csv<'a> {
        let numbers = self.bids.iter().chain(&self.bidders).chain(&self.auctions);
        numbers.fold(row, |row, number| row.number(*number))
    }
}

/// Their columns.
macro_rules! bid_stats_columns {
    () => {
        "total_bids:BIGINT_NOT_NULL,rank1_bids:BIGINT_NOT_NULL,rank2_bids:BIGINT_NOT_NULL,\
         rank3_bids:BIGINT_NOT_NULL,total_bidders:BIGINT_NOT_NULL,rank1_bidders:BIGINT_NOT_NULL,\
         rank2_bidders:BIGINT_NOT_NULL,rank3_bidders:BIGINT_NOT_NULL,\
         total_auctions:BIGINT_NOT_NULL,rank1_auctions:BIGINT_NOT_NULL,\
         rank2_auctions:BIGINT_NOT_NULL,rank3_auctions:BIGINT_NOT_NULL"
    };
}
pub(super) use bid_stats_columns;

/// Ids are counted apart for each band; those of all bands together are the union.
type Ids = Distinct<u32, fn(&u32) -> u32>;

const fn ids() -> Ids {
    Distinct::of(|id: &u32| *id)
}

/// Computes [`BidStats`] of bids behind a key.
pub(super) struct CountBids<K>(PhantomData<fn(K)>);

impl<K> CountBids<K> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K> Clone for CountBids<K> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// What they are computed from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Bands {
    bids: [u64; BANDS],
    bidders: [DistinctIds; BANDS],
    auctions: [DistinctIds; BANDS],
    last: Timestamp,
}

/// The number of ids in all bands together, and in each.
fn count(bands: &[DistinctIds; BANDS]) -> [u64; 1 + BANDS] {
    let mut all = ids().create();
    bands.iter().for_each(|band| ids().merge(&mut all, band));
    let [one, two, three] = bands;
    [&all, one, two, three].map(|band| ids().result(band))
}

impl<K: Data> Aggregate for CountBids<K> {
    type In = (K, Seen);
    type Accumulator = Bands;
    type Out = BidStats;

    fn create(&self) -> Bands {
        let none = || std::array::from_fn(|_| ids().create());
        Bands { bids: [0; BANDS], bidders: none(), auctions: none(), last: Timestamp::MIN }
    }

    #[inline]
    fn add(&self, bands: &mut Bands, (_, bid): &(K, Seen)) {
        let band = band(bid.price);
        bands.bids[band] += 1;
        ids().add(&mut bands.bidders[band], &bid.bidder);
        ids().add(&mut bands.auctions[band], &bid.auction);
        bands.last = bands.last.max(bid.at);
    }

    fn merge(&self, bands: &mut Bands, other: &Bands) {
        for band in 0..BANDS {
            bands.bids[band] += other.bids[band];
            ids().merge(&mut bands.bidders[band], &other.bidders[band]);
            ids().merge(&mut bands.auctions[band], &other.auctions[band]);
        }
        bands.last = bands.last.max(other.last);
    }

    fn result(&self, bands: &Bands) -> BidStats {
        let [one, two, three] = bands.bids;
        BidStats {
            bids: [one + two + three, one, two, three],
            bidders: count(&bands.bidders),
            auctions: count(&bands.auctions),
            last: bands.last,
        }
    }
}
