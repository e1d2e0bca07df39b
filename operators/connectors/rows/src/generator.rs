//! Generators whose records are rows. Apart from the generators, which typed programs use without rows.
//!
//! A row is made where the record is, so no batch of records lies in between. Event times are the generator's own, or what
//! an expression makes of the row.

use crate::event_time::event_time;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;
use tidegate_generator::{
    AppEvent, AppEventGenerator, AppEvents, Click, ClickGenerator, Clicks, Counted, CountedSplit,
    EventTime, Formula, Keys, Mapped, Sequence,
};
use tidegate_rows::expression::TimestampEvaluator;
use tidegate_rows::{DataType, Field, Row, Schema, Value};

/// Makes a row of a record and its event time.
type ToRow<T> = fn(T, Timestamp) -> Row;

/// A generator `G` of the formula `F`, as rows.
#[derive(Clone, Debug)]
pub struct RowGenerator<G, F: Formula> {
    generator: G,
    to_row: ToRow<F::Out>,
    at: Option<TimestampEvaluator>,
}

impl<G, F: Formula> RowGenerator<G, F> {
    pub(crate) const fn new(generator: G, to_row: ToRow<F::Out>) -> Self {
        Self { generator, to_row, at: None }
    }

    /// With event times that `at` makes of the rows; their own if none. A row without one fails the source.
    #[must_use]
    pub fn timed(self, at: Option<TimestampEvaluator>) -> Self {
        Self { at, ..self }
    }
}

/// The event time of a row.
pub struct RowTime(Option<Box<TimeOf>>);

/// What says the event time of a row, or why it has none.
type TimeOf = dyn Fn(&Row) -> Result<Timestamp, String> + Send + Sync;

impl EventTime<Row> for RowTime {
    #[inline]
    fn of(&self, row: &Row, own: Timestamp) -> Result<Timestamp, BoxError> {
        match &self.0 {
            None => Ok(own),
            Some(of) => of(row).map_err(|reason| untimed(&reason, row)),
        }
    }
}

#[cold]
fn untimed(reason: &str, row: &Row) -> BoxError {
    let values = row.values().iter().map(Value::shown).collect::<Vec<_>>().join(", ");
    format!("{reason}; the row is [{values}]").into()
}

impl<G, F> SourceFactory for RowGenerator<G, F>
where
    F: Formula,
    G: SourceFactory<Out = F::Out, Split = CountedSplit, Source = Counted<F>>,
{
    type Out = Row;
    type Split = CountedSplit;
    type Source = Counted<Mapped<F, ToRow<F::Out>>, RowTime>;

    fn kind(&self) -> &'static str {
        self.generator.kind()
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<CountedSplit>, BoxError> {
        self.generator.enumerate(parallelism)
    }

    /// The generator's: whoever changes the event time goes on with the same records.
    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        self.generator.fingerprint()
    }

    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: Vec<CountedSplit>,
    ) -> Result<Self::Source, BoxError> {
        let rows = self.generator.create(identity, splits)?.map(self.to_row);
        let at = self.at.clone().map(|at| Box::new(event_time(at)) as Box<TimeOf>);
        Ok(rows.timed(RowTime(at)))
    }
}

/// A number of a generator, which bounds it far below half of all integers.
pub(crate) const fn int(number: u64) -> Value {
    Value::Int64(number.cast_signed())
}

pub(crate) fn schema<const N: usize>(columns: [(&str, DataType); N]) -> Schema {
    let columns = columns.map(|(name, data_type)| Field::required(name, data_type));
    Schema::new(columns).expect("the names of a generator's columns differ")
}

/// The columns of a click: `user_id`, `item_id`, `category_id`, `behavior`, and `timestamp` in seconds.
#[must_use]
pub fn click_schema() -> Schema {
    let int = || DataType::Int64;
    schema([
        ("user_id", int()),
        ("item_id", int()),
        ("category_id", int()),
        ("behavior", DataType::String),
        ("timestamp", int()),
    ])
}

/// Clicks as rows of [`click_schema`].
#[must_use]
pub const fn click_rows(generator: ClickGenerator) -> RowGenerator<ClickGenerator, Clicks> {
    RowGenerator::new(generator, |click: Click, _| click_row(&click))
}

#[expect(clippy::vec_init_then_push, reason = "an array would be made elsewhere and copied")]
fn click_row(click: &Click) -> Row {
    let mut values = Vec::with_capacity(5);
    values.push(int(click.user_id));
    values.push(int(click.item_id));
    values.push(Value::Int64(click.category_id as i64));
    values.push(Value::string(click.behavior.as_str()));
    values.push(Value::Int64(click.timestamp));
    Row::new(values)
}

/// The columns of an app's log: `user`, `behavior`, `channel`, and `timestamp` in seconds.
#[must_use]
pub fn app_event_schema() -> Schema {
    let string = || DataType::String;
    schema([
        ("user", string()),
        ("behavior", string()),
        ("channel", string()),
        ("timestamp", DataType::Int64),
    ])
}

/// The log of an app as rows of [`app_event_schema`].
#[must_use]
pub const fn app_event_rows(
    generator: AppEventGenerator,
) -> RowGenerator<AppEventGenerator, AppEvents> {
    RowGenerator::new(generator, |event: AppEvent, _| {
        Row::new([
            Value::string(event.user),
            Value::string(event.behavior),
            Value::string(event.channel),
            Value::Int64(event.timestamp),
        ])
    })
}

/// The one column of a sequence: `key`.
#[must_use]
pub fn sequence_schema() -> Schema {
    schema([("key", DataType::Int64)])
}

/// Bare keys as rows of [`sequence_schema`]; those of a sequence that draws from more than half of all integers are
/// negative where they leave the signed ones.
#[must_use]
pub const fn sequence_rows(generator: Sequence) -> RowGenerator<Sequence, Keys> {
    RowGenerator::new(generator, |key, _| Row::new([int(key)]))
}
