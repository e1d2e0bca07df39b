//! Functions of time. A timestamp is an instant; where a calendar or a clock is asked, it is that of the zone that is named,
//! else that of [`Functions::in_zone`](crate::expression::Functions::in_zone), which is read once. Apart because their units, zones and formats are read before they are used.

use super::prepared::Prepared;
use super::{BuiltIn, FunctionEntry, PrepareInZone, misuse, plain};
use crate::expression::calendar::{
    Part, Unit, add, civil, difference, instant, offset, parse_time_in, truncate, zone,
};
use crate::expression::code::Body;
use crate::expression::date_format::Format;
use crate::expression::datum::Datum::{self, Int, Text as T, Timestamp};
use crate::value::Value;
use jiff::tz::{Offset, TimeZone};
use std::sync::Arc;

/// Where the argument stands that names a zone.
const ZONE: usize = 2;

/// The zone of the last argument, or the one that is meant without it.
fn zone_of(constants: &[Option<Value>], meant: &TimeZone) -> Result<Prepared<TimeZone>, String> {
    match constants.get(ZONE) {
        None => Ok(Prepared::Constant(meant.clone())),
        found => Prepared::new(found, zone),
    }
}

fn extract(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let part = Prepared::new(constants.first(), Part::of)?;
    let zone = zone_of(constants, meant)?;
    Ok(Arc::new(move |data| {
        let (written, time, name): (_, _, &str) = match data {
            [T(unit), Timestamp(time)] => (unit, *time, ""),
            [T(unit), Timestamp(time), T(name)] => (unit, *time, name),
            _ => return misuse(),
        };
        let part = part.with(written, |part| Ok(*part))?;
        zone.with(name, |zone| part.extract(time, zone)).map(Int)
    }))
}

fn truncated(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let unit = Prepared::new(constants.first(), Unit::of)?;
    let zone = zone_of(constants, meant)?;
    Ok(Arc::new(move |data| {
        let (written, time, name): (_, _, &str) = match data {
            [T(unit), Timestamp(time)] => (unit, *time, ""),
            [T(unit), Timestamp(time), T(name)] => (unit, *time, name),
            _ => return misuse(),
        };
        let unit = unit.with(written, |unit| Ok(*unit))?;
        zone.with(name, |zone| truncate(unit, time, zone)).map(Timestamp)
    }))
}

fn formatted(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let format = Prepared::new(constants.get(1), Format::new)?;
    let zone = zone_of(constants, meant)?;
    Ok(Arc::new(move |data| {
        let (time, written, name): (_, _, &str) = match data {
            [Timestamp(time), T(format)] => (*time, format, ""),
            [Timestamp(time), T(format), T(name)] => (*time, format, name),
            _ => return misuse(),
        };
        format.with(written, |format| zone.with(name, |zone| in_zone(format, time, zone)))
    }))
}

/// A time as it stands on the clocks of a zone.
fn in_zone<'r>(format: &Format, millis: i64, zone: &TimeZone) -> Result<Datum<'r>, String> {
    let local = civil(millis, zone)?;
    // Only where it is written does it cost to find it out.
    let offset = if format.has_offset() { offset(millis, zone)? } else { Offset::UTC };
    Ok(Datum::text(format.write(local, offset)))
}

fn from_unix_time(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let format = match constants.get(1) {
        None => Prepared::Constant(Format::new("yyyy-MM-dd HH:mm:ss")?),
        found => Prepared::new(found, Format::new)?,
    };
    let zone = zone_of(constants, meant)?;
    Ok(Arc::new(move |data| {
        let (seconds, written, name): (_, &str, &str) = match data {
            [Int(seconds)] => (*seconds, "", ""),
            [Int(seconds), T(format)] => (*seconds, format, ""),
            [Int(seconds), T(format), T(name)] => (*seconds, format, name),
            _ => return misuse(),
        };
        let millis = seconds.checked_mul(1_000).ok_or("the result is out of range")?;
        format.with(written, |format| zone.with(name, |zone| in_zone(format, millis, zone)))
    }))
}

fn to_timestamp(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let format = match constants.get(1) {
        None => None,
        found => Some(Prepared::new(found, Format::new)?),
    };
    let zone = zone_of(constants, meant)?;
    Ok(Arc::new(move |data| {
        let (text, written, name): (_, &str, &str) = match data {
            [T(text)] => (text, "", ""),
            [T(text), T(format)] => (text, format, ""),
            [T(text), T(format), T(name)] => (text, format, name),
            _ => return misuse(),
        };
        let Some(format) = &format else {
            let read = zone.with(name, |zone| parse_time_in(text, zone));
            return Ok(read.map_or(Datum::Null, Timestamp));
        };
        match format.with(written, |format| Ok(format.read(text)))? {
            Some((local, Some(offset))) => instant(local, &TimeZone::fixed(offset)).map(Timestamp),
            Some((local, None)) => zone.with(name, |zone| instant(local, zone)).map(Timestamp),
            None => Ok(Datum::Null),
        }
    }))
}

fn moved(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let unit = Prepared::new(constants.first(), Unit::of)?;
    let zone = meant.clone();
    Ok(Arc::new(move |data| match data {
        [T(written), Int(count), Timestamp(time)] => {
            let interval = unit.with(written, |unit| {
                unit.interval(*count).ok_or_else(|| "the interval is too long".to_owned())
            })?;
            add(*time, interval, true, &zone).map(Timestamp)
        }
        _ => misuse(),
    }))
}

fn between(constants: &[Option<Value>], meant: &TimeZone) -> Result<Body, String> {
    let unit = Prepared::new(constants.first(), Unit::of)?;
    let zone = meant.clone();
    Ok(Arc::new(move |data| match data {
        [T(written), Timestamp(from), Timestamp(to)] => {
            unit.with(written, |unit| difference(*unit, *from, *to, &zone)).map(Int)
        }
        _ => misuse(),
    }))
}

/// Always the same part.
fn part(part: Part, meant: &TimeZone) -> Result<Body, String> {
    let zone = meant.clone();
    Ok(Arc::new(move |data| match data {
        [Timestamp(time)] => part.extract(*time, &zone).map(Int),
        _ => misuse(),
    }))
}

/// A row of the table for a function whose last argument may name a zone.
const fn prepared(
    name: &'static str,
    signatures: &'static [&'static str],
    about: &'static str,
    examples: &'static [(&'static str, &'static str)],
    prepare: PrepareInZone,
) -> FunctionEntry {
    let body = BuiltIn::InZone(prepare, Some(ZONE));
    FunctionEntry { name, signatures, about, examples, body }
}

/// A row of the table for a function for which no zone can be named.
const fn of_calendar(
    name: &'static str,
    signatures: &'static [&'static str],
    about: &'static str,
    examples: &'static [(&'static str, &'static str)],
    prepare: PrepareInZone,
) -> FunctionEntry {
    FunctionEntry { name, signatures, about, examples, body: BuiltIn::InZone(prepare, None) }
}

pub(super) const TABLE: &[FunctionEntry] = &[
    prepared(
        "EXTRACT",
        &[
            "EXTRACT(unit: string, time: timestamp) -> int64",
            "EXTRACT(unit: string, time: timestamp, zone: string) -> int64",
        ],
        "A part of a time: YEAR, QUARTER, MONTH, WEEK (ISO), DAY, HOUR, MINUTE, SECOND, MILLISECOND, DOW (Sunday is 1), ISODOW (Monday is 1), DOY, EPOCH (seconds); also EXTRACT(HOUR FROM time AT TIME ZONE 'Europe/Berlin').",
        &[
            ("EXTRACT(HOUR FROM TIMESTAMP '2026-11-27 13:30:00')", "13"),
            (
                "EXTRACT(HOUR FROM TIMESTAMP '2026-07-01 13:30:00' AT TIME ZONE 'Europe/Berlin')",
                "15",
            ),
            ("EXTRACT(DOW FROM TIMESTAMP '2026-11-27')", "6"),
        ],
        extract,
    ),
    prepared(
        "DATE_TRUNC",
        &[
            "DATE_TRUNC(unit: string, time: timestamp) -> timestamp",
            "DATE_TRUNC(unit: string, time: timestamp, zone: string) -> timestamp",
        ],
        "The beginning of the hour, day, week (from Monday), month, quarter or year in which a time lies.",
        &[
            ("DATE_TRUNC('HOUR', TIMESTAMP '2026-11-27 13:30:00')", "2026-11-27 13:00:00"),
            ("FLOOR(TIMESTAMP '2026-11-27 13:30:00' TO MONTH)", "2026-11-01 00:00:00"),
            (
                "DATE_TRUNC('DAY', TIMESTAMP '2026-11-27 23:30:00', 'Europe/Berlin')",
                "2026-11-27 23:00:00",
            ),
        ],
        truncated,
    ),
    prepared(
        "DATE_FORMAT",
        &[
            "DATE_FORMAT(time: timestamp, format: string) -> string",
            "DATE_FORMAT(time: timestamp, format: string, zone: string) -> string",
        ],
        "A time as text, in a format of the letters yyyy MM dd HH mm ss SSS EEE, and Z or XXX for the offset from UTC; other text stands in quotes.",
        &[
            (
                "DATE_FORMAT(TIMESTAMP '2026-11-27 13:30:00', 'yyyy-MM-dd HH:mm')",
                "2026-11-27 13:30",
            ),
            ("DATE_FORMAT(TIMESTAMP '2026-11-27 13:30:00', 'HH:mm', 'Asia/Tokyo')", "22:30"),
        ],
        formatted,
    ),
    prepared(
        "TO_TIMESTAMP",
        &[
            "TO_TIMESTAMP(text: string) -> timestamp?",
            "TO_TIMESTAMP(text: string, format: string) -> timestamp?",
            "TO_TIMESTAMP(text: string, format: string, zone: string) -> timestamp?",
        ],
        "The time that a text names; NULL if it names none. Without a format it is written as 2026-11-27 13:30:00.123, with an offset if it is not UTC.",
        &[
            ("TO_TIMESTAMP('2026-11-27T13:30:00+02:00')", "2026-11-27 11:30:00"),
            ("TO_TIMESTAMP('27.11.2026', 'dd.MM.yyyy')", "2026-11-27 00:00:00"),
            (
                "TO_TIMESTAMP('27/11/2026:13:30:00 +0200', 'dd/MM/yyyy:HH:mm:ss Z')",
                "2026-11-27 11:30:00",
            ),
            ("TO_TIMESTAMP('rubbish')", "NULL"),
        ],
        to_timestamp,
    ),
    plain(
        "TO_TIMESTAMP_LTZ",
        &["TO_TIMESTAMP_LTZ(number: int64, precision: int64) -> timestamp"],
        "The time so many seconds (precision 0) or milliseconds (precision 3) after the epoch.",
        &[("TO_TIMESTAMP_LTZ(1000, 3)", "1970-01-01 00:00:01")],
        |data| match data {
            [Int(millis), Int(3)] => Ok(Timestamp(*millis)),
            [Int(seconds), Int(0)] => {
                let millis = seconds.checked_mul(1_000);
                millis.map(Timestamp).ok_or_else(|| "the result is out of range".to_owned())
            }
            _ => Err("the precision is 0 for seconds or 3 for milliseconds".to_owned()),
        },
    ),
    plain(
        "UNIX_TIMESTAMP",
        &["UNIX_TIMESTAMP(time: timestamp) -> int64"],
        "The seconds from the epoch to a time.",
        &[("UNIX_TIMESTAMP(TIMESTAMP '1970-01-01 00:01:00')", "60")],
        |data| match data {
            [Timestamp(time)] => Ok(Int(time.div_euclid(1_000))),
            _ => misuse(),
        },
    ),
    plain(
        "UNIX_MILLIS",
        &["UNIX_MILLIS(time: timestamp) -> int64"],
        "The milliseconds from the epoch to a time.",
        &[("UNIX_MILLIS(TIMESTAMP '1970-01-01 00:00:00.5')", "500")],
        |data| match data {
            [Timestamp(time)] => Ok(Int(*time)),
            _ => misuse(),
        },
    ),
    prepared(
        "FROM_UNIXTIME",
        &[
            "FROM_UNIXTIME(seconds: int64) -> string",
            "FROM_UNIXTIME(seconds: int64, format: string) -> string",
            "FROM_UNIXTIME(seconds: int64, format: string, zone: string) -> string",
        ],
        "The time so many seconds after the epoch, as text.",
        &[("FROM_UNIXTIME(60)", "1970-01-01 00:01:00"), ("FROM_UNIXTIME(0, 'HH', '+05:00')", "05")],
        from_unix_time,
    ),
    of_calendar(
        "TIMESTAMPADD",
        &["TIMESTAMPADD(unit: string, count: int64, time: timestamp) -> timestamp"],
        "A time moved by so many units; as time + INTERVAL '5' MINUTE, for a number that is not constant.",
        &[("TIMESTAMPADD(MONTH, 1, TIMESTAMP '2026-01-31')", "2026-02-28 00:00:00")],
        moved,
    ),
    of_calendar(
        "TIMESTAMPDIFF",
        &["TIMESTAMPDIFF(unit: string, from: timestamp, to: timestamp) -> int64"],
        "How many whole units lie between two times.",
        &[(
            "TIMESTAMPDIFF(MINUTE, TIMESTAMP '2026-11-27 13:00:00', TIMESTAMP '2026-11-27 14:30:00')",
            "90",
        )],
        between,
    ),
    of_calendar(
        "YEAR",
        &["YEAR(time: timestamp) -> int64"],
        "The year.",
        &[("YEAR(TIMESTAMP '2026-11-27')", "2026")],
        |_, zone| part(Part::Of(Unit::Year), zone),
    ),
    of_calendar(
        "QUARTER",
        &["QUARTER(time: timestamp) -> int64"],
        "The quarter, from 1 to 4.",
        &[("QUARTER(TIMESTAMP '2026-11-27')", "4")],
        |_, zone| part(Part::Of(Unit::Quarter), zone),
    ),
    of_calendar(
        "MONTH",
        &["MONTH(time: timestamp) -> int64"],
        "The month, from 1 to 12.",
        &[("MONTH(TIMESTAMP '2026-11-27')", "11")],
        |_, zone| part(Part::Of(Unit::Month), zone),
    ),
    of_calendar(
        "WEEK",
        &["WEEK(time: timestamp) -> int64"],
        "The week of ISO 8601, from 1 to 53.",
        &[("WEEK(TIMESTAMP '2026-11-27')", "48")],
        |_, zone| part(Part::Of(Unit::Week), zone),
    ),
    of_calendar(
        "DAYOFMONTH",
        &["DAYOFMONTH(time: timestamp) -> int64"],
        "The day of the month.",
        &[("DAYOFMONTH(TIMESTAMP '2026-11-27')", "27")],
        |_, zone| part(Part::Of(Unit::Day), zone),
    ),
    of_calendar(
        "DAYOFWEEK",
        &["DAYOFWEEK(time: timestamp) -> int64"],
        "The day of the week; Sunday is 1.",
        &[("DAYOFWEEK(TIMESTAMP '2026-11-27')", "6")],
        |_, zone| part(Part::DayOfWeek, zone),
    ),
    of_calendar(
        "DAYOFYEAR",
        &["DAYOFYEAR(time: timestamp) -> int64"],
        "The day of the year.",
        &[("DAYOFYEAR(TIMESTAMP '2026-02-01')", "32")],
        |_, zone| part(Part::DayOfYear, zone),
    ),
    of_calendar(
        "HOUR",
        &["HOUR(time: timestamp) -> int64"],
        "The hour, from 0 to 23.",
        &[("HOUR(TIMESTAMP '2026-11-27 13:30:00')", "13")],
        |_, zone| part(Part::Of(Unit::Hour), zone),
    ),
    of_calendar(
        "MINUTE",
        &["MINUTE(time: timestamp) -> int64"],
        "The minute, from 0 to 59.",
        &[("MINUTE(TIMESTAMP '2026-11-27 13:30:00')", "30")],
        |_, zone| part(Part::Of(Unit::Minute), zone),
    ),
    of_calendar(
        "SECOND",
        &["SECOND(time: timestamp) -> int64"],
        "The second, from 0 to 59.",
        &[("SECOND(TIMESTAMP '2026-11-27 13:30:09')", "9")],
        |_, zone| part(Part::Of(Unit::Second), zone),
    ),
];
