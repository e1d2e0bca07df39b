//! What `login-fail` and `order-timeout` must make of a log, by definition: everything that could match is
//! tried, on the whole log in the order of event time. Also logs full of what could match.
//!
//! Apart from the subjects, and sharing nothing with the lessons, so that both cannot be wrong alike.

use crate::job_process::Dice;
use std::collections::BTreeMap;

/// Rows of the made-up logs, about.
pub(crate) const ROWS: u32 = 6_000;

/// Seconds by which a made-up row is read behind a later one, at most.
const DISORDER: u64 = 6;

/// In so long an order must be paid.
const PAY_WITHIN: i64 = 900;

const START: i64 = 1_558_430_000;

/// Rows in the order in which they come, each up to [`DISORDER`] seconds after its time.
fn arrive(dice: &mut Dice, mut rows: Vec<(i64, String)>) -> String {
    rows.sort_by_cached_key(|(second, _)| second + dice.below(DISORDER + 1) as i64);
    rows.into_iter().map(|(second, row)| format!("{row},{second}\n")).collect()
}

/// A login log: users who try again and again, often twice in a second.
pub(crate) fn logins() -> String {
    let mut dice = Dice(50);
    let (mut second, mut user, mut rows) = (START, 0, Vec::new());
    for _ in 0..ROWS {
        second += dice.below(2) as i64;
        if dice.below(5) == 0 {
            user = dice.below(40);
        }
        let outcome = ["fail", "fail", "success"][dice.below(3) as usize];
        rows.push((second, format!("{user},10.0.0.{},{outcome}", dice.below(3))));
    }
    arrive(&mut dice, rows)
}

/// An order log: orders paid in time, too late, in the last moment, twice, before they are made, or not at
/// all; some are made twice.
pub(crate) fn orders() -> String {
    let mut dice = Dice(60);
    let (mut second, mut rows) = (START, Vec::new());
    for order in 0..ROWS / 2 {
        second += dice.below(3) as i64;
        for _ in 0..=dice.below(6) / 5 {
            rows.push((second + 300 * dice.below(2) as i64, format!("{order},create,")));
        }
        for _ in 0..=dice.below(6) / 5 {
            let after = [-2, 0, 7, 120, PAY_WITHIN - 1, PAY_WITHIN, PAY_WITHIN + 1, 2_000];
            if let Some(after) = after.get(dice.below(9) as usize) {
                rows.push((second + after, format!("{order},pay,tx{order}")));
            }
        }
    }
    arrive(&mut dice, rows)
}

/// An event: second, what happened. Of two in the same second, the first in the alphabet comes first.
type Event<'a> = (i64, &'a str);

/// Rows `user,what@time,what@time...` of what `matches` finds in the logins of each user.
fn login_rows(log: &str, matches: impl Fn(&[Event<'_>]) -> Vec<Vec<usize>>) -> Vec<String> {
    let mut rows = Vec::new();
    for (user, logins) in by_key(log, 2) {
        for matched in matches(&logins) {
            let events = matched.into_iter().map(|at| logins[at]);
            let events = events.map(|(second, outcome)| format!(",{outcome}@{second}000"));
            rows.push(format!("{user}{}", events.collect::<String>()));
        }
    }
    rows
}

/// The events of each key in order; what happened stands in the column `what`.
fn by_key(log: &str, what: usize) -> BTreeMap<&str, Vec<Event<'_>>> {
    let mut events: BTreeMap<&str, Vec<Event<'_>>> = BTreeMap::new();
    for line in log.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        events.entry(fields[0]).or_default().push((fields[3].parse().unwrap(), fields[what]));
    }
    events.values_mut().for_each(|events| events.sort());
    events
}

/// So many in a row that fail within so many seconds.
fn in_a_row(log: &str, times: usize, within: i64) -> Vec<String> {
    login_rows(log, |logins| {
        let runs = (times..=logins.len()).map(|end| (end - times..end).collect::<Vec<_>>());
        let is_short = |run: &[usize]| logins[run[times - 1]].0 - logins[run[0]].0 < within;
        runs.filter(|run| run.iter().all(|at| logins[*at].1 == "fail") && is_short(run)).collect()
    })
}

/// What `login-fail --pattern next-2s` makes of a login log.
pub(crate) fn two_fail(log: &str) -> Vec<String> {
    in_a_row(log, 2, 2)
}

/// What `login-fail --pattern three-in-5s` makes of it.
pub(crate) fn three_fail(log: &str) -> Vec<String> {
    in_a_row(log, 3, 5)
}

/// What `login-fail --pattern then-success-10s` makes of it.
pub(crate) fn fail_then_success(log: &str) -> Vec<String> {
    login_rows(log, |logins| {
        let mut pairs = Vec::new();
        for (fail, (failed, _)) in logins.iter().enumerate().filter(|(_, of)| of.1 == "fail") {
            let mut after = (fail + 1..logins.len()).filter(|at| logins[*at].1 == "success");
            pairs.extend(
                after.next().filter(|at| logins[*at].0 - failed < 10).map(|at| vec![fail, at]),
            );
        }
        pairs
    })
}

/// What `order-timeout` makes of an order log.
pub(crate) fn order_timeout(log: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for (order, events) in by_key(log, 1) {
        for (create, (created, _)) in events.iter().enumerate().filter(|(_, of)| of.1 == "create") {
            let pay = events[create..].iter().find(|(_, what)| *what == "pay");
            rows.push(match pay.filter(|(paid, _)| paid - created < PAY_WITHIN) {
                Some((paid, _)) => format!("PAID,{order},{created}000,{paid}000"),
                None => format!("TIMEOUT,{order},{created}000,{}000", created + PAY_WITHIN),
            });
        }
    }
    rows
}

#[test]
fn made_up_logs_are_full_of_what_matters() {
    let (logins, orders) = (logins(), orders());
    for rows in [two_fail(&logins), three_fail(&logins), fail_then_success(&logins)] {
        assert!((1_000..ROWS as usize).contains(&rows.len()), "{} rows", rows.len());
    }
    let rows = order_timeout(&orders);
    let timed_out = rows.iter().filter(|row| row.starts_with("TIMEOUT")).count();
    assert!(timed_out > 500 && rows.len() - timed_out > 500, "{timed_out} of {}", rows.len());
}

#[test]
fn definitions_give_the_recorded_rows() {
    let find = |file: &str| {
        let path = tidegate_tests::shared_material::find(&format!("data/ecommerce/{file}"))?;
        Some(std::fs::read_to_string(path).unwrap())
    };
    let check = |log: &str, rows: fn(&str) -> Vec<String>, expected: &str| {
        let (Some(log), Some(expected)) = (find(log), find(&format!("expected/{expected}"))) else {
            return;
        };
        let (mut rows, mut expected) = (rows(&log), expected.lines().collect::<Vec<_>>());
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected);
    };
    check("LoginLog.csv", two_fail, "login_fail_next_2s.csv");
    check("LoginLog.csv", fail_then_success, "login_fail_then_success_10s.csv");
    check("OrderLog.csv", order_timeout, "order_timeout_cep_15min.csv");
}
