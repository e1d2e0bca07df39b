//! cep0 to cep3: patterns in the bids of a bidder on an auction, in the order of event time. What SQL writes as
//! `MATCH_RECOGNIZE`.

use super::Query;
use crate::csv::Csv;
use crate::output::{Output, Write};
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

/// A bid, as far as the patterns need it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Offer {
    auction: u64,
    bidder: u64,
    price: u64,
    at: Timestamp,
}

/// An auction and a bidder.
type Pair = (u64, u64);

/// Ends what `select` makes of the matches of a pattern in the bids of each pair.
fn draw<Row: Clone + Send + Sync + 'static>(
    events: &Stream<Event>,
    out: &Output,
    pattern: &Pattern<Offer>,
    select: fn(&Pair, &Matched<'_, Offer>) -> Row,
    write: Write<Row>,
) {
    let bids = events.filter_map(|event| {
        let bid = event.bid()?;
        let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
        Some(Offer { auction, bidder, price, at: bid.date_time })
    });
    let matches = bids.uid("bids").key_by(|bid| (bid.auction, bid.bidder)).pattern(pattern);
    out.rows(&matches.select(select).uid("matches"), write);
}

fn pair<'a>((auction, bidder): Pair, row: Csv<'a>) -> Csv<'a> {
    row.number(auction).number(bidder)
}

/// The time of the first and of the last event that a stage has taken.
fn span(matched: &Matched<'_, Offer>, stage: &str) -> (Timestamp, Timestamp) {
    let at = |bid: Option<&Offer>| bid.map_or(Timestamp::MIN, |bid| bid.at);
    (at(matched.first(stage)), at(matched.last(stage)))
}

/// Bids that fall and rise: two or more falls, and a rise above the price before the last of them, with which
/// matching goes on. That is what the query of the reference says by `rise.price > LAST(falls.price, 1)`.
pub(super) const CEP0: Query = Query {
    name: "cep0",
    about: "Prices that fall, bid by bid, and rise again",
    header: "auction:BIGINT,bidder:BIGINT,start_tstamp:TIMESTAMP(3),bottom_tstamp:TIMESTAMP(3),\
             end_tstamp:TIMESTAMP(3)",
    aligned: true,
    draw: |events, out| {
        let last =
            |so_far: &Matched<'_, Offer>| so_far.iter().next_back().map(|(_, bid)| bid.price);
        let pattern = Pattern::begin("start")
            .next("falls")
            .satisfies(move |bid: &Offer, so_far| last(so_far).is_some_and(|last| bid.price < last))
            .one_or_more()
            .consecutive()
            .next("rise")
            .satisfies(|bid, so_far| {
                let before = so_far.events("falls").rev().nth(1);
                before.is_some_and(|before| bid.price > before.price)
            })
            .after_match(AfterMatchSkip::to_last("rise"));
        let valley = |pair: &Pair, matched: &Matched<'_, Offer>| {
            let (start, _) = span(matched, "start");
            let (_, bottom) = span(matched, "falls");
            (*pair, start, bottom, span(matched, "rise").1)
        };
        draw(events, out, &pattern, valley, |(of, start, bottom, end), row| {
            pair(*of, row).time(*start).time(*bottom).time(*end)
        });
    },
};

/// A mean below which bids are low.
const LOW: u64 = 10_000;

/// Bids whose mean so far is low, then any bid.
fn low_bids(skip: AfterMatchSkip) -> Pattern<Offer> {
    Pattern::begin("low")
        .satisfies(|bid: &Offer, so_far| {
            let (count, sum) = so_far
                .events("low")
                .fold((1, bid.price), |(count, sum), bid| (count + 1, sum + bid.price));
            sum / count < LOW
        })
        .one_or_more()
        .greedy()
        .consecutive()
        .next("any")
        .after_match(skip)
}

const LOW_HEADER: &str = "auction:BIGINT,bidder:BIGINT,start_tstamp:TIMESTAMP(3),\
                          end_tstamp:TIMESTAMP(3),avg_price:BIGINT";

fn draw_low_bids(events: &Stream<Event>, out: &Output, skip: AfterMatchSkip) {
    let mean = |pair: &Pair, matched: &Matched<'_, Offer>| {
        let prices = || matched.events("low").map(|bid| bid.price);
        (*pair, span(matched, "low"), prices().sum::<u64>() / prices().count() as u64)
    };
    draw(events, out, &low_bids(skip), mean, |(of, (start, end), mean), row| {
        pair(*of, row).time(*start).time(*end).number(*mean)
    });
}

/// Low bids, none of them in two matches.
pub(super) const CEP1: Query = Query {
    name: "cep1",
    about: "Bids as long as their mean is low",
    header: LOW_HEADER,
    aligned: true,
    draw: |events, out| draw_low_bids(events, out, AfterMatchSkip::past_last_event()),
};

/// Low bids, from every bid on.
pub(super) const CEP2: Query = Query {
    name: "cep2",
    about: "Bids as long as their mean is low, from every bid on",
    header: LOW_HEADER,
    aligned: true,
    draw: |events, out| draw_low_bids(events, out, AfterMatchSkip::to_next()),
};

/// How far a price must fall to have dropped.
const DROP: u64 = 50;

/// A bid, others that are not far below it, then one that is, within five seconds.
pub(super) const CEP3: Query = Query {
    name: "cep3",
    about: "Prices that drop within five seconds",
    header: "auction:BIGINT,bidder:BIGINT,drop_time:TIMESTAMP(3),drop_diff:BIGINT",
    aligned: true,
    draw: |events, out| {
        let first = |so_far: &Matched<'_, Offer>| so_far.first("first").map_or(0, |bid| bid.price);
        let pattern = Pattern::begin("first")
            .next("others")
            .satisfies(move |bid: &Offer, so_far| bid.price + DROP > first(so_far))
            .one_or_more()
            .optional()
            .greedy()
            .consecutive()
            .next("drop")
            .satisfies(move |bid, so_far| bid.price + DROP < first(so_far))
            .within(5_000)
            .after_match(AfterMatchSkip::past_last_event());
        let drop = |pair: &Pair, matched: &Matched<'_, Offer>| {
            let price = |stage| matched.last(stage).map_or(0, |bid| bid.price);
            (*pair, span(matched, "drop").1, price("first") - price("drop"))
        };
        draw(events, out, &pattern, drop, |(of, at, fall), row| {
            pair(*of, row).time(*at).number(*fall)
        });
    },
};
