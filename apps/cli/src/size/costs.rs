//! What a record costs this engine: its own measurements, as `framework/docs/performance.md` shows them.
//!
//! Apart from the estimates so that no figure stands in the code: all of them are read from the results that the page is
//! rendered from, and every line that uses one says which.

use serde_json::Value;

/// What the page is rendered from.
const RESULTS: &str = include_str!("../../../../framework/docs/performance/results.json");

/// Where a reader finds the figures.
pub(super) const PAGE: &str = "framework/docs/performance.md";

/// The query that drops nearly every event: what others cost that leave most of them out.
const DROPS: &str = "q2";

/// The share of events that the window join gets: of fifty, a person and three auctions.
const JOINED: f64 = 0.08;

/// What two measurements of equal work differ by, in nanoseconds per event. Work that they show to cost less is
/// counted as so much: it is not free.
const RESOLUTION_NS: f64 = 2.0;

/// Work that has been measured as a query of Nexmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// From a source to a sink, nothing between.
    PassOn,
    /// A row made of a row.
    Step,
    /// Windows of fixed size, an aggregate for each key.
    Window,
    /// Windows that end after a gap.
    Session,
    /// Aggregates without a window.
    Aggregate,
    /// One row of each key.
    Dedup,
    /// The first rows of each key.
    TopN,
    /// Two streams, windowed.
    WindowJoin,
    /// Two streams, all pairs that are near in time.
    Join,
    /// Two streams, every pair.
    UnboundedJoin,
    /// Two streams, every pair, of which one stream has one record of a key.
    ManyToOneJoin,
    /// What a service knows.
    Lookup,
}

impl Work {
    /// The query of Nexmark that does it.
    const fn query(self) -> &'static str {
        match self {
            Self::PassOn => "q0",
            Self::Step => "q14",
            Self::Window => "q5",
            Self::Session => "q11",
            Self::Aggregate => "q17",
            Self::Dedup => "q18",
            Self::TopN => "q19",
            Self::WindowJoin => "q8",
            Self::Join => "q9",
            Self::UnboundedJoin => "xq20",
            Self::ManyToOneJoin => "q20",
            Self::Lookup => "q13",
        }
    }
}

/// The measurements.
pub(super) struct Costs {
    results: Value,
}

impl Costs {
    /// Those that this program was built with.
    pub(super) fn new() -> Self {
        // Compiled in, and read by a test.
        Self { results: serde_json::from_str(RESULTS).unwrap_or_default() }
    }

    fn query(&self, query: &str, figure: &str) -> f64 {
        let lines = self.results["nexmark"]["lines"].as_array();
        let line = lines.into_iter().flatten().find(|line| line["query"] == query);
        line.and_then(|line| line[figure].as_f64()).unwrap_or(0.0)
    }

    /// CPU nanoseconds per record, and how that follows from the page. Of work between a source and a sink these two are
    /// taken off, as they are counted once for all.
    pub(super) fn cpu_ns(&self, work: Work) -> (f64, String) {
        let query = work.query();
        let whole = self.query(query, "cpu_ns_per_event");
        let less = |without: &str| {
            let rest = self.query(without, "cpu_ns_per_event");
            let from = format!("{query} less {without}: {whole:.0} - {rest:.0} ns");
            if whole - rest < RESOLUTION_NS {
                (RESOLUTION_NS, format!("{from}, counted as {RESOLUTION_NS:.0}"))
            } else {
                (whole - rest, from)
            }
        };
        match work {
            Work::PassOn => (whole, format!("{query}: {whole:.0} ns")),
            Work::WindowJoin => {
                let (own, from) = less(DROPS);
                (own / JOINED, format!("{from}, of {:.0} % of the events", JOINED * 100.0))
            }
            _ => less(Work::PassOn.query()),
        }
    }

    /// The most memory of a job without state, in bytes.
    pub(super) fn process_bytes(&self) -> f64 {
        self.query(Work::PassOn.query(), "peak_rss_bytes")
    }

    /// Nanoseconds from a fault to running again, per key of state.
    pub(super) fn recovery_ns_per_key(&self) -> f64 {
        let line = &self.results["recovery"]["lines"][0];
        let ms = line["fault_to_first_output_ms"].as_f64().unwrap_or(0.0);
        ms * 1e6 / line["keys"].as_f64().unwrap_or(1.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_that_is_used_has_been_measured() {
        let costs = Costs::new();
        for work in [
            Work::PassOn,
            Work::Step,
            Work::Window,
            Work::Session,
            Work::Aggregate,
            Work::Dedup,
            Work::TopN,
            Work::WindowJoin,
            Work::Join,
            Work::UnboundedJoin,
            Work::ManyToOneJoin,
            Work::Lookup,
        ] {
            let (ns, from) = costs.cpu_ns(work);
            assert!(ns > 0.0 && ns < 10_000.0, "{work:?}: {ns} ns, {from}");
            let whole = costs.query(work.query(), "cpu_ns_per_event");
            assert!(whole > RESOLUTION_NS, "{work:?}: {whole} ns");
        }
        assert!(costs.query(DROPS, "cpu_ns_per_event") > RESOLUTION_NS);
        assert!(costs.process_bytes() > 1e6);
        assert!(costs.recovery_ns_per_key() > 1.0);
    }
}
