//! q5: the auctions with the most bids of the last ten seconds, told anew every two. Sliding windows, and
//! over their counts the greatest of each window.
//!
//! A bid is counted once, in its slice of two seconds. The greatest count is found where the counts are made
//! before those few meet, so that no subtask has to see them all.

use super::Query;
use crate::output::{Output, Write};
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

/// Ten seconds that slide by two.
const WINDOW: Window = Window::sliding(10_000, 2_000);
/// The results of one such window are all that falls into one of these.
const RESULTS: Window = Window::tumbling(2_000);

pub(super) const QUERY: Query = Query {
    name: "q5",
    about: "The auctions with the most bids of the last ten seconds, every two",
    header: "auction:BIGINT,num:BIGINT_NOT_NULL",
    aligned: true,
    draw: |events, out| {
        draw(events, out, |count, row| row.number(count.key).number(count.value));
    },
};

/// The same with the windows.
pub(super) const WITH_WINDOWS: Query = Query {
    name: "xq5w",
    about: "q5, with the windows",
    header: "window_start:TIMESTAMP(3)_NOT_NULL,window_end:TIMESTAMP(3)_NOT_NULL,auction:BIGINT,\
             num:BIGINT_NOT_NULL",
    aligned: true,
    draw: |events, out| {
        draw(events, out, |count, row| {
            let row = row.time(count.window.start).time(count.window.end);
            row.number(count.key).number(count.value)
        });
    },
};

/// The bids on an auction in a window.
type BidCount = Windowed<u64, u64>;

fn draw(events: &Stream<Event>, out: &Output, write: Write<BidCount>) {
    let auctions = events.filter_map(|event| match event {
        Event::Bid(bid) => Some(bid.auction),
        _ => None,
    });
    let hottest = auctions
        .uid("bids")
        .key_by(|auction| *auction)
        .window(WINDOW)
        .aggregate(Count::new())
        .uid("count")
        .window_all(RESULTS)
        .aggregate(Hottest)
        .uid("hottest")
        .flat_map(|hottest| hottest.value);
    out.rows(&hottest.uid("ties"), write);
}

/// The auctions with the greatest count.
#[derive(Clone)]
struct Hottest;

/// Those of them that were seen, with the count that all of them have.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Hot {
    most: u64,
    counts: Vec<BidCount>,
}

impl Aggregate for Hottest {
    type In = BidCount;
    type Accumulator = Hot;
    type Out = Vec<BidCount>;

    fn create(&self) -> Hot {
        Hot::default()
    }

    #[inline]
    fn add(&self, hot: &mut Hot, count: &BidCount) {
        if count.value < hot.most {
            return;
        }
        if count.value > hot.most {
            hot.most = count.value;
            hot.counts.clear();
        }
        hot.counts.push(count.clone());
    }

    fn merge(&self, hot: &mut Hot, other: &Hot) {
        other.counts.iter().for_each(|count| self.add(hot, count));
    }

    fn result(&self, hot: &Hot) -> Vec<BidCount> {
        hot.counts.clone()
    }
}
