//! What the users of an app do, channel by channel.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ecommerce::main::<ecommerce::ChannelStats>()
}
