//! The most requested pages of an access log.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ecommerce::main::<ecommerce::HotPages>()
}
