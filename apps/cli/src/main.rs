//! The `tidegate` binary.

use std::process::ExitCode;
use tidegate_deploy::Registry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidegate_cli::main(&Registry::default())
}
