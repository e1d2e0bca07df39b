//! An operator beside its floor: both run in turn, and must come to the same.

use super::median;
use tidegate_core::operator::BoxError;

/// What came out: how much, and a sum over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many rows.
    pub count: u64,
    /// A sum of what is in them, whatever their order.
    pub sum: u64,
}

impl Rows {
    /// Adds a row whose content is `sum`.
    #[inline]
    pub const fn add(&mut self, sum: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(sum);
    }
}

/// Records per second of one run, and the rows.
pub type Ran = (f64, Rows);

/// Runs both so many times and prints the medians as a line of JSON, with `about` beside them.
///
/// # Errors
/// The operator's.
///
/// # Panics
/// When the rows differ.
pub fn beside(
    name: &str,
    rounds: usize,
    about: &serde_json::Value,
    engine: impl Fn() -> Result<Ran, BoxError>,
    floor: impl Fn() -> Ran,
) -> Result<(), BoxError> {
    let (mut engines, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = Rows::default();
    for _ in 0..rounds {
        let (ran, by_hand) = (engine()?, floor());
        assert_eq!(ran.1, by_hand.1, "the engine and its floor come to the same");
        rows = ran.1;
        engines.push(ran.0);
        floors.push(by_hand.0);
        ratios.push(ran.0 / by_hand.0);
    }
    let json = serde_json::json!({
        "bench": name,
        "about": about,
        "rows": rows.count,
        "records_per_second_and_core": median(&mut engines).map(f64::round),
        "floor_records_per_second_and_core": median(&mut floors).map(f64::round),
        "ratio": median(&mut ratios),
    });
    println!("{json}");
    Ok(())
}
