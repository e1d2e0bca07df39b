//! What a cache saves, and what it must not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use tidegate_core::element::{Batch, Record};
use tidegate_core::operator::{Context, Operator};
use tidegate_core::time::Timestamp;
use tidegate_operators::async_io::{
    Asked, AsyncWait, AsyncWaitOperator, Lookup, LookupCache, LookupJoin, Retry,
};
use tidegate_operators::join::Joined;

/// A service that answers when it is told to: `None` while it is silent, then a value, nothing, or an error.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    answer: Option<Result<Option<u32>, &'static str>>,
    calls: BTreeMap<u8, u32>,
}

impl Service {
    fn says(&self, answer: Option<Result<Option<u32>, &'static str>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answer = answer;
    }

    fn calls(&self, key: u8) -> u32 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.get(&key).unwrap_or(&0)
    }
}

impl Lookup for Service {
    type Key = u8;
    type Value = u32;

    fn look_up(&mut self, key: &u8) -> Asked<u32> {
        let book = Arc::clone(&self.0);
        *book.lock().unwrap_or_else(PoisonError::into_inner).calls.entry(*key).or_default() += 1;
        Box::pin(std::future::poll_fn(move |polling| {
            match &book.lock().unwrap_or_else(PoisonError::into_inner).answer {
                Some(answer) => Poll::Ready(answer.map_err(Into::into)),
                None => {
                    polling.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        }))
    }
}

type Joining = AsyncWaitOperator<LookupJoin<u8, Service, fn(&u8) -> u8>>;

struct Test {
    service: Service,
    join: Joining,
    ctx: Context<Joined<u8, u32>>,
}

impl Test {
    fn new(cache: LookupCache) -> Self {
        let service = Service::default();
        let key: fn(&u8) -> u8 = |record| *record;
        let join = LookupJoin::new(service.clone(), key).cached(cache);
        let wait = AsyncWait::ordered(1_000).retry(Retry::fixed_delay(2, 5));
        Self { service, join: wait.into_operator(join), ctx: Context::new(64) }
    }

    /// These records come at this time of the wall clock; what is out by then.
    fn at(&mut self, now: i64, records: &[u8]) -> Vec<Joined<u8, u32>> {
        self.ctx.set_time(Timestamp::MIN, Timestamp(now));
        let records = records.iter().map(|record| Record::new(*record, Timestamp(1))).collect();
        self.join.process(&mut Batch::new(records, Vec::new()), &mut self.ctx).expect("it works");
        for _ in 0..4 {
            self.join.poll(Waker::noop(), &mut self.ctx).expect("it works");
        }
        self.ctx.take().into_iter().map(|row| row.value).collect()
    }
}

#[test]
fn a_key_is_asked_for_once_however_many_records_wait_and_then_not_before_its_time_is_over() {
    let mut test = Test::new(LookupCache::new(10, 100));
    assert_eq!(test.at(0, &[7, 7, 8, 7]), []);
    assert_eq!((test.service.calls(7), test.service.calls(8)), (1, 1));
    test.service.says(Some(Ok(Some(70))));
    let sevens = |count| vec![Joined::Both(7, 70); count];
    let both = [sevens(2), vec![Joined::Both(8, 70)], sevens(1)].concat();
    assert_eq!(test.at(50, &[]), both);
    assert_eq!(test.at(99, &[7, 7]), sevens(2));
    assert_eq!(test.service.calls(7), 1, "it was asked for at 0");
    assert_eq!(test.at(100, &[7]), sevens(1));
    assert_eq!(test.service.calls(7), 2);
}

#[test]
fn that_nothing_is_known_is_remembered_unless_it_should_not_be() {
    for (cache, calls) in
        [(LookupCache::new(10, 100), 1), (LookupCache::new(10, 100).without_missing(), 2)]
    {
        let mut test = Test::new(cache);
        test.service.says(Some(Ok(None)));
        assert_eq!(test.at(0, &[7]), [Joined::Left(7)]);
        assert_eq!(test.at(1, &[7]), [Joined::Left(7)]);
        assert_eq!(test.service.calls(7), calls);
    }
}

#[test]
fn a_failure_is_told_to_all_who_wait_and_is_not_remembered() {
    let mut test = Test::new(LookupCache::new(10, 100));
    test.service.says(Some(Err("busy")));
    assert_eq!(test.at(0, &[7, 7]), []);
    assert_eq!(test.service.calls(7), 1);
    test.service.says(Some(Ok(Some(70))));
    assert_eq!(test.at(5, &[]), [Joined::Both(7, 70), Joined::Both(7, 70)]);
    assert_eq!(test.service.calls(7), 2, "both records have shared the second call");
}

#[test]
fn only_the_keys_used_last_are_kept() {
    let mut test = Test::new(LookupCache::new(2, 100));
    test.service.says(Some(Ok(Some(1))));
    for key in [1, 2, 1, 3] {
        test.at(0, &[key]);
    }
    test.at(1, &[1, 2]);
    assert_eq!((test.service.calls(1), test.service.calls(2)), (1, 2));
}

#[test]
fn a_call_that_is_never_answered_is_dropped_with_the_operator() {
    let mut test = Test::new(LookupCache::new(10, 100));
    test.at(0, &[7, 8]);
    let book = Arc::downgrade(&test.service.0);
    drop(test);
    assert_eq!(book.strong_count(), 0, "nobody holds what the calls held");
}
