//! The queries in renoir.
//!
//! Batches of the size that its own Nexmark takes ([`BATCH`]); a watermark every [`WATERMARK`] events of a worker.

use crate::input::Share;
use crate::query::{self, Query};
use crate::rows::{Row, Rows};
use crate::sellers::{Sellers, Side};
use crate::windows::{
    Arrival, BidCount, Counts, Highest, HighestHere, Hottest, Newcomers, Slices, Stage,
};
use renoir::operator::{ElementGenerator, ExchangeData, Operator, StreamElement, Timestamp};
use renoir::{BatchMode, RuntimeConfig, Stream, StreamContext};
use tidegate_generator::{Bid, Event};

/// Items of a batch between workers.
const BATCH: usize = 16 << 10;
/// Events of a worker between watermarks.
const WATERMARK: u32 = 4096;

/// Runs a query.
///
/// # Errors
/// When it does not start, or gives nothing.
pub(crate) fn run(query: Query, share: Share) -> Result<Rows, String> {
    let config = RuntimeConfig::local(share.workers).map_err(|error| error.to_string())?;
    let env = StreamContext::new(config);
    match query {
        Query::Q1 => tally(env, |env| {
            let bids = events(env, share).filter_map(Event::bid);
            bids.map(|bid| Bid { price: query::in_euros(bid.price), ..bid })
        }),
        Query::Q2 => tally(env, |env| events(env, share).filter_map(query::some_auctions)),
        Query::Q3 => tally(env, |env| {
            let sides = events(env, share).filter_map(query::side);
            let mut sellers = Staged::new(Sellers::default());
            let sides = sides.group_by(Side::person).drop_key();
            sides.rich_map_custom(move |items| sellers.next(items))
        }),
        Query::Q5 => tally(env, |env| {
            let mut slices = Staged::new(Slices::default());
            let mut counts = Staged::new(Counts::default());
            let mut hottest = Staged::new(Hottest::default());
            timed(env, share)
                .rich_map_custom(move |items| slices.next(items))
                .group_by(|count: &BidCount| count.1)
                .drop_key()
                .rich_map_custom(move |items| counts.next(items))
                .group_by(|count| count.0)
                .drop_key()
                .rich_map_custom(move |items| hottest.next(items))
        }),
        Query::Q7 => tally(env, |env| {
            let mut here = Staged::new(HighestHere::default());
            let mut highest = Staged::new(Highest::default());
            timed(env, share)
                .rich_map_custom(move |items| here.next(items))
                .group_by(|(window, _)| *window)
                .drop_key()
                .rich_map_custom(move |items| highest.next(items))
        }),
        Query::Q8 => tally(env, |env| {
            let arrivals = timed(env, share).filter_map(query::arrival);
            let mut newcomers = Staged::new(Newcomers::default());
            let arrivals = arrivals.group_by(|arrival: &Arrival| arrival.id).drop_key();
            arrivals.rich_map_custom(move |items| newcomers.next(items))
        }),
        Query::Count => tally(env, |env| count(env, share)),
    }
}

/// How often each key has come, told with every key. `rich_map` keeps a counter for each; one table for all keys,
/// in a closure behind `drop_key`, was slower.
fn count(env: &StreamContext, share: Share) -> Stream<impl Operator<Out = (u64, u64)> + use<>> {
    let keys = env.stream_par_iter(move |worker, _| share.keys_of(worker));
    let mut count = 0;
    let counts =
        keys.batch_mode(BatchMode::fixed(BATCH)).group_by(|key| *key).rich_map(move |_| {
            count += 1;
            count
        });
    counts.unkey()
}

fn events(env: &StreamContext, share: Share) -> Stream<impl Operator<Out = Event> + use<>> {
    let events = env.stream_par_iter(move |worker, _| share.events_of(worker));
    events.batch_mode(BatchMode::fixed(BATCH))
}

/// The events with their times.
fn timed(env: &StreamContext, share: Share) -> Stream<impl Operator<Out = Event> + use<>> {
    let mut since = 0;
    let watermark = move |_: &Event, at: &Timestamp| {
        since = (since + 1) % WATERMARK;
        (since == 0).then_some(*at)
    };
    events(env, share).add_timestamps(|event| event.date_time().millis(), watermark)
}

/// Draws a query, runs it, and returns the rows of all workers.
fn tally<Out: Row + Send + 'static, Op: Operator<Out = Out> + 'static>(
    env: StreamContext,
    draw: impl FnOnce(&StreamContext) -> Stream<Op>,
) -> Result<Rows, String> {
    let rows = draw(&env).fold_assoc(
        Rows::default(),
        |rows, row| rows.add(&row),
        |rows, other| rows.merge(other),
    );
    let rows = rows.collect_vec();
    env.execute_blocking();
    let rows = rows.get().and_then(|mut rows| rows.pop());
    rows.ok_or_else(|| "no rows were counted".to_owned())
}

/// A stage, and the rows and the control element that wait to go on.
#[derive(Clone)]
struct Staged<S: Stage> {
    stage: S,
    rows: Vec<S::Out>,
    then: Option<StreamElement<()>>,
}

impl<S: Stage<Out: ExchangeData>> Staged<S> {
    const fn new(stage: S) -> Self {
        Self { stage, rows: Vec::new(), then: None }
    }

    /// The next element that comes of what comes.
    fn next(
        &mut self,
        mut items: ElementGenerator<'_, impl Operator<Out = S::In>>,
    ) -> StreamElement<S::Out> {
        loop {
            if let Some(row) = self.rows.pop() {
                return StreamElement::Item(row);
            }
            match self.then.take() {
                Some(StreamElement::Watermark(at)) => return StreamElement::Watermark(at),
                Some(_) => return StreamElement::FlushAndRestart,
                None => {}
            }
            match items.next() {
                StreamElement::Item(item) | StreamElement::Timestamped(item, _) => {
                    self.stage.take(item, &mut self.rows);
                }
                StreamElement::Watermark(at) => {
                    self.complete(at.cast_unsigned());
                    self.then = Some(StreamElement::Watermark(at));
                }
                StreamElement::FlushAndRestart => {
                    self.complete(u64::MAX);
                    self.then = Some(StreamElement::FlushAndRestart);
                }
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
                StreamElement::Terminate => return StreamElement::Terminate,
            }
        }
    }

    /// All items before `at` have come.
    fn complete(&mut self, at: u64) {
        while self.stage.due().is_some_and(|due| due <= at) {
            self.stage.end(&mut self.rows);
        }
    }
}
