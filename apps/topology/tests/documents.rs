//! What is rendered from the code and committed: the page of errors and the JSON Schemas.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-topology` writes them anew.

use schemars::JsonSchema;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use tidegate_topology::kinds::{Kinds, Traits};
use tidegate_topology::{code, schema};

fn is_up_to_date(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder to write to");
        fs::write(&path, expected).expect("a file to write");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == expected, "{} is out of date: test with TIDEGATE_BLESS=1", path.display());
}

#[test]
fn the_page_of_errors_is_up_to_date() {
    is_up_to_date("framework/docs/errors.md", &code::page());
}

#[test]
fn the_json_schema_is_up_to_date() {
    let schema = schema::json_schema(&Kinds::default());
    let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    is_up_to_date("config/schema/topology.json", &text);
}

#[test]
fn the_json_schema_of_tests_is_up_to_date() {
    let text = serde_json::to_string_pretty(&schema::test_json_schema()).expect("JSON") + "\n";
    is_up_to_date("config/schema/test.json", &text);
}

/// Finds the winning bid of each auction.
#[derive(Deserialize, JsonSchema)]
struct WinningBids {
    /// Bids below are not looked at.
    #[expect(dead_code, reason = "only its schema is asked for")]
    least: u64,
}

#[test]
fn a_registered_kind_joins_the_schema() {
    let mut kinds = Kinds::default();
    kinds.operator::<WinningBids>("winning_bids", Traits::inputs(2)).expect("a new name");
    let schema = schema::json_schema(&kinds).to_string();
    assert!(schema.contains("winning_bids") && schema.contains("Bids below are not looked at."));
}

/// All texts under the key `$ref`.
fn references<'a>(schema: &'a serde_json::Value, found: &mut Vec<&'a str>) {
    match schema {
        serde_json::Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        serde_json::Value::Object(map) => {
            found.extend(map.get("$ref").and_then(serde_json::Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

#[test]
fn what_the_schema_refers_to_is_there() {
    all_references_lead_somewhere(&schema::json_schema(&Kinds::default()), 50);
    all_references_lead_somewhere(&schema::test_json_schema(), 5);
}

fn all_references_lead_somewhere(schema: &serde_json::Value, least: usize) {
    let mut found = Vec::new();
    references(schema, &mut found);
    assert!(found.len() > least, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a reference within the schema");
        assert!(schema.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
