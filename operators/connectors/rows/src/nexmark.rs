//! The events of Nexmark as rows, in the columns of the reference's table.
//!
//! `event_type` (0 a person, 1 an auction, 2 a bid), then `person`, `auction` and `bid`, of which one is there and the
//! others are NULL, and `dateTime`. Names are those of the reference generator (github.com/nexmark/nexmark). Apart from
//! the other generators because of its structs.

use crate::generator::{RowGenerator, int};
use tidegate_core::time::Timestamp;
use tidegate_generator::{Auction, Bid, Event, NexmarkEvents, NexmarkGenerator, Person, Text};
use tidegate_rows::{DataType, Field, Row, Schema, Value};

/// Which fields a struct has.
fn structure(fields: &[(&str, DataType)]) -> DataType {
    let field = |(name, data_type): &(&str, DataType)| Field::required(*name, data_type.clone());
    DataType::Struct(fields.iter().map(field).collect())
}

/// The columns of an event: `event_type`, `person`, `auction`, `bid`, `dateTime`.
#[must_use]
pub fn nexmark_schema() -> Schema {
    use DataType::{Int64, String, Timestamp};
    let person = structure(&[
        ("id", Int64),
        ("name", String),
        ("emailAddress", String),
        ("creditCard", String),
        ("city", String),
        ("state", String),
        ("dateTime", Timestamp),
        ("extra", String),
    ]);
    let auction = structure(&[
        ("id", Int64),
        ("itemName", String),
        ("description", String),
        ("initialBid", Int64),
        ("reserve", Int64),
        ("dateTime", Timestamp),
        ("expires", Timestamp),
        ("seller", Int64),
        ("category", Int64),
        ("extra", String),
    ]);
    let bid = structure(&[
        ("auction", Int64),
        ("bidder", Int64),
        ("price", Int64),
        ("channel", String),
        ("url", String),
        ("dateTime", Timestamp),
        ("extra", String),
    ]);
    Schema::new([
        Field::required("event_type", Int64),
        Field::nullable("person", person),
        Field::nullable("auction", auction),
        Field::nullable("bid", bid),
        Field::required("dateTime", Timestamp),
    ])
    .expect("the names of five columns differ")
}

fn text(text: &Text) -> Value {
    Value::string(text.as_str())
}

const fn time(at: Timestamp) -> Value {
    Value::Timestamp(at.millis())
}

fn person(of: &Person) -> Value {
    Value::structure([
        int(of.id),
        text(&of.name),
        text(&of.email_address),
        text(&of.credit_card),
        text(&of.city),
        text(&of.state),
        time(of.date_time),
        text(&of.extra),
    ])
}

fn auction(of: &Auction) -> Value {
    Value::structure([
        int(of.id),
        text(&of.item_name),
        text(&of.description),
        int(of.initial_bid),
        int(of.reserve),
        time(of.date_time),
        time(of.expires),
        int(of.seller),
        int(of.category),
        text(&of.extra),
    ])
}

#[inline]
fn bid(of: &Bid) -> Value {
    Value::structure([
        int(of.auction),
        int(of.bidder),
        int(of.price),
        text(&of.channel),
        text(&of.url),
        time(of.date_time),
        text(&of.extra),
    ])
}

/// An event as a row of [`nexmark_schema`].
#[must_use]
pub fn nexmark_row(event: &Event) -> Row {
    let at = time(event.date_time());
    let kind = Value::Int64;
    Row::new(match event {
        Event::Person(of) => [kind(0), person(of), Value::Null, Value::Null, at],
        Event::Auction(of) => [kind(1), Value::Null, auction(of), Value::Null, at],
        Event::Bid(of) => [kind(2), Value::Null, Value::Null, bid(of), at],
    })
}

/// Events as rows of [`nexmark_schema`].
#[must_use]
pub const fn nexmark_rows(
    generator: NexmarkGenerator,
) -> RowGenerator<NexmarkGenerator, NexmarkEvents> {
    RowGenerator::new(generator, |event: Event, _| nexmark_row(&event))
}
