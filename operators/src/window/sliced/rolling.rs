//! The running aggregate that is one accumulator: slices are merged into it and deducted from it.
//!
//! For invertible aggregates, at two operations per slide, and for windows that cumulate, from which
//! nothing is deducted because all slices leave together.

use super::carry::{Parts, Running};
use tidegate_core::key::Key;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// All slices of a key in one accumulator, and how many there are: without any the key leaves.
pub(crate) struct Rolling<V> {
    slices: u64,
    all: V,
}

impl<A: Aggregate> Running<A> for Rolling<A::Accumulator> {
    fn begin<K: Key>(end: Timestamp, parts: &Parts<'_, K, A>) -> Self {
        // Without deductions the plain accumulator does, which may be the smaller one.
        let aggregate = parts.aggregate;
        let all = if A::INVERTIBLE { aggregate.running() } else { aggregate.create() };
        let mut rolling = Self { slices: 0, all };
        rolling.enter(end, parts);
        rolling
    }

    fn enter<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>) {
        self.slices += 1;
        parts.aggregate.merge(&mut self.all, parts.part(end));
    }

    fn leave<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>) -> bool {
        self.slices -= 1;
        if self.slices > 0 {
            parts.aggregate.deduct(&mut self.all, parts.part(end));
        }
        self.slices > 0
    }

    fn result<K: Key>(&self, parts: &Parts<'_, K, A>) -> A::Out {
        parts.aggregate.result(&self.all)
    }
}
