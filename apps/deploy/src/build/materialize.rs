//! The rows that a changelog amounts to, when its input has ended.

use crate::flow::Flow;
use crate::registry::Outputs;
use crate::site::Site;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey};

/// The final rows, by these columns; whether one for each key, the last.
pub(super) fn materialize(site: Site<'_>, key: &[usize], is_unique: bool, input: &Flow) -> Outputs {
    let changes = match input {
        Flow::Changes(changes) => changes.clone(),
        Flow::Rows(rows) => {
            let changes = site.before("changes", 0, rows.map(Change::insert));
            ChangelogStream::from_changes(changes)
        }
    };
    let rule = if is_unique { Materialize::by_primary_key() } else { Materialize::multiset() };
    let key: Arc<[usize]> = key.into();
    let keyed = changes.key_by(move |row: &Row| RowKey::of(row, &key));
    Outputs::main(site.own(keyed.materialize(rule)))
}
