//! Answers that come in at any time and in any order, or not at all: whatever happens in between, every
//! record comes out once, and on its own side of event time.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use tidegate_core::element::{Batch, Element, Record, Status};
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::async_io::{
    Answer, AsyncFunction, AsyncWait, AsyncWaitOperator, Call, Failed, Retry,
};
use tidegate_tests::harness::{Outside, Told};

/// A record: its key, its number, and the watermark that had come before it.
type In = (u8, u32, i64);

/// What lies outside: calls that wait for an answer, by the number of their record.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    /// Calls that wait, with the waker of each.
    waiting: BTreeMap<u32, Option<Waker>>,
    answers: BTreeMap<u32, Result<(), String>>,
    calls: u32,
}

impl Service {
    fn with<T>(&self, f: impl FnOnce(&mut Book) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers the call that is `nth` of those that wait.
    fn answer(&self, nth: usize, answer: Result<(), String>) {
        let waker = self.with(|book| {
            let number = *book.waiting.keys().nth(nth % book.waiting.len().max(1))?;
            let waker = book.waiting.remove(&number);
            book.answers.insert(number, answer);
            waker.flatten()
        });
        waker.into_iter().for_each(Waker::wake);
    }

    fn waiting(&self) -> usize {
        self.with(|book| book.waiting.len())
    }
}

struct Ask(Service);

impl AsyncFunction for Ask {
    type In = In;
    type Out = In;

    fn call(&mut self, input: &In, _: Timestamp) -> Call<In> {
        let (service, input) = (self.0.clone(), *input);
        service.with(|book| {
            book.calls += 1;
            book.answers.remove(&input.1);
            book.waiting.insert(input.1, None);
        });
        Call::pending(std::future::poll_fn(move |polling| {
            service.with(|book| match book.answers.remove(&input.1) {
                Some(Ok(())) => Poll::Ready(Ok(vec![input])),
                Some(Err(why)) => Poll::Ready(Err(why.into())),
                None => {
                    book.waiting.insert(input.1, Some(polling.waker().clone()));
                    Poll::Pending
                }
            })
        }))
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Record { key: u8, offset: i64 },
    Watermark { by: i64 },
    Status(bool),
    Answer(usize),
    Fail(usize),
    Clock { by: i64 },
    Restore { parallelism: u32 },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..4u8, 1..9i64).prop_map(|(key, offset)| Event::Record { key, offset }),
        3 => (1..5i64).prop_map(|by| Event::Watermark { by }),
        1 => any::<bool>().prop_map(Event::Status),
        5 => any::<usize>().prop_map(Event::Answer),
        1 => any::<usize>().prop_map(Event::Fail),
        2 => (1..20i64).prop_map(|by| Event::Clock { by }),
        1 => (1..4u32).prop_map(|parallelism| Event::Restore { parallelism }),
    ];
    proptest::collection::vec(event, 1..60)
}

/// A run of the operator over events, and what must be true of it.
struct Run {
    outside: Outside<AsyncWaitOperator<Ask>>,
    service: Service,
    ordered: bool,
    /// Of every record, in the order in which they came.
    sent: Vec<In>,
    came: Vec<In>,
    watermark: i64,
    idle: bool,
    clock: i64,
    /// What the only subtask has told of event time over all its lives; `None` once there were several.
    told: Option<i64>,
}

impl Run {
    fn begin(ordered: bool, full: bool) -> Self {
        let service = Service::default();
        let asked = service.clone();
        let make = move || {
            let order = if ordered { AsyncWait::ordered } else { AsyncWait::unordered };
            let wait = order(1_000_000).retry(Retry::exponential(u32::MAX, 2, 9));
            wait.into_keyed_operator(Ask(asked.clone()))
        };
        let outside = Outside::begin(make, |record: &In| record.0, 1, full).expect("it opens");
        Self {
            outside,
            service,
            ordered,
            sent: Vec::new(),
            came: Vec::new(),
            watermark: i64::MIN,
            idle: false,
            clock: 0,
            told: Some(i64::MIN),
        }
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Record { key, offset } => {
                self.wake_up()?;
                let record = (key, self.sent.len() as u32, self.watermark);
                self.sent.push(record);
                self.outside.record(record, self.watermark.max(0) + offset)
            }
            Event::Watermark { by } => {
                self.wake_up()?;
                self.watermark = self.watermark.max(0) + by;
                let watermark = Timestamp(self.watermark);
                self.outside.all(|| Element::Watermark(watermark))
            }
            Event::Status(idle) => {
                self.idle = idle;
                let status = if idle { Status::Idle } else { Status::Active };
                self.outside.all(|| Element::Status(status))
            }
            Event::Answer(nth) => {
                self.service.answer(nth, Ok(()));
                self.outside.wake()
            }
            Event::Fail(nth) => {
                self.service.answer(nth, Err("busy".to_owned()));
                self.outside.wake()
            }
            Event::Clock { by } => {
                self.clock += by;
                self.outside.clock(self.clock)
            }
            Event::Restore { parallelism } => {
                // What had been asked in the old life is nobody's any more.
                self.service.with(|book| book.waiting.clear());
                let told = self.outside.restore(parallelism)?;
                self.check(&told);
                self.told = self.told.filter(|_| parallelism == 1);
                Ok(())
            }
        }
    }

    /// An idle input is active before anything comes on it.
    fn wake_up(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.idle) {
            self.outside.all(|| Element::Status(Status::Active))?;
        }
        Ok(())
    }

    /// Answers whatever is asked, until nothing is.
    fn answer_all(&mut self) -> Result<(), String> {
        loop {
            while self.service.waiting() > 0 {
                self.take(Event::Answer(0))?;
            }
            // What waits for its next call.
            self.take(Event::Clock { by: 10 })?;
            if self.service.waiting() == 0 {
                return Ok(());
            }
        }
    }

    /// What one life has told is in order.
    fn check(&mut self, lanes: &[Vec<Told<In>>]) {
        for lane in lanes {
            let mut watermark = self.told.unwrap_or(i64::MIN);
            for told in lane {
                match *told {
                    Told::Row(record, at) => {
                        assert!(
                            at > watermark,
                            "{record:?} @{at} comes out late behind {watermark}"
                        );
                        if self.told.is_some() {
                            assert!(record.2 <= watermark, "{record:?} overtakes its watermark");
                        }
                        self.came.push(record);
                    }
                    Told::Watermark(next) => {
                        assert!(next > watermark, "watermark {next} behind {watermark}");
                        watermark = next;
                    }
                    Told::Status(_) | Told::End => {}
                }
            }
            self.told = self.told.map(|_| watermark);
        }
    }

    fn end(mut self) -> Result<(), String> {
        self.answer_all()?;
        for lane in self.outside.told() {
            let last = lane.iter().rev().find_map(|told| match told {
                Told::Watermark(at) => Some(*at),
                _ => None,
            });
            assert!(last.is_none_or(|last| last == self.watermark), "{last:?}: {}", self.watermark);
            let status = lane.iter().rev().find_map(|told| match told {
                Told::Status(status) => Some(*status == Status::Idle),
                _ => None,
            });
            assert!(status.is_none_or(|idle| idle == self.idle), "it is told what the input is");
        }
        self.outside.all(|| Element::EndOfData)?;
        let told = self.outside.told();
        assert!(told.iter().all(|lane| lane.last() == Some(&Told::End)), "it ends: {told:?}");
        self.check(&told);
        let numbers: BTreeSet<u32> = self.came.iter().map(|record| record.1).collect();
        assert_eq!(numbers.len(), self.came.len(), "nothing comes out twice");
        assert_eq!(self.came.len(), self.sent.len(), "everything comes out");
        if self.ordered {
            for key in 0..4 {
                let of_key = self.came.iter().filter(|record| record.0 == key);
                assert!(of_key.is_sorted_by_key(|record| record.1), "in order: {:?}", self.came);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_record_comes_out_once_on_its_side_of_event_time(
        events in events(),
        ordered in any::<bool>(),
        full in any::<bool>(),
    ) {
        let mut run = Run::begin(ordered, full);
        for event in events {
            run.take(event).expect("the operator works");
        }
        run.end().expect("the operator works");
    }
}

const FAILED: OutputTag<Failed<In>> = OutputTag::new("failed");

fn record(number: u32) -> Record<In> {
    Record::new((0, number, 0), Timestamp(i64::from(number)))
}

#[test]
fn a_record_without_an_answer_goes_to_its_side_output_with_the_reason() {
    let service = Service::default();
    let wait = AsyncWait::ordered(10).retry(Retry::fixed_delay(2, 3)).side_output_failed(FAILED);
    let mut wait = wait.into_operator(Ask(service.clone()));
    let mut ctx = Context::new(16);
    ctx.connect(&FAILED);
    ctx.set_time(Timestamp::MIN, Timestamp(0));
    let mut input = Batch::new(vec![record(1), record(2), record(3)], Vec::new());
    wait.process(&mut input, &mut ctx).expect("it works");
    let mut at = |now: i64, ctx: &mut Context<In>| {
        ctx.set_time(Timestamp::MIN, Timestamp(now));
        wait.poll(Waker::noop(), ctx).expect("it works");
        wait.next_processing_timer().map(Timestamp::millis)
    };
    assert_eq!(at(0, &mut ctx), Some(10));
    service.answer(0, Err("busy".to_owned()));
    assert_eq!(at(1, &mut ctx), Some(4), "the second call comes three milliseconds later");
    assert_eq!(at(4, &mut ctx), Some(10));
    service.answer(0, Err("still busy".to_owned()));
    assert_eq!(at(5, &mut ctx), Some(10));
    service.answer(1, Ok(()));
    at(6, &mut ctx);
    assert!(ctx.take().is_empty(), "it waits for the one before it");
    assert_eq!(at(10, &mut ctx), None);
    assert_eq!(ctx.take(), [record(3)]);
    let mut failed = Vec::new();
    ctx.take_sides().for_each(|(_, mut batch)| {
        let batch = tidegate_core::element::downcast::<Failed<In>>(batch.as_mut());
        failed.extend(batch.take_open().map(|row| (row.value.record.1, row.value.error)));
    });
    let timeout = "a call was not answered within its timeout".to_owned();
    assert_eq!(failed, [(1, "still busy".to_owned()), (2, timeout)]);
    assert_eq!(service.with(|book| book.calls), 4);
}

#[test]
fn no_more_records_are_taken_than_there_is_capacity_and_the_end_waits_for_them() {
    let service = Service::default();
    let mut wait = AsyncWait::unordered(10).capacity(2).into_operator(Ask(service.clone()));
    let mut ctx = Context::new(16);
    let mut input = Batch::new((1..=3).map(record).collect(), Vec::new());
    wait.process(&mut input, &mut ctx).expect("it works");
    assert_eq!((input.open(), service.waiting()), (1, 2));
    service.answer(1, Ok(()));
    let poll =
        |wait: &mut AsyncWaitOperator<Ask>, ctx: &mut Context<In>| wait.poll(Waker::noop(), ctx);
    poll(&mut wait, &mut ctx).expect("it works");
    wait.process(&mut input, &mut ctx).expect("it works");
    assert_eq!((input.open(), service.waiting()), (0, 2));
    assert_eq!(wait.on_end(&mut ctx).expect("it works"), Progress::Waiting);
    (0..2).for_each(|_| service.answer(0, Ok(())));
    poll(&mut wait, &mut ctx).expect("it works");
    assert_eq!(wait.on_end(&mut ctx).expect("it works"), Progress::Done);
    assert_eq!(ctx.take().len(), 3);
}

#[test]
fn a_record_without_an_answer_fails_the_job_in_words_when_nobody_takes_it() {
    struct Never;
    impl AsyncFunction for Never {
        type In = In;
        type Out = In;
        fn call(&mut self, _: &In, _: Timestamp) -> Call<In> {
            Call::Ready(Err(BoxError::from("the service is closed")) as Answer<In>)
        }
    }
    let mut wait = AsyncWait::ordered(10).into_operator(Never);
    let mut input = Batch::new(vec![record(1)], Vec::new());
    let error = wait.process(&mut input, &mut Context::new(16)).expect_err("it fails");
    assert_eq!(error.to_string(), "the service is closed");
}
