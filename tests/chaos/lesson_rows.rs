//! The rows of lessons for which none are recorded, by definition: each window is filled by itself from
//! the whole input.
//!
//! Apart from the subjects, and sharing nothing with the lessons, so that both cannot be wrong alike.

use crate::job_process::Dice;
use std::collections::BTreeMap;

/// Rows of the made-up log of an app.
pub(crate) const APP_EVENTS: u32 = 5_000;

/// The log of an app, over a bit more than two hours: `user,behavior,channel,second`.
pub(crate) fn app_events() -> String {
    let mut dice = Dice(90);
    let mut second = 1_511_658_000;
    let mut log = String::new();
    for _ in 0..APP_EVENTS {
        second += dice.below(4);
        let user = dice.below(300);
        let behavior =
            ["CLICK", "CLICK", "DOWNLOAD", "INSTALL", "UNINSTALL"][dice.below(5) as usize];
        let channel = ["wechat", "weibo", "appstore"][dice.below(3) as usize];
        log += &format!("{user:x},{behavior},{channel},{second}\n");
    }
    log
}

/// How often each key comes in each window, by the start of the window.
fn counts<K: Ord + Clone>(
    events: impl Iterator<Item = (i64, K)>,
    (size, slide): (i64, i64),
) -> BTreeMap<i64, BTreeMap<K, u64>> {
    let mut counts: BTreeMap<i64, BTreeMap<K, u64>> = BTreeMap::new();
    for (at, key) in events {
        let mut start = at - at % slide;
        while start > at - size {
            *counts.entry(start).or_default().entry(key.clone()).or_default() += 1;
            start -= slide;
        }
    }
    counts
}

/// An hour, every ten seconds.
const HOUR: (i64, i64) = (3_600_000, 10_000);

fn stayed(log: &str) -> impl Iterator<Item = (i64, [&str; 2])> {
    log.lines().filter_map(|line| {
        let [_, behavior, channel, second] =
            line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let at = second.parse::<i64>().unwrap() * 1000;
        (behavior != "UNINSTALL").then_some((at, [channel, behavior]))
    })
}

fn hourly<'a>(events: impl Iterator<Item = (i64, [&'a str; 2])>) -> Vec<String> {
    let mut rows = Vec::new();
    for (start, counts) in counts(events, HOUR) {
        for ([channel, behavior], count) in counts {
            rows.push(format!("{start}\t{}\t{channel}\t{behavior}\t{count}", start + HOUR.0));
        }
    }
    rows
}

/// What `channel-stats` makes of the log of an app.
pub(crate) fn channel_stats(log: &str) -> Vec<String> {
    hourly(stayed(log))
}

/// What `channel-stats --total` makes of it.
pub(crate) fn total_stats(log: &str) -> Vec<String> {
    hourly(stayed(log).map(|(at, _)| (at, ["all"; 2])))
}

/// Epoch milliseconds of a time of May 2015 such as `17/05/2015:10:05:03`, the only month in the log.
fn millis(time: &str) -> i64 {
    let numbers: Vec<i64> = time.split(['/', ':']).map(|part| part.parse().unwrap()).collect();
    let [day, 5, 2015, hour, minute, second] = numbers[..] else {
        panic!("not in May 2015: {time}")
    };
    const MAY_2015: i64 = 1_430_438_400;
    1000 * (MAY_2015 + (((day - 1) * 24 + hour) * 60 + minute) * 60 + second)
}

/// What `hot-pages` makes of an access log.
pub(crate) fn hot_pages(log: &str) -> Vec<String> {
    const TEN_MINUTES: (i64, i64) = (600_000, 60_000);
    let pages = log.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, _, _, time, "+0000", "GET", url] = fields[..] else { return None };
        let is_part = [".css", ".js", ".png", ".ico"].iter().any(|part| url.ends_with(part));
        (!is_part).then(|| (millis(time), url))
    });
    let mut rows = Vec::new();
    for (start, counts) in counts(pages, TEN_MINUTES) {
        let mut ranking: Vec<_> = counts.into_iter().collect();
        ranking.sort_by(|(url, count), (other_url, other)| {
            other.cmp(count).then(url.as_bytes().cmp(other_url.as_bytes()))
        });
        for (rank, (url, count)) in (1..).zip(ranking.iter().take(3)) {
            rows.push(format!("{}\t{rank}\t{url}\t{count}", start + TEN_MINUTES.0));
        }
    }
    rows
}
