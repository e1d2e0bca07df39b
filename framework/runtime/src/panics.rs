//! The panic hook: a panic in an operator is news for the supervisor, not for the terminal.
//!
//! Where it happened is kept for whoever catches it; nothing is printed. Panics on threads that do
//! not belong to a job are left to the hook that was there before.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs the hook, once per process.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.with_borrow_mut(|kept| *kept = place);
            } else {
                before(info);
            }
        }));
    });
}

/// For a process that is nothing but a job: a panic that nobody watches for, such as one that the
/// storage catches, becomes a line in the log instead of a text from the language.
pub fn log_unwatched() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let said = info.payload_as_str().unwrap_or("no reason given");
        let current = std::thread::current();
        let thread = current.name().unwrap_or("unnamed");
        tracing::warn!(thread, place, "internal error: {said}");
    }));
}

/// Runs `call`; a panic comes back as a sentence that says what and where.
///
/// # Errors
/// The panic.
pub fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    let outer = WATCHED.replace(true);
    let result = panic::catch_unwind(panic::AssertUnwindSafe(call));
    WATCHED.set(outer);
    result.map_err(|payload| {
        let said = crate::blocking::panic_message(payload);
        match PLACE.with_borrow_mut(Option::take) {
            Some(place) => format!("panic at {place}: {said}"),
            None => format!("panic: {said}"),
        }
    })
}
