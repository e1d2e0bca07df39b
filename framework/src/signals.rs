//! Requests to stop from outside: SIGINT (Ctrl-C) and SIGTERM.
//!
//! Apart from the launcher because a program that runs a job by itself ([`crate::Running`]) needs them too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tidegate_core::operator::BoxError;

/// Signals that come so soon after the first belong to the same request to stop: one request often comes as several, to
/// the process and to its group.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// What a signal's number is counted from in the exit code of whom it ended.
const SIGNALLED: u8 = 128;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// Calls `first` when a signal comes, with the exit code of whom it ends, and `again` when another request follows. The
/// watch ends when `first` says so.
///
/// # Errors
/// When there is no thread for it.
pub(crate) fn on_signals(
    first: impl Fn(u8) -> bool + Send + 'static,
    again: impl Fn(u8) + Send + 'static,
) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    let watch = move || {
        runtime.block_on(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            // Whoever waits for it may have gone.
            let _is_awaited = ready.send(()).is_ok();
            let mut asked: Option<Instant> = None;
            loop {
                let signal = tokio::select! {
                    _ = interrupt.recv() => SIGINT,
                    _ = terminate.recv() => SIGTERM,
                };
                match asked {
                    Some(first) if first.elapsed() < SAME_REQUEST => {}
                    Some(_) => again(SIGNALLED + signal),
                    None => {
                        asked = Some(Instant::now());
                        if !first(SIGNALLED + signal) {
                            return;
                        }
                    }
                }
            }
        });
    };
    std::thread::Builder::new().name("tidegate-signals".into()).spawn(watch)?;
    // Where signals cannot be caught, they end the process as they always do.
    let _is_watched = is_ready.recv().is_ok();
    Ok(())
}

/// A watch for requests to stop.
///
/// The first is taken note of, for a program that looks at it and ends in order; the second ends the process at once.
#[derive(Clone, Debug)]
pub struct Interrupt {
    code: Arc<AtomicU8>,
}

impl Interrupt {
    /// Watches from now on.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn watch() -> Result<Self, BoxError> {
        let code = Arc::new(AtomicU8::new(0));
        let note = Arc::clone(&code);
        let first = move |code| {
            note.store(code, Ordering::Relaxed);
            true
        };
        on_signals(first, |code| std::process::exit(code.into()))?;
        Ok(Self { code })
    }

    /// The exit code of a program that was asked to stop: 130 after Ctrl-C, 143 after SIGTERM. `None` before that.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::Relaxed)).filter(|code| *code > 0)
    }
}
