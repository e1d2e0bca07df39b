//! The bounded queue between a reader's thread and `poll`.
//!
//! Laws: the queue, the waker and the end are one state under one lock, so a waker is registered only
//! while the queue is seen empty, and every push and the end take the waker they find: no wake-up is
//! lost. Closing makes the next push fail, so the thread stops after the chunk it is at.

use super::error::SourceError;
use super::format::Row;
use crate::limits::CHUNKS_AHEAD;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::Duration;
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
pub(crate) enum Next<C> {
    Chunk(C),
    /// Nothing now; the waker will be woken.
    Pending,
    /// Nothing any more.
    End,
}

struct State<C> {
    chunks: VecDeque<C>,
    waker: Option<Waker>,
    /// How the thread ended; an error is taken once.
    ended: Option<Result<(), Option<SourceError>>>,
    closed: bool,
}

/// The queue of what travels from the thread at once, mostly a [`Chunk`].
pub(crate) struct Feed<C> {
    state: Mutex<State<C>>,
    room: Condvar,
}

impl<C> Default for Feed<C> {
    fn default() -> Self {
        let chunks = VecDeque::with_capacity(CHUNKS_AHEAD);
        let state = State { chunks, waker: None, ended: None, closed: false };
        Self { state: Mutex::new(state), room: Condvar::new() }
    }
}

impl<C> Feed<C> {
    /// No code that can panic runs under the lock, so a poisoned one holds a whole state.
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk as soon as there is room; false when nobody wants it any more.
    pub(crate) fn push(&self, chunk: C) -> bool {
        let full = |state: &mut State<C>| state.chunks.len() >= CHUNKS_AHEAD && !state.closed;
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

    /// Waits for so long; false, at once, when nobody wants any more.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let open = |state: &mut State<C>| !state.closed;
        let rested = self.room.wait_timeout_while(self.lock(), time, open);
        !rested.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Nothing follows.
    pub(crate) fn end(&self, result: Result<(), SourceError>) {
        let mut state = self.lock();
        state.ended = Some(result.map_err(Some));
        wake(state);
    }

    /// The next chunk, or how the thread has ended.
    pub(crate) fn next(&self, waker: &Waker) -> Result<Next<C>, SourceError> {
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

fn wake<C>(mut state: MutexGuard<'_, State<C>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Starts the thread that fills `feed` by `work`, and ends the feed as that ends, be it by a panic.
pub(crate) fn start_thread<C: Send + 'static>(
    name: &str,
    feed: &Arc<Feed<C>>,
    work: impl FnOnce(&Feed<C>) -> Result<(), SourceError> + Send + 'static,
) -> Result<JoinHandle<()>, SourceError> {
    let feed = Arc::clone(feed);
    let run = move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(&feed)));
        feed.end(result.unwrap_or_else(|panic| Err(SourceError::Panicked(said(&*panic)))));
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(SourceError::Thread)
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
