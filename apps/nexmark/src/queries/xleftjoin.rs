//! xleftjoin: every auction with the name and state of its seller, as far as they are known. An outer join
//! without a window: a row told without a seller is taken back when the seller comes.

use super::Query;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

pub(super) const QUERY: Query = Query {
    name: "xleftjoin",
    about: "Every auction with the name and state of its seller, as far as they are known",
    header: "id:BIGINT,seller:BIGINT,name:VARCHAR(2147483647),state:VARCHAR(2147483647)",
    aligned: true,
    draw,
};

/// A person, as far as the result needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seller {
    id: u64,
    name: Text,
    state: Text,
}

fn draw(events: &Stream<Event>, out: &Output) {
    let (auctions, sellers) = events.split("auctions", |event| match event {
        Event::Auction(auction) => Way::First((auction.id, auction.seller)),
        Event::Person(person) => {
            Way::Second(Seller { id: person.id, name: person.name, state: person.state })
        }
        Event::Bid(_) => Way::Neither,
    });
    let auctions = auctions.into_changelog().uid("auction-rows");
    let sellers = sellers.into_changelog().uid("seller-rows");
    let auctions = auctions.key_by(|(_, seller): &(u64, u64)| *seller);
    let sellers = sellers.key_by(|seller| seller.id);
    let joined = auctions.unbounded_join(&sellers, JoinKind::Left, Retain::Forever).uid("join");
    out.changes(&joined, |joined, row| {
        let Some((id, seller)) = joined.left() else { return row };
        let known = joined.right();
        let row = row.number(*id).number(*seller);
        row.text_or_null(known.map(|known| known.name.as_str()))
            .text_or_null(known.map(|known| known.state.as_str()))
    });
}
