//! q3: who sells in particular states. A join without a window: either side may come first.
//!
//! A person comes once, so a sale waits for its seller only and is not kept when they are paired.

use super::Query;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::{Event, Person, Text};

/// The states that are asked for.
const STATES: [&str; 3] = ["OR", "ID", "CA"];
/// The category that is asked for.
const CATEGORY: u64 = 10;

pub(super) const QUERY: Query = Query {
    name: "q3",
    about: "Who sells in Oregon, Idaho or California, in category 10",
    header: "name:VARCHAR(2147483647),city:VARCHAR(2147483647),state:VARCHAR(2147483647),id:BIGINT",
    aligned: false,
    draw,
};

/// A person, as far as the result needs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seller {
    id: u64,
    name: Text,
    city: Text,
    state: Text,
}

/// An auction: its seller and its number.
type Sale = (u64, u64);

fn draw(events: &Stream<Event>, out: &Output) {
    let people_and_auctions = events.filter(|event| !matches!(event, Event::Bid(_)));
    let (sales, sellers) = people_and_auctions.split("sales", |event| match event {
        Event::Auction(auction) if auction.category == CATEGORY => {
            Way::First((auction.seller, auction.id))
        }
        Event::Person(person) if STATES.contains(&person.state.as_str()) => {
            let Person { id, name, city, state, .. } = *person;
            Way::Second(Seller { id, name, city, state })
        }
        _ => Way::Neither,
    });
    let sales = sales.key_by(|&(seller, _): &Sale| seller);
    let joined = sales.connect(&sellers.key_by(|seller| seller.id));
    let joined = joined.many_to_one_join(Retain::Forever);
    out.rows(&joined.uid("join"), |((_, id), seller), row| {
        row.text(&seller.name).text(&seller.city).text(&seller.state).number(*id)
    });
}
