//! The report on performance: runs the bench programs, keeps what they say, and renders the page.
//!
//! ```sh
//! cargo build --release -p tidegate-tests --bins
//! cargo run --release -p tidegate-tests --bin performance
//! cargo run --release -p tidegate-tests --bin performance -- --peers tests/bench/peers/target/release/peers
//! cargo run --release -p tidegate-tests --bin performance -- --only latency,recovery --quick
//! cargo run --release -p tidegate-tests --bin performance -- --render-only
//! ```
//!
//! Apart from the benches because it measures nothing: each of them is a program of its own that lies
//! beside this one and prints lines of JSON. They run one after the other, so that none is in another's
//! way. Their lines are kept in `results.json`; the tables and charts are made from that file alone, and
//! a section that does not run keeps its figures. Sentences that need judgement are kept by hand in a text per section.

mod chart;
mod elsewhere;
mod figures;
mod machine;
mod page;
mod results;
mod row;
mod run;
mod section;
mod table;
mod tables;

use clap::Parser;
use results::{Results, SectionResult};
use section::Section;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// The report on performance
#[derive(Parser)]
struct Args {
    /// Sections to measure [default: all]
    #[arg(long, value_delimiter = ',', conflicts_with = "render_only")]
    only: Vec<Section>,
    /// Short runs: to see that everything works, not to be believed
    #[arg(long, conflicts_with = "render_only")]
    quick: bool,
    /// Timely and renoir beside the engine: the program that `tests/bench/peers` builds
    #[arg(long, value_name = "PROGRAM", conflicts_with = "render_only")]
    peers: Option<String>,
    /// Measure nothing; make the page from the figures that are kept
    #[arg(long)]
    render_only: bool,
    /// The folder of documents
    #[arg(long, default_value = "framework/docs")]
    docs: PathBuf,
}

fn measure(args: &Args, results: &mut Results) -> Result<(), String> {
    let sections = if args.only.is_empty() { Section::ALL.to_vec() } else { args.only.clone() };
    let runs: Vec<_> =
        sections.iter().map(|section| (*section, section.runs(args.quick))).collect();
    run::all_there(runs.iter().flat_map(|(_, runs)| runs))?;
    for (section, mut runs) in runs {
        eprintln!("{}:", section.name());
        let about = machine::about(args.quick)?;
        let mut lines: Vec<Value> = Vec::new();
        for run in &mut runs {
            if let Some(peers) = args.peers.as_ref().filter(|_| section.has_peers()) {
                run.with(&["--peers", peers]);
            }
            lines.extend(run.lines()?);
        }
        results.set(section, SectionResult { about, lines });
        // At once: a later section that fails takes nothing away.
        results.store(&args.docs)?;
    }
    Ok(())
}

fn report(args: &Args) -> Result<(), String> {
    let mut results = Results::load(&args.docs)?;
    if !args.render_only {
        measure(args, &mut results)?;
    }
    page::render(&results, &args.docs)
}

fn main() -> ExitCode {
    match report(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
