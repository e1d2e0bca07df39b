//! The kind `last_sales`: what q6 asks and no built-in kind can say, as a kind that this program registers.
//!
//! Its rows come and go, since the winner of an auction is revised until the last bid is in.

use crate::last_sales::{Sale, Told, put_in, take_out};
use schemars::JsonSchema;
use serde::Deserialize;
use tidegate::prelude::*;
use tidegate_deploy::{Flow, Outputs, Registry, Wiring};
use tidegate_rows::{DataType, Field, Row, RowKey, Schema, Value};
use tidegate_topology::kinds::Traits;

/// The mean price of each sale of a seller and of those before it, in the order of the winning bids. Takes the columns
/// seller, auction, time of the winning bid and price, in this order, and puts the mean behind them.
#[derive(Deserialize, JsonSchema)]
struct LastSalesKind {
    /// How many sales before a sale its mean takes in.
    before: u32,
}

/// Registers it.
pub(super) fn register(registry: &mut Registry) {
    let columns = [
        Field::nullable("seller", DataType::Int64),
        Field::nullable("id", DataType::Int64),
        Field::nullable("dateTime", DataType::Timestamp),
        Field::nullable("price", DataType::Int64),
        Field::required("avg_price", DataType::Int64),
    ];
    let columns = Schema::new(columns).expect("five names");
    let traits = Traits::inputs(1).takes_changes().gives_changes().columns(columns);
    registry.operator("last_sales", traits, build).expect("no other kind is called so");
}

fn build(kind: &LastSalesKind, wiring: &Wiring<'_>) -> Result<Outputs, String> {
    let changes = match wiring.input(0) {
        Flow::Changes(changes) => changes.changes().clone(),
        Flow::Rows(rows) => wiring.part("changes", rows.map(Change::insert)),
    };
    let before = usize::try_from(kind.before).map_err(|error| error.to_string())?;
    let by_seller = changes.key_by(|change: &Change<Row>| RowKey::of(&change.row, &[0]));
    let means = by_seller.process(move || LastSales { before, sales: ValueState::default() });
    Ok(Outputs::main(ChangelogStream::from_changes(wiring.named(means))))
}

/// All sales of each seller in order.
struct LastSales {
    before: usize,
    sales: ValueState<RowKey, Vec<Sale>>,
}

/// The sale that a row tells of.
fn sale(row: &Row) -> Result<Sale, BoxError> {
    match row.values() {
        [
            Value::Int64(seller),
            Value::Int64(auction),
            Value::Timestamp(won),
            Value::Int64(price),
        ] => {
            let [seller, auction, price] = [*seller, *auction, *price].map(i64::cast_unsigned);
            Ok(Sale { won: Timestamp(*won), auction, seller, price })
        }
        values => {
            let values = values.iter().map(Value::shown).collect::<Vec<_>>().join(", ");
            let expected = "seller: int64, id: int64, dateTime: timestamp, price: int64";
            Err(format!("expected a row of {expected}; found [{values}]").into())
        }
    }
}

fn told((sale, mean): Told) -> Row {
    let [seller, auction, price, mean] =
        [sale.seller, sale.auction, sale.price, mean].map(u64::cast_signed).map(Value::Int64);
    Row::new([seller, auction, Value::Timestamp(sale.won.millis()), price, mean])
}

impl KeyedProcess for LastSales {
    type Key = RowKey;
    type In = Change<Row>;
    type Out = Change<Row>;

    fn process(
        &mut self,
        key: Keyed<'_, RowKey>,
        change: Change<Row>,
        ctx: &mut KeyedContext<'_, RowKey, Self::Out>,
    ) -> Result<(), BoxError> {
        let sale = sale(&change.row)?;
        let sales = self.sales.get_or_insert_with(key, Vec::new);
        let tell = |change: Change<Told>| ctx.emit(change.map(told));
        if change.is_addition() {
            put_in(sales, sale, self.before, tell);
        } else {
            take_out(sales, sale, self.before, tell);
        }
        if sales.is_empty() {
            self.sales.remove(key);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("sales", &mut self.sales);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_sale_and_another_one_is_refused_in_words() {
        let values = [Value::Int64(1), Value::Int64(2), Value::Timestamp(3), Value::Int64(4)];
        let read = sale(&Row::new(values)).expect("a sale");
        assert_eq!(read, Sale { won: Timestamp(3), auction: 2, seller: 1, price: 4 });
        let row = told((read, 5));
        assert_eq!(row.values()[4], Value::Int64(5));
        let wrong = sale(&Row::new([Value::Null])).expect_err("no sale").to_string();
        assert!(wrong.ends_with("price: int64; found [NULL]"), "{wrong}");
    }
}
