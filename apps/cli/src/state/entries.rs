//! The entries themselves: all of them as JSON lines, those of one key, one of each state.
//!
//! Apart from counting because lines go out as they are read: of the state of one subtask at a time.

use super::decode::Decoder;
use super::survey::{Operator, snapshots, without_advice};
use crate::progress::{Progress, Unit};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;
use tidegate::core::codec::packed::Shapes;
use tidegate::core::snapshot::{KeyedPart, Manifest};
use tidegate::core::state::delta::{Entry, Merged};
use tidegate::state::CheckpointStorage;
use tidegate::state::recovery::chain;
use tidegate::state::upload::describe;

/// Why entries could not be told.
enum Stopped {
    Unread(String),
    Unwritten(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Unwritten(error)
    }
}

/// Calls `visit` with each live entry of the keyed states of an operator, or of all, with operator and state. The order is
/// that of the bytes, so that two exports of one checkpoint are equal.
fn visit(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    only: Option<&str>,
    progress: &Progress,
    mut visit: impl FnMut(&str, &str, &Entry<'_>, &Shapes) -> io::Result<()>,
) -> Result<(), Stopped> {
    let mut parts: Vec<_> = keyed(manifest, only).collect();
    parts.sort_by(|one, other| (&one.operator, &one.state).cmp(&(&other.operator, &other.state)));
    for part in parts {
        let of = |why: String| {
            Stopped::Unread(format!(
                "state `{}` of operator `{}`: {why}",
                part.state, part.operator
            ))
        };
        let chain = chain(storage, part).map_err(|error| of(without_advice(&describe(&error))))?;
        let merged = Merged::of(&chain).map_err(|why| of(why.to_string()))?;
        let mut entries: Vec<Entry<'_>> = Vec::new();
        merged.for_each(|_, entry| entries.push(entry)).map_err(|why| of(why.to_string()))?;
        entries.sort_unstable_by_key(|entry| (entry.namespace, entry.key));
        for entry in entries {
            visit(&part.operator, &part.state, &entry, merged.shapes())?;
        }
        progress.done(bytes(part));
    }
    Ok(())
}

/// The parts of the keyed states of an operator, or of all.
fn keyed<'a>(manifest: &'a Manifest, only: Option<&'a str>) -> impl Iterator<Item = &'a KeyedPart> {
    let all = manifest.parts.iter().flat_map(|part| &part.keyed);
    all.filter(move |part| only.is_none_or(|only| part.operator == only))
}

fn bytes(part: &KeyedPart) -> u64 {
    part.chain.iter().map(|stored| stored.blob.bytes).sum()
}

/// Prints every entry, and every element of a list.
///
/// # Errors
/// When something cannot be read.
pub(super) fn export(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    only: Option<&str>,
    decoder: &Decoder,
) -> Result<ExitCode, String> {
    let progress = Progress::beside_output(keyed(manifest, only).map(bytes).sum(), Unit::Bytes);
    let mut out = BufWriter::new(io::stdout().lock());
    let write = |out: &mut BufWriter<_>| -> Result<(), Stopped> {
        visit(manifest, storage, only, &progress, |uid, state, entry, shapes| {
            writeln!(out, "{}", decoder.entry(uid, state, entry, shapes))
        })?;
        for (part, snapshot) in manifest.parts.iter().zip(snapshots(manifest, storage)) {
            let snapshot = snapshot.map_err(Stopped::Unread)?;
            let all = snapshot.operators.iter();
            for (uid, own) in all.filter(|(uid, _)| only.is_none_or(|only| only == uid.as_str())) {
                for (state, list) in &own.lists {
                    for element in &list.elements {
                        let line = decoder.element(uid, state, part.index, element);
                        writeln!(out, "{line}")?;
                    }
                }
            }
        }
        Ok(out.flush()?)
    };
    ended(write(&mut out))
}

/// Prints what there is for a key.
///
/// # Errors
/// When something cannot be read.
pub(super) fn look_up(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    uid: &str,
    key: &str,
    decoder: &Decoder,
) -> Result<ExitCode, String> {
    let asked = Asked::new(key);
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut found, mut other) = (false, None);
    let mut write = || -> Result<(), Stopped> {
        visit(manifest, storage, Some(uid), &Progress::none(), |uid, state, entry, shapes| {
            let key = decoder.key(uid, state, entry, shapes);
            if asked.is(&key.0) || asked.is(&key.1) {
                found = true;
                writeln!(out, "{}", decoder.entry(uid, state, entry, shapes))?;
            } else if other.is_none() {
                other = Some(key.1);
            }
            Ok(())
        })?;
        Ok(out.flush()?)
    };
    let ended = ended(write())?;
    if found {
        return Ok(ended);
    }
    match other {
        None => eprintln!("operator `{uid}` has no entries that are stored by key"),
        Some(key) => eprintln!(
            "operator `{uid}` has no entry with the key {}; keys look like {key}",
            asked.shown()
        ),
    }
    Ok(ExitCode::FAILURE)
}

/// The first entry of each state, by its name.
pub(super) fn samples(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    operators: &[Operator],
    decoder: &Decoder,
) -> BTreeMap<String, String> {
    let mut samples = BTreeMap::new();
    for operator in operators {
        // What cannot be read has been told where it was counted.
        let none = Progress::none();
        let _ =
            visit(manifest, storage, Some(&operator.uid), &none, |uid, state, entry, shapes| {
                if !samples.contains_key(state) {
                    samples.insert(state.to_owned(), decoder.entry(uid, state, entry, shapes));
                }
                Ok(())
            });
        for (part, snapshot) in manifest.parts.iter().zip(snapshots(manifest, storage)) {
            let lists = snapshot.ok().and_then(|mut read| read.operators.remove(&operator.uid));
            for (state, list) in lists.into_iter().flat_map(|own| own.lists) {
                if let Some(element) = list.elements.first() {
                    let line = || decoder.element(&operator.uid, &state, part.index, element);
                    samples.entry(state.clone()).or_insert_with(line);
                }
            }
        }
    }
    samples
}

/// A key that a person asks for: a text, or JSON.
struct Asked {
    text: Value,
    json: Option<Value>,
}

impl Asked {
    fn new(key: &str) -> Self {
        Self { text: Value::String(key.to_owned()), json: serde_json::from_str(key).ok() }
    }

    fn equals(&self, value: &Value) -> bool {
        self.text == *value || self.json.as_ref() == Some(value)
    }

    /// Whether it is this key, or the one value in it: that of a column without its name, or of a key of rows.
    fn is(&self, key: &Value) -> bool {
        let only = key.as_object().filter(|columns| columns.len() == 1);
        let only = only.and_then(|columns| columns.values().next());
        self.equals(key) || only.is_some_and(|value| self.equals(value))
    }

    fn shown(&self) -> &Value {
        self.json.as_ref().unwrap_or(&self.text)
    }
}

fn ended(written: Result<(), Stopped>) -> Result<ExitCode, String> {
    match written {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // A reader that goes away, such as `head`, is no failure.
        Err(Stopped::Unwritten(error)) if error.kind() == ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(Stopped::Unwritten(error)) => {
            Err(format!("standard output cannot be written: {error}"))
        }
        Err(Stopped::Unread(why)) => Err(format!(
            "{why}; a running job removes old checkpoints: if one runs, try again, else look into an older checkpoint with \
             --checkpoint"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_asked_for_as_text_as_json_and_without_names() {
        let check = |asked: &str, key: Value, expected: bool| {
            assert_eq!(Asked::new(asked).is(&key), expected, "{asked} is {key}");
        };
        check("7", json!(7), true);
        check("7", json!("7"), true);
        check("\"7\"", json!("7"), true);
        check("\"7\"", json!(7), false);
        check("a b", json!("a b"), true);
        check("7", json!({ "item": 7 }), true);
        check(r#"{"item":7}"#, json!({ "item": 7 }), true);
        check(r#"[7,"a"]"#, json!({ "k": [7, "a"] }), true);
        check(r#"{"shop":"a","item":7}"#, json!({ "item": 7, "shop": "a" }), true);
        check("7", json!({ "item": 7, "shop": "a" }), false);
        check("[7", json!("[7"), true);
    }
}
