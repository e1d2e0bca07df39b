//! Payments beside the receipts of those who paid them out.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ecommerce::main::<ecommerce::TxMatch>()
}
