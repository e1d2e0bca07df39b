//! Deployment of topologies: from a plan to a job of the typed API.
//!
//! Apart from `tidegate-topology`, which reads files without the engine, and from the commands, which are only one way
//! to deploy. A [`Registry`] holds what a program brings along beside the built-in kinds; [`build`] draws the job. The
//! same operators run it as any job in Rust: what this crate adds is rows, and what becomes of those that cannot be
//! used.
//!
//! ```
//! use tidegate_deploy::{Registry, deploy};
//! use tidegate_topology::{Source, load, tree::Variables};
//!
//! let registry = Registry::default();
//! let text = "job: { name: clicks }
//! sources: { clicks: { generator: { clicks: { events: 10 } } } }
//! operators: { views: { inputs: clicks, filter: behavior = 'pv' } }
//! sinks: { out: { inputs: views, print: {} } }
//! ";
//! let loaded = load(Source::new("clicks.yaml", text), &Variables::default(), registry.kinds());
//! let job = deploy(&loaded, &registry)?;
//! assert_eq!(job.into_graph()?.nodes.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod error;
mod flow;
mod registry;
mod settings;
mod site;
pub mod unit_test;
mod unusable;

pub use build::{build, deploy};
pub use error::DeployError;
pub use flow::Flow;
pub use registry::{Outputs, Registry, Wiring};
pub use settings::settings;
