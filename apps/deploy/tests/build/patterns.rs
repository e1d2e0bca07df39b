//! Patterns: each option, on events that are letters, one per millisecond, of two users alike.

use crate::rig::{Run, failure, run, run_once, run_with_fault};
use std::fmt::Write;

/// A source of these letters, each at the millisecond of its place, for the users 1 and 2; both see all of them.
fn letters(events: &str) -> String {
    let mut rows = String::new();
    for (at, letter) in events.chars().enumerate() {
        for user in 1..=2 {
            let _ = write!(rows, "{{ u: {user}, x: '{letter}', t: {at} }}, ");
        }
    }
    format!(
        "sources:
  events:
    parallelism: 1
    inline: {{ rows: [{rows}] }}
    schema: {{ u: int64, x: string, t: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous, emit: each-record }}
"
    )
}

fn topology(events: &str, pattern: &str) -> String {
    format!(
        "{}operators: {{ found: {{ inputs: events, pattern: {{ key_by: u, {pattern} }} }} }}
sinks: {{ out: {{ inputs: found, collect: {{}} }} }}
",
        letters(events)
    )
}

/// What is found of user 1, which is what is found of user 2.
fn check(events: &str, pattern: &str, expected: &[&str]) {
    let rows = run(&topology(events, pattern));
    let of = |user: &str| -> Vec<String> {
        let rows = rows["out"].iter().filter_map(|row| row.strip_prefix(user));
        rows.map(str::to_owned).collect()
    };
    assert_eq!(of("1|"), expected, "{events}: {pattern}");
    assert_eq!(of("2|"), expected, "{events}: {pattern}");
}

/// The stages `a` and `b`, which take these letters, with more said of them.
fn check_ab(events: &str, a: &str, b: &str, rest: &str, expected: &[&str]) {
    let pattern = format!(
        "stages: [{{ name: a, where: \"x = 'a'\"{a} }}, {{ name: b, where: \"x = 'b'\"{b} }}], \
         columns: {{ u: 'coalesce(last(b.u), last(a.u))', a: first(a.t), z: last(a.t), b: last(b.t) }}{rest}"
    );
    check(events, &pattern, expected);
}

/// The stage `a` alone.
fn check_a(events: &str, a: &str, expected: &[&str]) {
    let pattern = format!(
        "stages: [{{ name: a, where: \"x = 'a'\"{a} }}], \
         columns: {{ u: first(a.u), a: first(a.t), z: last(a.t) }}"
    );
    check(events, &pattern, expected);
}

#[test]
fn stages_follow_each_other_strictly_loosely_or_in_each_way() {
    check_ab("abxb", "", ", after: next", "", &["0|0|1"]);
    check_ab("axbb", "", ", after: next", "", &[]);
    check_ab("axbb", "", "", "", &["0|0|2"]);
    check_ab("axbb", "", ", after: followed-by", "", &["0|0|2"]);
    check_ab("axbb", "", ", after: followed-by-any", "", &["0|0|2", "0|0|3"]);
}

#[test]
fn what_must_not_come_does_not() {
    let absent = |after: &str| {
        format!(
            "stages: [{{ name: a, where: \"x = 'a'\" }}, {{ name: n, after: {after}, where: \"x = 'n'\" }}, \
             {{ name: b, where: \"x = 'b'\" }}], columns: {{ u: first(a.u), a: first(a.t), b: last(b.t) }}"
        )
    };
    check("anbaxnb", &absent("not-next"), &["3|6"]);
    check("axbnabanb", &absent("not-followed-by"), &["0|2", "4|5"]);
    let last = "stages: [{ name: a, where: \"x = 'a'\" }, { name: n, after: not-followed-by, where: \"x = 'n'\" }], \
                within: 3ms, columns: { u: first(a.u), a: first(a.t) }";
    check("axxxxanaxxn", last, &["0", "7"]);
    // Within a time from the event before, without one for the whole.
    let last = "stages: [{ name: a, where: \"x = 'a'\" }, { name: n, after: not-followed-by, where: \"x = 'n'\", within: 3ms }], \
                columns: { u: first(a.u), a: first(a.t) }";
    check("axxxxanaxxn", last, &["0", "7"]);
}

#[test]
fn stages_repeat_as_often_as_they_say() {
    check_a("axa", ", times: { exactly: 2 }", &["0|2"]);
    check_a("aaa", ", times: { exactly: 2 }", &["0|1", "1|2"]);
    check_a("aaa", ", times: { exactly: 2 }, combinations: true", &["0|1", "0|2", "1|2"]);
    check_a("aaxaaa", ", times: { exactly: 3 }, consecutive: true", &["3|5"]);
    check_a("aa", ", times: { exactly: 1 }", &["0|0", "1|1"]);
    check_a("aa", ", times: once", &["0|0", "1|1"]);
    check_a("aa", ", times: one-or-more", &["0|0", "0|1", "1|1"]);
    check_ab("aaab", ", times: { at-least: 2 }", "", "", &["0|1|3", "0|2|3", "1|2|3"]);
    check_ab("aab", ", times: { between: [1, 2] }", "", "", &["0|0|2", "0|1|2", "1|1|2"]);
    check_ab("ab", ", times: { between: [0, 1] }", "", "", &["0|0|1", "NULL|NULL|1"]);
    check_ab("xb", ", optional: true", "", "", &["NULL|NULL|1"]);
    let all = ", times: one-or-more, optional: true";
    check_ab("aab", all, "", "", &["0|0|2", "0|1|2", "1|1|2", "NULL|NULL|2"]);
}

#[test]
fn a_greedy_stage_leaves_nothing_that_fits() {
    let then_any = |greedy: bool| {
        format!(
            "stages: [{{ name: a, where: \"x = 'a'\", times: one-or-more, greedy: {greedy} }}, {{ name: b }}], \
             columns: {{ u: first(a.u), a: first(a.t), z: last(a.t), b: last(b.t) }}"
        )
    };
    check("aax", &then_any(true), &["0|1|2", "1|1|2"]);
    check("aax", &then_any(false), &["0|0|1", "0|1|2", "1|1|2"]);
}

#[test]
fn repetitions_end_by_a_condition() {
    let until = ", times: one-or-more, until: \"x = 'u'\"";
    check_ab("aauab", until, "", "", &["0|0|4", "0|1|4", "1|1|4", "3|3|4"]);
    // By what was taken before.
    let until = ", times: one-or-more, until: \"x = 'a' and t > first(a.t) + 1\"";
    check_ab("aaab", until, "", "", &["0|0|3", "0|1|3", "1|1|3", "1|2|3", "2|2|3"]);
}

#[test]
fn groups_repeat_and_can_be_left_out() {
    let group = |more: &str| {
        format!(
            "stages: [{{ group: [{{ name: a, where: \"x = 'a'\" }}, {{ name: b, where: \"x = 'b'\", after: next }}]{more} }}, \
             {{ name: c, where: \"x = 'c'\" }}], \
             columns: {{ u: first(c.u), a: first(a.t), b: last(b.t), c: last(c.t) }}"
        )
    };
    check("ababc", &group(", times: { exactly: 2 }"), &["0|3|4"]);
    check("abxc", &group(", optional: true"), &["0|1|3", "NULL|NULL|3"]);
    let within = "stages: [{ name: c, where: \"x = 'c'\" }, { group: [{ name: a, where: \"x = 'a'\" }, \
                  { name: b, where: \"x = 'b'\" }], after: followed-by-any, times: one-or-more, optional: false }], \
                  columns: { u: first(c.u), a: first(a.t), b: last(b.t) }";
    check("cxabab", within, &["2|3", "2|5", "4|5"]);
}

#[test]
fn times_are_bounds() {
    check_ab("axbab", "", "", ", within: 2ms", &["3|3|4"]);
    check_ab("axbab", "", ", within: 2ms", "", &["3|3|4"]);
    check_a("axaa", ", times: { exactly: 3 }, repeats_within: 2ms", &[]);
    check_a("aaxa", ", times: { exactly: 3 }, repeats_within: 2ms", &["0|3"]);
}

#[test]
fn a_match_lets_others_go() {
    let after = |to: &str| format!(", after_match: {to}");
    let many = ", times: one-or-more";
    let all = ["0|0|2", "0|1|2", "1|1|2"];
    check_ab("aab", many, "", &after("no-skip"), &all);
    check_ab("aab", many, "", &after("to-next"), &["0|1|2", "1|1|2"]);
    check_ab("aab", many, "", &after("past-last-event"), &["0|1|2"]);
    check_ab("aab", many, "", &after("{ to-first: b }"), &["0|1|2"]);
    check_ab("aab", many, "", &after("{ to-last: a }"), &["0|1|2", "1|1|2"]);
}

#[test]
fn a_match_that_has_not_what_matching_goes_on_with_fails_if_so_asked() {
    let pattern = "stages: [{ name: a, where: \"x = 'a'\" }, { name: o, where: \"x = 'o'\", optional: true }, \
                   { name: b, where: \"x = 'b'\" }], after_match: { to-last: o }, columns: { u: first(a.u), b: last(b.t) }";
    check("axbaob", pattern, &["2", "5"]);
    let why = failure(&topology("ab", &format!("{pattern}, fail_on_miss: true")));
    assert!(why.contains("matching cannot go on at `o`: it has taken no event"), "{why}");
    assert!(why.contains("under key 1") && why.contains("found"), "{why}");
}

#[test]
fn limits_fail_the_job() {
    let pattern = "stages: [{ name: a, where: \"x = 'a'\", times: one-or-more, combinations: true }, { name: b, where: \"x = 'b'\" }], \
                   limits: { partial_matches: 20, entries: 1000 }, columns: { b: last(b.t) }";
    let why = failure(&topology("aaaaaa", pattern));
    assert!(why.contains("under key 1: a key has more than 20 partial matches"), "{why}");
}

#[test]
fn conditions_look_back_and_columns_are_computed() {
    let rows = run_with_fault(
        "sources:
  bids:
    parallelism: 1
    inline: { rows: [
      { item: 1, who: { name: ann, age: 3 }, price: 10, t: 1 }, { item: 2, price: 7, t: 2 },
      { item: 1, who: { name: bob }, price: 9, t: 3 }, { item: 1, price: 8, t: 4 },
      { item: 2, price: 8, t: 5 }, { item: 1, price: 30, t: 6 }, { item: 1, who: { name: cyd }, t: 7 }] }
    schema: { item: int64, who: 'struct<name: string, age: int64?>?', price: int64?, t: int64 }
    event_time: { timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous }
operators:
  found:
    inputs: bids
    pattern:
      key_by: item
      stages:
        - { name: start, where: price is not null }
        - { name: falls, after: next, times: one-or-more, consecutive: true, greedy: true,
            where: 'price < coalesce(last(falls.price), last(start.price))' }
        - { name: rise, after: next, where: 'price > first(start.price) AND price > last(falls.price) * 3' }
      after_match: past-last-event
      columns:
        item: first(start.item)
        by: last(start.who.name)
        low: last(falls.price)
        rise: last(rise.price) - last(falls.price)
        who: last(rise.who)
sinks: { out: { inputs: found, collect: {} } }
",
        "found",
        4,
    );
    assert_eq!(rows["out"], ["1|ann|8|22|NULL"]);
}

/// Bids on items, and a pattern over them with these stages and columns.
fn bids(bids: &str, stages: &str, columns: &str) -> String {
    format!(
        "sources:
  bids:
    parallelism: 1
    inline: {{ rows: [{bids}] }}
    schema: {{ item: int64, price: int64?, weight: float64, by: string, t: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous }}
operators:
  found:
    inputs: bids
    pattern: {{ key_by: item, stages: [{stages}], after_match: past-last-event, columns: {{ {columns} }} }}
sinks: {{ out: {{ inputs: found, collect: {{}} }} }}
"
    )
}

fn bid(item: u32, price: &str, weight: f64, by: &str, t: u32) -> String {
    format!("{{ item: {item}, price: {price}, weight: {weight}, by: {by}, t: {t} }}, ")
}

#[test]
fn conditions_and_columns_look_at_all_that_a_stage_has_taken() {
    let all = [
        bid(1, "4", 0.5, "ann", 1),
        bid(1, "null", 0.25, "bob", 2),
        bid(2, "50", 1.0, "ann", 3),
        bid(1, "5", 2.0, "cyd", 4),
        // The mean of 4, 5 and 30 is 13.
        bid(1, "30", 1.0, "dan", 5),
        bid(2, "1", 1.0, "eve", 6),
        bid(2, "99", 1.0, "fay", 7),
    ];
    let stages = "{ name: low, times: one-or-more, greedy: true, consecutive: true, \
         where: '(coalesce(SUM( low . price), 0) + coalesce(price, 0)) / (count(low.price) + 1) < 10' }, \
         { name: any, after: next }";
    let columns = "item: first(low.item), n: count(low.by), priced: count(low.price), sum: sum(low.price), \
         mean: avg(low.price), least: min(low.weight), last_by: max(low.by), weight: sum(low.weight), none: count(low.price) * 2";
    let rows = run_with_fault(&bids(&all.concat(), stages, columns), "found", 4);
    assert_eq!(rows["out"], ["1|3|2|9|4.5|0.25|cyd|2.75|4", "2|1|1|1|1.0|1.0|eve|1.0|2"]);
}

#[test]
fn a_stage_that_has_taken_nothing_has_a_count_and_no_sum() {
    let all = [bid(1, "7", 1.0, "ann", 1), bid(1, "8", 1.0, "bob", 2)];
    let stages = "{ name: a, where: price = 7 }, { name: o, where: price = 9, optional: true }, { name: b, after: next, where: price = 8 }";
    let columns =
        "n: count(o.by), sum: sum(o.price), mean: avg(o.weight), by: min(o.by), b: sum(b.price)";
    let rows = run(&bids(&all.concat(), stages, columns));
    assert_eq!(rows["out"], ["0|NULL|NULL|NULL|8"]);
}

#[test]
fn a_sum_that_does_not_fit_is_an_error_of_its_row() {
    let all = [
        bid(1, "9223372036854775807", 1.0, "ann", 1),
        bid(1, "1", 1.0, "bob", 2),
        bid(1, "2", 1.0, "cyd", 3),
    ];
    let stages = |times: &str| {
        format!(
            "{{ name: a, times: {times} }}, {{ name: b, after: next, where: 'sum(a.price) > price' }}"
        )
    };
    let one = bids(&all.concat(), &stages("once"), "b: last(b.by)");
    assert_eq!(run(&one)["out"], ["bob"]);
    let two = bids(&all.concat(), &stages("{ exactly: 2 }"), "b: last(b.by)");
    let why = failure(&two);
    assert!(why.contains("price") && why.contains("cyd"), "{why}");
    // Left out, it is an event for which the condition does not hold.
    let skipped = two.replace("inputs: bids\n", "inputs: bids\n    dead_letters: skip\n");
    assert!(run(&skipped)["out"].is_empty());
}

#[test]
fn late_events_and_matches_that_ran_out_of_time_go_aside() {
    let sections = "sources:
  orders:
    parallelism: 1
    inline: { rows: [
      { id: 1, x: a, t: 0 }, { id: 2, x: a, t: 1 }, { id: 1, x: b, t: 4 }, { id: 3, x: a, t: 5 },
      { id: 2, x: b, t: 3 }, { id: 3, t: 6 }, { id: 2, x: b, t: 6 }] }
    schema: { id: int64, x: string?, t: int64 }
    event_time: { timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous, emit: each-record }
operators:
  found:
    inputs: orders
    pattern:
      key_by: id
      stages: [{ name: a, where: x = 'a' }, { name: b, where: x = 'b' }]
      within: 5ms
      columns: { id: first(a.id), took: last(b.t) - first(a.t) }
      timed_out: { id: first(a.id), b: last(b.t), stop: first(a.t) + 5 }
sinks:
  out: { inputs: found, collect: {} }
  late: { inputs: found.late, collect: {} }
  over: { inputs: found.timed_out, collect: {} }
";
    let rows = run_with_fault(sections, "found", 3);
    assert_eq!(rows["out"], ["1|4"]);
    assert_eq!(rows["late"], ["2|b|3"]);
    assert_eq!(rows["over"], ["2|NULL|6", "3|NULL|10"]);
}

#[test]
fn events_of_one_time_are_ordered_as_the_topology_says() {
    let sections = |ties: &str| {
        format!(
            "sources:
  events:
    parallelism: 1
    inline: {{ rows: [{{ n: 2, x: a, t: 1 }}, {{ n: 1, x: b, t: 1 }}, {{ n: 1, x: c, t: 2 }}, {{ n: 2, x: c, t: 2 }}] }}
    schema: {{ n: int64, x: string, t: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous }}
operators:
  found:
    inputs: events
    dead_letters: skip
    pattern:
      key_by: t
      stages: [{{ name: a }}, {{ name: b, after: next }}]
      order_ties_by: {ties}
      columns: {{ a: first(a.x), an: first(a.n), b: first(b.x), bn: first(b.n) }}
sinks: {{ out: {{ inputs: found, collect: {{}} }} }}
"
        )
    };
    assert_eq!(run(&sections("n"))["out"], ["b|1|a|2", "c|1|c|2"]);
    assert_eq!(run(&sections("n desc"))["out"], ["a|2|b|1", "c|2|c|1"]);
    assert_eq!(run(&sections("[x desc, n]"))["out"], ["b|1|a|2", "c|1|c|2"]);
    assert_eq!(run(&sections("[x, 0 - n]"))["out"], ["a|2|b|1", "c|2|c|1"]);
    // A row that cannot be ordered is left out before.
    assert_eq!(run(&sections("12 / (n - 1)"))["out"], Vec::<String>::new());
    let why = failure(&sections("12 / (n - 1)").replace("dead_letters: skip", ""));
    assert!(why.contains("found.usable") && why.contains("the row is [1, 'b', 1]"), "{why}");
}

#[test]
fn the_wall_clock_orders_events_as_they_arrive() {
    let sections = "sources:
  events:
    parallelism: 1
    inline: { rows: [{ u: 1, x: b }, { u: 1, x: a }, { u: 2, x: a }, { u: 1, x: b }, { u: 2, x: c }] }
    schema: { u: int64, x: string }
operators:
  found:
    inputs: events
    pattern:
      key_by: u
      time: processing-time
      stages: [{ name: a, where: x = 'a' }, { name: b, after: next, where: x = 'b' }]
      within: 1d
      columns: { u: first(a.u), x: last(b.x) }
sinks: { out: { inputs: found, collect: {} } }
";
    assert_eq!(run_with_fault(sections, "found", 3)["out"], ["1|b"]);
}

/// Numbers of one key; a condition divides by them.
fn divided(stages: &str, columns: &str, more: &str) -> String {
    format!(
        "sources:
  events:
    parallelism: 1
    inline: {{ rows: [{{ k: 1, n: 2, t: 1 }}, {{ k: 1, n: 0, t: 2 }}, {{ k: 1, n: 3, t: 3 }}, {{ k: 1, t: 4 }}, {{ k: 1, n: 6, t: 5 }}] }}
    schema: {{ k: int64, n: int64?, t: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous }}
operators: {{ found: {{ inputs: events, {more}pattern: {{ key_by: k, stages: [{stages}], columns: {{ {columns} }} }} }} }}
sinks: {{ out: {{ inputs: found, collect: {{}} }} }}
"
    )
}

#[test]
fn a_condition_without_a_value_fails_the_job_or_is_not_met() {
    let stages = "{ name: a, where: n = 2 }, { name: b, where: '12 / n > 3' }";
    let columns = "a: first(a.t), b: last(b.t)";
    let skipped = run(&divided(stages, columns, "dead_letters: skip, "));
    assert_eq!(skipped["out"], ["1|3"]);
    let why = failure(&divided(stages, columns, ""));
    assert!(why.contains("found") && why.contains("under key 1"), "{why}");
    assert!(why.contains("zero") && why.contains("the row is [1, 0, 2]"), "{why}");
    assert!(why.contains("`dead_letters: skip`"), "{why}");
    // With a look back, and where repetitions end.
    let stages = "{ name: a, where: n = 2 }, { name: b, where: 'first(a.n) * 6 / n > 3' }";
    assert_eq!(run(&divided(stages, columns, "dead_letters: skip, "))["out"], ["1|3"]);
    assert!(failure(&divided(stages, columns, "")).contains("the row is [1, 0, 2]"));
    let stages = "{ name: a, times: one-or-more, greedy: true, until: '12 / n < 4' }, { name: b, where: n = 6 }";
    assert!(failure(&divided(stages, columns, "")).contains("the row is [1, 0, 2]"));
    let found = run(&divided(stages, columns, "dead_letters: skip, "));
    assert_eq!(found["out"], ["1|5", "2|5", "3|5", "4|5"]);
}

#[test]
fn what_comes_before_and_decides_makes_a_division_safe() {
    let stages =
        "{ name: a, where: n = 2 }, { name: b, where: 'n > 0 AND first(a.n) * 6 / n > 3' }";
    let rows = run(&divided(stages, "a: first(a.t), b: last(b.t)", ""));
    assert_eq!(rows["out"], ["1|3"]);
}

#[test]
fn a_match_whose_columns_have_no_value_fails_the_job_or_is_left_out() {
    let stages = "{ name: a }";
    let columns = "t: first(a.t), share: 12 / first(a.n)";
    let rows = run(&divided(stages, columns, "dead_letters: skip, "));
    assert_eq!(rows["out"], ["1|6", "3|4", "4|NULL", "5|2"]);
    let why = failure(&divided(stages, columns, ""));
    assert!(why.contains("found.columns") && why.contains("zero"), "{why}");
}

#[test]
fn a_pattern_survives_a_fault_wherever_it_strikes() {
    let pattern = "stages: [{ name: a, where: \"x = 'a'\" }, { name: b, after: followed-by-any, where: \"x = 'b' and t > last(a.t)\" }], \
                   within: 20ms, columns: { u: first(a.u), a: first(a.t), b: last(b.t) }";
    let sections = topology(&"axbab".repeat(20), pattern);
    let rows = run(&sections);
    assert!(rows["out"].len() > 100);
    for (node, record) in [("found", 1), ("found", 37), ("found", 150), ("found.columns", 20)] {
        let faulty = run_once(
            &sections,
            Run { parallelism: 2, fault: Some((node, record)), ..Run::default() },
        );
        assert_eq!(Ok(&rows), faulty.as_ref(), "{node} at {record}");
    }
}
