//! `last_row`: of each key the row that came last, as a changelog.
//!
//! The first row of a key is `+I`; each later one is `-U` of the row before and `+U` of its own. A row that
//! equals the one before changes nothing. Last is what arrives last, or by event time what is not older
//! ([`LastRow::by_event_time`]); an older row is then passed over.
//!
//! What is retained for a time goes by the wall clock since the last row of the key: the next one is then
//! `+I` again, and whoever keeps the result keeps the old row too.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, process::KeyedProcessOperator};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::{Retain, dedup::LastRow};
//!
//! let last = LastRow::new(Retain::Forever);
//! let mut last = KeyedProcessOperator::new(last, |_: &char| 1u64);
//! let rows = ['a', 'a', 'b'].map(|row| Record::new(row, Timestamp(5)));
//! let mut ctx = Context::new(16);
//! last.process(&mut Batch::new(rows.to_vec(), vec![]), &mut ctx)?;
//! let changes: Vec<String> = ctx.take().iter().map(|row| row.value.to_string()).collect();
//! assert_eq!(changes, ["+I a", "-U a", "+U b"]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use super::ttl;
use crate::Retain;
use std::sync::Arc;
use tidegate_core::changelog::Change;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::BoxError;
use tidegate_core::process::{KeyedContext, KeyedProcess};
use tidegate_core::state::ttl::{TtlValueState, UpdateType};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// Keeps the last row of each key.
pub struct LastRow<K, T> {
    by_event_time: bool,
    /// The row and its event time, apart from the table: it grows without moving rows, half of its slots are empty, and
    /// a checkpoint shares what does not change meanwhile.
    last: TtlValueState<K, Arc<(Timestamp, T)>>,
}

impl<K: Key, T: Data + Value> LastRow<K, T> {
    /// `retain` says for how long a row is kept.
    #[must_use]
    pub fn new(retain: Retain) -> Self {
        let last = TtlValueState::new(ttl(retain, UpdateType::OnCreateAndWrite));
        Self { by_event_time: false, last }
    }

    /// A row with an earlier event time than the last one is passed over.
    #[must_use]
    pub fn by_event_time(mut self) -> Self {
        self.by_event_time = true;
        self
    }
}

impl<K: Key, T: Data + Value + PartialEq> KeyedProcess for LastRow<K, T> {
    type Key = K;
    type In = T;
    type Out = Change<T>;

    fn process(
        &mut self,
        key: Keyed<'_, K>,
        row: T,
        ctx: &mut KeyedContext<'_, K, Change<T>>,
    ) -> Result<(), BoxError> {
        let (at, now) = (ctx.timestamp(), ctx.processing_time());
        let before = match self.last.get(key, now) {
            Some(last) if self.by_event_time && at < last.0 => return Ok(()),
            before => before.cloned(),
        };
        self.last.set(key, Arc::new((at, row.clone())), now);
        match before.map(|before| Arc::unwrap_or_clone(before).1) {
            None => ctx.emit(Change::insert(row)),
            Some(before) if before == row => {}
            Some(before) => {
                ctx.emit(Change::update_before(before));
                ctx.emit(Change::update_after(row));
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("last", &mut self.last);
    }
}
