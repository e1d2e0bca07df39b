//! What the chaos tests try: jobs, their inputs and the rows that they must make.
//!
//! Apart from the process that runs them: this is the list to which a new job is added.

use crate::{ad_clicks, lesson_rows, pattern_rows};

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
    /// Its rows.
    pub(crate) rows: Rows,
}

/// Where it stands what rows a job must make.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows {
    /// In a recorded file.
    Recorded(&'static str),
    /// In what a few lines make of the content of its first input.
    Computed(fn(&str) -> Vec<String>),
}

const CLICKS: Subject = Subject {
    job: "",
    inputs: &[("--input", "UserBehavior.csv")],
    made_up: &[],
    flags: &[],
    records: 110_300,
    rows: Rows::Recorded(""),
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
const AD_CLICKS: Subject =
    Subject { inputs: &[("--input", "AdClickLog.csv")], records: 143, ..CLICKS };
const APP_EVENTS: Subject = Subject {
    inputs: &[],
    made_up: &[("--input", lesson_rows::app_events)],
    records: lesson_rows::APP_EVENTS,
    ..CLICKS
};
const LOGINS: Subject = Subject { inputs: &[("--input", "LoginLog.csv")], records: 48, ..CLICKS };
const ORDERS: Subject = Subject { inputs: &[("--input", "OrderLog.csv")], records: 79, ..CLICKS };
const MADE_UP_LOGINS: Subject = Subject {
    inputs: &[],
    made_up: &[("--input", pattern_rows::logins)],
    records: pattern_rows::ROWS,
    ..CLICKS
};
const MADE_UP_ORDERS: Subject =
    Subject { made_up: &[("--input", pattern_rows::orders)], ..MADE_UP_LOGINS };

impl Subject {
    /// The job that makes `rows` of these inputs.
    const fn makes(mut self, job: &'static str, rows: &'static str) -> Self {
        self.job = job;
        self.rows = Rows::Recorded(rows);
        self
    }

    /// The job that makes of these inputs what `rows` does.
    const fn computes(mut self, job: &'static str, rows: fn(&str) -> Vec<String>) -> Self {
        self.job = job;
        self.rows = Rows::Computed(rows);
        self
    }

    /// With inputs that are made up.
    const fn given(mut self, made_up: &'static [MadeUp]) -> Self {
        self.made_up = made_up;
        self
    }

    const fn with(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
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

/// Two inputs, what waits of each, side outputs, and books.
pub(crate) const TX_MATCH: Subject =
    PAYMENTS.makes("tx-match", "tx_connect_pay5s_receipt3s.csv").with(&["--by", "reconciliation"]);

/// Every job whose rows are known.
pub(crate) const SUBJECTS: [Subject; 30] = [
    HOT_ITEMS,
    CLICKS.makes("pv", "pv_1h.tsv"),
    CLICKS.makes("behavior-counts", "behavior_counts_10min.tsv"),
    LOG_METHODS,
    USER_SESSIONS,
    CLICKS.makes("uv", "uv_1h.tsv"),
    TX_MATCH,
    PAYMENTS.makes("tx-match", "tx_interval_join_m5s_p3s.csv").with(&["--by", "interval"]),
    AD_CLICKS.makes("ad-clicks", "ad_by_province_1h_5min.tsv"),
    AD_CLICKS.computes("ad-clicks", ad_clicks::without_blacklisted).with(&["--blacklist"]),
    AD_CLICKS
        .computes("ad-clicks", ad_clicks::without_forbidden)
        .given(&[("--rules", || ad_clicks::FORBIDDEN.to_owned())]),
    REQUESTS.computes("hot-pages", lesson_rows::hot_pages),
    APP_EVENTS.computes("channel-stats", lesson_rows::channel_stats),
    APP_EVENTS.computes("channel-stats", lesson_rows::total_stats).with(&["--total"]),
    LOGINS.makes("login-fail", "login_fail_next_2s.csv").with(&[
        "--pattern",
        "next-2s",
        "--by",
        "cep",
    ]),
    LOGINS.computes("login-fail", pattern_rows::three_fail).with(&[
        "--pattern",
        "three-in-5s",
        "--by",
        "cep",
    ]),
    LOGINS.makes("login-fail", "login_fail_then_success_10s.csv").with(&[
        "--pattern",
        "then-success-10s",
        "--by",
        "cep",
    ]),
    ORDERS.makes("order-timeout", "order_timeout_cep_15min.csv").with(&["--by", "cep"]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::two_fail).with(&[
        "--pattern",
        "next-2s",
        "--by",
        "cep",
    ]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::three_fail).with(&[
        "--pattern",
        "three-in-5s",
        "--by",
        "cep",
    ]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::fail_then_success).with(&[
        "--pattern",
        "then-success-10s",
        "--by",
        "cep",
    ]),
    MADE_UP_ORDERS.computes("order-timeout", pattern_rows::order_timeout).with(&["--by", "cep"]),
    LOGINS.makes("login-fail", "login_fail_next_2s.csv").with(&[
        "--pattern",
        "next-2s",
        "--by",
        "state",
    ]),
    LOGINS.computes("login-fail", pattern_rows::three_fail).with(&[
        "--pattern",
        "three-in-5s",
        "--by",
        "state",
    ]),
    LOGINS.makes("login-fail", "login_fail_then_success_10s.csv").with(&[
        "--pattern",
        "then-success-10s",
        "--by",
        "state",
    ]),
    ORDERS.makes("order-timeout", "order_timeout_cep_15min.csv").with(&["--by", "state"]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::two_fail).with(&[
        "--pattern",
        "next-2s",
        "--by",
        "state",
    ]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::three_fail).with(&[
        "--pattern",
        "three-in-5s",
        "--by",
        "state",
    ]),
    MADE_UP_LOGINS.computes("login-fail", pattern_rows::fail_then_success).with(&[
        "--pattern",
        "then-success-10s",
        "--by",
        "state",
    ]),
    MADE_UP_ORDERS.computes("order-timeout", pattern_rows::order_timeout).with(&["--by", "state"]),
];
