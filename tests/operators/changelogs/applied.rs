//! What a changelog amounts to: applies changes one by one and holds them to their laws.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::changelog::{Change, RowKind};

/// A change as a line of the harness.
pub(super) fn shown<T: Serialize>(change: &Change<T>) -> String {
    serde_json::to_string(change).expect("a change has a text")
}

/// Takes a change into `rows`, a multiset.
pub(super) fn apply<T: PartialEq + std::fmt::Debug>(rows: &mut Vec<T>, change: Change<T>) {
    if change.is_addition() {
        rows.push(change.row);
    } else {
        let found = rows.iter().position(|row| *row == change.row);
        let found = found.unwrap_or_else(|| panic!("{change:?}, which is not in {rows:?}"));
        rows.remove(found);
    }
}

/// The result at each watermark, sorted, of the lines that came out.
pub(super) fn results<T>(lines: &[String]) -> Vec<Vec<T>>
where
    T: DeserializeOwned + Ord + Clone + std::fmt::Debug,
{
    let (mut rows, mut results, mut updating) = (Vec::new(), Vec::new(), false);
    for line in lines {
        match line.rsplit_once(" @") {
            Some((change, _)) => {
                let change: Change<T> = serde_json::from_str(change).expect("a change");
                let is_after = change.kind == RowKind::UpdateAfter;
                assert_eq!(updating, is_after, "both halves of an update, one behind the other");
                updating = change.kind == RowKind::UpdateBefore;
                apply(&mut rows, change);
            }
            None => {
                assert!(!updating, "an update is whole before time advances");
                rows.sort();
                results.push(rows.clone());
            }
        }
    }
    results
}
