//! Both engines come to the same rows, on one worker and on two.

use crate::input::Share;
use crate::query::Query;
use crate::rows::Rows;
use crate::{on_renoir, on_timely};
use clap::ValueEnum;

fn both(query: Query, workers: u64) -> [Rows; 2] {
    let share = Share::new(1_000_000, workers, 10_000, 10_000).unwrap();
    [on_timely::run(query, share).unwrap(), on_renoir::run(query, share).unwrap()]
}

#[test]
fn engines_come_to_the_same_rows_whatever_the_parallelism() {
    for query in Query::value_variants() {
        let [timely, renoir] = both(*query, 1);
        assert_eq!(timely, renoir, "{query:?}");
        assert_eq!(both(*query, 2), [timely, renoir], "{query:?}");
    }
}
