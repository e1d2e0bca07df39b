//! Generated rows: of their schema, at the event time of their record, the same at every parallelism.

use super::drive::{expression, read, read_in_ranges};
use crate::{
    app_event_rows, app_event_schema, click_rows, click_schema, nexmark_rows, nexmark_schema,
    sequence_rows, sequence_schema,
};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;
use tidegate_generator::{
    AppEventGenerator, ClickGenerator, CountedSplit, Event, Formula, NexmarkGenerator, Sequence,
};
use tidegate_rows::{Row, Schema, Value};

fn check<F: SourceFactory<Out = Row, Split = CountedSplit>>(
    source: &F,
    schema: &Schema,
    records: usize,
) -> Vec<(Row, Timestamp)> {
    let (rows, dropped) = read(source, source.enumerate(1).unwrap(), 64, true).unwrap();
    assert_eq!((rows.len(), dropped), (records, 0));
    for (row, _) in &rows {
        assert_eq!(row.fits(schema), Ok(()));
    }
    let mut sorted = rows.clone();
    sorted.sort();
    for parallelism in [2, 3, 7] {
        let splits = source.enumerate(parallelism).unwrap();
        let apart =
            splits.into_iter().flat_map(|split| read(source, vec![split], 50, false).unwrap().0);
        let mut apart: Vec<_> = apart.collect();
        apart.sort();
        assert!(apart == sorted, "at parallelism {parallelism}");
    }
    rows
}

#[test]
fn clicks_are_rows_of_their_columns() {
    let generator = ClickGenerator::new(7).events(1_000).disorder_ms(5_000);
    let rows = check(&click_rows(generator), &click_schema(), 1_000);
    let is_bought = expression("behavior = 'buy'", &click_schema()).predicate().unwrap();
    let bought = rows.iter().filter(|(row, _)| is_bought.test(row).unwrap()).count();
    assert!((5..60).contains(&bought), "{bought}");
    let seconds = |at: &Timestamp| Value::Int64(at.millis().div_euclid(1_000));
    assert!(rows.iter().all(|(row, at)| row[4] == seconds(at)));
    let twin = click_rows(generator).fingerprint().unwrap();
    assert_eq!(twin, generator.fingerprint().unwrap());
    assert!(click_rows(generator.users(0)).enumerate(1).is_err(), "refused as the generator is");
}

#[test]
fn a_generators_event_time_can_be_an_expression_and_a_row_without_one_is_told() {
    let generator = ClickGenerator::new(7).events(500);
    let timed = |text: &str| {
        let at = expression(text, &click_schema()).timestamp().unwrap();
        click_rows(generator).timed(Some(at))
    };
    let seconds = timed("TO_TIMESTAMP_LTZ(timestamp, 0)");
    for (row, at) in check(&seconds, &click_schema(), 500) {
        assert_eq!(row[4], Value::Int64(at.millis() / 1_000));
        assert_eq!(at.millis() % 1_000, 0);
    }
    assert_eq!(seconds.fingerprint().unwrap(), generator.fingerprint().unwrap());
    let none = timed("TO_TIMESTAMP_LTZ(NULLIF(timestamp, timestamp), 0)");
    let error = read(&none, none.enumerate(1).unwrap(), 64, true).unwrap_err().to_string();
    assert!(error.contains("the event time is NULL"), "{error}");
    let first = &read_in_ranges(&click_rows(generator), 1).0[0].0;
    let shown: Vec<String> = first.values().iter().map(Value::shown).collect();
    assert!(error.ends_with(&format!("; the row is [{}]", shown.join(", "))), "{error}");
}

#[test]
fn the_log_of_an_app_and_bare_keys_are_rows_too() {
    let log = app_event_rows(AppEventGenerator::new(1).events(500));
    check(&log, &app_event_schema(), 500);
    let keys = sequence_rows(Sequence::new(500).keys(10));
    let rows = check(&keys, &sequence_schema(), 500);
    assert!(rows.iter().all(|(row, _)| (Value::Int64(0)..Value::Int64(10)).contains(&row[0])));
    let wide = sequence_rows(Sequence::new(500));
    assert_eq!(read_in_ranges(&wide, 1).0.len(), 500);
}

#[test]
fn an_event_of_nexmark_is_one_of_three_structs_with_the_fields_of_the_reference() {
    let generator = NexmarkGenerator::new(3).events(1_000).out_of_order(100);
    let rows = check(&nexmark_rows(generator), &nexmark_schema(), 1_000);
    let formula = generator.formula().unwrap();
    let field = |text: &str| expression(text, &nexmark_schema()).value();
    let (price, url, email) = (field("bid.price"), field("bid.url"), field("person.emailAddress"));
    let (item, expires) = (field("auction.itemName"), field("auction.expires"));
    for (n, (row, at)) in rows.iter().enumerate() {
        let (event, happened) = formula.record(n as u64);
        assert_eq!((*at, &row[4]), (happened, &Value::Timestamp(happened.millis())));
        let there: Vec<usize> = (1..4).filter(|&column| !row[column].is_null()).collect();
        let of = |field: &tidegate_rows::expression::Evaluator| field.evaluate(row).unwrap();
        let kind = match event {
            Event::Person(person) => {
                assert_eq!(of(&email), Value::string(person.email_address.as_str()));
                assert_eq!(of(&price), Value::Null);
                0
            }
            Event::Auction(auction) => {
                assert_eq!(of(&item), Value::string(auction.item_name.as_str()));
                assert_eq!(of(&expires), Value::Timestamp(auction.expires.millis()));
                1
            }
            Event::Bid(bid) => {
                assert_eq!(of(&price), Value::Int64(bid.price as i64));
                assert_eq!(of(&url), Value::string(bid.url.as_str()));
                2
            }
        };
        assert_eq!((&row[0], there), (&Value::Int64(kind), vec![kind as usize + 1]));
    }
}
