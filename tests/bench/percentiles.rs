//! Latencies as figures and as a curve, and the hiccups of the machine to compare them with.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Points of a percentile curve.
const POINTS: u32 = 200;

/// A percentile curve ends where of so many results one is slower.
const RAREST: f64 = 1e6;

/// What a probe each microsecond would see of a thread that only reads the clock.
const PROBE_NS: u64 = 1000;

/// p50 to p99.99, the maximum, and how many there are, of a histogram in microseconds, in milliseconds.
#[must_use]
pub fn figures(histogram: &Histogram<u64>) -> Value {
    let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    json!({
        "results": histogram.len(),
        "p50_ms": ms(0.5),
        "p90_ms": ms(0.9),
        "p99_ms": ms(0.99),
        "p99.9_ms": ms(0.999),
        "p99.99_ms": ms(0.9999),
        "max_ms": histogram.max() as f64 / 1000.0,
    })
}

/// Pairs of x and milliseconds: one result in x is slower. x grows by a constant factor, up to the
/// number of results.
#[must_use]
pub fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let last = RAREST.min(histogram.len() as f64).max(1.0);
    let point = |n: u32| {
        let rarity = last.powf(f64::from(n) / f64::from(POINTS - 1));
        let value = histogram.value_at_quantile(1.0 - 1.0 / rarity) as f64 / 1000.0;
        ((rarity * 1000.0).round() / 1000.0, value)
    };
    (0..POINTS).map(point).collect()
}

/// How long a thread that only reads the clock, for `spin` long, is kept from doing so: percentiles as
/// a probe each microsecond would see them, the longest gap, and the gaps of at least a millisecond.
///
/// # Errors
/// When a gap is too long to be recorded.
pub fn jitter(spin: Duration) -> Result<Value, hdrhistogram::RecordError> {
    let mut gaps = Histogram::<u64>::new(3).expect("from 0 to 5 digits are allowed");
    let (started, mut last, mut long) = (Instant::now(), Instant::now(), 0_u64);
    while last.duration_since(started) < spin {
        let now = Instant::now();
        let gap = u64::try_from(now.duration_since(last).as_nanos()).unwrap_or(u64::MAX);
        if gap > 0 {
            gaps.record_correct(gap, PROBE_NS)?;
            long += u64::from(gap >= 1_000_000);
        }
        last = now;
    }
    let ms = |ns: u64| ns as f64 / 1e6;
    Ok(json!({
        "seconds": spin.as_secs_f64(),
        "p99.9_ms": ms(gaps.value_at_quantile(0.999)),
        "p99.99_ms": ms(gaps.value_at_quantile(0.9999)),
        "max_ms": ms(gaps.max()),
        "gaps_of_1_ms": long,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_runs_from_the_fastest_to_the_slowest() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        (1..=1000).for_each(|n| histogram.record(n * 1000).unwrap());
        let curve = curve(&histogram);
        assert_eq!(curve.len(), 200);
        assert_eq!(curve[0].0, 1.0);
        assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{curve:?}");
        let (rarity, ms) = curve[199];
        assert_eq!(rarity, 1000.0);
        assert!((998.0..=1001.0).contains(&ms), "{ms}");
        let half = figures(&histogram)["p50_ms"].as_f64().unwrap();
        assert!((499.0..=501.0).contains(&half), "{half}");
    }

    #[test]
    fn an_empty_histogram_has_a_curve_at_zero() {
        let curve = curve(&Histogram::<u64>::new(3).unwrap());
        assert!(curve.iter().all(|point| *point == (1.0, 0.0)), "{curve:?}");
    }
}
