//! Whole jobs in this process, where a test has a hand in what is under them: the clock, or the storage.

mod held_merges;
mod one_thread;
