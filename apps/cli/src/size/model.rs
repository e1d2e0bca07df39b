//! What is known of a job before anything is computed: numbers with their origin, and nodes with what they hold.
//!
//! Apart from where the numbers come from (flags, a topology, a running job) and from what follows of them.

use super::costs::Work;

/// A number, and who says so.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) value: f64,
    pub(super) from: String,
}

impl Given {
    pub(super) fn new(value: f64, from: impl Into<String>) -> Self {
        Self { value, from: from.into() }
    }

    /// What is said, else a default.
    pub(super) fn or(said: Option<f64>, flag: &str, default: f64) -> Self {
        match said {
            Some(value) => Self::new(value, flag),
            None => Self::new(default, format!("default, {flag}")),
        }
    }
}

/// A job to be sized.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    /// What is sized.
    pub(super) title: String,
    /// Records per second of all sources together.
    pub(super) events: Given,
    /// Bytes of a record on the wire, if known.
    pub(super) event_bytes: Option<Given>,
    /// Subtasks per operator.
    pub(super) parallelism: Given,
    /// Seconds between checkpoints.
    pub(super) interval: Given,
    /// Completed checkpoints that are kept.
    pub(super) retained: Given,
    /// Whether checkpoints hold only what has changed.
    pub(super) incremental: bool,
    /// Copies that storage keeps.
    pub(super) replication: Given,
    /// Among how many machines exchanges go.
    pub(super) machines: Given,
    /// Seconds for which the job may be away.
    pub(super) outage: Given,
    /// Seconds in which it has caught up then.
    pub(super) catch_up: Given,
    /// CPU nanoseconds per source record, where they are known as a whole.
    pub(super) cpu_ns: Option<Given>,
    /// By how much rows of topologies are dearer than typed records.
    pub(super) rows: f64,
    /// Bytes of the last checkpoint of a running job.
    pub(super) measured_checkpoint: Option<f64>,
    /// What works.
    pub(super) nodes: Vec<Node>,
}

/// Something that works on records.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its name.
    pub(super) name: String,
    /// Records per second that it takes.
    pub(super) rate: f64,
    /// Bytes of a record that it takes, if it takes them by key from other subtasks.
    pub(super) exchange_bytes: Option<f64>,
    /// What kind of work it is.
    pub(super) work: Work,
    /// What it holds.
    pub(super) held: Held,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// Nothing.
    Nothing,
    /// An entry for each key that occurs in a piece of time, for so many pieces at once.
    Keys {
        /// Distinct keys.
        keys: Given,
        /// Bytes of an entry: key and state.
        entry: Given,
        /// Updates per second.
        updates: Given,
        /// Pieces that are alive at once, and seconds of a piece; a piece without end has all keys.
        pieces: Option<(f64, f64)>,
    },
    /// All records of so long.
    Records {
        /// Seconds.
        time: Given,
        /// Bytes of a record with its key.
        entry: f64,
    },
    /// Of each key so many records.
    KeyedRecords {
        /// Distinct keys.
        keys: Given,
        /// Records of each.
        each: f64,
        /// Bytes of a record with its key.
        entry: f64,
    },
    /// So many bytes, whatever comes.
    Bytes(f64, String),
}

/// How many of `keys` equally likely keys occur in `draws` records.
pub(super) fn distinct(keys: f64, draws: f64) -> f64 {
    // For few draws the difference below would lose all digits.
    (keys * -(-draws / keys).exp_m1()).min(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_draws_hit_as_many_keys_and_many_draws_hit_all() {
        assert!((distinct(1e12, 10.0) - 10.0).abs() < 1e-6);
        assert!((distinct(100.0, 1e9) - 100.0).abs() < 1e-9);
        assert!((distinct(1_000.0, 1_000.0) - 632.12).abs() < 0.01);
    }
}
