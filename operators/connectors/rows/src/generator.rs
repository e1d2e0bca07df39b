//! Generators whose records are rows. Apart from the generators, which typed programs use without rows.
//!
//! A row is made where the record is, so no batch of records lies in between. Event times are the generator's own.

use tidegate_core::operator::BoxError;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;
use tidegate_generator::{
    AppEvent, AppEventGenerator, AppEvents, Click, ClickGenerator, Clicks, Counted, CountedSplit,
    Formula, Keys, Mapped, Sequence,
};
use tidegate_rows::{DataType, Field, Row, Schema, Value};

/// Makes a row of a record and its event time.
type ToRow<T> = fn(T, Timestamp) -> Row;

/// A generator `G` of the formula `F`, as rows.
#[derive(Clone, Copy, Debug)]
pub struct RowGenerator<G, F: Formula> {
    generator: G,
    to_row: ToRow<F::Out>,
}

impl<G, F: Formula> RowGenerator<G, F> {
    pub(crate) const fn new(generator: G, to_row: ToRow<F::Out>) -> Self {
        Self { generator, to_row }
    }
}

impl<G, F> SourceFactory for RowGenerator<G, F>
where
    F: Formula,
    G: SourceFactory<Out = F::Out, Split = CountedSplit, Source = Counted<F>>,
{
    type Out = Row;
    type Split = CountedSplit;
    type Source = Counted<Mapped<F, ToRow<F::Out>>>;

    fn kind(&self) -> &'static str {
        self.generator.kind()
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<CountedSplit>, BoxError> {
        self.generator.enumerate(parallelism)
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        self.generator.fingerprint()
    }

    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: Vec<CountedSplit>,
    ) -> Result<Self::Source, BoxError> {
        Ok(self.generator.create(identity, splits)?.map(self.to_row))
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
    RowGenerator::new(generator, |click: Click, _| {
        Row::new([
            int(click.user_id),
            int(click.item_id),
            Value::Int64(click.category_id as i64),
            Value::string(click.behavior.as_str()),
            Value::Int64(click.timestamp),
        ])
    })
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
