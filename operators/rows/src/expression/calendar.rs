//! Instants and the calendar: units, parts of a time, and arithmetic with them. Apart because every date function asks it.
//!
//! In UTC what can be computed from milliseconds is; other zones go through `jiff`, whose rules of time zones are
//! compiled in.

use super::syntax::Interval;
use crate::suggest::nearest;
use crate::value::write_timestamp;
use compact_str::CompactString;
use jiff::civil::{DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const UNITS: [(&str, Unit); 9] = [
    ("MILLISECOND", Unit::Millisecond),
    ("SECOND", Unit::Second),
    ("MINUTE", Unit::Minute),
    ("HOUR", Unit::Hour),
    ("DAY", Unit::Day),
    ("WEEK", Unit::Week),
    ("MONTH", Unit::Month),
    ("QUARTER", Unit::Quarter),
    ("YEAR", Unit::Year),
];

fn unknown_unit(name: &str, more: &[&'static str]) -> String {
    let names = || UNITS.iter().map(|(name, _)| *name).chain(more.iter().copied());
    let shown: String = name.chars().take(40).collect();
    match nearest(&shown, names()) {
        Some(near) => format!("there is no unit '{shown}'; did you mean {near}?"),
        None => format!(
            "there is no unit '{shown}'; there are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

impl Unit {
    pub(crate) fn of(name: &str) -> Result<Self, String> {
        let upper = name.to_uppercase();
        let single = upper.strip_suffix('S').unwrap_or(&upper);
        let found = UNITS.iter().find(|(unit, _)| *unit == single);
        found.map(|(_, unit)| *unit).ok_or_else(|| unknown_unit(name, &[]))
    }

    /// So many of it; `None` when that is too long.
    pub(crate) fn interval(self, count: i64) -> Option<Interval> {
        let of_months = |months| Some(Interval { months: count.checked_mul(months)?, millis: 0 });
        match self {
            Self::Month => of_months(1),
            Self::Quarter => of_months(3),
            Self::Year => of_months(12),
            fixed => {
                let millis = count.checked_mul(fixed.millis()?)?;
                Some(Interval { months: 0, millis })
            }
        }
    }

    const fn millis(self) -> Option<i64> {
        match self {
            Self::Millisecond => Some(1),
            Self::Second => Some(1_000),
            Self::Minute => Some(60_000),
            Self::Hour => Some(3_600_000),
            Self::Day => Some(86_400_000),
            Self::Week => Some(7 * 86_400_000),
            Self::Month | Self::Quarter | Self::Year => None,
        }
    }

    const fn months(self) -> Option<i64> {
        match self {
            Self::Month => Some(1),
            Self::Quarter => Some(3),
            Self::Year => Some(12),
            _ => None,
        }
    }
}

const RANGE: &str = "the time is outside of the years -9999 to 9999";

/// The time zone of this name in the IANA database, or an offset such as `+02:00`.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    let shown = || name.chars().take(40).collect::<String>();
    if let Some(rest) = name.strip_prefix(['+', '-']) {
        let parts = rest.split_once(':').map(|(hours, minutes)| (hours.parse(), minutes.parse()));
        let Some((Ok(hours), Ok(minutes))) = parts else {
            return Err(format!("an offset is written as in '+02:00', not '{}'", shown()));
        };
        let (hours, minutes): (i32, i32) = (hours, minutes);
        let seconds =
            hours.checked_mul(3600).and_then(|hours| hours.checked_add(minutes.checked_mul(60)?));
        let signed = seconds.map(|seconds| if name.starts_with('-') { -seconds } else { seconds });
        let offset = signed.and_then(|seconds| Offset::from_seconds(seconds).ok());
        return offset.map(TimeZone::fixed).ok_or_else(|| format!("'{}' is no offset", shown()));
    }
    TimeZone::get(name).map_err(|_| {
        format!("there is no time zone '{}'; write its name as in 'Europe/Berlin'", shown())
    })
}

/// The date and the time of day of an instant.
pub(crate) fn civil(millis: i64, zone: &TimeZone) -> Result<DateTime, String> {
    let instant = Timestamp::from_millisecond(millis).map_err(|_| RANGE.to_owned())?;
    Ok(zone.to_datetime(instant))
}

/// How far a zone's clocks are from UTC at an instant.
pub(crate) fn offset(millis: i64, zone: &TimeZone) -> Result<Offset, String> {
    let instant = Timestamp::from_millisecond(millis).map_err(|_| RANGE.to_owned())?;
    Ok(zone.to_offset(instant))
}

/// The instant of a date and a time of day. Where a clock was turned back, the earlier; what it skipped, moved on.
pub(crate) fn instant(civil: DateTime, zone: &TimeZone) -> Result<i64, String> {
    let instant = zone.to_timestamp(civil).map_err(|_| RANGE.to_owned())?;
    Ok(instant.as_millisecond())
}

/// Reads `2026-11-27`, `2026-11-27 12:30:00.5`, with `T` and with an offset or `Z` too; without one it is UTC.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    parse_time_in(text, &TimeZone::UTC)
}

/// An instant as the clocks of a zone show it, written as a value is ([`write_timestamp`]).
pub(crate) fn time_text(millis: i64, zone: &TimeZone) -> CompactString {
    let mut text = CompactString::default();
    let shift = match offset(millis, zone) {
        Ok(offset) => i64::from(offset.seconds()) * 1_000,
        // What is no date is written as a number.
        Err(_) => 0,
    };
    let written = write_timestamp(&mut text, millis.saturating_add(shift));
    written.expect("writing to a text cannot fail");
    text
}

/// Reads a time; one without an offset is of this zone.
pub(crate) fn parse_time_in(text: &str, zone: &TimeZone) -> Result<i64, String> {
    let text = text.trim();
    if text.len() <= 64 {
        // An instant first: a date and time of day would be read from it too, without its offset.
        if let Ok(instant) = text.parse::<Timestamp>() {
            return floor_millis(Some(instant));
        }
        if let Ok(civil) = text.parse::<DateTime>() {
            return floor_millis(zone.to_timestamp(civil).ok());
        }
    }
    let shown: String = text.chars().take(40).collect();
    let own = zone.iana_name().unwrap_or("UTC");
    let own = if *zone == TimeZone::UTC { "UTC" } else { own };
    Err(format!(
        "'{shown}' is no time: write '2026-11-27 12:00:00', with an offset if it is not {own}"
    ))
}

fn floor_millis(instant: Option<Timestamp>) -> Result<i64, String> {
    let nanos = instant.ok_or_else(|| RANGE.to_owned())?.as_nanosecond();
    i64::try_from(nanos.div_euclid(1_000_000)).map_err(|_| RANGE.to_owned())
}

/// The beginning of the unit in which an instant lies. Weeks begin on Monday.
pub(crate) fn truncate(unit: Unit, millis: i64, zone: &TimeZone) -> Result<i64, String> {
    let is_utc = *zone == TimeZone::UTC;
    if let Some(length) = unit.millis()
        && (is_utc || length <= 1_000)
    {
        // The epoch was a Thursday.
        let shift = if unit == Unit::Week { 4 * 86_400_000 } else { 0 };
        let past = millis.checked_sub(shift).ok_or(RANGE)?.rem_euclid(length);
        return millis.checked_sub(past).ok_or_else(|| RANGE.to_owned());
    }
    let local = civil(millis, zone)?;
    let (date, time) = (local.date(), local.time());
    let first = |month: i8| date.with().month(month).day(1).build().map_err(|_| RANGE.to_owned());
    let midnight = match unit {
        Unit::Millisecond | Unit::Second => date,
        Unit::Minute | Unit::Hour => {
            // Within an hour no zone turns its clock: the instant itself is moved, not its name.
            let of_unit = i64::from(time.second()) * 1_000 + i64::from(time.millisecond());
            let minutes = if unit == Unit::Hour { i64::from(time.minute()) } else { 0 };
            return millis.checked_sub(of_unit + minutes * 60_000).ok_or_else(|| RANGE.to_owned());
        }
        Unit::Day => date,
        Unit::Week => {
            let back = i64::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(Span::new().days(back)).map_err(|_| RANGE.to_owned())?
        }
        Unit::Month => first(date.month())?,
        Unit::Quarter => first((date.month() - 1) / 3 * 3 + 1)?,
        Unit::Year => first(1)?,
    };
    instant(midnight.to_datetime(Time::midnight()), zone)
}

/// An instant moved by an interval: months by the calendar of a zone (to the last day where there is no such day), the rest
/// exactly.
pub(crate) fn add(
    millis: i64,
    interval: Interval,
    forward: bool,
    zone: &TimeZone,
) -> Result<i64, String> {
    let sign = if forward { 1 } else { -1 };
    let mut moved = millis;
    if interval.months != 0 {
        let local = civil(millis, zone)?;
        let months = interval.months.checked_mul(sign).ok_or(RANGE)?;
        let span = Span::new().try_months(months).map_err(|_| RANGE.to_owned())?;
        let date = local.checked_add(span).map_err(|_| RANGE.to_owned())?;
        moved = instant(date, zone)?;
    }
    let rest = interval.millis.checked_mul(sign).ok_or(RANGE)?;
    moved.checked_add(rest).ok_or_else(|| RANGE.to_owned())
}

/// How many whole units lie between two instants; months by the calendar of a zone.
pub(crate) fn difference(unit: Unit, from: i64, to: i64, zone: &TimeZone) -> Result<i64, String> {
    let span = to.checked_sub(from).ok_or(RANGE)?;
    if let Some(length) = unit.millis() {
        return Ok(span / length);
    }
    let (start, end) = (civil(from, zone)?, civil(to, zone)?);
    let month_of = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month());
    let within = |at: DateTime| (at.day(), at.time());
    let mut months = month_of(end) - month_of(start);
    if months > 0 && within(end) < within(start) {
        months -= 1;
    } else if months < 0 && within(end) > within(start) {
        months += 1;
    }
    Ok(months / unit.months().unwrap_or(1))
}

/// A part of a time that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Of(Unit),
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Epoch,
}

impl Part {
    pub(crate) fn of(name: &str) -> Result<Self, String> {
        match name.to_uppercase().as_str() {
            "DOW" | "DAYOFWEEK" => Ok(Self::DayOfWeek),
            "ISODOW" => Ok(Self::IsoDayOfWeek),
            "DOY" | "DAYOFYEAR" => Ok(Self::DayOfYear),
            "EPOCH" => Ok(Self::Epoch),
            _ => Unit::of(name)
                .map(Self::Of)
                .map_err(|_| unknown_unit(name, &["DOW", "ISODOW", "DOY", "EPOCH"])),
        }
    }

    /// This part of an instant.
    pub(crate) fn extract(self, millis: i64, zone: &TimeZone) -> Result<i64, String> {
        match self {
            Self::Epoch => return Ok(millis.div_euclid(1_000)),
            Self::Of(Unit::Millisecond) => return Ok(millis.rem_euclid(1_000)),
            Self::Of(Unit::Second) => return Ok(millis.div_euclid(1_000).rem_euclid(60)),
            Self::Of(Unit::Minute) if *zone == TimeZone::UTC => {
                return Ok(millis.div_euclid(60_000).rem_euclid(60));
            }
            Self::Of(Unit::Hour) if *zone == TimeZone::UTC => {
                return Ok(millis.div_euclid(3_600_000).rem_euclid(24));
            }
            _ => {}
        }
        let local = civil(millis, zone)?;
        let date = local.date();
        Ok(match self {
            Self::Of(Unit::Minute) => local.minute().into(),
            Self::Of(Unit::Hour) => local.hour().into(),
            Self::Of(Unit::Day) => local.day().into(),
            Self::Of(Unit::Week) => date.iso_week_date().week().into(),
            Self::Of(Unit::Month) => local.month().into(),
            Self::Of(Unit::Quarter) => ((local.month() - 1) / 3 + 1).into(),
            Self::Of(Unit::Year) => local.year().into(),
            Self::DayOfWeek => i64::from(date.weekday().to_sunday_zero_offset()) + 1,
            Self::IsoDayOfWeek => i64::from(date.weekday().to_monday_one_offset()),
            Self::DayOfYear => date.day_of_year().into(),
            Self::Epoch | Self::Of(Unit::Millisecond | Unit::Second) => 0,
        })
    }
}
