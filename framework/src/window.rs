//! Windows over keyed streams.

use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_operators::window::{SlicedWindow, Window, Windowed};

/// A keyed stream cut into windows.
pub struct WindowedStream<'a, T, F> {
    stream: &'a KeyedStream<T, F>,
    window: Window,
    late: Option<OutputTag<T>>,
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static> KeyedStream<T, F> {
    /// Cuts the stream into event-time windows per key.
    pub fn window(&self, window: Window) -> WindowedStream<'_, T, F> {
        WindowedStream { stream: self, window, late: None }
    }
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static> WindowedStream<'_, T, F> {
    /// Sends records that come too late for all their windows to a side output; take it by
    /// [`Stream::side_output`] from the stream that [`WindowedStream::aggregate`] returns.
    #[must_use]
    pub fn late_output(mut self, tag: &OutputTag<T>) -> Self {
        self.late = Some(tag.clone());
        self
    }

    /// One result per key and window: what `aggregate` makes of its records.
    pub fn aggregate<A: Aggregate<In = T>>(self, aggregate: A) -> Stream<Windowed<K, A::Out>> {
        let Self { stream, window, late } = self;
        let key = stream.key();
        if let Err(error) = window.validate() {
            stream.complain(error.to_string());
        }
        stream.operator("window", move || {
            let operator = SlicedWindow::new(window, aggregate.clone(), key.clone())
                .expect("a job with windows that cannot be is refused before it is built");
            match &late {
                Some(tag) => operator.side_output_late(tag.clone()),
                None => operator,
            }
        })
    }
}
