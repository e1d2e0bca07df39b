//! What a window keeps of its records, and what it makes of them when it fires.
//!
//! Either an accumulator ([`Incremental`]) or the records themselves ([`Listed`]); and what was kept
//! goes to a window function, which sees the window it belongs to and emits as many rows as it likes.

use super::evictor::{Evictor, Stamped, When};
use crate::window::time_window::{TimeWindow, Windowed};
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, OutputTag};
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// The window that fires.
#[derive(Clone, Copy, Debug)]
pub struct WindowContext<'a, K> {
    /// The key.
    pub key: &'a K,
    /// The window.
    pub window: TimeWindow,
    /// Event time of the operator.
    pub watermark: Timestamp,
    /// The wall clock.
    pub processing_time: Timestamp,
}

/// Where a window function emits to. All that it emits carries the window's last millisecond as its
/// event time.
pub struct WindowOutput<'a, Out> {
    pub(crate) ctx: &'a mut Context<Out>,
    /// Rows for which there was no room in the output.
    pub(crate) pending: &'a mut VecDeque<Record<Out>>,
    pub(crate) timestamp: Timestamp,
}

impl<Out: Data> WindowOutput<'_, Out> {
    /// Emits a row.
    #[inline]
    pub fn emit(&mut self, row: Out) {
        if self.pending.is_empty() && !self.ctx.is_full() {
            self.ctx.emit(row, self.timestamp);
        } else {
            self.pending.push_back(Record::new(row, self.timestamp));
        }
    }

    /// Emits to a side output.
    pub fn emit_side<S: Data>(&mut self, tag: &OutputTag<S>, value: S) {
        self.ctx.emit_side(tag, value, self.timestamp);
    }
}

/// How records are kept and what becomes of them.
pub(crate) trait Contents<K, T, U>: Send + 'static {
    /// What is kept of one window.
    type State: Value;

    /// Adds a record that other windows take, too.
    fn add(&self, state: &mut Option<Self::State>, value: &T, timestamp: Timestamp);

    /// Adds a record to the last of its windows.
    fn add_last(&self, state: &mut Option<Self::State>, value: T, timestamp: Timestamp);

    /// Adds all that a later window of the same key has taken in.
    fn merge(&self, state: &mut Option<Self::State>, later: Option<Self::State>);

    /// Emits what `state` amounts to.
    fn fire(
        &self,
        window: &WindowContext<'_, K>,
        state: &mut Self::State,
        out: &mut WindowOutput<'_, U>,
    );
}

/// An accumulator, and a function `F` that takes its result.
pub(crate) struct Incremental<A, F> {
    pub(crate) aggregate: A,
    pub(crate) function: F,
}

impl<K: Key, A: Aggregate, U: Data, F> Contents<K, A::In, U> for Incremental<A, F>
where
    F: Fn(&WindowContext<'_, K>, A::Out, &mut WindowOutput<'_, U>) + Send + 'static,
{
    type State = A::Accumulator;

    #[inline]
    fn add(&self, state: &mut Option<A::Accumulator>, value: &A::In, _: Timestamp) {
        let accumulator = state.get_or_insert_with(|| self.aggregate.create());
        self.aggregate.add(accumulator, value);
    }

    #[inline]
    fn add_last(&self, state: &mut Option<A::Accumulator>, value: A::In, timestamp: Timestamp) {
        self.add(state, &value, timestamp);
    }

    fn merge(&self, state: &mut Option<A::Accumulator>, later: Option<A::Accumulator>) {
        match (state.as_mut(), later) {
            (Some(all), Some(part)) => self.aggregate.merge(all, &part),
            (None, later) => *state = later,
            (Some(_), None) => {}
        }
    }

    #[inline]
    fn fire(
        &self,
        window: &WindowContext<'_, K>,
        accumulator: &mut A::Accumulator,
        out: &mut WindowOutput<'_, U>,
    ) {
        (self.function)(window, self.aggregate.result(accumulator), out);
    }
}

/// The records themselves, what an evictor leaves of them, and a function `F` that takes them.
pub(crate) struct Listed<T, F> {
    pub(crate) evictor: Option<Arc<dyn Evictor<T>>>,
    pub(crate) function: F,
}

impl<K: Key, T: Data + Value, U: Data, F> Contents<K, T, U> for Listed<T, F>
where
    F: Fn(&WindowContext<'_, K>, &[Stamped<T>], &mut WindowOutput<'_, U>) + Send + 'static,
{
    type State = Vec<Stamped<T>>;

    fn add(&self, state: &mut Option<Vec<Stamped<T>>>, value: &T, timestamp: Timestamp) {
        self.add_last(state, value.clone(), timestamp);
    }

    #[inline]
    fn add_last(&self, state: &mut Option<Vec<Stamped<T>>>, value: T, timestamp: Timestamp) {
        state.get_or_insert_default().push(Stamped { value, timestamp });
    }

    fn merge(&self, state: &mut Option<Vec<Stamped<T>>>, later: Option<Vec<Stamped<T>>>) {
        if let Some(later) = later {
            state.get_or_insert_default().extend(later);
        }
    }

    fn fire(
        &self,
        window: &WindowContext<'_, K>,
        records: &mut Vec<Stamped<T>>,
        out: &mut WindowOutput<'_, U>,
    ) {
        if let Some(evictor) = &self.evictor {
            evictor.evict(When::Before, records);
        }
        (self.function)(window, records, out);
        if let Some(evictor) = &self.evictor {
            evictor.evict(When::After, records);
        }
    }
}

/// The function of windows that emit one result for each key.
pub(crate) fn emit_result<K: Key, V: Data>(
    window: &WindowContext<'_, K>,
    value: V,
    out: &mut WindowOutput<'_, Windowed<K, V>>,
) {
    out.emit(Windowed { key: window.key.clone(), window: window.window, value });
}
