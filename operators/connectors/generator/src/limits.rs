//! Every limit and default of this crate, in one place, with why.

/// Distinct users unless asked otherwise: as many as the user behaviour data set has, roughly.
pub(crate) const USERS: u64 = 1_000_000;
/// Distinct items unless asked otherwise.
pub(crate) const ITEMS: u64 = 100_000;
/// Distinct categories unless asked otherwise.
pub(crate) const CATEGORIES: u64 = 1_000;
/// Events per second of event time unless asked otherwise.
pub(crate) const EVENTS_PER_SECOND: u64 = 1_000;
/// The event time of the first event unless asked otherwise: 2017-11-26 00:00:00 UTC.
pub(crate) const START_MS: i64 = 1_511_654_400_000;

/// The largest population: a rank is drawn with 32 bits of precision.
pub(crate) const POPULATION_MAX: u64 = u32::MAX as u64;
/// The highest rate and the largest disorder in milliseconds, so that no product leaves 64 bits.
pub(crate) const RATE_MAX: u64 = u32::MAX as u64;
/// The most records of one stream: its last position times 1,000 still fits into an `i64`.
pub(crate) const RECORDS_MAX: u64 = i64::MAX as u64 / 1_000;
/// Records of one split before the reader looks which of its splits is furthest behind.
pub(crate) const RUN_RECORDS: usize = 256;

/// Nexmark events per second of event time unless asked otherwise: as in the reference.
pub(crate) const NEXMARK_EVENTS_PER_SECOND: u64 = 10_000;
/// The time of the first Nexmark event unless asked otherwise: 2023-11-14 23:58:20 UTC.
pub(crate) const NEXMARK_START_MS: i64 = 1_700_006_300_000;
/// Random numbers that are set aside for each Nexmark event; an auction takes ten.
pub(crate) const NEXMARK_DRAWS: u64 = 16;
/// The most Nexmark events and the highest rate, up to which event times are exact.
pub(crate) const NEXMARK_EVENTS_MAX: u64 = 1 << 40;
/// See [`NEXMARK_EVENTS_MAX`].
pub(crate) const NEXMARK_RATE_MAX: u64 = (1 << 24) - 1;
/// The longest block of Nexmark events that change places.
pub(crate) const NEXMARK_BLOCK_MAX: u64 = 1 << 20;
