//! `conformance PATH...`: runs all cases in files or folders, one line each.
//!
//! Exit code 0 when all passed, 1 when some failed, 2 when a file cannot be read.

use clap::Parser;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate_tests::conformance::{Case, Way, load};

/// Runs conformance cases against Tidegate's operators.
#[derive(Parser)]
struct Arguments {
    /// Files with cases, or folders that are searched for `.json` files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// As [`Case::run`]; a panic is one more way to fail.
fn run(case: &Case) -> Result<(), String> {
    let run = AssertUnwindSafe(|| case.run(Way::Plain));
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without words")))
    })
}

fn main() -> ExitCode {
    let cases = match load(&Arguments::parse().paths) {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // A panic is told in the line of its case.
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = 0;
    for case in &cases {
        match run(case) {
            Ok(()) => println!("ok {}", case.id),
            Err(difference) => {
                failed += 1;
                println!("FAIL {} {difference}", case.id);
            }
        }
    }
    println!("{} passed, {failed} failed", cases.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}
