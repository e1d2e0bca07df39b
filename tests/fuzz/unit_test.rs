//! The fuzzer's program for files with tests of a topology: `cargo +nightly fuzz run --fuzz-dir tests/fuzz unit_test`.

#![no_main]

#[expect(dead_code, reason = "what the other programs run")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::unit_test(bytes));
