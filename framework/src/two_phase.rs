//! Windows in two phases: records of the same key and slice are combined where they come from, and what
//! has been combined goes through the exchange.
//!
//! Apart from the other windows because it is two operators that must agree: window, aggregate and key
//! are the same in both, and the first one stands in the subtasks in which its input does, so that no
//! record changes its place among the watermarks.

use crate::stream::{KeyedStream, Stream};
use crate::window::{FROM_SLICES, SLICED};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_operators::window::{
    CombinedWindow, InvalidWindow, LocalWindow, Partial, Window, Windowed,
};

/// What the first phase is called.
const LOCAL: &str = "local-window";

impl<T, K, F> KeyedStream<T, F>
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// Aggregates the windows of `window`, which are `told` to people, in two phases; `None` when the records come from several
    /// operators.
    pub(crate) fn aggregate_in_two_phases<A: Aggregate<In = T>>(
        &self,
        window: Window,
        late: Option<&OutputTag<T>>,
        aggregate: &A,
        told: &str,
    ) -> Option<Stream<Windowed<K, A::Out>>>
    where
        A::Accumulator: Sync,
    {
        let upstream = self.only_origin()?;
        let (of, key) = (aggregate.clone(), self.key());
        let local = self
            .records()
            .operator(LOCAL, move || built(LocalWindow::new(window, of.clone(), key.clone())));
        let local = local.detail("combines records of the same key and slice");
        let key = self.key();
        let exchanged = local.key_by(move |partial: &Partial<K, A>| partial.key(&key));
        let (of, key, late) = (aggregate.clone(), self.key(), late.cloned());
        let windows = exchanged.operator(SLICED, move || {
            let windows = built(CombinedWindow::new(window, of.clone(), key.clone()));
            match &late {
                Some(tag) => windows.side_output_late(tag.clone()),
                None => windows,
            }
        });
        local.prepares(upstream, &windows);
        let detail = format!("{told}; {FROM_SLICES}, behind local windows");
        Some(windows.detail(&detail).meaning(told))
    }
}

fn built<O>(operator: Result<O, InvalidWindow>) -> O {
    operator.expect("a job with windows that cannot be is refused before it is built")
}
