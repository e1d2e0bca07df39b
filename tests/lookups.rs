//! What the service of the lookup tests knows: shared by the service, the job that asks, and the test that
//! knows the rows.

/// Records of the job.
pub const RECORDS: u64 = 6_000;
/// Numbers that are asked about.
pub const KEYS: u64 = 500;
/// Keys of the rows.
pub const GROUPS: u64 = 7;

/// What the service knows about a number; nothing about some of them.
#[must_use]
pub const fn value(number: u64) -> Option<u64> {
    if number.is_multiple_of(13) { None } else { Some(number * 7 + 1) }
}
