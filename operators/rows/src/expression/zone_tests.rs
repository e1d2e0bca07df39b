//! Tests of times in a zone: on both sides of where Berlin turns its clocks, and where a zone is named all the same.

use super::calendar::{parse_time, zone};
use super::{Expression, Functions};
use crate::data_type::{DataType, Field};
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;
use proptest::prelude::*;

fn schema() -> Schema {
    Schema::new([
        Field::required("at", DataType::Timestamp),
        Field::required("text", DataType::String),
        Field::required("times", DataType::list_of(DataType::Timestamp)),
    ])
    .expect("names differ")
}

/// The value of an expression in a zone at an instant; what is wrong with it otherwise.
fn evaluated(zone: &str, at: i64, text: &str, expression: &str) -> String {
    let functions = Functions::built_in().in_zone(zone).expect("a zone");
    let parsed = Expression::parse(expression).expect("SQL");
    let checked = match parsed.check(&schema(), &functions) {
        Ok(checked) => checked,
        Err(errors) => return errors[0].to_string(),
    };
    let times = Value::list([Value::Timestamp(at)]);
    let row = Row::new([Value::Timestamp(at), Value::string(text), times]);
    checked.value().evaluate(&row).map_or_else(|error| error.to_string(), |value| value.to_string())
}

/// Cases of Berlin: an instant in UTC, an expression, its value; timestamps are shown in UTC.
fn check(cases: &[(&str, &str, &str)]) {
    for (at, expression, expected) in cases {
        let found = evaluated("Europe/Berlin", parse_time(at).expect("a time"), "", expression);
        assert_eq!(found, *expected, "{expression} at {at}");
    }
}

#[test]
fn an_hour_is_missing_in_spring() {
    check(&[
        ("2026-03-29 00:59:59", "HOUR(at)", "1"),
        ("2026-03-29 01:00:00", "HOUR(at)", "3"),
        ("2026-03-29 01:00:00", "EXTRACT(HOUR FROM at)", "3"),
        ("2026-03-29 00:59:59.5", "CAST(at AS STRING)", "2026-03-29 01:59:59.500"),
        ("2026-03-29 01:00:00", "CAST(at AS STRING)", "2026-03-29 03:00:00"),
        ("2026-03-29 12:00:00", "DATE_TRUNC('DAY', at)", "2026-03-28 23:00:00"),
        ("2026-03-30 12:00:00", "DATE_TRUNC('DAY', at)", "2026-03-29 22:00:00"),
        ("2026-03-29 12:00:00", "FLOOR(at TO MONTH)", "2026-02-28 23:00:00"),
        ("2026-03-29 01:30:00", "DATE_FORMAT(at, 'HH:mm XXX')", "03:30 +02:00"),
        ("2026-03-29 00:30:00", "DATE_FORMAT(at, 'HH:mm XXX')", "01:30 +01:00"),
        // What the clocks skip is moved on.
        ("2026-01-01", "TIMESTAMP '2026-03-29 02:30:00'", "2026-03-29 01:30:00"),
        ("2026-01-01", "CAST('2026-03-29 01:59:59' AS TIMESTAMP)", "2026-03-29 00:59:59"),
        ("2026-01-01", "CAST('2026-03-29 03:00:00' AS TIMESTAMP)", "2026-03-29 01:00:00"),
    ]);
}

#[test]
fn an_hour_comes_twice_in_autumn() {
    check(&[
        ("2026-10-25 00:30:00", "HOUR(at)", "2"),
        ("2026-10-25 01:30:00", "HOUR(at)", "2"),
        ("2026-10-25 02:00:00", "HOUR(at)", "3"),
        ("2026-10-25 00:30:00", "CAST(at AS STRING)", "2026-10-25 02:30:00"),
        ("2026-10-25 01:30:00", "CAST(at AS STRING)", "2026-10-25 02:30:00"),
        // Two hours, not one: an hour is truncated by the instant.
        ("2026-10-25 00:30:00", "DATE_TRUNC('HOUR', at)", "2026-10-25 00:00:00"),
        ("2026-10-25 01:30:00", "DATE_TRUNC('HOUR', at)", "2026-10-25 01:00:00"),
        ("2026-10-25 12:00:00", "DATE_TRUNC('DAY', at)", "2026-10-24 22:00:00"),
        ("2026-10-26 12:00:00", "DATE_TRUNC('DAY', at)", "2026-10-25 23:00:00"),
        // Of two instants the earlier; an offset says which.
        ("2026-01-01", "TIMESTAMP '2026-10-25 02:30:00'", "2026-10-25 00:30:00"),
        ("2026-01-01", "TO_TIMESTAMP('2026-10-25 02:30:00')", "2026-10-25 00:30:00"),
        ("2026-01-01", "TO_TIMESTAMP('2026-10-25 02:30:00+01:00')", "2026-10-25 01:30:00"),
        ("2026-01-01", "CAST('2026-10-25T02:30:00+01:00' AS TIMESTAMP)", "2026-10-25 01:30:00"),
    ]);
}

#[test]
fn all_that_asks_a_calendar_asks_that_of_the_zone() {
    check(&[
        ("2026-12-31 23:30:00", "YEAR(at)", "2027"),
        ("2026-12-31 23:30:00", "QUARTER(at) * 100 + MONTH(at)", "101"),
        ("2026-12-31 23:30:00", "DAYOFMONTH(at) * 1000 + DAYOFYEAR(at)", "1001"),
        ("2026-11-29 23:30:00", "WEEK(at) * 10 + DAYOFWEEK(at)", "492"),
        ("2026-11-29 23:30:15", "MINUTE(at) * 100 + SECOND(at)", "3015"),
        ("2026-11-29 23:30:15", "EXTRACT(EPOCH FROM at)", "1795995015"),
        ("2026-01-01", "FROM_UNIXTIME(0)", "1970-01-01 01:00:00"),
        ("2026-01-01", "FROM_UNIXTIME(0, 'HH')", "01"),
        ("2026-01-01", "TO_TIMESTAMP('27.07.2026', 'dd.MM.yyyy')", "2026-07-26 22:00:00"),
        ("2026-06-30 22:00:00", "at >= '2026-07-01 00:00:00'", "TRUE"),
        ("2026-06-30 22:00:00", "at = '2026-07-01'", "TRUE"),
        ("2026-06-30 21:59:59", "at BETWEEN '2026-07-01' AND '2026-08-01'", "FALSE"),
        ("2026-06-30 22:00:00", "ARRAY_JOIN(times, ',')", "2026-07-01 00:00:00"),
        // Months keep the time of day; days and shorter are lengths.
        ("2026-03-10 11:00:00", "at + INTERVAL '1' MONTH", "2026-04-10 10:00:00"),
        ("2026-03-28 11:00:00", "at + INTERVAL '1' DAY", "2026-03-29 11:00:00"),
        ("2026-03-10 11:00:00", "TIMESTAMPADD(MONTH, 1, at)", "2026-04-10 10:00:00"),
        ("2026-01-31 23:30:00", "TIMESTAMPDIFF(MONTH, at, '2026-03-01 00:30:00')", "1"),
    ]);
    let told = evaluated("Europe/Berlin", 0, "", "CAST('soon' AS TIMESTAMP)");
    assert!(told.contains("with an offset if it is not Europe/Berlin"), "{told}");
    let at = parse_time("2026-01-31 23:30:00").expect("a time");
    let difference = "TIMESTAMPDIFF(MONTH, at, TIMESTAMP '2026-02-28 23:30:00')";
    assert_eq!(evaluated("UTC", at, "", difference), "0", "January 31 to February 28");
}

#[test]
fn a_zone_that_is_named_goes_first() {
    check(&[
        ("2026-07-01 22:30:00", "EXTRACT(HOUR FROM at AT TIME ZONE 'UTC')", "22"),
        ("2026-07-01 22:30:00", "EXTRACT('DAY', at, 'UTC')", "1"),
        ("2026-07-01 22:30:00", "DATE_TRUNC('DAY', at, 'UTC')", "2026-07-01 00:00:00"),
        ("2026-07-01 22:30:00", "DATE_FORMAT(at, 'HH:mm', 'Asia/Tokyo')", "07:30"),
        ("2026-07-01 22:30:00", "FROM_UNIXTIME(0, 'HH', '+05:00')", "05"),
        ("2026-07-01", "TO_TIMESTAMP('01.07.2026', 'dd.MM.yyyy', 'UTC')", "2026-07-01 00:00:00"),
        // What the text leaves out is of 1970, its offset its own.
        ("2026-07-01", "TO_TIMESTAMP('01 +0500', 'dd Z')", "1969-12-31 19:00:00"),
    ]);
}

#[test]
fn what_depends_on_the_zone_says_so() {
    for (expression, expected) in [
        ("at", false),
        ("at > TIMESTAMP '2026-01-01'", true),
        ("at > '2026-01-01'", true),
        ("CAST(at AS STRING)", true),
        ("CAST(text AS TIMESTAMP)", true),
        ("CAST(text AS BIGINT)", false),
        ("HOUR(at)", true),
        ("EXTRACT(HOUR FROM at AT TIME ZONE 'UTC')", false),
        ("DATE_TRUNC('DAY', at)", true),
        ("DATE_TRUNC('DAY', at, 'Asia/Tokyo')", false),
        ("TO_TIMESTAMP(text)", true),
        ("TO_TIMESTAMP(text, 'dd.MM.yyyy', 'UTC')", false),
        ("at + INTERVAL '1' DAY", false),
        ("at + INTERVAL '1' MONTH", true),
        ("UNIX_MILLIS(at)", false),
        ("TO_TIMESTAMP_LTZ(5, 3)", false),
    ] {
        let parsed = Expression::parse(expression).expect("SQL");
        let checked = parsed.check(&schema(), &Functions::built_in()).expect("of this schema");
        assert_eq!(checked.is_zoned(), expected, "{expression}");
    }
}

#[test]
fn zones_are_names_or_offsets() {
    let at = parse_time("2026-07-01 22:30:00").expect("a time");
    for (zone, hour) in [("UTC", "22"), ("Etc/UTC", "22"), ("+02:30", "1"), ("Asia/Tokyo", "7")] {
        assert_eq!(evaluated(zone, at, "", "HOUR(at)"), hour, "{zone}");
    }
    let wrong = Functions::built_in().in_zone("Berlin").expect_err("no zone");
    assert_eq!(
        wrong.to_string(),
        "there is no time zone 'Berlin'; write its name as in 'Europe/Berlin'"
    );
}

proptest! {
    /// Text gives the instant back, but for the hour that comes twice, of which it gives the first.
    #[test]
    fn a_time_survives_its_text(millis in 0i64..4_000_000_000_000, place in 0usize..4) {
        let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"];
        let name = zones[place];
        let of = |text: &str, expression: &str| evaluated(name, millis, text, expression);
        let text = of("", "CAST(at AS STRING)");
        let local = zone(name).and_then(|zone| super::calendar::civil(millis, &zone));
        let local = local.expect("within range").strftime("%Y-%m-%d %H:%M:%S").to_string();
        prop_assert!(text.starts_with(&local), "{text} {local}");
        let back = of(&text, "UNIX_MILLIS(at) - UNIX_MILLIS(CAST(text AS TIMESTAMP))");
        prop_assert!(["0", "3600000", "1800000"].contains(&back.as_str()), "{text}: {back}");
    }
}
