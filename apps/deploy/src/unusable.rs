//! What becomes of a row for which something cannot be computed.
//!
//! Apart because every kind with an expression asks it, and `dead_letters` must mean the same everywhere: a [`Policy`] is
//! the only place where it is decided.

use std::fmt::{self, Display};
use tidegate::core::element::{Batch, Data};
use tidegate::core::operator::{Context, Operator};
use tidegate::prelude::*;
use tidegate_rows::{Row, Value};
use tidegate_topology::dead_letters;
use tidegate_topology::document::Unusable;

/// Where rows that are put aside go.
pub(crate) const DEAD_LETTERS: OutputTag<Row> = OutputTag::new(dead_letters::OUTPUT);

/// A row that cannot be used, as an error: why, and its values.
#[derive(Clone, Debug)]
pub(crate) struct UnusableRow {
    reason: String,
    row: String,
}

impl UnusableRow {
    #[cold]
    pub(crate) fn new(reason: &dyn Display, row: &Row) -> Self {
        let values = row.values().iter().map(Value::shown).collect::<Vec<_>>().join(", ");
        Self { reason: reason.to_string(), row: format!("[{values}]") }
    }
}

impl Display for UnusableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, row } = self;
        write!(f, "{reason}; the row is {row}; `dead_letters: skip` leaves out such rows")
    }
}

impl std::error::Error for UnusableRow {}

/// The error that tells of a row that cannot be used, and of what can be done about it.
#[cold]
pub(crate) fn unusable(reason: &dyn Display, row: &Row) -> BoxError {
    UnusableRow::new(reason, row).into()
}

/// What a node does with rows that it cannot use.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    unusable: Unusable,
    /// The node's name, which dead letters say.
    node: Value,
}

impl Policy {
    pub(crate) fn new(unusable: Unusable, node: &str) -> Self {
        Self { unusable, node: Value::string(node) }
    }

    /// Decides about a record of this time: the error again, if the job has to fail.
    #[cold]
    pub(crate) fn judge<Out: Data>(
        &self,
        error: BoxError,
        at: Timestamp,
        ctx: &mut Context<Out>,
    ) -> Result<(), BoxError> {
        let is_kept = match self.unusable {
            Unusable::Fail => return Err(error),
            Unusable::Skip => false,
            Unusable::Aside => {
                let UnusableRow { reason, row } = *error.downcast::<UnusableRow>()?;
                let letter = [self.node.clone(), Value::string(reason), Value::string(row)];
                ctx.emit_side(&DEAD_LETTERS, Row::new(letter), at)
            }
        };
        if !is_kept {
            ctx.count_dropped();
        }
        Ok(())
    }
}

/// What is done with one record at a time, and may fail: any number of records come out.
pub(crate) struct Step<In, F> {
    apply: F,
    policy: Policy,
    takes: std::marker::PhantomData<fn(In)>,
}

impl<In, F> Step<In, F> {
    pub(crate) const fn new(policy: Policy, apply: F) -> Self {
        Self { apply, policy, takes: std::marker::PhantomData }
    }
}

/// What is done with one record at a time so that the same record stays, changed or not, or goes; it may fail.
///
/// Apart from a [`Step`] because records are changed where they lie: a batch goes through as it is, and none is moved.
/// Small as a record is, moving it costs more than most of what is done with it.
pub(crate) struct InPlace<T, F> {
    apply: F,
    policy: Policy,
    takes: std::marker::PhantomData<fn(T)>,
}

impl<T, F> InPlace<T, F> {
    /// `apply` says whether a record stays.
    pub(crate) const fn new(policy: Policy, apply: F) -> Self {
        Self { apply, policy, takes: std::marker::PhantomData }
    }
}

impl<T, F> Operator for InPlace<T, F>
where
    T: Data,
    F: Fn(&mut T) -> Result<bool, BoxError> + Send + 'static,
{
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        while !ctx.is_full() && input.open() > 0 {
            let mut records = if input.open() <= ctx.room() {
                input.take_all()
            } else {
                input.take_up_to(ctx.room()).collect()
            };
            let mut failed = None;
            records.retain_mut(|record| match (self.apply)(&mut record.value) {
                Ok(stays) => stays,
                Err(error) => {
                    if let Err(error) = self.policy.judge(error, record.timestamp, ctx) {
                        failed.get_or_insert(error);
                    }
                    false
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            ctx.emit_all(records);
        }
        Ok(())
    }
}

impl<In, Out, I, F> Operator for Step<In, F>
where
    In: Data,
    Out: Data,
    I: IntoIterator<Item = Out>,
    F: Fn(In) -> Result<I, BoxError> + Send + 'static,
{
    type In = In;
    type Out = Out;

    fn process(&mut self, input: &mut Batch<In>, ctx: &mut Context<Out>) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            match (self.apply)(record.value) {
                Ok(records) => {
                    for value in records {
                        ctx.emit(value, record.timestamp);
                    }
                }
                Err(error) => self.policy.judge(error, record.timestamp, ctx)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};
    use tidegate::core::element::Record;

    /// Keeps what is no multiple of 3, tenfold; multiples of 7 cannot be used.
    fn step(
        seen: &Arc<Mutex<Vec<i64>>>,
    ) -> InPlace<i64, impl Fn(&mut i64) -> Result<bool, BoxError> + use<>> {
        let seen = Arc::clone(seen);
        InPlace::new(Policy::new(Unusable::Skip, "step"), move |number: &mut i64| {
            seen.lock().expect("nobody panics").push(*number);
            if *number % 7 == 0 {
                return Err(unusable(&"a multiple of 7", &Row::new([Value::Int64(*number)])));
            }
            let stays = *number % 3 != 0;
            *number *= 10;
            Ok(stays)
        })
    }

    fn batch(count: i64) -> Batch<i64> {
        let record = |number| Record::new(number, Timestamp(number));
        Batch::new((1..=count).map(record).collect(), Vec::new())
    }

    #[test]
    fn a_full_output_ends_a_step_in_the_middle_of_a_batch_and_the_next_goes_on_there() {
        let seen = Arc::default();
        let (mut step, mut input, mut ctx) = (step(&seen), batch(10), Context::new(4));
        // Three records are in the output: there is room for one.
        (0..3).for_each(|_| ctx.emit(0, Timestamp(0)));
        let mut outputs = Vec::new();
        loop {
            step.process(&mut input, &mut ctx).expect("what cannot be used is left out");
            let values: Vec<(i64, i64)> =
                ctx.take().iter().map(|record| (record.value, record.timestamp.0)).collect();
            outputs.push((values, input.open()));
            if input.open() == 0 {
                break;
            }
        }
        assert_eq!(
            outputs,
            [
                (vec![(0, 0), (0, 0), (0, 0), (10, 1)], 9),
                (vec![(20, 2), (40, 4), (50, 5), (80, 8)], 2),
                (vec![(100, 10)], 0),
            ]
        );
        assert_eq!(*seen.lock().expect("nobody panics"), (1..=10).collect::<Vec<i64>>());
        assert_eq!(ctx.take_counts(), (0, 1), "the 7 is counted once");
    }

    #[test]
    fn a_step_with_a_full_output_takes_nothing() {
        let seen = Arc::default();
        let (mut step, mut input, mut ctx) = (step(&seen), batch(2), Context::new(1));
        ctx.emit(5, Timestamp(5));
        step.process(&mut input, &mut ctx).expect("nothing is done");
        assert_eq!((input.open(), ctx.take().len()), (2, 1));
        assert!(seen.lock().expect("nobody panics").is_empty());
    }

    proptest! {
        /// Whatever the room: each record once, in order, and no output holds more than fits.
        #[test]
        fn records_come_out_once_and_in_order(count in 0i64..60, capacity in 1usize..20) {
            let seen = Arc::default();
            let (mut step, mut input, mut ctx) = (step(&seen), batch(count), Context::new(capacity));
            let mut all = Vec::new();
            for _ in 0..=count {
                step.process(&mut input, &mut ctx).expect("what cannot be used is left out");
                let records = ctx.take();
                prop_assert!(records.len() <= capacity);
                prop_assert!(records.len() == capacity || input.open() == 0);
                all.extend(records.into_iter().map(|record| record.value));
            }
            let kept = (1..=count).filter(|number| number % 3 != 0 && number % 7 != 0);
            prop_assert_eq!(all, kept.map(|number| number * 10).collect::<Vec<i64>>());
            let every: Vec<i64> = (1..=count).collect();
            prop_assert_eq!(&*seen.lock().expect("nobody panics"), &every);
        }
    }
}
