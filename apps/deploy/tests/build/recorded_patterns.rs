//! Patterns over recorded events, against what others have found in them: the lessons' logs, and Nexmark's bids.

use crate::rig::run;
use crate::shared_material::find;
use std::io::Read;

/// The rows of a file, sorted, and without the first line if it is a header.
fn expected(path: &str, header: usize) -> Option<Vec<String>> {
    let path = find(path)?;
    let mut text = String::new();
    let file = std::fs::File::open(&path).expect("a recorded file");
    if path.extension().is_some_and(|end| end == "zst") {
        let mut reader = zstd::Decoder::new(file).expect("Zstandard");
        reader.read_to_string(&mut text).expect("text");
    } else {
        let mut file = file;
        file.read_to_string(&mut text).expect("text");
    }
    let mut rows: Vec<String> = text.lines().skip(header).map(str::to_owned).collect();
    rows.sort();
    Some(rows)
}

/// Runs the operators over a source, and compares what comes with a recorded file.
fn check(source: &str, operators: &str, recorded: &str, header: usize) {
    let Some(expected) = expected(recorded, header) else { return };
    assert!(!expected.is_empty(), "{recorded}");
    let sections = format!(
        "sources:\n{source}\noperators:\n{operators}\nsinks: {{ out: {{ inputs: rows, collect: {{}} }} }}\n"
    );
    let mut rows: Vec<String> =
        run(&sections)["out"].iter().map(|row| row.replace('|', ",")).collect();
    rows.sort();
    assert_eq!(rows, expected, "{recorded}");
}

fn log(file: &str, schema: &str) -> Option<String> {
    let path = find(&format!("data/ecommerce/{file}"))?;
    Some(format!(
        "  events:
    file: {{ path: '{}', format: {{ csv: {{ header: false }} }} }}
    schema: {{ {schema}, seconds: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(seconds, 0)', watermark: {{ bounded_out_of_orderness: 6s }} }}",
        path.display()
    ))
}

#[test]
fn orders_that_are_paid_in_time_and_those_that_are_not() {
    let Some(source) = log("OrderLog.csv", "id: int64, step: string, tx: string?") else { return };
    let operators = "  in_time:
    inputs: events
    pattern:
      key_by: id
      stages: [{ name: create, where: step = 'create' }, { name: pay, where: step = 'pay' }]
      within: 15m
      order_ties_by: step
      columns: { what: \"'PAID'\", id: first(create.id), from: first(create.seconds) * 1000, to: last(pay.seconds) * 1000 }
      timed_out: { what: \"'TIMEOUT'\", id: first(create.id), from: first(create.seconds) * 1000, to: (first(create.seconds) + 900) * 1000 }
  rows: { inputs: [in_time, in_time.timed_out], union: {} }";
    check(&source, operators, "data/ecommerce/expected/order_timeout_cep_15min.csv", 0);
}

#[test]
fn logins_that_fail_in_a_row_or_then_succeed() {
    let Some(source) = log("LoginLog.csv", "id: int64, address: string, outcome: string") else {
        return;
    };
    let operators = |second: &str, within: &str| {
        format!(
            "  rows:
    inputs: events
    pattern:
      key_by: id
      stages: [{{ name: a, where: outcome = 'fail' }}, {{ name: b, {second} }}]
      within: {within}
      order_ties_by: outcome
      columns:
        id: first(a.id)
        from: first(a.outcome) || '@' || cast(first(a.seconds) * 1000 as string)
        to: last(b.outcome) || '@' || cast(last(b.seconds) * 1000 as string)"
        )
    };
    let fails = operators("after: next, where: outcome = 'fail'", "2s");
    check(&source, &fails, "data/ecommerce/expected/login_fail_next_2s.csv", 0);
    let succeeds = operators("where: outcome = 'success'", "10s");
    check(&source, &succeeds, "data/ecommerce/expected/login_fail_then_success_10s.csv", 0);
}

/// The bids of the recorded events, by auction and bidder.
fn bids() -> Option<String> {
    let path = find("oracle/nexmark/events.json.zst")?;
    Some(format!(
        "  events:
    file: {{ path: '{}', format: json }}
    schema: {{ ts: int64, bid: 'struct<auction: int64, bidder: int64, price: int64, dateTime: string>?' }}
    event_time: {{ timestamp: 'to_timestamp_ltz(ts, 3)', watermark: {{ bounded_out_of_orderness: 4s }} }}",
        path.display()
    ))
}

const ONLY_BIDS: &str = "  some: { inputs: events, filter: bid is not null }
  bids:
    inputs: some
    project: { auction: bid.auction, bidder: bid.bidder, price: bid.price, at: bid.dateTime }
  rows:
    inputs: bids
    pattern:
      key_by: [auction, bidder]";

#[test]
fn prices_that_fall_bid_by_bid_and_rise_again() {
    let Some(source) = bids() else { return };
    // The last fall is a stage of its own, so that the one before it can be spoken of.
    let operators = format!(
        "{ONLY_BIDS}
      stages:
        - {{ name: start }}
        - {{ name: falls, after: next, times: one-or-more, consecutive: true,
            where: 'price < coalesce(last(falls.price), last(start.price))' }}
        - {{ name: bottom, after: next, where: price < last(falls.price) }}
        - {{ name: rise, after: next, where: price > last(falls.price) }}
      after_match: {{ to-last: rise }}
      columns: {{ auction: first(start.auction), bidder: first(start.bidder), a: first(start.at), b: last(bottom.at), c: last(rise.at) }}"
    );
    check(&source, &operators, "oracle/nexmark/cep0.csv.zst", 1);
}

#[test]
fn prices_that_drop_within_five_seconds() {
    let Some(source) = bids() else { return };
    let operators = format!(
        "{ONLY_BIDS}
      stages:
        - {{ name: first }}
        - {{ name: others, after: next, times: one-or-more, optional: true, greedy: true, consecutive: true,
            where: price > first(first.price) - 50 }}
        - {{ name: drop, after: next, where: price < first(first.price) - 50 }}
      within: 5s
      after_match: past-last-event
      columns: {{ auction: first(first.auction), bidder: first(first.bidder), at: last(drop.at), fall: first(first.price) - last(drop.price) }}"
    );
    check(&source, &operators, "oracle/nexmark/cep3.csv.zst", 1);
}
