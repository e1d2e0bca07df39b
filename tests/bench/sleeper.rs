//! A thread that sleeps, so that a source which has nothing yet need not spin.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Wakes, at the end of its current nap, whoever has asked. Its thread ends when it is dropped.
pub struct Sleeper {
    waiting: Arc<Mutex<Option<Waker>>>,
    ended: Arc<AtomicBool>,
}

impl Sleeper {
    /// A thread that naps for `nap` at a time.
    #[must_use]
    pub fn start(nap: Duration) -> Self {
        let sleeper = Self { waiting: Arc::default(), ended: Arc::default() };
        let (waiting, ended) = (Arc::clone(&sleeper.waiting), Arc::clone(&sleeper.ended));
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(nap);
                let waker = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
                waker.into_iter().for_each(Waker::wake);
            }
        });
        sleeper
    }

    /// Whether somebody has asked and was not woken yet.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Wakes `waker` at the end of the current nap.
    pub fn wake_soon(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting = Some(waker.clone());
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
