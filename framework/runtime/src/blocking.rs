//! The bounded pool for calls that block: storage, fsync, commits, building tasks.
//!
//! Apart from the arbiters, whose threads must never block: a slot has others waiting for it.

use crate::limits::BLOCKING_THREADS;
use std::any::Any;
use std::sync::Arc;
use tokio::runtime::{Builder, Handle, Runtime};

/// A handle to the pool; the last one to go ends it.
#[derive(Clone, Debug)]
pub struct BlockingPool {
    handle: Handle,
    _runtime: Arc<Background>,
}

#[derive(Debug)]
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        // May happen on an arbiter's thread, which must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl BlockingPool {
    /// A pool of at most [`BLOCKING_THREADS`] threads.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("tidegate-blocking")
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { handle, _runtime: Arc::new(Background(Some(runtime))) })
    }

    /// Runs `job`; a panic in it comes back as an error.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let guarded = move || crate::panics::catch(job);
        match self.handle.spawn_blocking(guarded).await {
            Ok(result) => result,
            Err(error) => Err(format!("the blocking pool has gone: {error}")),
        }
    }

    /// Runs `job` without waiting for it.
    pub fn detach(&self, job: impl FnOnce() + Send + 'static) {
        drop(self.handle.spawn_blocking(move || crate::panics::catch(job).err()));
    }
}

/// What a panic said.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "a payload is taken, as `catch_unwind` gives it")]
pub fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    said.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
