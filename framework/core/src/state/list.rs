//! Operator list state: a list per subtask, not per key, dealt out anew when parallelism changes.

use super::{OperatorState, Value};
use crate::codec::{self, DecodeError};
use crate::snapshot::Redistribution;

/// Elements that belong to a subtask, such as the splits of a source.
#[derive(Clone, Debug)]
pub struct OperatorList<T> {
    redistribution: Redistribution,
    /// The elements.
    pub elements: Vec<T>,
}

impl<T> OperatorList<T> {
    /// A list whose elements are shared out among the subtasks.
    #[must_use]
    pub const fn split() -> Self {
        Self { redistribution: Redistribution::Split, elements: Vec::new() }
    }

    /// A list of which every subtask gets all elements on restore.
    #[must_use]
    pub const fn union() -> Self {
        Self { redistribution: Redistribution::Union, elements: Vec::new() }
    }
}

impl<T: Value> OperatorState for OperatorList<T> {
    fn redistribution(&self) -> Redistribution {
        self.redistribution
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        self.elements.iter().map(codec::to_cbor).collect()
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        self.elements = elements.iter().map(|e| codec::from_cbor(e)).collect::<Result<_, _>>()?;
        Ok(())
    }
}
