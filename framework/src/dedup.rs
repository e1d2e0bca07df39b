//! Deduplication of streams.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("visitors");
//! let clicks = job.source("clicks", FromVec::new(vec![(7u32, 'a')]), WatermarkStrategy::none());
//! let by_user = clicks.key_by(|click| click.0);
//! // The first click of each user that is seen in a day.
//! by_user.first_row(Retain::for_hours(24)).sink("arrived", Collect::new());
//! // The first one by event time, in whatever order they arrive.
//! by_user.first_row_by_time(Retain::Forever).sink("first", Collect::new());
//! // In one bit for each user, and in about 14 bits for each of up to a hundred million.
//! clicks.first_row_by_bitmap(|click| click.0.into()).sink("by-bitmap", Collect::new());
//! clicks.first_row_by_bloom(|click| click.0, BloomFirst::sized(1_000_000, 0.001));
//! // The last click of each user, as it changes.
//! by_user.last_row(Retain::Forever).sink("last", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::changelog::ChangelogStream;
use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_operators::Retain;
use tidegate_operators::dedup::{BitmapFirst, BloomFirst, FirstRow, FirstRowByTime, LastRow};

impl<T, K, F> KeyedStream<T, F>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// Of each key the row that arrives first, and again when its key has not been remembered that long.
    pub fn first_row(&self, retain: Retain) -> Stream<T> {
        self.process(move || FirstRow::new(retain))
    }

    /// Of each key the row with the earliest event time, when the watermark has reached it. Late records
    /// are dropped; for a side output build the operator with [`KeyedStream::process`].
    pub fn first_row_by_time(&self, retain: Retain) -> Stream<T>
    where
        T: Value,
    {
        self.process(move || FirstRowByTime::new(retain))
    }

    /// Of each key the row that arrived last, as it changes.
    pub fn last_row(&self, retain: Retain) -> ChangelogStream<T>
    where
        T: Value + PartialEq,
    {
        ChangelogStream::from_changes(self.process(move || LastRow::new(retain)))
    }
}

impl<T: Data> Stream<T> {
    /// Of each id the row that arrives first, exactly, by a bit for each id; ids lie close together.
    pub fn first_row_by_bitmap(
        &self,
        id: impl Fn(&T) -> u64 + Clone + Send + Sync + 'static,
    ) -> Stream<T> {
        let of = id.clone();
        let pages = self.key_by(move |row: &T| BitmapFirst::page_of(of(row)));
        pages.operator("first-row-by-bitmap", move || BitmapFirst::by(id.clone()))
    }

    /// Of each key the row that arrives first, by a Bloom filter: a small share of new keys is taken for
    /// known, and their rows are dropped.
    pub fn first_row_by_bloom<K: Key>(
        &self,
        key: impl Fn(&T) -> K + Clone + Send + Sync + 'static,
        size: BloomFirst,
    ) -> Stream<T> {
        let of = key.clone();
        let pages = self.key_by(move |row: &T| size.page_of(&of(row)));
        pages.operator("first-row-by-bloom", move || size.into_operator(key.clone()))
    }
}
