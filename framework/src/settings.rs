//! Settings: how a job is run, complete.
//!
//! Apart from the launcher's flags, which say only what differs, and from a topology's `job`, which says the same things in
//! another way: both end here.

use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use tidegate_core::config::JobConfig;

/// How a job is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the job master goes by.
    pub config: JobConfig,
    /// Threads that subtasks run on; one per core if not said.
    pub slots: Option<usize>,
    /// Where state is kept; a temporary folder if not said.
    pub state_dir: Option<PathBuf>,
    /// How keyed state is captured.
    pub state_backend: StateBackend,
    /// Where checkpoints go.
    pub checkpoint_storage: CheckpointStorageChoice,
    /// Where metrics are served; at the default address, if it is free, if not said.
    pub metrics: Option<MetricsAddress>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: JobConfig::default(),
            slots: None,
            state_dir: None,
            state_backend: StateBackend::Sled,
            checkpoint_storage: CheckpointStorageChoice::Sled,
            metrics: None,
        }
    }
}

/// How keyed state is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StateBackend {
    /// Checkpoints hold what has changed since the last one.
    Sled,
    /// Every checkpoint holds everything.
    Memory,
}

/// Where checkpoints go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointStorageChoice {
    /// A sled database in the state folder.
    Sled,
    /// Memory: gone with the process.
    Memory,
    /// A folder.
    Folder(PathBuf),
}

impl FromStr for CheckpointStorageChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sled" => Ok(Self::Sled),
            "memory" => Ok(Self::Memory),
            _ => match text.strip_prefix("file://") {
                Some(path) if path.starts_with('/') => Ok(Self::Folder(path.into())),
                _ => Err("expected sled, memory, or a URL such as file:///var/lib/job".to_owned()),
            },
        }
    }
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAddress {
    /// Nowhere.
    None,
    /// There.
    At(SocketAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_is_a_word_or_a_url_of_a_folder() {
        let folder = "file:///tmp/x".parse::<CheckpointStorageChoice>();
        assert_eq!(folder, Ok(CheckpointStorageChoice::Folder("/tmp/x".into())));
        assert!("s3://x".parse::<CheckpointStorageChoice>().is_err());
    }
}
