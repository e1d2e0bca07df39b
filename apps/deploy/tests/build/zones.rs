//! `job.time_zone`: what expressions and calendar windows mean by a day and an hour.

use crate::rig::{Run, run_as};

/// Around both nights in which Berlin turns its clocks.
fn topology(rest: &str) -> String {
    format!(
        "sources:
  events:
    inline:
      rows:
        - {{ n: 1, at: 2026-03-29T00:59:59Z }}
        - {{ n: 2, at: 2026-03-29T01:00:00Z }}
        - {{ n: 3, at: 2026-10-24T22:30:00Z }}
        - {{ n: 4, at: 2026-10-25T00:30:00Z }}
        - {{ n: 5, at: 2026-10-25T01:30:00Z }}
        - {{ n: 6, at: 2026-10-25T22:59:59Z }}
        - {{ n: 7, at: 2026-10-25T23:00:00Z }}
    schema: {{ n: int64, at: timestamp }}
    event_time: {{ timestamp: at, watermark: monotonous }}
{rest}"
    )
}

fn run_in(zone: Option<&str>, rest: &str) -> Vec<String> {
    run_as(&topology(rest), Run { zone, ..Run::default() })["out"].clone()
}

const CLOCKS: &str = "operators:
  clocks:
    inputs: events
    project:
      n: n
      hour: EXTRACT(HOUR FROM at)
      there: HOUR(at) - EXTRACT(HOUR FROM at AT TIME ZONE 'UTC')
      day: DATE_TRUNC('DAY', at)
      text: CAST(at AS STRING)
      after: at >= TIMESTAMP '2026-10-26'
sinks: { out: { inputs: clocks, collect: {} } }
";

#[test]
fn the_functions_of_time_mean_the_zone_of_the_job() {
    let berlin = [
        "1|1|1|2026-03-28 23:00:00|2026-03-29 01:59:59|FALSE",
        "2|3|2|2026-03-28 23:00:00|2026-03-29 03:00:00|FALSE",
        "3|0|-22|2026-10-24 22:00:00|2026-10-25 00:30:00|FALSE",
        "4|2|2|2026-10-24 22:00:00|2026-10-25 02:30:00|FALSE",
        "5|2|1|2026-10-24 22:00:00|2026-10-25 02:30:00|FALSE",
        "6|23|1|2026-10-24 22:00:00|2026-10-25 23:59:59|FALSE",
        "7|0|-23|2026-10-25 23:00:00|2026-10-26 00:00:00|TRUE",
    ];
    assert_eq!(run_in(Some("Europe/Berlin"), CLOCKS), berlin);
    let utc = [
        "1|0|0|2026-03-29 00:00:00|2026-03-29 00:59:59|FALSE",
        "2|1|0|2026-03-29 00:00:00|2026-03-29 01:00:00|FALSE",
        "3|22|0|2026-10-24 00:00:00|2026-10-24 22:30:00|FALSE",
        "4|0|0|2026-10-25 00:00:00|2026-10-25 00:30:00|FALSE",
        "5|1|0|2026-10-25 00:00:00|2026-10-25 01:30:00|FALSE",
        "6|22|0|2026-10-25 00:00:00|2026-10-25 22:59:59|FALSE",
        "7|23|0|2026-10-25 00:00:00|2026-10-25 23:00:00|FALSE",
    ];
    assert_eq!(run_in(None, CLOCKS), utc);
    assert_eq!(run_in(Some("UTC"), CLOCKS), utc);
}

/// A day by a window and a day by an expression are the same.
#[test]
fn a_day_of_a_calendar_window_is_that_of_the_functions() {
    let rest = "operators:
  per_day:
    inputs: events
    window:
      calendar: { unit: day }
      aggregates:
        n: count()
        first: min(DATE_TRUNC('DAY', at))
        last: max(DATE_TRUNC('DAY', at))
  length:
    inputs: per_day
    project:
      n: n
      same: first = window_start AND last = window_start
      hours: TIMESTAMPDIFF(HOUR, window_start, window_end)
sinks: { out: { inputs: length, collect: {} } }
";
    assert_eq!(run_in(Some("Europe/Berlin"), rest), ["1|TRUE|24", "2|TRUE|23", "4|TRUE|25"]);
}
