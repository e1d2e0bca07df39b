//! The operator `spikes` and the function `STARS`, as topologies use them:
//!
//! ```yaml
//! jumps: { inputs: sales, spikes: { key: item_id, value: sold, factor: 2 } }
//! rows: { inputs: jumps, project: { item: item_id, stars: STARS(sold) } }
//! ```

use schemars::JsonSchema;
use serde::Deserialize;
use std::error::Error;
use tidegate::prelude::*;
use tidegate_deploy::{Outputs, Registry, Wiring};
use tidegate_rows::{DataType, Row, RowKey, Value};
use tidegate_topology::kinds::Traits;

/// Lets a row through whose value is at least so many times that of the row before with the same key.
///
/// What is written here is what a topology can say below `spikes`: it is checked when the file is read, and what stands
/// behind the three slashes is what editors show.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spikes {
    /// The column of the key.
    key: String,
    /// The column of the value, an int64.
    value: String,
    /// How many times as much it must be.
    factor: i64,
}

/// Makes both known.
///
/// # Errors
/// When a name is taken.
pub(crate) fn register(registry: &mut Registry) -> Result<(), Box<dyn Error>> {
    // One input; the columns that go out are those that come in.
    registry.operator("spikes", Traits::inputs(1), build)?;
    registry.function("STARS(n: int64) -> string", |values| match values {
        [Value::Int64(n)] => Ok(Value::string("*".repeat((*n).clamp(0, 100) as usize))),
        _ => Err("STARS takes a number".to_owned()),
    })?;
    Ok(())
}

/// Builds a node: says what is wrong with its configuration, or draws it.
fn build(spikes: &Spikes, wiring: &Wiring<'_>) -> Result<Outputs, String> {
    let schema = &wiring.node().outputs[0].schema;
    let column = |name: &String| {
        let found = schema.columns().iter().position(|column| *column.name == **name);
        found.ok_or_else(|| format!("there is no column `{name}`"))
    };
    let (key, value) = (column(&spikes.key)?, column(&spikes.value)?);
    if schema.columns()[value].data_type != DataType::Int64 {
        return Err(format!("column `{}` must be an int64", spikes.value));
    }
    let factor = spikes.factor;
    let rows = wiring.input(0).rows().key_by(move |row: &Row| RowKey::of(row, &[key]));
    let grown = rows.process(move || Grown { value, factor, last: ValueState::default() });
    // The state that it keeps is found again by the name of the node.
    Ok(Outputs::main(wiring.named(grown)))
}

/// What runs, once in each subtask.
struct Grown {
    value: usize,
    factor: i64,
    /// The last value of each key. Checkpoints hold it, and it is there again after a failure.
    last: ValueState<RowKey, i64>,
}

impl KeyedProcess for Grown {
    type Key = RowKey;
    type In = Row;
    type Out = Row;

    fn process(
        &mut self,
        key: Keyed<'_, RowKey>,
        row: Row,
        ctx: &mut KeyedContext<'_, RowKey, Row>,
    ) -> Result<(), BoxError> {
        // NULL is no value to compare with.
        let Value::Int64(value) = row[self.value] else { return Ok(()) };
        let before = self.last.get(key).copied();
        self.last.set(key, value);
        if before.is_some_and(|before| value >= before.saturating_mul(self.factor)) {
            ctx.emit(row);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("last", &mut self.last);
    }
}
