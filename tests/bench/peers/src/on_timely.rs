//! The queries in timely.
//!
//! A timestamp per batch of [`BATCH`] events of each worker: the event time at which the batch begins, so that the
//! frontier is a watermark. A worker makes events at most [`AHEAD`] batches ahead of what has come out.

use crate::input::Share;
use crate::query::{self, Query, spread};
use crate::rows::{Row, Rows};
use crate::sellers::{Sellers, Side};
use crate::windows::{
    Arrival, BidCount, Counts, Highest, HighestHere, Hottest, Millis, Newcomers, Slices, Stage,
};
use hashbrown::HashMap;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use tidegate_generator::{Bid, Event};
use timely::container::CapacityContainerBuilder;
use timely::container::buffer::BUFFER_SIZE_BYTES;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::generic::{Operator, OutputBuilderSession};
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Capability, Input, Probe};
use timely::dataflow::{InputHandle, ProbeHandle, StreamVec};
use timely::worker::Worker;

/// Events of a batch.
const BATCH: usize = 1024;
/// Batches that may be on their way.
const AHEAD: usize = 16;

/// Runs a query.
///
/// # Errors
/// When a worker does not start, or panics.
pub(crate) fn run(query: Query, share: Share) -> Result<Rows, String> {
    let config = timely::Config::process(share.workers as usize);
    let workers = timely::execute(config, move |worker| on_worker(query, share, worker))?;
    let mut rows = Rows::default();
    for worker in workers.join() {
        rows.merge(worker?);
    }
    Ok(rows)
}

fn on_worker(query: Query, share: Share, worker: &mut Worker) -> Rows {
    let events = share.events_of(worker.index() as u64);
    match query {
        Query::Q1 => drive(worker, share, events, in_euros),
        Query::Q2 => drive(worker, share, events, |events| events.flat_map(query::some_auctions)),
        Query::Q3 => drive(worker, share, events, |events| {
            let by_person = Exchange::new(|side: &Side| spread(side.person()));
            stage(events.flat_map(query::side), by_person, "Sellers", Sellers::default())
        }),
        Query::Q5 => drive(worker, share, events, |events| {
            let by_auction = Exchange::new(|count: &BidCount| spread(count.1));
            let by_window = Exchange::new(|count: &BidCount| spread(count.0));
            let slices = stage(events, Pipeline, "Slices", Slices::default());
            let counts = stage(slices, by_auction, "Counts", Counts::default());
            stage(counts, by_window, "Hottest", Hottest::default())
        }),
        Query::Q7 => drive(worker, share, events, |events| {
            let by_window = Exchange::new(|bid: &(Millis, Bid)| spread(bid.0));
            let here = stage(events, Pipeline, "HighestHere", HighestHere::default());
            stage(here, by_window, "Highest", Highest::default())
        }),
        Query::Q8 => drive(worker, share, events, |events| {
            let by_person = Exchange::new(|arrival: &Arrival| spread(arrival.id));
            stage(events.flat_map(query::arrival), by_person, "Newcomers", Newcomers::default())
        }),
        Query::Count => {
            let keys = share.keys_of(worker.index() as u64);
            drive(worker, share, keys, count)
        }
    }
}

/// q1 where the events lie, as `map_in_place` and `filter` would do in two steps: bids are large.
fn in_euros(events: StreamVec<'_, Millis, Event>) -> StreamVec<'_, Millis, Event> {
    events.unary(Pipeline, "InEuros", |_, _| {
        |input, output| {
            input.for_each_stamp(|capability, batches| {
                let mut session = output.session(&capability);
                for batch in batches {
                    batch.retain_mut(|event| match event {
                        Event::Bid(bid) => {
                            bid.price = query::in_euros(bid.price);
                            true
                        }
                        Event::Person(_) | Event::Auction(_) => false,
                    });
                    session.give_container(batch);
                }
            });
        }
    })
}

/// How often each key has come, told with every key.
fn count(keys: StreamVec<'_, Millis, u64>) -> StreamVec<'_, Millis, (u64, u64)> {
    let by_key = Exchange::new(|key: &u64| spread(*key));
    keys.unary(by_key, "Count", |_, _| {
        let mut counts: HashMap<u64, u64> = HashMap::new();
        move |input, output| {
            input.for_each_stamp(|capability, batches| {
                let mut session = output.session(&capability);
                for key in batches.flat_map(|batch| batch.drain(..)) {
                    let count = counts.entry(key).or_default();
                    *count += 1;
                    session.give((key, *count));
                }
            });
        }
    })
}

/// Drives a stage. What is held is the right to speak at the last moment of its first window.
fn stage<'scope, S: Stage>(
    items: StreamVec<'scope, Millis, S::In>,
    pact: impl ParallelizationContract<Millis, Vec<S::In>>,
    name: &str,
    mut stage: S,
) -> StreamVec<'scope, Millis, S::Out> {
    items.unary_frontier(pact, name, move |_, _| {
        let mut held: Option<Capability<Millis>> = None;
        let mut rows = Vec::new();
        move |(input, frontier), output| {
            let port = output.output_index();
            input.for_each_stamp(|capability, batches| {
                for item in batches.flat_map(|batch| batch.drain(..)) {
                    stage.take(item, &mut rows);
                }
                if !rows.is_empty() {
                    output.session(&capability).give_iterator(rows.drain(..));
                }
                if let Some(due) = stage.due()
                    && held.as_ref().is_none_or(|held| *held.time() >= due)
                {
                    held = capability.retain_least(port).map(|now| now.delayed(&(due - 1)));
                }
            });
            while let Some(capability) =
                held.take_if(|held| !frontier.less_than(&(*held.time() + 1)))
            {
                stage.end(&mut rows);
                output.session(&capability).give_iterator(rows.drain(..));
                held = stage.due().map(|due| capability.delayed(&(due - 1)));
            }
        }
    })
}

/// Draws a query, makes the events of this worker, and returns the rows that came out here.
///
/// A batch that is larger than timely's own buffers goes in as it is, without a copy; keys, of which a batch is
/// as large as one of them, were faster through the buffers.
fn drive<In: Clone + 'static, Out: Row + 'static>(
    worker: &mut Worker,
    share: Share,
    mut items: impl Iterator<Item = In>,
    draw: impl for<'scope> FnOnce(StreamVec<'scope, Millis, In>) -> StreamVec<'scope, Millis, Out>,
) -> Rows {
    let mut input = InputHandle::new();
    let probe = ProbeHandle::new();
    let rows = Rc::new(Cell::new(Rows::default()));
    worker.dataflow(|scope| {
        let rows = Rc::clone(&rows);
        tally(draw(scope.input_from(&mut input)), rows).probe_with(&probe);
    });
    input.advance_to(share.time_of(0));
    let mut begun = VecDeque::with_capacity(AHEAD);
    let mut next = 0;
    let mut batch = Vec::with_capacity(BATCH);
    while next < share.events {
        if size_of::<In>() * BATCH > BUFFER_SIZE_BYTES {
            items.by_ref().take(BATCH).for_each(|item| batch.push(item));
            input.send_batch(&mut batch);
            batch.clear();
            batch.reserve(BATCH);
        } else {
            items.by_ref().take(BATCH).for_each(|item| input.send(item));
        }
        next += BATCH as u64 * share.workers;
        input.advance_to(share.time_of(next));
        worker.step();
        begun.push_back(share.time_of(next));
        if begun.len() == AHEAD
            && let Some(oldest) = begun.pop_front()
        {
            worker.step_or_park_while(None, || probe.less_than(&oldest));
        }
    }
    input.close();
    worker.step_or_park_while(None, || !probe.done());
    rows.get()
}

/// Counts rows and drops them.
fn tally<Out: Row + 'static>(
    rows: StreamVec<'_, Millis, Out>,
    tally: Rc<Cell<Rows>>,
) -> StreamVec<'_, Millis, ()> {
    type Nothing = CapacityContainerBuilder<Vec<()>>;
    rows.unary(Pipeline, "Tally", move |_, _| {
        move |input, _: &mut OutputBuilderSession<'_, Millis, Nothing>| {
            input.for_each(|_, batch| {
                let mut sum = tally.get();
                batch.drain(..).for_each(|row| sum.add(&row));
                tally.set(sum);
            });
        }
    })
}
