//! What `ad-clicks` must make of a click log, in a few lines each: the whole log in memory, in the order
//! of event time.

use std::collections::BTreeMap;

const SECOND_MS: i64 = 1000;
const SLIDE_MS: i64 = 300_000;
const WINDOW_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// User and advertisement of clicks that must not count.
pub(crate) const FORBIDDEN: &str = "937166,1715\n161501,36156\n1,1";

struct Click<'a> {
    user: &'a str,
    ad: &'a str,
    province: &'a str,
    at: i64,
}

fn clicks(log: &str) -> Vec<Click<'_>> {
    let read = |line| {
        let fields: Vec<&str> = str::split(line, ',').collect();
        let &[user, ad, province, _, second] = fields.as_slice() else {
            panic!("{line}");
        };
        Click { user, ad, province, at: second.parse::<i64>().unwrap() * SECOND_MS }
    };
    let mut clicks: Vec<Click<'_>> = log.lines().map(read).collect();
    clicks.sort_by_key(|click| click.at);
    clicks
}

/// Clicks per province in each hour that begins on a multiple of five minutes.
fn windows<'a>(clicks: impl Iterator<Item = &'a Click<'a>>) -> Vec<String> {
    let mut counts: BTreeMap<(i64, &str), u64> = BTreeMap::new();
    for Click { province, at, .. } in clicks {
        let last = at - at.rem_euclid(SLIDE_MS);
        for start in (0..WINDOW_MS / SLIDE_MS).map(|slides| last - slides * SLIDE_MS) {
            *counts.entry((start, province)).or_default() += 1;
        }
    }
    let row =
        |((start, province), count)| format!("{start}\t{}\t{province}\t{count}", start + WINDOW_MS);
    counts.into_iter().map(row).collect()
}

/// The rows with `--rules` and [`FORBIDDEN`].
pub(crate) fn without_forbidden(log: &str) -> Vec<String> {
    let clicks = clicks(log);
    let is_allowed = |click: &&Click<'_>| {
        !FORBIDDEN.lines().any(|l| l == format!("{},{}", click.user, click.ad))
    };
    windows(clicks.iter().filter(is_allowed))
}

/// The rows with `--blacklist`.
pub(crate) fn without_blacklisted(log: &str) -> Vec<String> {
    let clicks = clicks(log);
    let mut of_day: BTreeMap<(&str, &str, i64), Vec<i64>> = BTreeMap::new();
    for Click { user, ad, at, .. } in &clicks {
        of_day.entry((user, ad, at.div_euclid(DAY_MS))).or_default().push(*at);
    }
    let counts = |click: &Click<'_>| {
        let of_day = &of_day[&(click.user, click.ad, click.at.div_euclid(DAY_MS))];
        of_day.get(100).is_none_or(|since| click.at < *since)
    };
    let mut rows = windows(clicks.iter().filter(|click| counts(click)));
    let listed =
        of_day.iter().filter_map(|(&(user, ad, _), times)| Some((user, ad, *times.get(100)?)));
    rows.extend(listed.map(|(user, ad, since)| format!("BLACKLIST\t{user}\t{ad}\t{since}")));
    rows
}

#[test]
fn the_recorded_log_has_one_who_is_blacklisted() {
    let Some(log) = tidegate_tests::shared_material::find("data/ecommerce/AdClickLog.csv") else {
        return;
    };
    let rows = without_blacklisted(&std::fs::read_to_string(log).unwrap());
    let listed: Vec<&String> = rows.iter().filter(|row| row.starts_with("BLACKLIST")).collect();
    assert_eq!(listed, ["BLACKLIST\t937166\t1715\t1511661701000"]);
}
