//! Why a topology that was checked cannot be deployed all the same.

use thiserror::Error;

/// Why a topology cannot be deployed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeployError {
    /// Something is wrong with the file; its diagnostics say what.
    #[error("the topology has errors, which `tidegate validate` shows")]
    Broken,
    /// A node cannot be built.
    #[error("the node `{node}` cannot be built: {reason}")]
    Node {
        /// Its name.
        node: String,
        /// Why not.
        reason: String,
    },
}
