//! What the property tests of this package draw: types, schemas, values and rows. Apart because they all need it.

use crate::FieldType;
use crate::data_type::{DataType, Field};
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e][a-z0-9_]{0,3}", 1 => "[ -~é]{0,5}"]
}

fn fields(inner: BoxedStrategy<FieldType>) -> impl Strategy<Value = Vec<Field>> {
    vec((name(), inner), 1..4).prop_map(|drawn| {
        let mut fields: Vec<Field> = Vec::new();
        for (name, FieldType { data_type, nullable }) in drawn {
            if fields.iter().all(|field| field.name != name) {
                fields.push(Field { name: name.into(), data_type, nullable });
            }
        }
        fields
    })
}

pub(crate) fn field_type() -> BoxedStrategy<FieldType> {
    let plain = prop::sample::select(vec![
        DataType::Boolean,
        DataType::Int64,
        DataType::Float64,
        DataType::Decimal,
        DataType::String,
        DataType::Timestamp,
        DataType::Bytes,
    ]);
    let field = |types: BoxedStrategy<DataType>| {
        (types, any::<bool>())
            .prop_map(|(data_type, nullable)| FieldType { data_type, nullable })
            .boxed()
    };
    field(plain.boxed())
        .prop_recursive(3, 12, 3, move |inner| {
            let lists = inner.clone().prop_map(|element| DataType::List(Box::new(element)));
            let structs = fields(inner.boxed()).prop_map(|fields| DataType::Struct(fields.into()));
            field(prop_oneof![lists, structs].boxed())
        })
        .boxed()
}

pub(crate) fn schema() -> impl Strategy<Value = Schema> {
    fields(field_type()).prop_map(|fields| Schema::new(fields).expect("names differ"))
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let small = (-1_000i64..1_000, 0u32..4).prop_map(|(digits, scale)| Decimal::new(digits, scale));
    let any = (any::<[u32; 3]>(), any::<bool>(), 0u32..=28)
        .prop_map(|([lo, mid, hi], sign, scale)| Decimal::from_parts(lo, mid, hi, sign, scale));
    prop_oneof![3 => small, 1 => any]
}

/// A value that fits the type.
pub(crate) fn value(data_type: &DataType, nullable: bool) -> BoxedStrategy<Value> {
    let present = match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        DataType::Int64 => {
            prop_oneof![3 => -9i64..10, 1 => any::<i64>()].prop_map(Value::Int64).boxed()
        }
        DataType::Float64 => {
            let near = (-9i64..10).prop_map(|number| number as f64 / 2.0);
            let bits = any::<u64>().prop_map(f64::from_bits);
            let special = prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, 1e300]);
            prop_oneof![2 => near, 1 => bits, 1 => special].prop_map(Value::Float64).boxed()
        }
        DataType::Decimal => decimal().prop_map(Value::Decimal).boxed(),
        DataType::String => {
            prop_oneof![4 => "[a-c%_ ]{0,4}", 1 => "\\PC{0,40}"].prop_map(Value::string).boxed()
        }
        DataType::Timestamp => {
            let days = 0i64..4_000_000_000_000;
            prop_oneof![3 => days, 1 => any::<i64>()].prop_map(Value::Timestamp).boxed()
        }
        DataType::Bytes => {
            vec(any::<u8>(), 0..6).prop_map(|bytes| Value::Bytes(bytes.into())).boxed()
        }
        DataType::List(element) => {
            vec(value(&element.data_type, element.nullable), 0..4).prop_map(Value::list).boxed()
        }
        DataType::Struct(fields) => {
            let values = fields.iter().map(|field| value(&field.data_type, field.nullable));
            values.collect::<Vec<_>>().prop_map(Value::structure).boxed()
        }
    };
    if nullable { prop_oneof![3 => present, 1 => Just(Value::Null)].boxed() } else { present }
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    field_type().prop_flat_map(|field| value(&field.data_type, field.nullable))
}

pub(crate) fn row(schema: &Schema) -> impl Strategy<Value = Row> + use<> {
    let columns = schema.columns().iter().map(|column| value(&column.data_type, column.nullable));
    columns.collect::<Vec<_>>().prop_map(Row::new)
}

pub(crate) fn schema_and_row() -> impl Strategy<Value = (Schema, Row)> {
    schema().prop_flat_map(|schema| (Just(schema.clone()), row(&schema)))
}
