//! Requests of each method in each ten seconds, with late corrections.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ecommerce::main::<ecommerce::LogMethods>()
}
