//! Why windows, or their trigger, cannot be as asked.

use crate::window::spec::InvalidWindow;
use thiserror::Error;

/// Why there are no such windows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidWindowing {
    /// Size, slide or lateness makes no sense.
    #[error(transparent)]
    Window(#[from] InvalidWindow),
    /// The gap of a session is not positive, or longer than a window can be.
    #[error("a session's gap is {0} ms; it must be from 1 ms to 10,000 years")]
    Gap(i64),
    /// A time zone that nobody knows.
    #[error("there is no time zone `{0}`; use an IANA name such as Europe/Berlin")]
    Zone(String),
    /// The trigger cannot go with windows that merge.
    #[error(
        "windows that merge ({0}) need a trigger that can merge: choose another one, or let it say \
         what becomes of its state by `Trigger::merge`, and `can_merge`"
    )]
    Trigger(String),
}
