//! Durations, sizes and time zones: numbers that mean nothing without a unit.

use super::text::read_text;
use crate::code::Code;
use crate::decode::Mistake;
use crate::{limits, suggest};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::Deserializer;
use std::borrow::Cow;
use std::fmt;

/// A length of time, in milliseconds; may be below zero where it is a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

/// Units of durations, in milliseconds.
const UNITS: &[(&str, i64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 7 * 86_400_000),
];

/// What units are called elsewhere.
const LONG_UNITS: &[(&str, &[&str])] = &[
    ("ms", &["milli", "millis", "msec", "millisecond", "milliseconds"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("d", &["day", "days"]),
    ("w", &["week", "weeks"]),
];

impl Duration {
    /// So many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads `5s`, `1h 30m`, `-500ms`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, Mistake> {
        let wrong = || Mistake::new(Code::BadDuration, format!("`{text}` is no duration"));
        let usual = "write a number with a unit, such as `500ms`, `10s`, `5m`, `1h 30m` or `7d`";
        let (negative, mut rest) = match text.trim().strip_prefix('-') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text.trim()),
        };
        if rest.is_empty() {
            return Err(wrong().label("there is no number").help(usual));
        }
        let (mut total, mut before) = (0_i64, i64::MAX);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, behind) = rest.split_at(digits);
            let behind = behind.trim_start();
            let letters = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
            let (unit, behind) = behind.split_at(letters);
            if number.is_empty() {
                return Err(wrong().label("a whole number must come before the unit").help(usual));
            }
            if unit.is_empty() && behind.starts_with(['.', ',']) {
                let help = "write the rest in a smaller unit: `1s 500ms` or `1500ms`, not `1.5s`";
                return Err(wrong().label("only whole numbers").help(help));
            }
            if unit.is_empty() {
                let help = format!("did you mean `{number}s` or `{number}ms`?");
                return Err(wrong().label("the unit is missing").help(help));
            }
            let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                let long = LONG_UNITS.iter().find(|(_, names)| names.contains(&unit));
                let near = long.map(|(name, _)| *name);
                let near = near.or_else(|| {
                    UNITS.iter().map(|(name, _)| *name).find(|name| unit.eq_ignore_ascii_case(name))
                });
                let help = near.map_or_else(
                    || usual.to_owned(),
                    |unit| format!("did you mean `{number}{unit}`?"),
                );
                return Err(wrong().label(format!("`{unit}` is no unit of time")).help(help));
            };
            if *millis >= before {
                return Err(wrong().label("units go from large to small, each once").help(usual));
            }
            before = *millis;
            let part = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*millis));
            let sum = part.and_then(|part| total.checked_add(part));
            let Some(sum) = sum.filter(|sum| *sum <= limits::DURATION_MS) else {
                return Err(wrong().label("this is more than 10,000 years"));
            };
            total = sum;
            rest = behind.trim_start();
        }
        Ok(Self(if negative { -total } else { total }))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (mut rest, mut parts) = (self.0.unsigned_abs(), Vec::new());
        for (name, millis) in UNITS.iter().rev().filter(|(name, _)| *name != "w") {
            let millis = millis.unsigned_abs();
            if rest >= millis {
                parts.push(format!("{}{name}", rest / millis));
                rest %= millis;
            }
        }
        write!(f, "{}{}", if self.0 < 0 { "-" } else { "" }, parts.join(" "))
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, Self::read)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time with its unit, such as `500ms`, `10s`, `5m`, `1h 30m` or `7d`.",
            "type": "string",
            "pattern": "^-?\\s*([0-9]+\\s*(ms|s|m|h|d|w)\\s*)+$|\\$\\{",
            "examples": ["500ms", "10s", "5m", "1h 30m", "7d"],
        })
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl Size {
    fn read(text: &str) -> Result<Self, Mistake> {
        let wrong = || Mistake::new(Code::BadSize, format!("`{text}` is no size"));
        let usual =
            "write a number of bytes with a unit, such as `512B`, `64KiB`, `128MiB` or `1GiB`";
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let unit = unit.trim();
        if number.is_empty() {
            return Err(wrong().label("a whole number must come first").help(usual));
        }
        if unit.is_empty() {
            let help = format!("did you mean `{number}MiB` or `{number}B`?");
            return Err(wrong().label("the unit is missing").help(help));
        }
        let Some((_, bytes)) = SIZES.iter().find(|(name, _)| *name == unit) else {
            let near = suggest::nearest(unit, ["KiB", "MiB", "GiB"]);
            let help = near
                .map_or_else(|| usual.to_owned(), |unit| format!("did you mean `{number}{unit}`?"));
            return Err(wrong().label(format!("`{unit}` is no unit of size")).help(help));
        };
        let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*bytes));
        let size = size.filter(|size| *size <= i64::MAX.unsigned_abs());
        size.map(Self).ok_or_else(|| wrong().label("this is more than 8 EiB"))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, Self::read)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes with its unit, such as `512B`, `64KiB`, `128MiB` or `1GiB`.",
            "type": "string",
            "pattern": "^[0-9]+\\s*(B|kB|MB|GB|KiB|MiB|GiB)$|\\$\\{",
            "examples": ["64KiB", "128MiB", "1GiB"],
        })
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(pub String);

impl TimeZone {
    fn read(text: &str) -> Result<Self, Mistake> {
        if let Ok(zone) = jiff::tz::TimeZone::get(text)
            && let Some(name) = zone.iana_name()
        {
            return Ok(Self(name.to_owned()));
        }
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        // A city alone is what people write first.
        let city = names.iter().find(|name| {
            name.rsplit('/')
                .next()
                .is_some_and(|city| city.eq_ignore_ascii_case(&text.replace(' ', "_")))
        });
        let near = city
            .map(String::as_str)
            .or_else(|| suggest::nearest(text, names.iter().map(String::as_str)));
        let mistake = Mistake::new(Code::BadTimeZone, format!("there is no time zone `{text}`"));
        let usual = "write a name of the IANA database, such as `UTC` or `Europe/Berlin`";
        let help = near.map_or_else(|| usual.to_owned(), |name| format!("did you mean `{name}`?"));
        Err(mistake.label("not in the time zone database").help(help))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, Self::read)
    }
}

impl JsonSchema for TimeZone {
    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time zone of the IANA database, such as `UTC` or `Europe/Berlin`.",
            "type": "string",
            "examples": ["UTC", "Europe/Berlin", "Asia/Shanghai"],
        })
    }
}

/// A whole number above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(pub u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            0 => Err(serde::de::Error::custom(
                Mistake::new(Code::OutOfRange, "the number must be 1 or more")
                    .label("this is too small"),
            )),
            number => Ok(Self(number)),
        }
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_with_their_units() {
        let check = |text, millis| assert_eq!(Duration::read(text), Ok(Duration(millis)), "{text}");
        check("5s", 5_000);
        check("1h 30m", 5_400_000);
        check("1h30m", 5_400_000);
        check("500 ms", 500);
        check("0s", 0);
        check("-3s", -3_000);
        check("2w", 1_209_600_000);
        for wrong in
            ["", "-", "5", "5 s 3 h", "s", "1.5s", "5 fortnights", "99999999999999999999s", "1s 1s"]
        {
            assert!(Duration::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(Size::read("64 MiB"), Ok(Size(64 << 20)));
        assert_eq!(Size::read("2kB"), Ok(Size(2_000)));
        for wrong in ["", "64", "MiB", "1.5GiB", "64 megs", "99999999999GiB"] {
            assert!(Size::read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_is_printed_as_it_is_read(millis in -limits::DURATION_MS..=limits::DURATION_MS) {
            let printed = Duration(millis).to_string();
            prop_assert_eq!(Duration::read(&printed), Ok(Duration(millis)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = (Duration::read(&text).is_ok(), Size::read(&text).is_ok(), TimeZone::read(&text).is_ok());
        }
    }
}
