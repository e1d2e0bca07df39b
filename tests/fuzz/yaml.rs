//! The fuzzer's program for topologies: `cargo +nightly fuzz run --fuzz-dir tests/fuzz yaml`.

#![no_main]

#[expect(dead_code, reason = "what the other programs run")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::yaml(bytes));
