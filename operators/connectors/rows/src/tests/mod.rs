//! The edges over rows, driven as a task drives them: through real files, in ranges, restored after each poll.

mod drive;
mod event_times;
mod files;
mod generators;
mod terminal;
