//! The sections of the report, and which programs measure them.

use crate::run::Run;
use clap::ValueEnum;

/// A section of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Section {
    /// Every Nexmark query beside its floor
    Nexmark,
    /// Keyed count beside its floor
    Count,
    /// Latency of windows at given rates
    Latency,
    /// From a fault to the first correct output
    Recovery,
    /// What checkpoints cost
    Checkpoints,
    /// How cost grows
    Growth,
    /// Topologies beside their typed twins
    Topologies,
}

impl Section {
    /// All, in the order of the page.
    pub(crate) const ALL: [Self; 7] = [
        Self::Nexmark,
        Self::Count,
        Self::Latency,
        Self::Recovery,
        Self::Checkpoints,
        Self::Growth,
        Self::Topologies,
    ];

    /// As on the command line and in the file of results.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether other engines can stand beside ours.
    pub(crate) const fn has_peers(self) -> bool {
        matches!(self, Self::Nexmark | Self::Count)
    }

    /// The runs that measure it; `quick` ones only show that it works.
    pub(crate) fn runs(self, quick: bool) -> Vec<Run> {
        let run = |program, full: &[&'static str], short: &[&'static str]| {
            Run::new(program, if quick { short } else { full })
        };
        match self {
            Self::Nexmark => vec![run(
                "bench-nexmark",
                &[],
                &["--seconds", "2", "--floor-seconds", "1", "--rounds", "1"],
            )],
            Self::Count => ["1000", "1000000", "10000000"]
                .map(|keys| {
                    run(
                        "bench-keyed-count",
                        &["--keys", keys, "--records", "400000000", "--rounds", "5"],
                        &["--keys", keys, "--records", "50000000", "--rounds", "1"],
                    )
                })
                .to_vec(),
            Self::Latency => vec![run(
                "bench-latency",
                &[],
                &["--seconds", "5", "--warm-up", "2", "--spin-seconds", "1"],
            )],
            Self::Recovery => {
                vec![run("bench-recovery", &[], &["--keys", "1000000", "--rounds", "1"])]
            }
            Self::Checkpoints => vec![
                run("bench-checkpoints", &[], &["--records", "100000000", "--checkpoints", "100"]),
                run("bench-checkpoint-cost", &[], &["--seconds", "3", "--rounds", "1"]),
            ],
            Self::Growth => {
                vec![run("bench-growth", &[], &["--seconds", "1", "--rounds", "1"])]
            }
            Self::Topologies => ["1", "2"]
                .map(|parallelism| {
                    run(
                        "bench-topology",
                        &["--parallelism", parallelism],
                        &["--parallelism", parallelism, "--clicks", "2000000", "--rounds", "1"],
                    )
                })
                .to_vec(),
        }
    }
}
