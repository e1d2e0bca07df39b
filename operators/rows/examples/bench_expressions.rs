//! What an expression costs per row, in nanoseconds on one core.
//!
//! Run it by `cargo run --release -p tidegate-rows --example bench_expressions`.
//!
//! A million evaluations over a thousand rows that stay in the cache, five times; the best counts. A program of its own
//! because timings are no tests.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;
use tidegate_rows::expression::{Checked, Expression, Functions};
use tidegate_rows::{DataType, Field, Row, Schema, Value};

const ROWS: u32 = 1_000;
const ROUNDS: u32 = 1_000;
const TRIES: usize = 5;

const EXPRESSIONS: [&str; 8] = [
    "price > 100 AND category = 'x'",
    "price > 100",
    "category LIKE 'x%' OR item IN (1, 2, 3, 5, 8)",
    "CASE WHEN price > 150 THEN 'dear' WHEN price > 50 THEN 'fair' ELSE 'cheap' END",
    "item * 3 + 1",
    "EXTRACT(HOUR FROM at)",
    "UPPER(category)",
    "REGEXP_LIKE(category, '^[xy]')",
];

fn rows() -> Vec<Row> {
    (0..i64::from(ROWS))
        .map(|n| {
            let category = ["x", "y", "books", "household goods"][n as usize % 4];
            Row::new([
                Value::Int64(n % 10),
                Value::Float64((n * 37 % 200) as f64),
                Value::string(category),
                Value::Timestamp(n * 1_000_003),
            ])
        })
        .collect()
}

fn nanoseconds(checked: &Checked, rows: &[Row]) -> Result<f64, Box<dyn Error>> {
    let (predicate, evaluator) = (checked.predicate().ok(), checked.value());
    let mut best = f64::INFINITY;
    for _ in 0..TRIES {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for row in rows {
                match &predicate {
                    Some(predicate) => {
                        black_box(predicate.test(black_box(row))?);
                    }
                    None => {
                        black_box(evaluator.evaluate(black_box(row))?);
                    }
                }
            }
        }
        let each = start.elapsed().as_nanos() as f64 / f64::from(ROWS * ROUNDS);
        best = best.min(each);
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn Error>> {
    let schema = Schema::new([
        Field::required("item", DataType::Int64),
        Field::nullable("price", DataType::Float64),
        Field::nullable("category", DataType::String),
        Field::required("at", DataType::Timestamp),
    ])?;
    let rows = rows();
    println!("ns per row  expression");
    for text in EXPRESSIONS {
        let first = |errors: Vec<_>| {
            errors.into_iter().next().map_or("no error".into(), Box::<dyn Error>::from)
        };
        let parsed = Expression::parse(text).map_err(first)?;
        let checked = parsed.check(&schema, &Functions::built_in()).map_err(first)?;
        println!("{:>10.1}  {text}", nanoseconds(&checked, &rows)?);
    }
    Ok(())
}
