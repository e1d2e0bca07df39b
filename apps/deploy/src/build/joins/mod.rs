//! Joins: one file per kind, the left input first.
//!
//! Every join is one operator of the typed API over rows, keyed by the columns that are equal; the rows that it gives
//! out are made of both sides by [`output`]. What can fail is evaluated in a step in front (gaps, tombstones) or behind
//! (columns).

mod broadcast;
mod interval_join;
mod lookup_join;
mod outer_join;
mod output;
mod reconcile;
mod temporal_join;
mod unbounded_join;
mod window_join;

pub(super) use broadcast::broadcast;
pub(super) use interval_join::interval_join;
pub(super) use lookup_join::lookup_join;
pub(super) use outer_join::outer_join;
pub(super) use reconcile::reconcile;
pub(super) use temporal_join::temporal_join;
pub(super) use unbounded_join::unbounded_join;
pub(super) use window_join::window_join;

use crate::registry::Outputs;
use crate::site::Site;
use std::sync::Arc;
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey};
use tidegate_topology::document;
use tidegate_topology::plan::Bounds;

/// The side outputs of joins that know late rows.
const LATE_LEFT: &str = "late_left";
const LATE_RIGHT: &str = "late_right";

/// The key function of both sides: of one type, so that there is one operator of each kind.
fn key(columns: &[usize]) -> impl Fn(&Row) -> RowKey + Clone + Send + Sync + 'static + use<> {
    let columns: Arc<[usize]> = columns.into();
    move |row: &Row| RowKey::of(row, &columns)
}

const fn kind(kind: document::JoinKind) -> JoinKind {
    match kind {
        document::JoinKind::Inner => JoinKind::Inner,
        document::JoinKind::Left => JoinKind::Left,
        document::JoinKind::Right => JoinKind::Right,
        document::JoinKind::Full => JoinKind::Full,
    }
}

fn interval(bounds: Bounds) -> Interval {
    let interval = Interval::between(bounds.lower_ms, bounds.upper_ms);
    let interval = if bounds.lower_exclusive { interval.lower_bound_exclusive() } else { interval };
    if bounds.upper_exclusive { interval.upper_bound_exclusive() } else { interval }
}

/// A side output, if something takes it.
struct Side<T> {
    tag: Option<OutputTag<T>>,
}

impl<T: Data> Side<T> {
    fn new(site: Site<'_>, name: &str) -> Self {
        Self { tag: site.uses(name).then(|| OutputTag::named(name.to_owned())) }
    }

    /// `join` told of the tag, if there is one.
    fn tell<J>(&self, join: J, tell: impl FnOnce(J, &OutputTag<T>) -> J) -> J {
        match &self.tag {
            Some(tag) => tell(join, tag),
            None => join,
        }
    }

    /// What comes out there.
    fn stream<U: Data>(&self, of: &Stream<U>) -> Option<(&str, Stream<T>)> {
        self.tag.as_ref().map(|tag| (tag.name(), of.side_output(tag)))
    }
}

impl Side<Row> {
    /// `outputs` with this side output of `of`.
    fn add<U: Data>(&self, outputs: Outputs, of: &Stream<U>) -> Outputs {
        match self.stream(of) {
            Some((name, rows)) => outputs.side(name, rows),
            None => outputs,
        }
    }
}
