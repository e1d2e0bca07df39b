//! `async_wait`: calls that are answered when the case says so.

use super::Way;
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use tidegate_core::operator::BoxError;
use tidegate_core::time::Timestamp;
use tidegate_operators::async_io::{Answer, AsyncFunction, AsyncWait, Call};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    AsyncWait {
        mode: Mode,
        capacity: usize,
        timeout_ms: i64,
        on_timeout: OnTimeout,
        function: Does,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Ordered,
    Unordered,
}

#[derive(Clone, Copy, Deserialize)]
enum OnTimeout {
    #[serde(rename = "emit 'timeout-'+value")]
    Emit,
    #[serde(rename = "fail the job")]
    Fail,
}

#[derive(Clone, Copy, Deserialize)]
enum Does {
    #[serde(rename = "asynchronous; finishes when the step async_complete names the element")]
    FinishesWhenNamed,
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    let goes_by_clock = case["steps"]
        .as_array()
        .is_some_and(|steps| steps.iter().any(|step| step["op"] == "processing_time"));
    drive::run(case, way, |operator| {
        let Operator::AsyncWait { mode, capacity, timeout_ms, on_timeout, function } = *operator;
        let Does::FinishesWhenNamed = function;
        let service = Service::default();
        let answers = service.clone();
        let make = move || {
            let wait = match mode {
                Mode::Ordered => AsyncWait::ordered(timeout_ms),
                Mode::Unordered => AsyncWait::unordered(timeout_ms),
            };
            wait.capacity(capacity).into_operator(Ask { service: service.clone(), on_timeout })
        };
        let subject = Subject::new(make, Value::clone, &[]);
        let subject = subject.completes(move |element, results| answers.answer(element, results));
        let subject = match mode {
            Mode::Ordered => subject,
            Mode::Unordered => subject.restores_reorder(),
        };
        // After a restore a record has all of its time again.
        Ok(if goes_by_clock { subject.restores_begin_anew() } else { subject })
    })
}

/// The answers so far, and who waits for one; of equal records all have the same.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Default)]
struct Known {
    answer: Option<Vec<Value>>,
    waiting: Vec<Waker>,
}

impl Service {
    fn with<T>(&self, element: &Value, f: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(known.entry(element.to_string()).or_default())
    }

    fn answer(&self, element: &Value, results: &[Value]) {
        let waiting = self.with(element, |known| {
            known.answer = Some(results.to_vec());
            std::mem::take(&mut known.waiting)
        });
        waiting.into_iter().for_each(Waker::wake);
    }
}

struct Ask {
    service: Service,
    on_timeout: OnTimeout,
}

impl AsyncFunction for Ask {
    type In = Value;
    type Out = Value;

    fn call(&mut self, input: &Value, _: Timestamp) -> Call<Value> {
        let (service, input) = (self.service.clone(), input.clone());
        Call::pending(std::future::poll_fn(move |polling| {
            service.with(&input, |known| match &known.answer {
                Some(answer) => Poll::Ready(Ok(answer.clone())),
                None => {
                    known.waiting.push(polling.waker().clone());
                    Poll::Pending
                }
            })
        }))
    }

    fn timed_out(&mut self, input: &Value) -> Answer<Value> {
        match self.on_timeout {
            OnTimeout::Emit => {
                let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
                Ok(vec![format!("timeout-{text}").into()])
            }
            OnTimeout::Fail => Err(BoxError::from("it took too long")),
        }
    }
}
