//! How a run went, as a line of JSON on standard output.

use crate::command::Engine;
use crate::input::SOURCE;
use serde::Serialize;
use tidegate::Summary;
use tidegate::prelude::BoxError;

/// What is said of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    query: &'a str,
    engine: &'static str,
    /// Events read.
    events: u64,
    seconds: f64,
    events_per_second: f64,
    cpu_seconds: f64,
    /// Checkpoints completed.
    checkpoints: u64,
    /// Bytes of the last of them.
    checkpoint_bytes: u64,
    peak_rss_bytes: u64,
    restarts: u64,
    audit: &'static str,
}

impl<'a> Report<'a> {
    pub(crate) fn new(query: &'a str, engine: Engine, summary: &Summary) -> Self {
        let source = summary.operators.iter().find(|operator| operator.uid == SOURCE);
        let events = source.map_or(0, |source| source.records_out);
        Self {
            query,
            engine: match engine {
                Engine::Typed => "typed",
                Engine::Yaml => "yaml",
            },
            events,
            seconds: summary.seconds,
            events_per_second: (events as f64 / summary.seconds).round(),
            cpu_seconds: summary.cpu_seconds,
            checkpoints: summary.checkpoints,
            checkpoint_bytes: summary.checkpoint_bytes,
            peak_rss_bytes: summary.peak_rss_bytes,
            restarts: summary.restarts,
            audit: summary.audit,
        }
    }

    pub(crate) fn print(&self) -> Result<(), BoxError> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}
