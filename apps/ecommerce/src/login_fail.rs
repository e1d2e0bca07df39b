//! Lesson: patterns. Whose logins look like somebody guessing a password?
//!
//! Three patterns are looked for in the logins of each user: two that fail in a row within two seconds,
//! three in a row within five, or one that fails and the next that succeeds within ten. A [`Pattern`] says
//! that as it is said here; matches may overlap, so four in a row are three times two.
//!
//! The log is out of order by up to six seconds. A pattern sees logins in the order of event time all the
//! same: they wait until the watermark has come to them. Of two in the same second nobody can tell which
//! came first, but the rows must not hang on which is read first, so the job says: the one that failed.
//!
//! With `--by state` the same rows come from a function with state and timers: `login_fail_by_state.rs`.

use crate::lesson::{Lesson, Output};
use crate::login::{self, Login};
use crate::login_fail_by_state::{FailedLogins, Rule};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// How far the login log is out of order.
const DISORDER_MS: i64 = 6_000;

/// What looks like guessing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Suspicion {
    /// Two logins in a row that fail within two seconds
    #[default]
    #[value(name = "next-2s")]
    NextWithin2s,
    /// Three logins in a row that fail within five seconds
    #[value(name = "three-in-5s")]
    ThreeWithin5s,
    /// A login that fails, and the next that succeeds within ten seconds
    #[value(name = "then-success-10s")]
    ThenSuccessWithin10s,
}

/// How it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// By a pattern
    #[default]
    Cep,
    /// By a function with state and timers
    State,
}

/// Logins that look like somebody guessing a password.
#[derive(Args, Clone, Debug)]
pub struct LoginFail {
    /// Login log: user,address,success or fail,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// What is looked for
    #[arg(long, value_enum, default_value_t)]
    pattern: Suspicion,
    /// How it is found
    #[arg(long, value_enum, default_value_t)]
    by: By,
    #[command(flatten)]
    output: Output,
}

impl Lesson for LoginFail {
    const ABOUT: &'static str = "Logins that look like somebody guessing a password";

    fn job(&self) -> Job {
        let job = Job::new("login-fail");
        let log = FileSource::csv::<Login>(&self.input).timestamp(Login::timestamp);
        let delay = WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS);
        let logins = job.source("logins", log, delay).key_by(|login| login.user);
        let (pattern, rule) = (self.pattern.pattern(), self.pattern.rule());
        let rows = match self.by {
            By::Cep => logins
                .pattern(&pattern)
                .order_ties_by(|one, other| one.outcome.cmp(&other.outcome))
                .select(|user, matched| login::row(*user, matched.iter().map(|(_, login)| login))),
            By::State => logins.process(move || FailedLogins::new(rule)),
        };
        self.output.take(&rows.uid("suspicions"), String::clone);
        job
    }
}

impl Suspicion {
    fn pattern(self) -> Pattern<Login> {
        match self {
            Self::NextWithin2s => Pattern::begin("first")
                .is(Login::is_fail)
                .next("second")
                .is(Login::is_fail)
                .within(2_000),
            Self::ThreeWithin5s => {
                Pattern::begin("fails").is(Login::is_fail).times(3).consecutive().within(5_000)
            }
            Self::ThenSuccessWithin10s => Pattern::begin("fail")
                .is(Login::is_fail)
                .followed_by("success")
                .is(Login::is_success)
                .within(10_000),
        }
    }

    const fn rule(self) -> Rule {
        match self {
            Self::NextWithin2s => Rule::InARow { times: 2, within_ms: 2_000 },
            Self::ThreeWithin5s => Rule::InARow { times: 3, within_ms: 5_000 },
            Self::ThenSuccessWithin10s => Rule::ThenSuccess { within_ms: 10_000 },
        }
    }
}
