//! `CalendarWindows`: the hours, days, weeks and months of a time zone.
//!
//! Apart from [`crate::window::Window`] because they are of different lengths: a day in New York has
//! 23, 24 or 25 hours, and a month is what it is. Where a zone's offset never changes, days and weeks
//! are plain windows with an offset, and cheaper as such.
//!
//! ```
//! use tidegate_operators::window::{CalendarUnit, CalendarWindows, Window};
//! let days = CalendarWindows::new(CalendarUnit::Day, "America/New_York")?;
//! let days_in_shanghai = Window::tumbling(86_400_000).offset(-8 * 3_600_000);
//! # Ok::<(), tidegate_operators::window::InvalidWindowing>(())
//! ```

use crate::window::WindowAssigner;
use crate::window::invalid::InvalidWindowing;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::EventTimeTrigger;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};
use tidegate_core::time::Timestamp;

const HOUR_MS: i64 = 3_600_000;

/// What a calendar is divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// From full hour to full hour by the local clock. Where the clock is put forward or back within
    /// one, its parts are windows of their own.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first.
    Month,
}

/// Event-time windows of one unit of the calendar in one time zone.
///
/// The years are those of the time zone database, -9999 to 9999: a record outside has no window.
#[derive(Clone, Debug)]
pub struct CalendarWindows {
    unit: CalendarUnit,
    name: String,
    zone: TimeZone,
    /// The window of the record before: most fall into the same.
    last: Option<TimeWindow>,
}

impl CalendarWindows {
    /// The `unit`s of the zone with this IANA name. The database of zones is built in.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn new(unit: CalendarUnit, zone: &str) -> Result<Self, InvalidWindowing> {
        let found = TimeZone::get(zone).map_err(|_| InvalidWindowing::Zone(zone.to_owned()))?;
        Ok(Self { unit, name: zone.to_owned(), zone: found, last: None })
    }

    fn window(&self, at: Timestamp) -> Option<TimeWindow> {
        let instant = Instant::from_millisecond(at.0).ok()?;
        if self.unit == CalendarUnit::Hour {
            return Some(self.hour(at, instant));
        }
        let today = self.zone.to_datetime(instant).date();
        let (first, length) = match self.unit {
            CalendarUnit::Hour | CalendarUnit::Day => (today, Span::new().days(1)),
            CalendarUnit::Week => {
                let since_monday = today.weekday().since(Weekday::Monday);
                (today.checked_sub(Span::new().days(since_monday)).ok()?, Span::new().weeks(1))
            }
            CalendarUnit::Month => (today.first_of_month(), Span::new().months(1)),
        };
        let start = self.midnight(first)?;
        Some(TimeWindow { start, end: self.midnight(first.checked_add(length).ok()?)? })
    }

    /// When a day begins: at midnight, or when the clock has been put forward over it.
    fn midnight(&self, date: Date) -> Option<Timestamp> {
        let midnight = date.to_zoned(self.zone.clone()).ok()?;
        let start = midnight.start_of_day().ok()?;
        Some(Timestamp(start.timestamp().as_millisecond()))
    }

    fn hour(&self, at: Timestamp, instant: Instant) -> TimeWindow {
        let offset_ms = i64::from(self.zone.to_offset(instant).seconds()) * 1000;
        let into = at.plus(offset_ms).0.rem_euclid(HOUR_MS);
        let (mut start, mut end) = (at.minus(into), at.plus(HOUR_MS - into));
        let millis = |change: Instant| Timestamp(change.as_millisecond());
        if let Some(change) = self.zone.following(instant).next() {
            end = end.min(millis(change.timestamp()));
        }
        // The search is for changes before a moment; one at the moment itself counts.
        let behind = Instant::from_millisecond(at.0 + 1).unwrap_or(instant);
        if let Some(change) = self.zone.preceding(behind).next() {
            start = start.max(millis(change.timestamp()));
        }
        TimeWindow { start, end }
    }
}

impl<T> WindowAssigner<T> for CalendarWindows {
    type Trigger = EventTimeTrigger;

    #[inline]
    fn assign(&mut self, _: &T, at: Timestamp, _: Timestamp, windows: &mut Vec<TimeWindow>) {
        if !self.last.is_some_and(|last| last.contains(at)) {
            self.last = self.window(at);
        }
        windows.extend(self.last);
    }

    fn default_trigger(&self) -> EventTimeTrigger {
        EventTimeTrigger
    }

    fn describe(&self) -> String {
        let unit = match self.unit {
            CalendarUnit::Hour => "hours",
            CalendarUnit::Day => "days",
            CalendarUnit::Week => "weeks",
            CalendarUnit::Month => "months",
        };
        format!("calendar {unit} in {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CalendarUnit::{Day, Hour, Month, Week};

    fn millis(text: &str) -> Timestamp {
        let instant: Instant = text.parse().expect("an instant");
        Timestamp(instant.as_millisecond())
    }

    fn check(unit: CalendarUnit, zone: &str, at: &str, start: &str, end: &str) {
        let mut windows = CalendarWindows::new(unit, zone).expect("a zone");
        let expected = TimeWindow { start: millis(start), end: millis(end) };
        for at in [millis(at), expected.start, expected.max_timestamp()] {
            let mut found = Vec::new();
            windows.last = None;
            windows.assign(&(), at, Timestamp::MIN, &mut found);
            assert_eq!(found, [expected], "{unit:?} in {zone} at {at}");
        }
    }

    #[test]
    fn a_day_has_as_many_hours_as_the_clock_says() {
        let new_york = "America/New_York";
        check(Day, new_york, "2024-03-10T12:00Z", "2024-03-10T05:00Z", "2024-03-11T04:00Z");
        check(Day, new_york, "2024-11-03T12:00Z", "2024-11-03T04:00Z", "2024-11-04T05:00Z");
        check(Day, new_york, "2024-07-01T12:00Z", "2024-07-01T04:00Z", "2024-07-02T04:00Z");
        check(Day, "Asia/Shanghai", "2024-07-01T17:00Z", "2024-07-01T16:00Z", "2024-07-02T16:00Z");
        // Midnight did not exist: the clock went from 23:59 to 01:00.
        check(
            Day,
            "America/Sao_Paulo",
            "2018-11-04T12:00Z",
            "2018-11-04T03:00Z",
            "2018-11-05T02:00Z",
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let berlin = "Europe/Berlin";
        check(Week, berlin, "2024-03-31T20:00Z", "2024-03-24T23:00Z", "2024-03-31T22:00Z");
        check(Month, berlin, "2024-03-31T20:00Z", "2024-02-29T23:00Z", "2024-03-31T22:00Z");
        check(
            Month,
            "Asia/Shanghai",
            "2024-12-31T17:00Z",
            "2024-12-31T16:00Z",
            "2025-01-31T16:00Z",
        );
    }

    #[test]
    fn an_hour_is_one_of_the_local_clock() {
        check(Hour, "Asia/Kolkata", "2024-07-01T12:45Z", "2024-07-01T12:30Z", "2024-07-01T13:30Z");
        let new_york = "America/New_York";
        // One o'clock comes twice.
        check(Hour, new_york, "2024-11-03T05:30Z", "2024-11-03T05:00Z", "2024-11-03T06:00Z");
        check(Hour, new_york, "2024-11-03T06:30Z", "2024-11-03T06:00Z", "2024-11-03T07:00Z");
        // On Lord Howe the clock is put forward by half an hour at two o'clock.
        let lord_howe = "Australia/Lord_Howe";
        check(Hour, lord_howe, "2024-10-05T15:40Z", "2024-10-05T15:30Z", "2024-10-05T16:00Z");
    }

    #[test]
    fn windows_of_a_zone_partition_time() {
        for unit in [Hour, Day, Week, Month] {
            let windows = CalendarWindows::new(unit, "America/New_York").expect("a zone");
            let mut at = millis("2023-01-01T00:00Z");
            while at < millis("2025-01-01T00:00Z") {
                let window = windows.window(at).expect("in range");
                assert!(window.contains(at) && window.contains(window.max_timestamp()));
                assert_eq!(windows.window(window.max_timestamp()), Some(window));
                at = window.end;
                assert_eq!(windows.window(at).map(|next| next.start), Some(at), "no gap");
            }
        }
    }

    #[test]
    fn an_unknown_zone_is_refused_and_a_moment_outside_the_calendar_has_no_window() {
        let error = CalendarWindows::new(Day, "Mars/Phobos").map(drop).expect_err("no zone");
        assert!(error.to_string().contains("no time zone `Mars/Phobos`"), "{error}");
        let windows = CalendarWindows::new(Day, "UTC").expect("a zone");
        assert_eq!(windows.window(Timestamp::MAX), None);
        assert_eq!(windows.window(Timestamp(i64::MIN + 1)), None);
    }
}
