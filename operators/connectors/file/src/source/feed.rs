//! The bounded queue between a reader's thread and `poll`.
//!
//! Laws: the queue, the waker and the end are one state under one lock, so a waker is registered only
//! while the queue is seen empty, and every push and the end take the waker they find: no wake-up is
//! lost. Closing makes the next push fail, so the thread stops after the chunk it is at.

use super::error::SourceError;
use super::format::Row;
use crate::limits::CHUNKS_AHEAD;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::vec;

/// Rows of one split, in order.
#[derive(Debug)]
pub(crate) struct Chunk<T> {
    /// The split's index among those of the reader.
    pub(crate) split: usize,
    pub(crate) rows: vec::IntoIter<Row<T>>,
    /// Whether the split ends behind these rows.
    pub(crate) ends: bool,
}

/// What the queue has to give.
pub(crate) enum Next<T> {
    Chunk(Chunk<T>),
    /// Nothing now; the waker will be woken.
    Pending,
    /// Nothing any more.
    End,
}

struct State<T> {
    chunks: VecDeque<Chunk<T>>,
    waker: Option<Waker>,
    /// How the thread ended; an error is taken once.
    ended: Option<Result<(), Option<SourceError>>>,
    closed: bool,
}

pub(crate) struct Feed<T> {
    state: Mutex<State<T>>,
    room: Condvar,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        let chunks = VecDeque::with_capacity(CHUNKS_AHEAD);
        let state = State { chunks, waker: None, ended: None, closed: false };
        Self { state: Mutex::new(state), room: Condvar::new() }
    }
}

impl<T> Feed<T> {
    /// No code that can panic runs under the lock, so a poisoned one holds a whole state.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk as soon as there is room; false when nobody wants it any more.
    pub(crate) fn push(&self, chunk: Chunk<T>) -> bool {
        let full = |state: &mut State<T>| state.chunks.len() >= CHUNKS_AHEAD && !state.closed;
        let state = self.room.wait_while(self.lock(), full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return false;
        }
        state.chunks.push_back(chunk);
        wake(state);
        true
    }

    /// Whether somebody still takes what is pushed.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.lock().closed
    }

    /// Nothing follows.
    pub(crate) fn end(&self, result: Result<(), SourceError>) {
        let mut state = self.lock();
        state.ended = Some(result.map_err(Some));
        wake(state);
    }

    /// The next chunk, or how the thread has ended.
    pub(crate) fn next(&self, waker: &Waker) -> Result<Next<T>, SourceError> {
        let mut state = self.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            drop(state);
            self.room.notify_one();
            return Ok(Next::Chunk(chunk));
        }
        match &mut state.ended {
            Some(Ok(())) => Ok(Next::End),
            Some(Err(error)) => Err(error.take().unwrap_or(SourceError::FailedBefore)),
            None => {
                state.waker = Some(waker.clone());
                Ok(Next::Pending)
            }
        }
    }

    /// Nobody wants any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
