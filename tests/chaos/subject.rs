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

/// A topology of `config`, which the flag `--topology` names.
const TOPOLOGY: &str = "topology";
const HEADLESS_CLICKS: &str = "--set=clicks.file.format.csv.header=false";
const IN_ORDER: &str = "--set=clicks.event_time.watermark=monotonous";
/// Rows as the lessons write them.
const TABS: &str = "--set=out.file.format={ csv: { header: false, delimiter: \"\\t\" } }";
const HEADLESS: &str = "--set=out.file.format={ csv: { header: false } }";

/// Every job whose rows are known.
pub(crate) const SUBJECTS: [Subject; 43] = [
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
    CLICKS.makes(TOPOLOGY, "hot_items_top5_1h_5min.tsv").with(&[
        "--topology=hot-items",
        HEADLESS_CLICKS,
        IN_ORDER,
        TABS,
        "--set=top.window.top_n.n=5",
        "--set=rows.project={ e: UNIX_MILLIS(window_end), rank: rank, item: item_id, views: views }",
    ]),
    CLICKS.makes(TOPOLOGY, "pv_1h.tsv").with(&[
        "--topology=pv",
        HEADLESS_CLICKS,
        IN_ORDER,
        TABS,
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), pv: \"'pv'\", views: views }",
    ]),
    CLICKS.makes(TOPOLOGY, "behavior_counts_10min.tsv").with(&[
        "--topology=behavior-counts",
        HEADLESS_CLICKS,
        IN_ORDER,
        TABS,
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), behavior: behavior, clicks: clicks }",
    ]),
    CLICKS.makes(TOPOLOGY, "uv_1h.tsv").with(&[
        "--topology=uv",
        HEADLESS_CLICKS,
        IN_ORDER,
        TABS,
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), uv: \"'uv'\", users: users }",
    ]),
    UNSORTED.makes(TOPOLOGY, "unsorted_sessions_30min.tsv").with(&[
        "--topology=user-sessions",
        HEADLESS_CLICKS,
        "--set=clicks.event_time.watermark.bounded_out_of_orderness=10d",
        TABS,
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), user: user_id, clicks: clicks }",
    ]),
    REQUESTS.computes(TOPOLOGY, lesson_rows::hot_pages).with(&[
        "--topology=hot-pages",
        TABS,
        "--set=rows.project={ e: UNIX_MILLIS(window_end), rank: rank, url: url, requests: requests }",
    ]),
    APP_EVENTS.computes(TOPOLOGY, lesson_rows::channel_stats).with(&[
        "--topology=channel-stats",
        "--set=events.file.format.csv.header=false",
        TABS,
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), channel: channel, behavior: behavior, events: events }",
    ]),
    PAYMENTS.makes(TOPOLOGY, "tx_connect_pay5s_receipt3s.csv").with(&[
        "--topology=tx-match",
        HEADLESS,
        "--set=paid_only_out.file.format={ csv: { header: false } }",
        "--set=received_only_out.file.format={ csv: { header: false } }",
        "--set=match.reconcile.columns={ what: \"'MATCH'\", tx: right.tx, paid: left.seconds * 1000, received: right.seconds * 1000 }",
        "--set=paid_only.project={ what: \"'PAY_WITHOUT_RECEIPT'\", tx: tx, at: seconds * 1000 }",
        "--set=received_only.project={ what: \"'RECEIPT_WITHOUT_PAY'\", tx: tx, at: seconds * 1000 }",
    ]),
    REQUESTS.makes(TOPOLOGY, "log_by_method_10s_late.tsv").with(&[
        "--topology=log-methods",
        TABS,
        "--set=late_out.file.format={ csv: { header: false, delimiter: \"\\t\" } }",
        "--set=main.project={ what: \"'MAIN'\", s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), method: method, requests: requests }",
        "--set=late.project={ what: \"'LATE'\", at: \"UNIX_MILLIS(TO_TIMESTAMP(time || ' ' || zone, 'dd/MM/yyyy:HH:mm:ss Z'))\", method: method, ip: ip, url: url }",
    ]),
    AD_CLICKS.computes(TOPOLOGY, ad_clicks::without_blacklisted).with(&[
        "--topology=ad-clicks",
        TABS,
        "--set=blacklist_out.file.format={ csv: { header: false, delimiter: \"\\t\" } }",
        "--set=rows.project={ s: UNIX_MILLIS(window_start), e: UNIX_MILLIS(window_end), province: province, clicks: clicks }",
        "--set=blacklisted.project={ what: \"'BLACKLIST'\", user: user, ad: ad, since: UNIX_MILLIS(since) }",
    ]),
    PAYMENTS.makes(TOPOLOGY, "tx_interval_join_m5s_p3s.csv").with(&[
        "--topology=tx-pairs",
        HEADLESS,
        "--set=pairs.interval_join.columns={ tx: right.tx, order: left.order, paid: left.seconds * 1000, channel: right.channel, received: right.seconds * 1000, at: \"'ts=' || CAST(GREATEST(left.seconds, right.seconds) * 1000 AS STRING)\" }",
    ]),
    LOGINS.makes(TOPOLOGY, "login_fail_next_2s.csv").with(&[
        "--topology=login-fail",
        HEADLESS,
        "--set=twice.pattern.columns={ user: first(first.user), a: \"'fail@' || CAST(first(first.seconds) * 1000 AS STRING)\", b: \"'fail@' || CAST(first(second.seconds) * 1000 AS STRING)\" }",
    ]),
    ORDERS.makes(TOPOLOGY, "order_timeout_cep_15min.csv").with(&[
        "--topology=order-timeout",
        HEADLESS,
        "--set=paid.pattern.columns={ what: \"'PAID'\", order: first(create.order), created: first(create.seconds) * 1000, at: first(pay.seconds) * 1000 }",
        "--set=paid.pattern.timed_out={ what: \"'TIMEOUT'\", order: first(create.order), created: first(create.seconds) * 1000, at: (first(create.seconds) + 900) * 1000 }",
    ]),
];
