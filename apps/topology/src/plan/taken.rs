//! What expressions of patterns read of the events that a stage has taken: a struct for each call.
//!
//! Apart from the conditions because it is the same for them and for the columns of a match.

use super::pattern_text::{Of, StageEvents};
use tidegate_rows::aggregate::{AggregateCall, RowAggregate};
use tidegate_rows::expression::{Expression as Parsed, Functions};
use tidegate_rows::{Field, Schema};

/// What is read of the events that a stage has taken, as a struct.
#[derive(Clone, Debug)]
pub enum Taken {
    /// One event: a field for each column. The struct is NULL while the stage has taken nothing.
    Event {
        /// The stage.
        stage: String,
        /// Whether the last event; else the first.
        last: bool,
        /// For each column of the event, whether it is read; NULL may stand for the others.
        reads: Vec<bool>,
    },
    /// An aggregate of all events, of each of the columns that it can be computed of. A count is 0 while the stage has
    /// taken nothing, anything else NULL.
    Aggregate {
        /// The stage.
        stage: String,
        /// The aggregates of the columns that are read, in their order.
        aggregate: RowAggregate,
        /// For each field of the struct, whether it is one of them; NULL may stand for the others.
        reads: Vec<bool>,
    },
}

/// The fields of the struct for events of these columns; `is_taken` says whether the stage has surely taken one.
pub(super) fn fields(of: Of, events: &Schema, is_taken: bool) -> Vec<Field> {
    let Of::Aggregate(name) = of else { return events.columns().to_vec() };
    let of = |(column, call): (&Field, AggregateCall)| {
        let nullable = name != "count" && (call.nullable() || !is_taken);
        Field { name: column.name.clone(), data_type: call.data_type().clone(), nullable }
    };
    calls(name, events).map(of).collect()
}

/// What is read, given which fields are.
pub(super) fn taken(of: &StageEvents, events: &Schema, is_read: impl Fn(usize) -> bool) -> Taken {
    let stage = of.stage.clone();
    match of.of {
        Of::First | Of::Last => {
            let reads = (0..events.columns().len()).map(is_read).collect();
            Taken::Event { stage, last: of.of == Of::Last, reads }
        }
        Of::Aggregate(name) => {
            let reads: Vec<bool> =
                calls(name, events).enumerate().map(|(at, _)| is_read(at)).collect();
            let read = calls(name, events).zip(&reads).filter(|(_, is_read)| **is_read);
            let read = read.map(|((column, call), _)| (column.name.clone(), call));
            Taken::Aggregate { stage, aggregate: RowAggregate::new(read), reads }
        }
    }
}

/// The aggregate of each column that it can be computed of.
fn calls<'a>(
    name: &'static str,
    events: &'a Schema,
) -> impl Iterator<Item = (&'a Field, AggregateCall)> {
    let functions = Functions::built_in();
    events.columns().iter().filter_map(move |column| {
        let quoted = format!("\"{}\"", column.name.replace('"', "\"\""));
        let checked = Parsed::parse(&quoted).ok()?.check(events, &functions).ok()?;
        Some((column, AggregateCall::new(name, &[checked], None, None).ok()?))
    })
}
