//! A bid as a row of a result.

use crate::csv::Csv;
use tidegate_generator::Bid;

/// Its columns.
macro_rules! bid_columns {
    () => {
        "auction:BIGINT,bidder:BIGINT,price:BIGINT,channel:VARCHAR(2147483647),\
         url:VARCHAR(2147483647),dateTime:TIMESTAMP(3),extra:VARCHAR(2147483647)"
    };
}
pub(super) use bid_columns;

/// Appends the fields of a bid.
pub(super) fn write_bid<'a>(bid: &Bid, row: Csv<'a>) -> Csv<'a> {
    let row = row.number(bid.auction).number(bid.bidder).number(bid.price).text(&bid.channel);
    row.text(&bid.url).time(bid.date_time).text(&bid.extra)
}
