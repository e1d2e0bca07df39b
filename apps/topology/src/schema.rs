//! The JSON Schemas of topologies and of their tests, for editors: draft 7, which is the one that they understand.
//!
//! Types and descriptions come from the model. What the model cannot say is added here: a node is its
//! common keys and exactly one kind; a word with options that all have defaults can stand alone.

use crate::document::{
    Job, OperatorKeys, OperatorKind, SinkKeys, SinkKind, SourceKeys, SourceKind,
};
use crate::kinds::{ByName, Kinds};
use crate::unit_test::TestFile;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

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
        }
        _ => {}
    }
}
