//! `async_wait`: asks something outside about each record, many at a time, and goes on with the answers.
//!
//! Results come out in the order of their records, or as they come in. Unordered ones overtake each other
//! but not event time: a watermark comes out when all records before it have, and no record from behind
//! it comes out sooner. At most `capacity` records are under way; further ones wait, which is seen as
//! backpressure. A record has its `timeout` from when it came in, retries included. One that has no answer
//! then, or none after the last retry, fails the job, unless a side output takes it.
//!
//! *Failure.* The records under way and the watermarks between them are in the snapshot, those of a keyed
//! stream under their key groups. After a restore their calls are made again: results are exactly once,
//! calls are not.
//!
//! ```
//! use std::task::Waker;
//! use tidegate_core::{element::{Batch, Record}, operator::{BoxError, Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::async_io::{AsyncFn, AsyncWait};
//!
//! let price = AsyncFn::new(|item: u64| async move { Ok(vec![(item, item * 100)]) });
//! let mut wait = AsyncWait::ordered(1_000).capacity(10).into_operator(price);
//! let mut ctx = Context::new(16);
//! wait.process(&mut Batch::new(vec![Record::new(7, Timestamp(1))], vec![]), &mut ctx)?;
//! wait.poll(Waker::noop(), &mut ctx)?;
//! assert_eq!(ctx.take(), [Record::new((7, 700), Timestamp(1))]);
//! # Ok::<(), BoxError>(())
//! ```

use super::function::{Answer, AsyncFunction, Call};
use super::kept::{KeptRecords, KeptTime, Stored};
use super::queue::{Emission, InFlight, Order, Queue};
use super::retry::Retry;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::task::{Poll, Waker};
use tidegate_core::element::{Batch, Record, Status};
use tidegate_core::gate::valve::TimeEvent;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::StateVisitor;
use tidegate_core::time::Timestamp;

/// Records under way in one subtask, unless said otherwise; as in Flink.
pub const DEFAULT_CAPACITY: usize = 100;

/// How to wait for answers.
#[derive(Clone, Debug)]
pub struct AsyncWait<In> {
    order: Order,
    timeout_ms: i64,
    capacity: usize,
    retry: Retry,
    failed: Option<OutputTag<Failed<In>>>,
}

/// A record that has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed<In> {
    /// The record.
    pub record: In,
    /// What came of its last call, in words.
    pub error: String,
}

impl<In> AsyncWait<In> {
    const fn new(order: Order, timeout_ms: i64) -> Self {
        let (capacity, retry) = (DEFAULT_CAPACITY, Retry::never());
        Self { order, timeout_ms, capacity, retry, failed: None }
    }

    /// Results in the order of their records; each has `timeout_ms` milliseconds.
    #[must_use]
    pub const fn ordered(timeout_ms: i64) -> Self {
        Self::new(Order::Ordered, timeout_ms)
    }

    /// Results as they come in; each has `timeout_ms` milliseconds.
    #[must_use]
    pub const fn unordered(timeout_ms: i64) -> Self {
        Self::new(Order::Unordered, timeout_ms)
    }

    /// At most so many records under way in one subtask, at least one.
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records.max(1);
        self
    }

    /// Makes a call again that has failed. What waits for its next call counts as under way.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sends records without an answer to `tag`, instead of failing the job.
    #[must_use]
    pub fn side_output_failed(mut self, tag: OutputTag<Failed<In>>) -> Self {
        self.failed = Some(tag);
        self
    }

    /// The operator, for a stream without keys: records under way are dealt out when parallelism changes.
    pub fn into_operator<F: AsyncFunction<In = In>>(self, function: F) -> AsyncWaitOperator<F> {
        AsyncWaitOperator::new(self, function, false)
    }

    /// The operator, for a keyed stream: records under way follow their keys.
    pub fn into_keyed_operator<F>(self, function: F) -> AsyncWaitOperator<F>
    where
        F: AsyncFunction<In = In>,
    {
        AsyncWaitOperator::new(self, function, true)
    }
}

/// What the call for a record has come to: its number, and the answer unless it was given up.
type Ended<Out> = (u64, Result<Answer<Out>, Aborted>);

/// A call under way.
type UnderWay<Out> = Pin<Box<dyn Future<Output = Ended<Out>> + Send>>;

/// Where the calls for a record stand.
struct Calls {
    /// Those made so far.
    made: u32,
    deadline: Timestamp,
    /// The one under way.
    current: Option<AbortHandle>,
    /// When the next is made.
    next: Option<Timestamp>,
}

/// [`AsyncWait`] as an operator. Stands alone in its chain.
pub struct AsyncWaitOperator<F: AsyncFunction> {
    wait: AsyncWait<F::In>,
    function: F,
    keyed: bool,
    records: KeptRecords<F::In, F::Out>,
    calls: HashMap<u64, Calls>,
    under_way: FuturesUnordered<UnderWay<F::Out>>,
    deadlines: BTreeSet<(Timestamp, u64)>,
    retries: BTreeSet<(Timestamp, u64)>,
    /// The watermark that came in last.
    watermark: Timestamp,
    time: KeptTime,
    calls_made: u64,
    /// Records whose first call is yet to be made: at the opening nobody knows the time.
    uncalled: Vec<u64>,
}

impl<F: AsyncFunction> AsyncWaitOperator<F> {
    fn new(wait: AsyncWait<F::In>, function: F, keyed: bool) -> Self {
        Self {
            records: KeptRecords { queue: Queue::new(wait.order), restored: Vec::new() },
            wait,
            function,
            keyed,
            calls: HashMap::new(),
            under_way: FuturesUnordered::new(),
            deadlines: BTreeSet::new(),
            retries: BTreeSet::new(),
            watermark: Timestamp::MIN,
            time: KeptTime::BEGINNING,
            calls_made: 0,
            uncalled: Vec::new(),
        }
    }

    /// Makes the first call for a record.
    fn begin(&mut self, number: u64, ctx: &mut Context<F::Out>) -> Result<(), BoxError> {
        let deadline = ctx.processing_time().plus(self.wait.timeout_ms);
        self.deadlines.insert((deadline, number));
        self.calls.insert(number, Calls { made: 0, deadline, current: None, next: None });
        self.call(number, ctx)
    }

    fn call(&mut self, number: u64, ctx: &mut Context<F::Out>) -> Result<(), BoxError> {
        let Some(in_flight) = self.records.queue.waiting(number) else { return Ok(()) };
        let calls = self.calls.get_mut(&number).expect("what waits has its calls");
        calls.made += 1;
        self.calls_made += 1;
        calls.next = None;
        match self.function.call(&in_flight.record.value, ctx.processing_time()) {
            Call::Ready(answer) => self.take(number, answer, ctx),
            Call::Pending(future) => {
                let (handle, registration) = AbortHandle::new_pair();
                calls.current = Some(handle);
                let future = Abortable::new(future, registration);
                self.under_way.push(Box::pin(async move { (number, future.await) }));
                Ok(())
            }
        }
    }

    /// Takes the answer to a call: it is the last one, or another call follows.
    fn take(
        &mut self,
        number: u64,
        answer: Answer<F::Out>,
        ctx: &mut Context<F::Out>,
    ) -> Result<(), BoxError> {
        let Some(calls) = self.calls.get_mut(&number) else { return Ok(()) };
        calls.current = None;
        if self.function.should_retry(answer.as_ref().map(Vec::as_slice))
            && let Some(wait_ms) = self.wait.retry.wait_ms(calls.made)
        {
            let next = ctx.processing_time().plus(wait_ms);
            calls.next = Some(next);
            self.retries.insert((next, number));
            return Ok(());
        }
        self.settle(number, answer, ctx)
    }

    /// Ends the calls for a record with the last answer.
    fn settle(
        &mut self,
        number: u64,
        answer: Answer<F::Out>,
        ctx: &mut Context<F::Out>,
    ) -> Result<(), BoxError> {
        if let Some(Calls { deadline, current, next, .. }) = self.calls.remove(&number) {
            self.deadlines.remove(&(deadline, number));
            next.map(|next| self.retries.remove(&(next, number)));
            current.iter().for_each(AbortHandle::abort);
        }
        let error = match (answer, &self.wait.failed) {
            (Ok(rows), _) => {
                self.records.queue.answer(number, rows);
                return Ok(());
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => error.to_string(),
        };
        let given_up = self.records.queue.give_up(number).zip(self.wait.failed.as_ref());
        if let Some((InFlight { record: Record { value, timestamp, .. }, .. }, tag)) = given_up
            && !ctx.emit_side(tag, Failed { record: value, error }, timestamp)
        {
            ctx.count_dropped();
        }
        Ok(())
    }

    /// Does what is due: first calls after a restore, timeouts, further calls.
    fn look_at_clock(&mut self, ctx: &mut Context<F::Out>) -> Result<(), BoxError> {
        for number in std::mem::take(&mut self.uncalled) {
            self.begin(number, ctx)?;
        }
        let now = ctx.processing_time();
        while let Some(&(_, number)) = self.deadlines.first().filter(|(due, _)| *due <= now) {
            let answer = match self.records.queue.waiting(number) {
                Some(in_flight) => self.function.timed_out(&in_flight.record.value),
                None => Ok(Vec::new()),
            };
            self.settle(number, answer, ctx)?;
        }
        while let Some(&(due, number)) = self.retries.first().filter(|(due, _)| *due <= now) {
            self.retries.remove(&(due, number));
            self.call(number, ctx)?;
        }
        Ok(())
    }

    /// Lets out what may come out, as far as there is room. The rows of a record come out together: a
    /// snapshot holds the record or its rows, never both.
    fn let_out(&mut self, ctx: &mut Context<F::Out>) {
        while !ctx.is_full()
            && let Some(emission) = self.records.queue.next()
        {
            match emission {
                Emission::Rows(rows, at) => rows.into_iter().for_each(|row| ctx.emit(row, at)),
                Emission::Time(TimeEvent::Watermark(watermark)) => {
                    self.time.emitted = watermark;
                    self.time.waiting.retain(|waiting| *waiting > watermark);
                    ctx.emit_watermark(watermark);
                }
                Emission::Time(TimeEvent::Status(status)) => {
                    self.time.told_idle = status == Status::Idle;
                    ctx.emit_status(status);
                }
            }
        }
    }
}

impl<F: AsyncFunction> Operator for AsyncWaitOperator<F> {
    type In = F::In;
    type Out = F::Out;

    fn open(&mut self, watermark: Timestamp) {
        self.watermark = watermark;
        let mut stored = std::mem::take(&mut self.records.restored);
        stored.sort_by_key(|stored| stored.number);
        let mut restored: Vec<_> = stored.into_iter().map(Stored::into_in_flight).collect();
        // Who was ahead when parts were brought together is so no longer.
        restored
            .iter_mut()
            .for_each(|in_flight| in_flight.behind = in_flight.behind.min(watermark));
        restored.sort_by_key(|in_flight| in_flight.behind);
        let KeptTime { emitted, idle, mut told_idle, ref mut waiting } = self.time;
        let ahead = restored.iter().map(|in_flight| in_flight.behind).chain([watermark]);
        let mut times: BTreeSet<Timestamp> = waiting.drain(..).chain(ahead).collect();
        times.retain(|time| *time > emitted && *time <= watermark && *time < Timestamp::MAX);
        waiting.extend(&times);
        let mut tell = |queue: &mut Queue<_, _>, until: Timestamp| {
            while let Some(time) = times.first().copied().filter(|time| *time <= until) {
                times.pop_first();
                queue.push_time(TimeEvent::Watermark(time), usize::MAX);
            }
        };
        if told_idle && !restored.is_empty() {
            told_idle = false;
            self.records.queue.push_time(TimeEvent::Status(Status::Active), usize::MAX);
        }
        for in_flight in restored {
            tell(&mut self.records.queue, in_flight.behind);
            self.uncalled.push(self.records.queue.push(in_flight));
        }
        tell(&mut self.records.queue, watermark);
        if idle != told_idle {
            let status = if idle { Status::Idle } else { Status::Active };
            self.records.queue.push_time(TimeEvent::Status(status), usize::MAX);
        }
    }

    fn poll(&mut self, waker: &Waker, ctx: &mut Context<F::Out>) -> Result<(), BoxError> {
        self.look_at_clock(ctx)?;
        let mut polling = std::task::Context::from_waker(waker);
        loop {
            self.let_out(ctx);
            if ctx.is_full() {
                return Ok(());
            }
            match self.under_way.poll_next_unpin(&mut polling) {
                Poll::Ready(Some((number, Ok(answer)))) => self.take(number, answer, ctx)?,
                Poll::Ready(Some((_, Err(Aborted)))) => {}
                Poll::Ready(None) | Poll::Pending => return Ok(()),
            }
        }
    }

    fn is_polled(&self) -> bool {
        true
    }

    fn process(
        &mut self,
        input: &mut Batch<F::In>,
        ctx: &mut Context<F::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            if self.records.queue.records() >= self.wait.capacity {
                self.let_out(ctx);
                if self.records.queue.records() >= self.wait.capacity {
                    return Ok(());
                }
            }
            let Some(record) = input.take() else { break };
            let number = self.records.queue.push(InFlight { record, behind: self.watermark });
            self.begin(number, ctx)?;
        }
        self.let_out(ctx);
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<F::Out>,
    ) -> Result<Progress, BoxError> {
        self.watermark = watermark;
        // The end of event time follows from the end of the data.
        if watermark < Timestamp::MAX {
            self.time.waiting.push_back(watermark);
            self.records.queue.push_time(TimeEvent::Watermark(watermark), self.wait.capacity);
        }
        self.let_out(ctx);
        Ok(Progress::Done)
    }

    fn on_status(&mut self, status: Status, ctx: &mut Context<F::Out>) {
        let idle = status == Status::Idle;
        // After a restore it is told again.
        if std::mem::replace(&mut self.time.idle, idle) == idle {
            return;
        }
        self.records.queue.push_time(TimeEvent::Status(status), self.wait.capacity);
        self.let_out(ctx);
    }

    fn on_processing_time(
        &mut self,
        _: Timestamp,
        ctx: &mut Context<F::Out>,
    ) -> Result<Progress, BoxError> {
        self.look_at_clock(ctx)?;
        self.let_out(ctx);
        Ok(Progress::Done)
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        let first = |due: &BTreeSet<(Timestamp, u64)>| due.first().map(|(at, _)| *at);
        [first(&self.deadlines), first(&self.retries)].into_iter().flatten().min()
    }

    fn on_end(&mut self, ctx: &mut Context<F::Out>) -> Result<Progress, BoxError> {
        self.let_out(ctx);
        Ok(if self.records.queue.is_empty() { Progress::Done } else { Progress::Waiting })
    }

    fn makes_event_time(&self) -> bool {
        true
    }

    fn gauges(&self, each: &mut dyn FnMut(&'static str, u64)) {
        each("in_flight", self.records.queue.records() as u64);
        each("calls", self.calls_made);
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        if self.keyed {
            visitor.keyed("in-flight", &mut self.records);
        } else {
            visitor.list("in-flight", &mut self.records);
        }
        visitor.list("time", &mut self.time);
    }
}
