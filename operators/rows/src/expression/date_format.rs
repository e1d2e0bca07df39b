//! Formats of times in Java's letters, as Flink has them: `yyyy-MM-dd HH:mm:ss.SSS`. Apart because the same format
//! writes and reads.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
    DayOfWeek,
    /// Hours and minutes from UTC, as in `+0200`.
    Offset,
    /// The same as in `+02:00`; nothing is `Z`.
    IsoOffset,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Field(Letter, usize),
    Text(String),
}

/// A format that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Format(Vec<Part>);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const LETTERS: [(char, Letter, usize); 10] = [
    ('y', Letter::Year, 4),
    ('M', Letter::Month, 4),
    ('d', Letter::Day, 2),
    ('H', Letter::Hour, 2),
    ('m', Letter::Minute, 2),
    ('s', Letter::Second, 2),
    ('S', Letter::Fraction, 3),
    ('E', Letter::DayOfWeek, 4),
    ('Z', Letter::Offset, 3),
    ('X', Letter::IsoOffset, 3),
];

impl Format {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(quoted) = rest.strip_prefix('\'') {
                let (inner, after) = quoted
                    .split_once('\'')
                    .ok_or("a quote in the format of a time does not end")?;
                // Two quotes in a row are one.
                parts.push(Part::Text(if inner.is_empty() { "'" } else { inner }.to_owned()));
                rest = after;
                continue;
            }
            let width = rest.chars().take_while(|&letter| letter == first).count();
            if first.is_ascii_alphabetic() {
                let known =
                    LETTERS.iter().find(|(letter, _, most)| *letter == first && width <= *most);
                let Some((_, letter, _)) = known else {
                    let run: String = rest.chars().take(width.min(20)).collect();
                    return Err(format!(
                        "`{run}` means nothing in the format of a time; write it as in 'yyyy-MM-dd HH:mm:ss.SSS'"
                    ));
                };
                parts.push(Part::Field(*letter, width));
            } else {
                parts.push(Part::Text(rest.chars().take(width).collect()));
            }
            rest = &rest[width * first.len_utf8()..];
        }
        Ok(Self(parts))
    }

    /// Whether it says how far the time is from UTC.
    pub(crate) fn has_offset(&self) -> bool {
        let is_offset =
            |part: &Part| matches!(part, Part::Field(Letter::Offset | Letter::IsoOffset, _));
        self.0.iter().any(is_offset)
    }

    /// The time in this format; `offset` is how far it is from UTC.
    pub(crate) fn write(&self, time: DateTime, offset: Offset) -> String {
        let mut text = String::new();
        for part in &self.0 {
            let (letter, width) = match part {
                Part::Text(part) => {
                    text.push_str(part);
                    continue;
                }
                Part::Field(letter, width) => (*letter, *width),
            };
            let index = |number: i8| usize::try_from(number - 1).unwrap_or(0);
            let name = match letter {
                Letter::Month if width >= 3 => Some(MONTHS[index(time.month()) % 12]),
                Letter::DayOfWeek => {
                    Some(DAYS[index(time.date().weekday().to_monday_one_offset()) % 7])
                }
                _ => None,
            };
            if matches!(letter, Letter::Offset | Letter::IsoOffset) {
                text.push_str(&written(offset, letter == Letter::IsoOffset));
                continue;
            }
            if let Some(name) = name {
                text.push_str(if width == 4 { name } else { &name[..3] });
                continue;
            }
            let number: i64 = match letter {
                Letter::Year if width == 2 => i64::from(time.year()).rem_euclid(100),
                Letter::Year => time.year().into(),
                Letter::Month => time.month().into(),
                Letter::Day => time.day().into(),
                Letter::Hour => time.hour().into(),
                Letter::Minute => time.minute().into(),
                Letter::Second => time.second().into(),
                Letter::Fraction => i64::from(time.millisecond()) / 10i64.pow(3 - width as u32),
                Letter::DayOfWeek | Letter::Offset | Letter::IsoOffset => 0,
            };
            let done = write!(text, "{number:0width$}");
            debug_assert!(done.is_ok(), "a string takes everything");
        }
        text
    }

    /// The time that a text of this format names, and how far it is from UTC if the format says; what else it leaves out
    /// is the first there is.
    pub(crate) fn read(&self, text: &str) -> Option<(DateTime, Option<Offset>)> {
        let (mut date, mut clock) = ([1970i64, 1, 1], [0i64; 4]);
        let mut offset = None;
        let mut rest = text;
        for part in &self.0 {
            let (letter, width) = match part {
                Part::Text(part) => {
                    rest = rest.strip_prefix(part.as_str())?;
                    continue;
                }
                Part::Field(letter, width) => (*letter, *width),
            };
            if letter == Letter::DayOfWeek || letter == Letter::Month && width >= 3 {
                let names: &[&str] = if letter == Letter::Month { &MONTHS } else { &DAYS };
                let short = |name: &'static str| if width == 4 { name } else { &name[..3] };
                let found = names.iter().position(|name| rest.starts_with(short(name)))?;
                rest = &rest[short(names[found]).len()..];
                if letter == Letter::Month {
                    date[1] = i64::try_from(found).ok()? + 1;
                }
                continue;
            }
            if matches!(letter, Letter::Offset | Letter::IsoOffset) {
                let (found, length) = offset_at(rest)?;
                (offset, rest) = (Some(found), &rest[length..]);
                continue;
            }
            let most = width.max(2);
            let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let mut number: i64 = rest.get(..digits)?.parse().ok()?;
            rest = &rest[digits..];
            if letter == Letter::Fraction {
                number *= 10i64.pow(3u32.checked_sub(u32::try_from(digits).ok()?)?);
            }
            match letter {
                Letter::Year => date[0] = if width == 2 { 2000 + number } else { number },
                Letter::Month => date[1] = number,
                Letter::Day => date[2] = number,
                Letter::Hour => clock[0] = number,
                Letter::Minute => clock[1] = number,
                Letter::Second => clock[2] = number,
                Letter::Fraction => clock[3] = number,
                Letter::DayOfWeek | Letter::Offset | Letter::IsoOffset => {}
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let small = |number: i64| i8::try_from(number).ok();
        let day = Date::new(i16::try_from(date[0]).ok()?, small(date[1])?, small(date[2])?).ok()?;
        let nanos = i32::try_from(clock[3] * 1_000_000).ok()?;
        let time = Time::new(small(clock[0])?, small(clock[1])?, small(clock[2])?, nanos).ok()?;
        Some((day.to_datetime(time), offset))
    }
}

fn written(offset: Offset, iso: bool) -> String {
    let seconds = offset.seconds();
    if iso && seconds == 0 {
        return "Z".to_owned();
    }
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
    let colon = if iso { ":" } else { "" };
    format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
}

/// The offset that a text begins with, and its length: `Z`, `+0200` or `+02:00`.
fn offset_at(text: &str) -> Option<(Offset, usize)> {
    if text.starts_with('Z') {
        return Some((Offset::UTC, 1));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let number = |at: usize| {
        let digits = text.get(at..at + 2)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i32>().ok())?
    };
    let colon = usize::from(text.as_bytes().get(3) == Some(&b':'));
    let (hours, minutes) = (number(1)?, number(3 + colon)?);
    let offset = Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    (minutes < 60).then_some((offset, 5 + colon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_write_and_read() {
        let time = jiff::civil::datetime(2026, 11, 7, 5, 3, 9, 45_000_000);
        for (format, text) in [
            ("yyyy-MM-dd HH:mm:ss.SSS", "2026-11-07 05:03:09.045"),
            ("d.M.yyyy 'at' H:m:s.SSS", "7.11.2026 at 5:3:9.045"),
            ("yyyyMMddHHmmssSSS", "20261107050309045"),
            ("EEE, dd MMM yyyy HH:mm:ss SSS", "Sat, 07 Nov 2026 05:03:09 045"),
        ] {
            let format = Format::new(format).expect(format);
            assert_eq!(format.write(time, Offset::UTC), text);
            assert_eq!(format.read(text), Some((time, None)), "{text}");
        }
        for (format, hours, text) in [
            ("dd/MM/yyyy:HH:mm:ss.SSS Z", 2, "07/11/2026:05:03:09.045 +0200"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSX", -3, "2026-11-07T05:03:09.045-03:00"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 0, "2026-11-07T05:03:09.045Z"),
        ] {
            let (format, offset) = (Format::new(format).expect(format), jiff::tz::offset(hours));
            assert!(format.has_offset());
            assert_eq!(format.write(time, offset), text);
            assert_eq!(format.read(text), Some((time, Some(offset))), "{text}");
        }
        let zoned = Format::new("HH Z").expect("a format");
        for wrong in ["01 ", "01 +", "01 0200", "01 +2:00", "01 +0260", "01 +9900", "01 +é2"] {
            assert_eq!(zoned.read(wrong), None, "{wrong}");
        }
        assert!(Format::new("YYYY-mm").is_err() && Format::new("'x").is_err());
        assert_eq!(Format::new("yyyy-MM").expect("one").read("2026-13"), None);
    }

    proptest! {
        #[test]
        fn rubbish_never_panics(format in "[yMdHmsSEZX':. é-]{0,12}", text in "[0-9a-zA-Z:. é+-]{0,20}") {
            if let Ok(format) = Format::new(&format) {
                let _ = format.read(&text);
                prop_assert!(format.write(jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0), Offset::UTC).len() < 200);
            }
        }
    }
}
