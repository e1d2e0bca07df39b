//! The records of one side of a key in a window, as a window function sees them: in place, in one part for
//! each slice of the window.

/// Records of one stream with the same key in the same window: those of an earlier slice of the window
/// first, and in the order of their arrival within a slice. Only windows that overlap have several slices.
///
/// ```
/// use tidegate_operators::join::Records;
/// fn longest<'a>(records: Records<'a, String>) -> Option<&'a String> {
///     records.iter().max_by_key(|text| text.len())
/// }
/// ```
#[derive(Debug)]
pub struct Records<'a, T> {
    pub(super) parts: &'a [&'a [T]],
}

impl<T> Clone for Records<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Records<'_, T> {}

impl<'a, T> Records<'a, T> {
    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'a T> {
        self.iter_from(0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.parts.iter().all(|part| part.is_empty())
    }

    /// All but the first `skipped`.
    pub(super) fn iter_from(self, mut skipped: usize) -> impl Iterator<Item = &'a T> {
        self.parts.iter().flat_map(move |part| {
            let behind = skipped.min(part.len());
            skipped -= behind;
            part[behind..].iter()
        })
    }
}
