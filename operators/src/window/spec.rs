//! Which windows there are: size, slide, offset, and how long late records still count.
//!
//! ```
//! use tidegate_operators::window::Window;
//! let hourly = Window::tumbling(3_600_000);
//! let hot_items = Window::sliding(3_600_000, 300_000).allowed_lateness(60_000);
//! let day_in_shanghai = Window::tumbling(86_400_000).offset(-8 * 3_600_000);
//! let today_so_far = Window::cumulating(86_400_000, 60_000);
//! assert!(Window::tumbling(0).validate().is_err());
//! # for window in [hourly, hot_items, day_in_shanghai, today_so_far] { window.validate()?; }
//! # Ok::<(), tidegate_operators::window::InvalidWindow>(())
//! ```

use thiserror::Error;

/// Windows of equal size at equal distances, or windows that grow step by step.
///
/// A slide above the size leaves gaps: a record that falls into one belongs to no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Length of a window in milliseconds; of the longest one, where windows cumulate.
    pub size_ms: i64,
    /// From the end of a window to the end of the next, in milliseconds.
    pub slide_ms: i64,
    /// Whether windows that follow each other start together until one is as long as `size_ms`,
    /// instead of all being of that length.
    pub cumulates: bool,
    /// Where windows start: one of them at this time since the epoch, in milliseconds.
    pub offset_ms: i64,
    /// For how much event time, in milliseconds, a window that has fired takes late records.
    pub allowed_lateness_ms: i64,
}

impl Window {
    /// The longest size and slide, 10,000 years: so far from the ends of time that adding one to the
    /// time of an event does not reach them.
    pub const LONGEST_MS: i64 = 10_000 * 365 * 24 * 3_600_000;

    /// Windows of `size_ms` side by side.
    #[must_use]
    pub const fn tumbling(size_ms: i64) -> Self {
        Self::sliding(size_ms, size_ms)
    }

    /// Windows of `size_ms`, one every `slide_ms`.
    #[must_use]
    pub const fn sliding(size_ms: i64, slide_ms: i64) -> Self {
        Self { size_ms, slide_ms, cumulates: false, offset_ms: 0, allowed_lateness_ms: 0 }
    }

    /// Windows that start every `size_ms` and from there grow by `step_ms` until they are `size_ms`
    /// long: "today so far, every minute". A record belongs to all those of its `size_ms` that end
    /// behind it.
    #[must_use]
    pub const fn cumulating(size_ms: i64, step_ms: i64) -> Self {
        Self { cumulates: true, ..Self::sliding(size_ms, step_ms) }
    }

    /// Shifts the windows, so that one starts at `offset_ms` since the epoch.
    #[must_use]
    pub const fn offset(self, offset_ms: i64) -> Self {
        Self { offset_ms, ..self }
    }

    /// Lets a record count that comes when its window has fired, as long as the watermark has not
    /// gone `allowed_lateness_ms` past the window: the window then fires again at once.
    #[must_use]
    pub const fn allowed_lateness(self, allowed_lateness_ms: i64) -> Self {
        Self { allowed_lateness_ms, ..self }
    }

    /// Whether each moment lies in one window.
    #[must_use]
    pub const fn tumbles(self) -> bool {
        self.size_ms == self.slide_ms
    }

    /// Checks that there are such windows.
    ///
    /// # Errors
    /// Says which number makes no sense and what it should be.
    pub const fn validate(self) -> Result<Self, InvalidWindow> {
        let Self { size_ms, slide_ms, cumulates, allowed_lateness_ms, .. } = self;
        if size_ms < 1 || size_ms > Self::LONGEST_MS {
            return Err(InvalidWindow::Size(size_ms));
        }
        if slide_ms < 1 || slide_ms > Self::LONGEST_MS {
            return Err(InvalidWindow::Slide(slide_ms));
        }
        if cumulates && size_ms % slide_ms != 0 {
            return Err(InvalidWindow::Step { size_ms, step_ms: slide_ms });
        }
        if allowed_lateness_ms < 0 {
            return Err(InvalidWindow::AllowedLateness(allowed_lateness_ms));
        }
        Ok(self)
    }
}

/// Why there are no such windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidWindow {
    /// The size is not positive, or above [`Window::LONGEST_MS`].
    #[error("a window's size is {0} ms; it must be from 1 ms to 10,000 years")]
    Size(i64),
    /// The slide is not positive, or above [`Window::LONGEST_MS`].
    #[error("a window's slide is {0} ms; it must be from 1 ms to 10,000 years")]
    Slide(i64),
    /// Windows cumulate to a size that is no multiple of the step.
    #[error(
        "windows that grow by {step_ms} ms never reach {size_ms} ms; \
         the size must be a multiple of the step"
    )]
    Step {
        /// The longest window.
        size_ms: i64,
        /// By how much each is longer than the one before.
        step_ms: i64,
    },
    /// The allowed lateness is negative.
    #[error("a window's allowed lateness is {0} ms; it must be 0 ms (late records drop) or more")]
    AllowedLateness(i64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(window: Window, expected: Option<&str>) {
        let message = window.validate().err().map(|error| error.to_string());
        assert_eq!(message.as_deref(), expected, "{window:?}");
    }

    #[test]
    fn a_window_without_length_distance_or_end_is_refused_with_what_to_do() {
        check(Window::sliding(10, 3).offset(-7).allowed_lateness(i64::MAX), None);
        check(Window::sliding(3, 10), None);
        check(Window::cumulating(10, 5), None);
        let refused = |window, message| check(window, Some(message));
        refused(
            Window::tumbling(0),
            "a window's size is 0 ms; it must be from 1 ms to 10,000 years",
        );
        refused(
            Window::sliding(9, -1),
            "a window's slide is -1 ms; it must be from 1 ms to 10,000 years",
        );
        refused(
            Window::cumulating(10, 3),
            "windows that grow by 3 ms never reach 10 ms; the size must be a multiple of the step",
        );
        refused(
            Window::tumbling(9).allowed_lateness(-1),
            "a window's allowed lateness is -1 ms; it must be 0 ms (late records drop) or more",
        );
    }
}
