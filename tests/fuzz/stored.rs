//! The fuzzer's program for what lies in checkpoints: `cargo +nightly fuzz run --fuzz-dir tests/fuzz stored`.

#![no_main]

#[expect(dead_code, reason = "what the other program and the tests run")]
mod row_targets;
#[expect(dead_code, reason = "what the tests run")]
mod state_targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    state_targets::frame(bytes);
    row_targets::row_bytes(bytes);
});
