//! The bounded queue between `write` and the writing thread.
//!
//! Laws: a waker is registered only while the queue is seen full, under the lock under which the
//! thread takes from it, so no wake-up is lost; only `write` is bounded by the queue's length, because
//! a barrier must not wait (it adds at most a buffer per open file, and one cut). After a failure the
//! thread goes on answering, everyone with that failure.

use super::error::SinkError;
use super::name::FileId;
use crate::limits::WRITES_AHEAD;
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// A file as it is at a barrier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutFile {
    pub(crate) id: FileId,
    pub(crate) bytes: u64,
    /// Nothing will be appended any more.
    pub(crate) sealed: bool,
}

/// What the thread is to do, in order.
pub(crate) enum Work {
    /// Append rows; the file is made when it is first heard of.
    Append { id: FileId, bucket: Arc<str>, rows: Vec<u8> },
    /// Make all that was appended durable, then say so.
    Cut { files: Vec<CutFile>, done: Sender<Result<(), SinkError>> },
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    waker: Option<Waker>,
    failure: Option<Arc<SinkError>>,
    closed: bool,
}

#[derive(Default)]
pub(crate) struct Lane {
    state: Mutex<State>,
    filled: Condvar,
}

impl Lane {
    /// No code that can panic runs under the lock, so a poisoned one holds a whole state.
    fn lock(&self) -> Result<MutexGuard<'_, State>, SinkError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.failure {
            Some(failure) => Err(SinkError::Failed(Arc::clone(failure))),
            None => Ok(state),
        }
    }

    fn lock_anyway(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `work` out of its place if there is room; else the waker will be woken.
    pub(crate) fn offer(&self, work: &mut Option<Work>, waker: &Waker) -> Result<(), SinkError> {
        let mut state = self.lock()?;
        if state.work.len() >= WRITES_AHEAD {
            state.waker = Some(waker.clone());
            return Ok(());
        }
        state.work.extend(work.take());
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Adds work whether there is room or not.
    pub(crate) fn push(&self, work: Work) -> Result<(), SinkError> {
        self.lock()?.work.push_back(work);
        self.filled.notify_one();
        Ok(())
    }

    /// The next work; `None` when the sink is gone.
    pub(crate) fn next(&self) -> Option<Work> {
        let idle = |state: &mut State| state.work.is_empty() && !state.closed;
        let state = self.filled.wait_while(self.lock_anyway(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        let work = state.work.pop_front();
        if state.work.len() < WRITES_AHEAD {
            wake(state);
        }
        work
    }

    /// From now on everyone is told of `failure`; work that waits is given up.
    pub(crate) fn fail(&self, failure: Arc<SinkError>) {
        let mut state = self.lock_anyway();
        for work in std::mem::take(&mut state.work) {
            if let Work::Cut { done, .. } = work {
                // Nobody waits for it when this fails.
                drop(done.send(Err(SinkError::Failed(Arc::clone(&failure)))));
            }
        }
        state.failure = Some(failure);
        wake(state);
    }

    /// The sink is gone: the thread stops after the step it is at.
    pub(crate) fn close(&self) {
        let mut state = self.lock_anyway();
        state.closed = true;
        state.work.clear();
        drop(state);
        self.filled.notify_all();
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
