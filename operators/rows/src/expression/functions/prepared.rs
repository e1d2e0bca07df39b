//! Arguments that are read before they are used: patterns, formats, zones, paths. Apart because all of them are read
//! once when they are constant, and when they are not, the last one is kept.

use crate::value::Value;
use compact_str::CompactString;
use std::sync::{Arc, Mutex, PoisonError};

/// Something read from text.
pub(super) enum Prepared<T> {
    Constant(T),
    PerRow { read: fn(&str) -> Result<T, String>, last: Mutex<Option<(CompactString, Arc<T>)>> },
}

impl<T> Prepared<T> {
    /// Reads a constant argument now; a NULL never gets to be used.
    pub(super) fn new(
        argument: Option<&Option<Value>>,
        read: fn(&str) -> Result<T, String>,
    ) -> Result<Self, String> {
        match argument {
            Some(Some(Value::String(text))) => Ok(Self::Constant(read(text)?)),
            _ => Ok(Self::PerRow { read, last: Mutex::new(None) }),
        }
    }

    /// Uses what was read; `text` is the argument of this row.
    pub(super) fn with<R>(
        &self,
        text: &str,
        use_it: impl FnOnce(&T) -> Result<R, String>,
    ) -> Result<R, String> {
        let (read, last) = match self {
            Self::Constant(constant) => return use_it(constant),
            Self::PerRow { read, last } => (read, last),
        };
        let known = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found = match known {
            Some((known, found)) if known == text => found,
            _ => {
                let found = Arc::new(read(text)?);
                let kept = Some((text.into(), Arc::clone(&found)));
                *last.lock().unwrap_or_else(PoisonError::into_inner) = kept;
                found
            }
        };
        use_it(&found)
    }
}
