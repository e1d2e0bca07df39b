//! What a command prints. Apart because a reader that goes away, such as `head`, is no failure.

use std::io::{self, Write};
use std::process::ExitCode;

/// Prints a text on standard output.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}
