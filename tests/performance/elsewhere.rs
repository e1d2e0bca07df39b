//! Figures of Apache Flink, measured elsewhere on a machine of the same kind.
//!
//! Apache Flink 2.3.0, DataStream programs with parallelism 2, exactly-once checkpoints every second,
//! heap state, two virtual Xeon cores, OpenJDK 17; the best clean run of each. They are here to give the
//! order of magnitude: they were not taken side by side with the figures beside which they stand.

/// How the figures are named where they stand.
pub(crate) const NAME: &str = "Flink 2.3 (elsewhere)";

/// Million events per second of the Nexmark queries.
const NEXMARK: [(&str, f64); 9] = [
    ("q0", 8.6),
    ("q1", 8.2),
    ("q2", 8.0),
    ("q3", 5.0),
    ("q5", 1.4),
    ("q7", 2.1),
    ("q8", 4.6),
    ("q11", 1.3),
    ("q12", 3.6),
];

/// Keys of the keyed count that was measured, and million records per second with its state on the heap
/// and in RocksDB.
pub(crate) const COUNT: (f64, f64, f64) = (1e6, 2.4, 0.29);

/// The rate of the latency measurement, and p50, p90, p99, p99.9, p99.99 and maximum in milliseconds, of
/// the same windows, tuned for latency.
pub(crate) const LATENCY: (f64, [f64; 6]) = (1e5, [1.04, 1.39, 3.81, 12.09, 26.18, 27.14]);

/// Keys of the recovery measurement, and median milliseconds to the first output with state on the heap and
/// in RocksDB.
pub(crate) const RECOVERY: (f64, f64, f64) = (1e6, 831.0, 135.0);

/// Million events per second of a Nexmark query, where it was measured.
pub(crate) fn nexmark(query: &str) -> Option<f64> {
    NEXMARK.iter().find(|(name, _)| *name == query).map(|(_, millions)| *millions)
}
