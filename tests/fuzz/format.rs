//! The fuzzer's program for records of files: `cargo +nightly fuzz run --fuzz-dir tests/fuzz format`.

#![no_main]

#[expect(dead_code, reason = "what the other program and the tests run")]
mod row_targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| row_targets::format(bytes));
