//! q21: the number of the channel through which each bid came: that of a known name, or what the address of
//! the page says. Text, without a regular expression.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

/// The channels that are known by name, and their numbers.
const KNOWN: [(&str, &str); 4] =
    [("apple", "0"), ("google", "1"), ("facebook", "2"), ("baidu", "3")];

pub(super) const QUERY: Query = Query {
    name: "q21",
    about: "The number of the channel through which each bid came",
    header: "auction:BIGINT,bidder:BIGINT,price:BIGINT,channel:VARCHAR(2147483647),\
             channel_id:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

/// Where the number of a channel stands.
#[derive(Clone, Copy, Debug)]
enum ChannelId {
    Known(&'static str),
    /// From here to there in the address.
    InUrl(usize, usize),
}

/// A row; the number is read off the address when it is written.
#[derive(Clone, Debug)]
struct Located {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: Text,
    url: Text,
    id: ChannelId,
}

fn draw(events: &Stream<Event>, out: &Output) {
    let located = events.filter_map(|event| {
        let Event::Bid(bid) = event else { return None };
        let id = channel_id(&bid.channel, &bid.url)?;
        let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
        Some(Located { auction, bidder, price, channel: bid.channel, url: bid.url, id })
    });
    out.rows(&located.uid("located"), |bid, row| {
        let row = row.number(bid.auction).number(bid.bidder).number(bid.price).text(&bid.channel);
        row.text(match bid.id {
            ChannelId::Known(id) => id,
            ChannelId::InUrl(start, end) => &bid.url[start..end],
        })
    });
}

/// The number of a channel; `None` when nothing says it.
fn channel_id(channel: &str, url: &str) -> Option<ChannelId> {
    /// What stands before it in an address, behind its beginning or an `&`.
    const PARAMETER: &str = "channel_id=";
    let known = KNOWN.iter().find(|(name, _)| channel.eq_ignore_ascii_case(name));
    if let Some((_, id)) = known {
        return Some(ChannelId::Known(id));
    }
    let starts_parameter = |at: &usize| *at == 0 || url.as_bytes()[at - 1] == b'&';
    let at = url.match_indices(PARAMETER).map(|(at, _)| at).find(starts_parameter)?;
    let start = at + PARAMETER.len();
    let end = url[start..].find('&').map_or(url.len(), |length| start + length);
    Some(ChannelId::InUrl(start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_channel_is_that_of_its_name_or_of_the_address() {
        let id = |channel: &str, url: &'static str| match channel_id(channel, url)? {
            ChannelId::Known(id) => Some(id),
            ChannelId::InUrl(start, end) => Some(&url[start..end]),
        };
        assert_eq!(id("GooGle", "item?channel_id=9"), Some("1"));
        assert_eq!(id("channel-1", "item?query=1&channel_id=77"), Some("77"));
        assert_eq!(id("channel-1", "item?query=1&channel_id=77&x=2"), Some("77"));
        assert_eq!(id("channel-1", "item?query=1&channel_id="), Some(""));
        assert_eq!(id("channel-1", "item?no_channel_id=77"), None);
        assert_eq!(id("apples", ""), None);
    }
}
