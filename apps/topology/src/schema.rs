//! The JSON Schemas of topologies and of their tests, for editors: draft 7, which is the one that they understand.
//!
//! Types and descriptions come from the model. What the model cannot say is added here: a node is its
//! common keys and exactly one kind, windows are of one kind; a word with options that all have defaults can stand alone;
//! a variable can stand for whatever is one value.

use crate::check::windows;
use crate::document::{
    Job, OperatorKeys, OperatorKind, SinkKeys, SinkKind, SourceKeys, SourceKind,
};
use crate::kinds::{ByName, Kinds};
use crate::unit_test::TestFile;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// A variable, which stands for a value as text.
const VARIABLE: &str = r"\$\{";

/// What reads as a whole number: an editor, which knows YAML 1.2 only, takes `20_000` for text.
const WHOLE: &str = r"^[-+]?[0-9]+(_[0-9]+)+$|\$\{";

/// The same of any number.
const NUMBER: &str = r"^[-+]?[0-9]+(_[0-9]+)+(\.[0-9]+)?$|\$\{";

/// The schema of topologies with these kinds beside the built-in ones.
#[must_use]
pub fn json_schema(kinds: &Kinds) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let job = generator.subschema_for::<Job>();
    let source = node::<SourceKeys, SourceKind>(&mut generator, &kinds.sources);
    let operator = node::<OperatorKeys, OperatorKind>(&mut generator, &kinds.operators);
    let sink = node::<SinkKeys, SinkKind>(&mut generator, &kinds.sinks);
    let nodes = |about: &str, node: Value| json!({ "description": about, "type": "object", "additionalProperties": node });
    let mut definitions = Value::Object(generator.take_definitions(true));
    words_alone(&mut definitions);
    one_of(&mut definitions, "Window", windows::KINDS);
    one_of(&mut definitions, "WindowJoin", windows::KINDS_OF_JOINS);
    one_of(&mut definitions, "Session", windows::GAPS);
    one_of(&mut definitions, "Evict", windows::EVICTED);
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Tidegate topology",
        "description": "A streaming job: sources, operators and sinks, each with a name.",
        "type": "object",
        "properties": {
            "job": job,
            "sources": nodes("Where records come from, by name.", source),
            "operators": nodes("What becomes of records on their way, by name.", operator),
            "sinks": nodes("Where records leave the job, by name.", sink),
        },
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
        "required": ["job", "sources", "sinks"],
        "definitions": definitions,
    });
    close(&mut schema);
    schema
}

/// The schema of files with unit tests.
#[must_use]
pub fn test_json_schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut schema = TestFile::json_schema(&mut generator).to_value();
    let definitions = Value::Object(generator.take_definitions(true));
    if let Value::Object(schema) = &mut schema {
        schema.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
        schema.insert("title".into(), json!("Tests of a Tidegate topology"));
        schema.insert("patternProperties".into(), json!({ "^x-": {} }));
        schema.insert("definitions".into(), definitions);
    }
    close(&mut schema);
    schema
}

/// The schema of a node: common keys, and exactly one kind.
fn node<C: JsonSchema, K: JsonSchema>(
    generator: &mut SchemaGenerator,
    registered: &ByName,
) -> Value {
    let common = C::json_schema(generator).to_value();
    let kinds = K::json_schema(generator).to_value();
    let mut properties = object(&common, "properties");
    let mut names = Vec::new();
    let all = kinds.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    for kind in &all {
        for (name, options) in object(kind, "properties") {
            let mut options = options;
            if let (Some(about), Value::Object(options)) = (kind.get("description"), &mut options) {
                options.insert("description".into(), about.clone());
            }
            properties.insert(name.clone(), options);
            names.push(name);
        }
    }
    for (name, kind) in registered {
        properties.insert(name.clone(), kind.schema(generator).to_value());
        names.push(name.clone());
    }
    let one_of: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
    json!({
        "description": common.get("description"),
        "type": "object",
        "properties": properties,
        "required": common.get("required").cloned().unwrap_or(json!([])),
        "additionalProperties": false,
        "oneOf": one_of,
    })
}

fn object(value: &Value, key: &str) -> Map<String, Value> {
    value.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Lets a word stand without options, where all of them have defaults: `format: csv`.
fn words_alone(definitions: &mut Value) {
    let needs: Vec<String> = object(&json!({ "all": definitions.clone() }), "all")
        .into_iter()
        .filter(|(_, schema)| {
            schema.get("required").is_some() || schema.get("properties").is_none()
        })
        .map(|(name, _)| format!("#/definitions/{name}"))
        .collect();
    let Value::Object(all) = definitions else { return };
    for schema in all.values_mut() {
        let Some(Value::Array(variants)) = schema.get_mut("oneOf") else { continue };
        let mut alone = Vec::new();
        for variant in variants.iter() {
            let words = object(variant, "properties");
            let [(word, options)] = &words.iter().collect::<Vec<_>>()[..] else { continue };
            let reference = options.get("$ref").and_then(Value::as_str);
            if reference.is_some_and(|reference| !needs.iter().any(|needed| needed == reference)) {
                alone.push(json!({ "description": variant.get("description"), "type": "string", "const": word }));
            }
        }
        variants.extend(alone);
    }
}

/// Lets exactly one of some keys stand.
fn one_of(definitions: &mut Value, name: &str, keys: &[&str]) {
    if let Some(Value::Object(schema)) = definitions.get_mut(name) {
        let required = keys.iter().map(|key| json!({ "required": [key] }));
        schema.insert("oneOf".into(), required.collect());
    }
}

/// Takes for a number, for true or false, and for one of some words, what else stands for it in a file.
fn as_written(map: &mut Map<String, Value>) {
    if let Some(Value::Array(variants)) = map.get_mut("oneOf")
        && variants.iter().any(|variant| variant.get("const").is_some())
    {
        variants
            .push(json!({ "description": "A variable.", "type": "string", "pattern": VARIABLE }));
    }
    let mut types = match map.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(one) => vec![one.clone()],
        None => return,
    };
    let has = |name| types.iter().any(|one| one == name);
    let (pattern, expected) = match (has("string"), has("integer"), has("number"), has("boolean")) {
        (false, true, false, _) => (WHOLE, "a whole number, or a variable"),
        (false, _, true, _) => (NUMBER, "a number, or a variable"),
        (false, _, _, true) => (VARIABLE, "true or false, or a variable"),
        _ => return,
    };
    types.push(json!("string"));
    map.insert("type".into(), types.into());
    map.insert("pattern".into(), json!(pattern));
    // What editors say instead of the pattern.
    map.insert("patternErrorMessage".into(), json!(format!("expected {expected}")));
}

/// Refuses unknown keys wherever keys are listed, as decoding does; and takes nothing for a mapping
/// without required keys, and variables for what is no text.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(map) => {
            let listed = map.get("properties").is_some_and(Value::is_object);
            if listed && map.get("type") == Some(&json!("object")) {
                map.entry("additionalProperties").or_insert(json!(false));
                let needs = map
                    .get("required")
                    .and_then(Value::as_array)
                    .is_some_and(|all| !all.is_empty());
                if !needs {
                    map.insert("type".into(), json!(["object", "null"]));
                }
            }
            map.values_mut().for_each(close);
            as_written(map);
        }
        _ => {}
    }
}
