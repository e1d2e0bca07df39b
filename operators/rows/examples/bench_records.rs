//! What it costs to read, write and aggregate a row, in nanoseconds on one core.
//!
//! Run it by `cargo run --release -p tidegate-rows --example bench_records`.
//!
//! Bids of five columns, a thousand that stay in the cache; the best of five tries counts. A program of its own because
//! timings are no tests.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_rows::aggregate::{AggregateCall, RowAggregate};
use tidegate_rows::expression::{Checked, Expression, Functions};
use tidegate_rows::format::{CsvDialect, CsvFormat, JsonFormat, RowFormat};
use tidegate_rows::{DataType, Field, Row, Schema, Value};

const ROWS: i64 = 1_000;
const ROUNDS: u32 = 300;
const TRIES: usize = 5;

fn rows() -> Vec<Row> {
    let row = |n: i64| {
        let channel = ["apple", "google", "facebook", "baidu, \"cn\""][n as usize % 4];
        let (price, at) = (Value::Float64((n * 37 % 200) as f64 / 4.0), 1_795_780_800_000 + n * 17);
        Row::new([
            Value::Int64(n * 7 % 113),
            Value::Int64(n),
            price,
            Value::string(channel),
            Value::Timestamp(at),
        ])
    };
    (0..ROWS).map(row).collect()
}

/// Nanoseconds for each of the rows that `round` goes through.
fn nanoseconds(
    mut round: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..TRIES {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            round()?;
        }
        let each = start.elapsed().as_nanos() as f64 / (ROWS as f64 * f64::from(ROUNDS));
        best = best.min(each);
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Schema::new([
        Field::required("auction", DataType::Int64),
        Field::required("bidder", DataType::Int64),
        Field::required("price", DataType::Float64),
        Field::nullable("channel", DataType::String),
        Field::required("at", DataType::Timestamp),
    ])?;
    let rows = rows();
    let formats = [
        ("CSV", RowFormat::Csv(CsvFormat::new(&schema, CsvDialect::default())?)),
        ("JSON", RowFormat::Json(JsonFormat::new(&schema))),
    ];
    for (name, format) in formats {
        let mut records = Vec::new();
        for row in &rows {
            let mut record = Vec::new();
            format.encode(row, &mut record)?;
            records.push(record);
        }
        let read = nanoseconds(|| {
            for record in &records {
                black_box(format.decode(black_box(record))?);
            }
            Ok(())
        })?;
        let mut out = Vec::new();
        let written = nanoseconds(|| {
            for row in &rows {
                out.clear();
                format.encode(black_box(row), &mut out)?;
            }
            Ok(())
        })?;
        println!("{name:<6} read {read:7.1}   written {written:7.1}");
    }
    let checked = |text: &str| -> Result<Checked, Box<dyn Error>> {
        let wrong = |errors: Vec<_>| format!("{text}: {errors:?}");
        let expression = Expression::parse(text).map_err(wrong)?;
        Ok(expression.check(&schema, &Functions::built_in()).map_err(wrong)?)
    };
    for (name, arguments) in [
        ("count", &[][..]),
        ("sum", &["auction"]),
        ("avg", &["price"]),
        ("max", &["price"]),
        ("max", &["channel"]),
        ("count_distinct", &["bidder"]),
        ("percentile", &["price", "0.99"]),
        ("top_k", &["auction", "10"]),
    ] {
        let arguments: Vec<Checked> =
            arguments.iter().map(|text| checked(text)).collect::<Result<_, _>>()?;
        let call = AggregateCall::new(name, &arguments, None, None)?;
        let aggregate = RowAggregate::new([("x", call)]);
        let each = nanoseconds(|| {
            let mut accumulator = aggregate.create();
            for row in &rows {
                aggregate.add(&mut accumulator, black_box(row));
            }
            black_box(aggregate.result(&accumulator))?;
            Ok(())
        })?;
        println!("{name:<16} {each:7.1}");
    }
    Ok(())
}
