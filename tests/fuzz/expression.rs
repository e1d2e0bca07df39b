//! The fuzzer's program for expressions: `cargo +nightly fuzz run --fuzz-dir tests/fuzz expression`.

#![no_main]

mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::expression(bytes));
