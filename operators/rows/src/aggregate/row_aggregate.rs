//! Several calls as one aggregate, whose result is a row of as many columns.
//!
//! Apart from the calls. There are two of it, because whether parts can be deducted is known of a type and not of a value:
//! where all calls can, overlapping windows carry one running accumulator from window to window. Both keep the same state.

use super::call::AggregateCall;
use super::error::{AggregateError, Failures};
use super::fold::Compiled;
use super::part::{Part, RowAccumulator};
use crate::data_type::{DataType, Field};
use crate::row::Row;
use std::fmt;
use std::sync::Arc;
use tidegate_core::state::aggregate::Aggregate;

const FOREIGN: &str =
    "the state has another number of aggregates: start without it, or give the operator a new name";

/// Named calls over rows of one schema. Cheap to clone.
#[derive(Clone)]
pub struct RowAggregate {
    calls: Arc<[Compiled]>,
    columns: Arc<[Field]>,
    arguments: Arc<[Option<DataType>]>,
    never_fails: bool,
}

impl fmt::Debug for RowAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RowAggregate").field(&self.columns).finish()
    }
}

impl RowAggregate {
    /// These calls, each with the name of the column it fills.
    pub fn new<N: Into<crate::CompactString>>(
        calls: impl IntoIterator<Item = (N, AggregateCall)>,
    ) -> Self {
        let (mut compiled, mut columns, mut never_fails) = (Vec::new(), Vec::new(), true);
        let mut arguments = Vec::new();
        for (name, call) in calls {
            let (data_type, nullable) = (call.data_type().clone(), call.nullable());
            columns.push(Field { name: name.into(), data_type, nullable });
            never_fails &= call.never_fails();
            arguments.push(call.argument().cloned());
            compiled.push(call.compiled);
        }
        let (calls, columns, arguments) = (compiled.into(), columns.into(), arguments.into());
        Self { calls, columns, arguments, never_fails }
    }

    /// The columns of the results, in the order of the calls.
    #[must_use]
    pub fn columns(&self) -> &[Field] {
        &self.columns
    }

    /// The types of the values that the calls are computed of; nothing for one that counts records.
    #[must_use]
    pub fn arguments(&self) -> &[Option<DataType>] {
        &self.arguments
    }

    /// Whether a result is the same in whatever order parts are merged. Where it is not, because of a `first` or `last`
    /// that goes by arrival, windows must not be computed of slices, in two phases, or merged.
    #[must_use]
    pub fn is_commutative(&self) -> bool {
        self.calls.iter().all(Compiled::is_commutative)
    }

    /// Whether [`RowAggregate::check`] finds nothing in any row of the schema.
    #[must_use]
    pub const fn never_fails(&self) -> bool {
        self.never_fails
    }

    /// Whether a row has all the values that the calls ask of it. One that has not makes every result it takes part in an
    /// error.
    ///
    /// # Errors
    /// What fails, of the first call that does.
    pub fn check(&self, row: &Row) -> Result<(), AggregateError> {
        if self.never_fails {
            return Ok(());
        }
        let mut calls = self.calls.iter().enumerate();
        calls
            .try_for_each(|(index, call)| call.check(row).map_err(|error| self.error(index, error)))
    }

    /// The same as an aggregate whose parts can be deducted, if each call can.
    #[must_use]
    pub fn deducting(&self) -> Option<DeductingRowAggregate> {
        self.calls.iter().all(Compiled::deducts).then(|| DeductingRowAggregate(self.clone()))
    }

    #[cold]
    fn error(&self, index: usize, message: String) -> AggregateError {
        let column = self.columns.get(index);
        let aggregate = column.map(|column| column.name.to_string()).unwrap_or_default();
        AggregateError::new(aggregate, message)
    }

    #[inline]
    fn empty(&self, running: bool) -> RowAccumulator {
        match &*self.calls {
            [call] => RowAccumulator::one(call.create(running)),
            calls => RowAccumulator::new(calls.iter().map(|call| call.create(running))),
        }
    }

    /// Tells of a failure.
    #[cold]
    fn fail(&self, accumulator: &mut RowAccumulator, index: usize, message: String) {
        let error = self.error(index, message);
        accumulator.change_failures(|failures| Failures::join(failures, 1, error));
    }

    /// Whether the accumulator is of this aggregate; it is told as a failure if not.
    #[inline]
    fn fits(&self, accumulator: &mut RowAccumulator, parts: usize) -> bool {
        let fits = parts == self.calls.len();
        if !fits {
            self.fail(accumulator, 0, FOREIGN.to_owned());
        }
        fits
    }

    /// Does something with each part that may fail.
    #[inline]
    fn each(
        &self,
        accumulator: &mut RowAccumulator,
        mut change: impl FnMut(usize, &Compiled, &mut Part) -> Result<(), String>,
    ) {
        for (index, call) in self.calls.iter().enumerate() {
            if let Some(part) = accumulator.parts_mut().get_mut(index)
                && let Err(message) = change(index, call, part)
            {
                self.fail(accumulator, index, message);
            }
        }
    }
}

impl Aggregate for RowAggregate {
    type In = Row;
    type Accumulator = RowAccumulator;
    type Out = Result<Row, AggregateError>;

    fn create(&self) -> RowAccumulator {
        self.empty(false)
    }

    #[inline]
    fn add(&self, accumulator: &mut RowAccumulator, row: &Row) {
        let own = accumulator.parts().len();
        if self.fits(accumulator, own) {
            self.each(accumulator, |_, call, part| call.add(part, row));
        }
    }

    #[inline]
    fn merge(&self, accumulator: &mut RowAccumulator, other: &RowAccumulator) {
        let (own, others) = (accumulator.parts().len(), other.parts());
        if !self.fits(accumulator, own) || !self.fits(accumulator, others.len()) {
            return;
        }
        self.each(accumulator, |index, call, part| call.merge(part, &others[index]));
        if let Some(part) = other.failures() {
            let example = part.example.clone();
            accumulator.change_failures(|all| Failures::join(all, part.count, example));
        }
    }

    #[inline]
    fn result(&self, accumulator: &RowAccumulator) -> Self::Out {
        if let Some(failures) = accumulator.failures() {
            return Err(failures.example.clone());
        }
        let result = |index: usize, call: &Compiled, part: &Part| {
            call.result(part).map_err(|error| self.error(index, error))
        };
        match (&*self.calls, accumulator.parts()) {
            ([call], [part]) => result(0, call, part).map(Row::one),
            (calls, parts) if calls.len() == parts.len() => {
                let mut values = Vec::with_capacity(calls.len());
                for (index, (call, part)) in calls.iter().zip(parts).enumerate() {
                    values.push(result(index, call, part)?);
                }
                Ok(Row::new(values))
            }
            _ => Err(self.error(0, FOREIGN.to_owned())),
        }
    }
}

/// A [`RowAggregate`] whose parts can be deducted; from [`RowAggregate::deducting`].
///
/// Beyond what the laws of aggregates say, its running accumulator also takes rows one by one and can be stored: what
/// is kept of rows that come and go.
#[derive(Clone, Debug)]
pub struct DeductingRowAggregate(RowAggregate);

impl Aggregate for DeductingRowAggregate {
    type In = Row;
    type Accumulator = RowAccumulator;
    type Out = Result<Row, AggregateError>;

    const INVERTIBLE: bool = true;

    fn create(&self) -> RowAccumulator {
        self.0.empty(false)
    }

    #[inline]
    fn add(&self, accumulator: &mut RowAccumulator, row: &Row) {
        self.0.add(accumulator, row);
    }

    fn merge(&self, accumulator: &mut RowAccumulator, other: &RowAccumulator) {
        self.0.merge(accumulator, other);
    }

    fn result(&self, accumulator: &RowAccumulator) -> Self::Out {
        self.0.result(accumulator)
    }

    fn running(&self) -> RowAccumulator {
        self.0.empty(true)
    }

    fn deduct(&self, all: &mut RowAccumulator, part: &RowAccumulator) {
        let (own, others) = (all.parts().len(), part.parts());
        if !self.0.fits(all, own) || !self.0.fits(all, others.len()) {
            return;
        }
        self.0.each(all, |index, call, own| call.deduct(own, &others[index]));
        if let Some(part) = part.failures() {
            all.change_failures(|failures| Failures::take(failures, part));
        }
    }
}
