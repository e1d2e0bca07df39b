//! Numbers as people write and read them: `50k`, `1_000_000`, `200B`, `1.5GiB`; 1,430,000, 2.1 GB.
//!
//! Apart from the sizes of topologies, which want a unit and whole numbers: here estimates are made, and there are counts.

use tidegate_topology::document::{Duration, Size};

/// The largest number that is taken: what is above is a slip of the finger, and no product of two overflows.
const MOST: f64 = 1e15;

/// Reads a count above 0, such as `500`, `50k`, `2.5M`, `1_000_000`, `1e6`.
///
/// # Errors
/// What was expected.
pub(crate) fn count(text: &str) -> Result<f64, String> {
    let usual = "write a number above 0, such as 500, 50k, 2.5M or 1_000_000";
    let plain: String = text.trim().chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let (digits, factor) = match plain.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&plain[..at], 1e3),
        Some((at, 'M')) => (&plain[..at], 1e6),
        Some((at, 'G' | 'B')) => (&plain[..at], 1e9),
        Some((at, 'm')) => {
            return Err(format!("did you mean `{}M`, a million? {usual}", &plain[..at]));
        }
        _ => (&plain[..], 1.0),
    };
    let number = digits.trim().parse::<f64>().map_err(|_| usual.to_owned())? * factor;
    checked(number, usual)
}

fn checked(number: f64, usual: &str) -> Result<f64, String> {
    if number.is_nan() {
        return Err(usual.to_owned());
    }
    if number <= 0.0 {
        return Err(format!("it must be above 0; {usual}"));
    }
    if number > MOST {
        return Err(format!("it is above {MOST:.0e}, which no machine sees; {usual}"));
    }
    Ok(number)
}

/// Reads a number of bytes above 0, with or without a unit: `200`, `200B`, `2kB`, `64KiB`.
///
/// # Errors
/// What was expected.
pub(crate) fn bytes(text: &str) -> Result<f64, String> {
    let usual = "write a number of bytes above 0, such as 200, 200B, 2kB or 64KiB";
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse::<f64>() {
        return checked(number, usual);
    }
    match size(trimmed) {
        Some(size) => checked(size, usual),
        None => Err(usual.to_owned()),
    }
}

/// What topologies take as a size; by the one reader there is of it.
fn size(text: &str) -> Option<f64> {
    let value = serde_json::Value::String(text.to_owned());
    serde_json::from_value::<Size>(value).ok().map(|size| size.0 as f64)
}

/// Reads a length of time above 0, such as `500ms`, `10s`, `1h 30m`, in seconds.
///
/// # Errors
/// What was expected.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    match Duration::read(text) {
        Ok(time) if time.millis() > 0 => Ok(time.millis() as f64 / 1e3),
        _ => Err("write a time above 0 with its unit, such as 500ms, 10s, 5m or 1h 30m".to_owned()),
    }
}

/// A count, grouped: `1,430,000`; small ones with the digits that matter.
pub(crate) fn grouped(number: f64) -> String {
    if number != 0.0 && number.abs() < 10.0 {
        let text = format!("{number:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{:.0}", number.abs());
    let mut out = String::from(if number < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes with a decimal unit: `812 B`, `2.1 GB`.
pub(crate) fn in_bytes(number: f64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut number, mut unit) = (number, 0);
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1e3;
        unit += 1;
    }
    format!("{} {}", three_digits(number), UNITS[unit])
}

/// A time: `340 ms`, `12 s`, `5 min`, `2.5 h`.
pub(crate) fn in_time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{} us", three_digits(s * 1e6)),
        s if s < 1.0 => format!("{} ms", three_digits(s * 1e3)),
        s if s < 120.0 => format!("{} s", three_digits(s)),
        s if s < 3_600.0 => format!("{} min", three_digits(s / 60.0)),
        s if s < 172_800.0 => format!("{} h", three_digits(s / 3_600.0)),
        s => format!("{} d", three_digits(s / 86_400.0)),
    }
}

/// A number with three digits that matter.
pub(crate) fn three_digits(number: f64) -> String {
    if number.abs() >= 100.0 {
        return grouped(number);
    }
    // Small ones begin behind some zeros.
    let zeros = if number == 0.0 { 0.0 } else { (-number.abs().log10()).floor().clamp(-2.0, 9.0) };
    let text = format!("{number:.*}", (zeros + 3.0) as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let cases =
            [("500", 500.0), ("50k", 5e4), ("2.5M", 2.5e6), ("1_000,000", 1e6), ("1e3", 1e3)];
        for (text, number) in cases {
            assert_eq!(count(text), Ok(number), "{text}");
        }
        for (text, number) in [("200", 200.0), ("200B", 200.0), ("2 kB", 2e3), ("64KiB", 65_536.0)]
        {
            assert_eq!(bytes(text), Ok(number), "{text}");
        }
        assert_eq!(seconds("1h 30m"), Ok(5_400.0));
    }

    #[test]
    fn what_is_no_number_is_refused_with_what_was_expected() {
        for (text, part) in [
            ("0", "above 0"),
            ("-5", "above 0"),
            ("many", "such as 500"),
            ("", "such as 500"),
            ("NaN", "such as 500"),
            ("inf", "no machine"),
            ("1e300", "no machine"),
            ("5m", "did you mean `5M`"),
            ("é", "such as 500"),
        ] {
            assert!(count(text).is_err_and(|why| why.contains(part)), "{text}");
        }
        for text in ["0", "-1B", "5 parsecs", "", "0B", "1e99"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        for text in ["0s", "-1s", "10", "1.5h", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        let all = [0.0, 1.5, 12.0, 999.0, 1_430_000.0, -1_000.0].map(grouped);
        assert_eq!(all, ["0", "1.5", "12", "999", "1,430,000", "-1,000"]);
        let all = [0.0, 812.0, 2_100.0, 999_600.0, 2.136e9].map(in_bytes);
        assert_eq!(all, ["0 B", "812 B", "2.1 kB", "1 MB", "2.14 GB"]);
        let all = [5e-5, 0.34, 12.0, 300.0, 9_000.0, 604_800.0].map(in_time);
        assert_eq!(all, ["50 us", "340 ms", "12 s", "5 min", "2.5 h", "7 d"]);
        let all = [0.0, 0.0091503, 0.5, 1.0, 1.434, 10.04, 99.99, 1234.5].map(three_digits);
        assert_eq!(all, ["0", "0.00915", "0.5", "1", "1.43", "10", "100", "1,234"]);
    }
}
