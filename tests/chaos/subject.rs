//! The jobs on which everything is tried, with their inputs and the rows that they must make.
//!
//! Apart from the processes because this is the list that grows with every lesson.

use crate::lesson_rows;
use std::fs;
use std::path::Path;
use tidegate_tests::shared_material;

/// An input that is made up: its flag, and what makes its text.
type MadeUp = (&'static str, fn() -> String);

/// A job, its inputs, and the rows that it must make of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Its subcommand of the program of jobs.
    pub(crate) job: &'static str,
    /// The flag of each recorded input, and its file.
    pub(crate) inputs: &'static [(&'static str, &'static str)],
    /// The flag of each input that is made up, and its text.
    pub(crate) made_up: &'static [MadeUp],
    /// Other flags of its own.
    pub(crate) flags: &'static [&'static str],
    /// Records in its longest input.
    pub(crate) records: u32,
    /// Where the rows are recorded.
    rows: &'static str,
    /// What the rows are by definition, when they are not recorded: a function of the first input.
    by_definition: Option<fn(&str) -> Vec<String>>,
}

const CLICKS: Subject = Subject {
    job: "",
    inputs: &[("--input", "UserBehavior.csv")],
    made_up: &[],
    flags: &[],
    records: 110_300,
    rows: "",
    by_definition: None,
};
const UNSORTED: Subject =
    Subject { inputs: &[("--input", "UserBehavior_unsorted_10k.csv")], records: 10_000, ..CLICKS };
const REQUESTS: Subject =
    Subject { inputs: &[("--input", "apache.log")], records: 10_000, ..CLICKS };
const PAYMENTS: Subject = Subject {
    inputs: &[("--orders", "OrderLog.csv"), ("--receipts", "ReceiptLog.csv")],
    records: 79,
    ..CLICKS
};

const APP_EVENTS: Subject = Subject {
    inputs: &[],
    made_up: &[("--input", lesson_rows::app_events)],
    records: lesson_rows::APP_EVENTS,
    ..CLICKS
};

impl Subject {
    /// The job that makes `rows` of these inputs.
    const fn makes(mut self, job: &'static str, rows: &'static str) -> Self {
        self.job = job;
        self.rows = rows;
        self
    }

    /// The job that makes of the input what `rows` does.
    const fn computes(mut self, job: &'static str, rows: fn(&str) -> Vec<String>) -> Self {
        self.job = job;
        self.by_definition = Some(rows);
        self
    }

    const fn with(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }

    /// The rows that it must make of `input`; `None` when they are recorded, but not here.
    pub(crate) fn expected(&self, input: &Path) -> Option<Vec<String>> {
        if let Some(rows) = self.by_definition {
            return Some(rows(&fs::read_to_string(input).unwrap()));
        }
        let recorded = format!("data/ecommerce/expected/{}", self.rows);
        let rows = fs::read_to_string(shared_material::find(&recorded)?).unwrap();
        Some(rows.lines().map(str::to_owned).collect())
    }

    /// The rate at which its input lasts so long.
    pub(crate) const fn rate_for_ms(&self, millis: u32) -> u32 {
        1 + self.records * 1000 / millis
    }
}

/// The job on which everything is tried.
pub(crate) const HOT_ITEMS: Subject = CLICKS.makes("hot-items", "hot_items_top5_1h_5min.tsv");

/// Windows in two phases with late data, and rows with every checkpoint.
pub(crate) const LOG_METHODS: Subject = REQUESTS.makes("log-methods", "log_by_method_10s_late.tsv");

/// General windows that merge, their timers and state.
pub(crate) const USER_SESSIONS: Subject =
    UNSORTED.makes("user-sessions", "unsorted_sessions_30min.tsv");

/// Two inputs, what waits of each, and side outputs.
const TX_MATCH: Subject =
    PAYMENTS.makes("tx-match", "tx_connect_pay5s_receipt3s.csv").with(&["--by", "reconciliation"]);

/// Every job whose rows are known.
pub(crate) const SUBJECTS: [Subject; 11] = [
    HOT_ITEMS,
    CLICKS.makes("pv", "pv_1h.tsv"),
    CLICKS.makes("behavior-counts", "behavior_counts_10min.tsv"),
    LOG_METHODS,
    USER_SESSIONS,
    CLICKS.makes("uv", "uv_1h.tsv"),
    TX_MATCH,
    PAYMENTS.makes("tx-match", "tx_interval_join_m5s_p3s.csv").with(&["--by", "interval"]),
    REQUESTS.computes("hot-pages", lesson_rows::hot_pages),
    APP_EVENTS.computes("channel-stats", lesson_rows::channel_stats),
    APP_EVENTS.computes("channel-stats", lesson_rows::total_stats).with(&["--total"]),
];
