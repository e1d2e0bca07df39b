//! An event as a line of JSON, as the reference generator writes it.
//!
//! Times stand there as text (`yyyy-MM-dd HH:mm:ss.SSS`, UTC) in each object, and in milliseconds beside it.

use serde::Deserialize;
use tidegate::prelude::Timestamp;
use tidegate_generator::{Auction, Bid, Event, Person, Text};

/// A line. Of the three objects the one that `event_type` names is there.
#[derive(Deserialize)]
struct Line {
    event_type: u8,
    ts: i64,
    expires_ms: Option<i64>,
    person: Option<PersonFields>,
    auction: Option<AuctionFields>,
    bid: Option<BidFields>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonFields {
    id: u64,
    name: Text,
    email_address: Text,
    credit_card: Text,
    city: Text,
    state: Text,
    extra: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuctionFields {
    id: u64,
    item_name: Text,
    description: Text,
    initial_bid: u64,
    reserve: u64,
    seller: u64,
    category: u64,
    extra: Text,
}

#[derive(Deserialize)]
struct BidFields {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: Text,
    url: Text,
    extra: Text,
}

/// Reads one event.
///
/// # Errors
/// What is wrong with the line.
pub(crate) fn event(line: &str) -> Result<Event, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if line.ids().any(|id| id > u64::from(u32::MAX)) {
        return Err("an id is beyond 32 bits; expected less than 4294967296".to_owned());
    }
    let date_time = Timestamp(line.ts);
    match line {
        Line { event_type: 0, person: Some(person), .. } => Ok(person.at(date_time)),
        Line { event_type: 1, auction: Some(auction), expires_ms: Some(expires), .. } => {
            Ok(auction.at(date_time, Timestamp(expires)))
        }
        Line { event_type: 2, bid: Some(bid), .. } => Ok(bid.at(date_time)),
        Line { event_type, .. } => Err(format!(
            "event_type {event_type} without its object; expected 0 with person, 1 with auction and \
             expires_ms, or 2 with bid"
        )),
    }
}

impl Line {
    /// All ids in it. Distinct counts keep them in 32 bits.
    fn ids(&self) -> impl Iterator<Item = u64> {
        let person = self.person.iter().map(|person| person.id);
        let auction = self.auction.iter().flat_map(|auction| [auction.id, auction.seller]);
        person.chain(auction).chain(self.bid.iter().flat_map(|bid| [bid.auction, bid.bidder]))
    }
}

impl PersonFields {
    fn at(self, date_time: Timestamp) -> Event {
        let Self { id, name, email_address, credit_card, city, state, extra } = self;
        Event::Person(Box::new(Person {
            id,
            name,
            email_address,
            credit_card,
            city,
            state,
            date_time,
            extra,
        }))
    }
}

impl AuctionFields {
    fn at(self, date_time: Timestamp, expires: Timestamp) -> Event {
        let Self { id, item_name, description, initial_bid, reserve, seller, category, extra } =
            self;
        Event::Auction(Box::new(Auction {
            id,
            item_name,
            description,
            initial_bid,
            reserve,
            date_time,
            expires,
            seller,
            category,
            extra,
        }))
    }
}

impl BidFields {
    fn at(self, date_time: Timestamp) -> Event {
        let Self { auction, bidder, price, channel, url, extra } = self;
        Event::Bid(Bid { auction, bidder, price, channel, url, date_time, extra })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_the_event_that_its_type_names() {
        let bid = r#"{"event_type":2,"ts":7,"bid":{"auction":1,"bidder":2,"price":3,
            "channel":"Google","url":"u","dateTime":"1970-01-01 00:00:00.007","extra":"a\\b"}}"#;
        let bid = event(bid).map(Event::bid);
        let Ok(Some(bid)) = bid else { panic!("{bid:?}") };
        assert_eq!((bid.auction, bid.bidder, bid.price, bid.date_time), (1, 2, 3, Timestamp(7)));
        assert_eq!((bid.channel.as_str(), bid.extra.as_str()), ("Google", "a\\b"));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let said = |line: &str| event(line).expect_err("it is wrong");
        let lacks = said(r#"{"event_type":1,"ts":7}"#);
        assert!(lacks.starts_with("event_type 1 without its object"), "{lacks}");
        let large = said(
            r#"{"event_type":2,"ts":7,"bid":{"auction":4294967296,"bidder":2,"price":3,
            "channel":"Google","url":"u","extra":""}}"#,
        );
        assert!(large.starts_with("an id is beyond 32 bits"), "{large}");
        assert!(said("{").contains("EOF"));
        assert!(said(r#"{"event_type":0,"ts":7,"person":{}}"#).contains("missing field `id`"));
    }
}
