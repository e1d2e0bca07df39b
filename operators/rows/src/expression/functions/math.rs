//! Functions of numbers. Integers and decimals stay what they are where that is possible; the rest computes in floats.
//! Apart because overflow is an error here too, never a wrap.

use super::{FunctionEntry, misuse, plain};
use crate::expression::datum::Datum::{self, Decimal as D, Float, Int};
use crate::row_key::{hash_value, write_value};
use crate::value::Value;
use rust_decimal::{Decimal, RoundingStrategy};
use xxhash_rust::xxh3::xxh3_64;

const RANGE: &str = "the result is out of range";

fn float<'r>(data: &[Datum<'r>], function: fn(f64) -> f64) -> Result<Datum<'r>, String> {
    match data {
        [Float(number)] => Ok(Float(function(*number))),
        _ => misuse(),
    }
}

/// Half away from zero, as in Flink; digits before the point when negative.
fn rounded_integer(number: i64, digits: i64) -> Result<Datum<'static>, String> {
    if digits >= 0 {
        return Ok(Int(number));
    }
    let Some(unit) = u32::try_from(-digits).ok().and_then(|digits| 10i128.checked_pow(digits))
    else {
        return Ok(Int(0));
    };
    let half = if number < 0 { -unit / 2 } else { unit / 2 };
    let rounded = (i128::from(number) + half) / unit * unit;
    i64::try_from(rounded).map(Int).map_err(|_| RANGE.to_owned())
}

fn rounded_decimal(number: Decimal, digits: i64) -> Result<Datum<'static>, String> {
    if let Ok(digits) = u32::try_from(digits.max(0))
        && digits > 0
    {
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        return Ok(D(number.round_dp_with_strategy(digits.min(28), strategy)));
    }
    let unit = u32::try_from(-digits).ok().and_then(|digits| 10i128.checked_pow(digits));
    let unit = unit.and_then(|unit| Decimal::try_from_i128_with_scale(unit, 0).ok());
    let Some(unit) = unit else { return Ok(D(Decimal::ZERO)) };
    let parts = number.checked_div(unit).ok_or(RANGE)?;
    let parts = parts.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    parts.checked_mul(unit).map(D).ok_or_else(|| RANGE.to_owned())
}

fn rounded_float(number: f64, digits: i64) -> f64 {
    if digits == 0 {
        return number.round();
    }
    let Ok(digits) = i32::try_from(digits.clamp(-400, 400)) else { return number };
    let scale = 10f64.powi(digits.abs());
    let scaled = if digits > 0 { number * scale } else { number / scale };
    if !scaled.is_finite() || scaled.abs() >= 9_007_199_254_740_992.0 {
        return number;
    }
    let rounded = if digits > 0 { scaled.round() / scale } else { scaled.round() * scale };
    if rounded.is_nan() { 0.0 } else { rounded }
}

fn rounded<'r>(data: &[Datum<'r>]) -> Result<Datum<'r>, String> {
    let digits = match data {
        [_] => 0,
        [_, Int(digits)] => *digits,
        _ => return misuse(),
    };
    match &data[0] {
        Int(number) => rounded_integer(*number, digits),
        D(number) => rounded_decimal(*number, digits),
        Float(number) => Ok(Float(rounded_float(*number, digits))),
        _ => misuse(),
    }
}

fn remainder<'r>(data: &[Datum<'r>]) -> Result<Datum<'r>, String> {
    match data {
        [Int(_), Int(0)] => Err("division by zero".to_owned()),
        [D(_), D(right)] if right.is_zero() => Err("division by zero".to_owned()),
        [Int(left), Int(right)] => Ok(Int(left.checked_rem(*right).unwrap_or(0))),
        [D(left), D(right)] => left.checked_rem(*right).map(D).ok_or_else(|| RANGE.to_owned()),
        [Float(left), Float(right)] => Ok(Float(left % right)),
        _ => misuse(),
    }
}

fn sign<'r>(data: &[Datum<'r>]) -> Result<Datum<'r>, String> {
    match data {
        [Int(number)] => Ok(Int(number.signum())),
        [D(number)] if number.is_zero() => Ok(D(Decimal::ZERO)),
        [D(number)] => {
            Ok(D(if number.is_sign_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE }))
        }
        [Float(number)] => Ok(Float(if *number == 0.0 { 0.0 } else { number.signum() })),
        _ => misuse(),
    }
}

/// XXH3-64 of the canonical bytes of the arguments: the hash by which rows are keyed.
fn hash(data: &[Datum<'_>]) -> i64 {
    let value = |datum: &Datum<'_>| datum.clone().into_value();
    let hash = match data {
        [one] => hash_value(&value(one)),
        all => {
            let mut canonical = Vec::with_capacity(64);
            all.iter().for_each(|datum| write_value(&value(datum), &mut canonical));
            xxh3_64(&canonical)
        }
    };
    hash.cast_signed()
}

const NUMBER: [&str; 3] =
    ["ABS(x: int64) -> int64", "ABS(x: decimal) -> decimal", "ABS(x: float64) -> float64"];

pub(super) const TABLE: &[FunctionEntry] = &[
    plain(
        "ABS",
        &NUMBER,
        "The number without its sign.",
        &[("ABS(-1.5)", "1.5")],
        |data| match data {
            [Int(number)] => number.checked_abs().map(Int).ok_or_else(|| RANGE.to_owned()),
            [D(number)] => Ok(D(number.abs())),
            [Float(number)] => Ok(Float(number.abs())),
            _ => misuse(),
        },
    ),
    plain(
        "CEIL",
        &["CEIL(x: int64) -> int64", "CEIL(x: decimal) -> decimal", "CEIL(x: float64) -> float64"],
        "The smallest whole number that is not smaller.",
        &[("CEIL(1.2)", "2"), ("CEIL(-1.2e0)", "-1.0")],
        |data| match data {
            [Int(number)] => Ok(Int(*number)),
            [D(number)] => Ok(D(number.ceil())),
            [Float(number)] => Ok(Float(number.ceil())),
            _ => misuse(),
        },
    ),
    plain(
        "FLOOR",
        &[
            "FLOOR(x: int64) -> int64",
            "FLOOR(x: decimal) -> decimal",
            "FLOOR(x: float64) -> float64",
        ],
        "The largest whole number that is not larger; FLOOR(time TO HOUR) is DATE_TRUNC.",
        &[("FLOOR(1.8)", "1"), ("FLOOR(-1.2e0)", "-2.0")],
        |data| match data {
            [Int(number)] => Ok(Int(*number)),
            [D(number)] => Ok(D(number.floor())),
            [Float(number)] => Ok(Float(number.floor())),
            _ => misuse(),
        },
    ),
    plain(
        "ROUND",
        &[
            "ROUND(x: int64) -> int64",
            "ROUND(x: decimal) -> decimal",
            "ROUND(x: float64) -> float64",
            "ROUND(x: int64, digits: int64) -> int64",
            "ROUND(x: decimal, digits: int64) -> decimal",
            "ROUND(x: float64, digits: int64) -> float64",
        ],
        "The number rounded to so many digits behind the point, halves away from zero; before it when negative.",
        &[("ROUND(2.5)", "3"), ("ROUND(1.255, 2)", "1.26"), ("ROUND(1250, -2)", "1300")],
        rounded,
    ),
    plain(
        "TRUNCATE",
        &["TRUNCATE(x: decimal, digits: int64) -> decimal"],
        "The decimal cut to so many digits behind the point.",
        &[("TRUNCATE(1.259, 2)", "1.25")],
        |data| match data {
            [D(number), Int(digits)] => {
                let digits = u32::try_from((*digits).clamp(0, 28)).unwrap_or(0);
                Ok(D(number.trunc_with_scale(digits)))
            }
            _ => misuse(),
        },
    ),
    plain(
        "SIGN",
        &["SIGN(x: int64) -> int64", "SIGN(x: decimal) -> decimal", "SIGN(x: float64) -> float64"],
        "-1, 0 or 1.",
        &[("SIGN(-7)", "-1")],
        sign,
    ),
    plain(
        "MOD",
        &[
            "MOD(x: int64, y: int64) -> int64",
            "MOD(x: decimal, y: decimal) -> decimal",
            "MOD(x: float64, y: float64) -> float64",
        ],
        "The remainder of a division, with the sign of the dividend.",
        &[("MOD(-7, 3)", "-1")],
        remainder,
    ),
    plain(
        "POWER",
        &["POWER(x: float64, y: float64) -> float64"],
        "The first number to the power of the second.",
        &[("POWER(2, 10)", "1024.0")],
        |data| match data {
            [Float(left), Float(right)] => Ok(Float(left.powf(*right))),
            _ => misuse(),
        },
    ),
    plain(
        "SQRT",
        &["SQRT(x: float64) -> float64"],
        "The square root; NaN for negative numbers.",
        &[("SQRT(9)", "3.0")],
        |data| float(data, f64::sqrt),
    ),
    plain(
        "EXP",
        &["EXP(x: float64) -> float64"],
        "e to this power.",
        &[("EXP(0)", "1.0")],
        |data| float(data, f64::exp),
    ),
    plain(
        "LN",
        &["LN(x: float64) -> float64"],
        "The natural logarithm.",
        &[("LN(1)", "0.0")],
        |data| float(data, f64::ln),
    ),
    plain(
        "LOG10",
        &["LOG10(x: float64) -> float64"],
        "The logarithm to base 10.",
        &[("LOG10(1000)", "3.0")],
        |data| float(data, f64::log10),
    ),
    plain(
        "LOG2",
        &["LOG2(x: float64) -> float64"],
        "The logarithm to base 2.",
        &[("LOG2(8)", "3.0")],
        |data| float(data, f64::log2),
    ),
    plain(
        "SIN",
        &["SIN(x: float64) -> float64"],
        "The sine of an angle in radians.",
        &[("SIN(0)", "0.0")],
        |data| float(data, f64::sin),
    ),
    plain(
        "COS",
        &["COS(x: float64) -> float64"],
        "The cosine of an angle in radians.",
        &[("COS(0)", "1.0")],
        |data| float(data, f64::cos),
    ),
    plain(
        "TAN",
        &["TAN(x: float64) -> float64"],
        "The tangent of an angle in radians.",
        &[("TAN(0)", "0.0")],
        |data| float(data, f64::tan),
    ),
    plain(
        "ASIN",
        &["ASIN(x: float64) -> float64"],
        "The angle of a sine, in radians.",
        &[("ASIN(0)", "0.0")],
        |data| float(data, f64::asin),
    ),
    plain(
        "ACOS",
        &["ACOS(x: float64) -> float64"],
        "The angle of a cosine, in radians.",
        &[("ACOS(1)", "0.0")],
        |data| float(data, f64::acos),
    ),
    plain(
        "ATAN",
        &["ATAN(x: float64) -> float64"],
        "The angle of a tangent, in radians.",
        &[("ATAN(0)", "0.0")],
        |data| float(data, f64::atan),
    ),
    plain(
        "DEGREES",
        &["DEGREES(x: float64) -> float64"],
        "Radians in degrees.",
        &[("DEGREES(0)", "0.0")],
        |data| float(data, f64::to_degrees),
    ),
    plain(
        "RADIANS",
        &["RADIANS(x: float64) -> float64"],
        "Degrees in radians.",
        &[("RADIANS(0)", "0.0")],
        |data| float(data, f64::to_radians),
    ),
    plain(
        "ATAN2",
        &["ATAN2(y: float64, x: float64) -> float64"],
        "The angle of a point, in radians.",
        &[("ATAN2(0, 1)", "0.0")],
        |data| match data {
            [Float(y), Float(x)] => Ok(Float(y.atan2(*x))),
            _ => misuse(),
        },
    ),
    plain(
        "PI",
        &["PI() -> float64"],
        "The ratio of a circle's circumference to its diameter.",
        &[("PI()", "3.141592653589793")],
        |_| Ok(Float(std::f64::consts::PI)),
    ),
    plain(
        "IS_NAN",
        &["IS_NAN(x: float64) -> boolean"],
        "Whether the float is no number.",
        &[("IS_NAN(SQRT(-1))", "TRUE")],
        |data| match data {
            [Float(number)] => Ok(Datum::Boolean(number.is_nan())),
            _ => misuse(),
        },
    ),
    plain(
        "HASH",
        &["HASH(value: T?) -> int64", "HASH(value: string?...) -> int64"],
        "The stable 64-bit hash of a value, the one by which rows are keyed; equal values have equal hashes, for ever.",
        &[("HASH('item') = HASH('item')", "TRUE"), ("HASH(1) = HASH('1')", "FALSE")],
        |data| Ok(Int(hash(data))),
    ),
    plain(
        "BUCKET",
        &["BUCKET(value: T?, buckets: int64) -> int64"],
        "One of so many buckets, from 0, by the stable hash of a value: for sampling and for spreading hot keys.",
        &[("BUCKET('item', 10) < 10", "TRUE"), ("BUCKET(7, 1)", "0")],
        |data| match data {
            [value, Int(buckets)] => {
                let buckets = u64::try_from(*buckets).ok().filter(|buckets| *buckets > 0);
                let buckets = buckets.ok_or("the number of buckets is at least 1")?;
                let hash = hash(std::slice::from_ref(value)).cast_unsigned();
                Ok(Int((hash % buckets).cast_signed()))
            }
            _ => misuse(),
        },
    ),
    plain(
        "TO_HEX",
        &["TO_HEX(x: int64) -> string", "TO_HEX(bytes: bytes) -> string"],
        "The digits of a number, or of bytes, to base 16.",
        &[("TO_HEX(255)", "ff"), ("TO_HEX(x'0aff')", "0aff")],
        |data| match data {
            [Int(number)] => Ok(Datum::text(format!("{number:x}"))),
            [Datum::Other(value)] => match &**value {
                Value::Bytes(bytes) => Ok(Datum::text(
                    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                )),
                _ => misuse(),
            },
            _ => misuse(),
        },
    ),
];
