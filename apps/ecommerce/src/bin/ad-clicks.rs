//! Clicks on advertisements per province.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ecommerce::main::<ecommerce::AdClicks>()
}
