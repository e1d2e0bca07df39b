//! `first_row`: of each key the row that arrives first.
//!
//! What is retained for a time goes by the wall clock, as state with a time to live does: a row that comes
//! later than that after the one that was let through is let through again. Entries whose time is over are
//! removed a few at each record.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, process::KeyedProcessOperator};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::{Retain, dedup::FirstRow};
//!
//! let first = FirstRow::new(Retain::Forever);
//! let mut first = KeyedProcessOperator::new(first, |click: &(u64, char)| click.0);
//! let clicks = [(1, 'a'), (2, 'b'), (1, 'c')].map(|click| Record::new(click, Timestamp(5)));
//! let mut ctx = Context::new(16);
//! first.process(&mut Batch::new(clicks.to_vec(), vec![]), &mut ctx)?;
//! assert!(ctx.take().iter().map(|row| row.value).eq([(1, 'a'), (2, 'b')]));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use super::ttl;
use crate::Retain;
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::BoxError;
use tidegate_core::process::{KeyedContext, KeyedProcess};
use tidegate_core::state::ttl::{TtlValueState, UpdateType};
use tidegate_core::state::{Keyed, StateVisitor};

/// Lets the first row of each key through.
pub struct FirstRow<K, T> {
    retain: Retain,
    seen: TtlValueState<K, ()>,
    of: PhantomData<fn(T)>,
}

impl<K: Key, T> FirstRow<K, T> {
    /// `retain` says for how long a key is remembered, from the row that was let through.
    #[must_use]
    pub fn new(retain: Retain) -> Self {
        let seen = TtlValueState::new(ttl(retain, UpdateType::OnCreateAndWrite));
        Self { retain, seen, of: PhantomData }
    }

    /// Counts the time from the last row of the key, whether it was let through or not: a key that never
    /// pauses for so long comes out once.
    #[must_use]
    pub fn refreshed_by_duplicates(mut self) -> Self {
        self.seen = TtlValueState::new(ttl(self.retain, UpdateType::OnReadAndWrite));
        self
    }
}

impl<K: Key, T: Data> KeyedProcess for FirstRow<K, T> {
    type Key = K;
    type In = T;
    type Out = T;

    fn process(
        &mut self,
        key: Keyed<'_, K>,
        row: T,
        ctx: &mut KeyedContext<'_, K, T>,
    ) -> Result<(), BoxError> {
        let now = ctx.processing_time();
        if self.seen.get(key, now).is_none() {
            self.seen.set(key, (), now);
            ctx.emit(row);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("seen", &mut self.seen);
    }
}
