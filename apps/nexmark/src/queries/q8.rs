//! q8: who has come and opened an auction within the same ten seconds. Two streams, window by window.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

/// Ten seconds.
const WINDOW: Window = Window::tumbling(10_000);

pub(super) const QUERY: Query = Query {
    name: "q8",
    about: "Who has come and opened an auction within the same ten seconds",
    header: "id:BIGINT,name:VARCHAR(2147483647),starttime:TIMESTAMP(3)_NOT_NULL",
    aligned: true,
    draw,
};

/// Somebody new, and the window in which they opened an auction.
type Newcomer = (u64, Text, Timestamp);

fn draw(events: &Stream<Event>, out: &Output) {
    let people_and_auctions = events.filter(|event| !matches!(event, Event::Bid(_)));
    let (sellers, people) = people_and_auctions.split("sellers", |event| match event {
        Event::Auction(auction) => Way::First(auction.seller),
        Event::Person(person) => Way::Second((person.id, person.name)),
        Event::Bid(_) => Way::Neither,
    });
    let people = people.key_by(|(id, _): &(u64, Text)| *id);
    let newcomers = people.co_group(&sellers.key_by(|seller| *seller), WINDOW).apply(
        |window: &WindowContext<'_, u64>, people, sellers, out: &mut WindowOutput<'_, Newcomer>| {
            if !sellers.is_empty() {
                for (id, name) in people.iter() {
                    out.emit((*id, name.clone(), window.window.start));
                }
            }
        },
    );
    out.rows(&newcomers.uid("newcomers"), |(id, name, start), row| {
        row.number(*id).text(name).time(*start)
    });
}
