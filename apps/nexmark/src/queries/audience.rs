//! How many different people have bid, on how many auctions, and how often: what xuvhop and xcumulate ask of
//! their windows.

use serde::{Deserialize, Serialize};
use tidegate::operators::aggregate::{Distinct, DistinctIds};
use tidegate::prelude::*;

/// A bid: its bidder and its auction, which are below 2^32.
pub(super) type Visit = (u32, u32);

type Ids = Distinct<Visit, fn(&Visit) -> u32>;

const BIDDERS: Ids = Distinct::of(|(bidder, _)| *bidder);
const AUCTIONS: Ids = Distinct::of(|(_, auction)| *auction);

/// Counts an audience, exactly. What enters a sliding window is added, what leaves is taken away.
#[derive(Clone)]
pub(super) struct CountAudience;

/// What is kept of a slice or a window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visitors {
    bids: u64,
    bidders: DistinctIds,
    auctions: DistinctIds,
}

/// The result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audience {
    pub(super) bids: u64,
    pub(super) bidders: u64,
    pub(super) auctions: u64,
}

impl Aggregate for CountAudience {
    type In = Visit;
    type Accumulator = Visitors;
    type Out = Audience;

    const INVERTIBLE: bool = true;

    fn create(&self) -> Visitors {
        Visitors { bids: 0, bidders: BIDDERS.create(), auctions: AUCTIONS.create() }
    }

    #[inline]
    fn add(&self, visitors: &mut Visitors, visit: &Visit) {
        visitors.bids += 1;
        BIDDERS.add(&mut visitors.bidders, visit);
        AUCTIONS.add(&mut visitors.auctions, visit);
    }

    fn merge(&self, visitors: &mut Visitors, other: &Visitors) {
        visitors.bids += other.bids;
        BIDDERS.merge(&mut visitors.bidders, &other.bidders);
        AUCTIONS.merge(&mut visitors.auctions, &other.auctions);
    }

    fn result(&self, visitors: &Visitors) -> Audience {
        Audience {
            bids: visitors.bids,
            bidders: BIDDERS.result(&visitors.bidders),
            auctions: AUCTIONS.result(&visitors.auctions),
        }
    }

    fn running(&self) -> Visitors {
        Visitors { bids: 0, bidders: BIDDERS.running(), auctions: AUCTIONS.running() }
    }

    fn deduct(&self, visitors: &mut Visitors, part: &Visitors) {
        visitors.bids -= part.bids;
        BIDDERS.deduct(&mut visitors.bidders, &part.bidders);
        AUCTIONS.deduct(&mut visitors.auctions, &part.auctions);
    }
}
