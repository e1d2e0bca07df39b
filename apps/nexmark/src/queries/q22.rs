//! q22: the folders of the page on which each bid was made. The fourth, fifth and sixth piece of its address.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

pub(super) const QUERY: Query = Query {
    name: "q22",
    about: "The folders of the page on which each bid was made",
    header: "auction:BIGINT,bidder:BIGINT,price:BIGINT,channel:VARCHAR(2147483647),\
             dir1:VARCHAR(2147483647),dir2:VARCHAR(2147483647),dir3:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

/// A row; the folders are parts of the address.
#[derive(Clone, Debug)]
struct Placed {
    auction: u64,
    bidder: u64,
    price: u64,
    channel: Text,
    url: Text,
    folders: [Option<(u32, u32)>; 3],
}

fn draw(events: &Stream<Event>, out: &Output) {
    let placed = events.filter_map(|event| {
        let Event::Bid(bid) = event else { return None };
        let folders = folders(&bid.url);
        let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
        Some(Placed { auction, bidder, price, channel: bid.channel, url: bid.url, folders })
    });
    out.rows(&placed.uid("placed"), |bid, row| {
        let row = row.number(bid.auction).number(bid.bidder).number(bid.price).text(&bid.channel);
        let folder = |&(start, end): &(u32, u32)| &bid.url[start as usize..end as usize];
        bid.folders.iter().fold(row, |row, part| row.text_or_null(part.as_ref().map(folder)))
    });
}

/// Where the pieces with the indices 3, 4 and 5 lie, as far as there are so many.
fn folders(url: &str) -> [Option<(u32, u32)>; 3] {
    let mut slashes = memchr::memchr_iter(b'/', url.as_bytes()).skip(2).map(|at| at as u32);
    let mut start = slashes.next().map(|slash| slash + 1);
    [(); 3].map(|()| {
        let from = start?;
        let next = slashes.next();
        start = next.map(|slash| slash + 1);
        Some((from, next.unwrap_or(url.len() as u32)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_the_pieces_between_the_slashes() {
        let pieces = |url: &'static str| {
            folders(url).map(|part| part.map(|(start, end)| &url[start as usize..end as usize]))
        };
        let all = pieces("https://www.nexmark.com/_wt/vdsn/qegt/item.htm?query=1");
        assert_eq!(all, [Some("_wt"), Some("vdsn"), Some("qegt")]);
        assert_eq!(pieces("https://host/a//"), [Some("a"), Some(""), Some("")]);
        assert_eq!(pieces("https://host/a"), [Some("a"), None, None]);
        assert_eq!(pieces("https://host"), [None, None, None]);
    }
}
