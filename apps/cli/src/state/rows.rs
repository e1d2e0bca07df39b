//! Where rows stand in what operators keep, and the names of their columns.
//!
//! Apart from the other names because two sources know the columns of rows: the topology, and the meaning that a node has
//! stored with its state. Nothing is guessed: [`place`] says for each kind of node which of its states keeps rows and where
//! in a value they stand; what is not there as it says stays as it is.

use serde_json::{Map, Value};
use tidegate_rows::{DataType, Field, FieldType, Schema};

/// What the operators call a row's event time where they keep it behind the row's own columns.
const TIME: &str = "$time";

/// The columns of what a node takes, by its inputs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Inputs {
    /// The word for the kind of the node.
    kind: String,
    schemas: Vec<Schema>,
}

/// Where rows stand in a value.
enum Place {
    /// Nowhere.
    Nothing,
    /// Here: of this input.
    Row(usize),
    /// In each item of a list.
    Each(&'static Self),
    /// In parts of a list of so many.
    Parts(&'static [Self]),
    /// Under keys of a map.
    Keys(&'static [(&'static str, Self)]),
}

use Place::{Each, Keys, Nothing, Parts, Row};

/// What waits for a partner on both sides: when it came, what has become of it, the row.
const SIDES: Place = Keys(&[
    ("left", Each(&Parts(&[Nothing, Nothing, Row(0)]))),
    ("right", Each(&Parts(&[Nothing, Nothing, Row(1)]))),
]);
/// What has come on both sides.
const GROUP: Place = Keys(&[("left", Each(&Row(0))), ("right", Each(&Row(1)))]);
/// The windows of a key that a join computes one by one.
const GROUPS: Place = Keys(&[("first", GROUP_PANE), ("rest", Each(&GROUP_PANE))]);
const GROUP_PANE: Place = Keys(&[("contents", GROUP)]);
/// The windows of a key that keep their rows.
const LISTS: Place = Keys(&[("first", LIST_PANE), ("rest", Each(&LIST_PANE))]);
const LIST_PANE: Place = Keys(&[("contents", Each(&Keys(&[("value", Row(0))])))]);

/// Where a state of a node keeps rows.
fn place(kind: &str, state: &str) -> &'static Place {
    match (kind, state) {
        ("interval_join" | "outer_join" | "reconcile", "waiting")
        | ("temporal_join", "timelines")
        | ("unbounded_join", "rows") => &SIDES,
        ("window_join", "slices") => &GROUP,
        ("window_join", "windows") => &GROUPS,
        ("window", "windows") => &LISTS,
        ("top_n", "rows") => &Each(&Keys(&[("r", Row(0))])),
        ("materialize", "rows") => &Each(&Parts(&[Row(0), Nothing])),
        ("dedup", "last") => &Parts(&[Nothing, Parts(&[Nothing, Row(0)])]),
        ("dedup", "seen") => &Keys(&[("waiting", Each(&Parts(&[Nothing, Row(0)])))]),
        ("pattern", "waiting") => &Row(0),
        ("pattern", "matches") => {
            &Keys(&[("buffer", Keys(&[("events", Each(&Parts(&[Nothing, Row(0)])))]))])
        }
        ("lookup_join", "in-flight") | ("broadcast", "hold.waiting") => &Keys(&[("value", Row(0))]),
        ("broadcast", state) if state.starts_with("rules.") => &Parts(&[Nothing, Row(1)]),
        _ => &Nothing,
    }
}

impl Inputs {
    pub(super) fn new(kind: &str, schemas: impl IntoIterator<Item = Schema>) -> Self {
        Self { kind: kind.to_owned(), schemas: schemas.into_iter().collect() }
    }

    /// What a node has said that its state means, as far as it keeps rows: the kind stands first, `rows (..)` for each
    /// input last.
    pub(super) fn of_meaning(meaning: &str) -> Option<Self> {
        let kind = meaning.split([' ', ';']).next()?;
        let said = meaning.rsplit_once("; time zone ").map_or(meaning, |(before, _)| before);
        let mut parts = said.split("; rows (");
        parts.next()?;
        let schemas: Option<Vec<Schema>> =
            parts.map(|columns| schema(columns.strip_suffix(')')?)).collect();
        schemas.filter(|all| !all.is_empty()).map(|all| Self::new(kind, all))
    }

    /// A value of a state in which rows have the names of their columns.
    pub(super) fn named(&self, state: &str, value: Value) -> Value {
        self.at(place(&self.kind, state), value)
    }

    fn at(&self, place: &Place, value: Value) -> Value {
        match (place, value) {
            (Row(input), value) => match self.schemas.get(*input) {
                Some(schema) => row(schema.columns(), value),
                None => value,
            },
            (Each(item), Value::Array(items)) => {
                items.into_iter().map(|one| self.at(item, one)).collect()
            }
            (Parts(places), Value::Array(parts)) if places.len() == parts.len() => {
                let both = places.iter().zip(parts);
                both.map(|(place, part)| self.at(place, part)).collect()
            }
            (Keys(keys), Value::Object(map)) => {
                let under = |(name, value): (String, Value)| {
                    let place = keys.iter().find(|(key, _)| *key == name);
                    let value = match place {
                        Some((_, place)) => self.at(place, value),
                        None => value,
                    };
                    (name, value)
                };
                Value::Object(map.into_iter().map(under).collect())
            }
            (_, other) => other,
        }
    }
}

/// A row with the names of its columns.
fn row(columns: &[Field], value: Value) -> Value {
    let Value::Array(values) = value else { return value };
    // Behind its columns may stand the time of the row, for aggregates that go by it.
    if values.len() < columns.len() || values.len() > columns.len() + 1 {
        return Value::Array(values);
    }
    let mut rest = values.into_iter();
    let named = columns.iter().zip(rest.by_ref());
    let mut map: Map<String, Value> = named
        .map(|(column, value)| (column.name.to_string(), within(&column.data_type, value)))
        .collect();
    map.extend(rest.next().map(|time| (TIME.to_owned(), time)));
    Value::Object(map)
}

/// A value in which structs have the names of their fields.
fn within(data_type: &DataType, value: Value) -> Value {
    match (data_type, value) {
        (DataType::Struct(fields), Value::Array(values)) if fields.len() == values.len() => {
            row(fields, Value::Array(values))
        }
        (DataType::List(element), Value::Array(values)) => {
            values.into_iter().map(|value| within(&element.data_type, value)).collect()
        }
        (_, other) => other,
    }
}

/// The columns of a schema as it is written; nothing if it can be read in another way, too.
fn schema(text: &str) -> Option<Schema> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    let field = |part: &str| {
        let (name, data_type) = part.trim_start().split_once(": ")?;
        let FieldType { data_type, nullable } = data_type.parse().ok()?;
        Some(Field { name: name.into(), data_type, nullable })
    };
    let fields: Option<Vec<Field>> = parts.into_iter().map(field).collect();
    Schema::new(fields?).ok().filter(|read| read.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, schemas: &[&str]) -> Inputs {
        Inputs::new(kind, schemas.iter().map(|text| schema(text).expect("a schema")))
    }

    #[test]
    fn rows_are_named_where_the_kind_keeps_them_and_nowhere_else() {
        let check = |kind: &str, state: &str, value: Value, expected: Value| {
            let inputs = of(kind, &["n: int64, text: string?", "flag: boolean"]);
            assert_eq!(inputs.named(state, value), expected, "{kind} {state}");
        };
        let (plain, named) = (json!([7, "a"]), json!({ "n": 7, "text": "a" }));
        let (right, named_right) = (json!([true]), json!({ "flag": true }));
        check(
            "interval_join",
            "waiting",
            json!({ "left": [[5, false, plain]], "right": [[6, true, right]] }),
            json!({ "left": [[5, false, named]], "right": [[6, true, named_right]] }),
        );
        check(
            "temporal_join",
            "timelines",
            json!({ "left": [], "right": [[6, true, null]] }),
            json!({ "left": [], "right": [[6, true, null]] }),
        );
        check(
            "window_join",
            "slices",
            json!({ "left": [plain], "right": [right] }),
            json!({ "left": [named], "right": [named_right] }),
        );
        let pane = |contents: &Value| json!({ "window": [0, 5], "contents": contents });
        let (group, group_named) = (json!({ "left": [plain] }), json!({ "left": [named] }));
        check(
            "window_join",
            "windows",
            json!({ "first": pane(&group), "rest": [pane(&group), pane(&json!(null))] }),
            json!({ "first": pane(&group_named), "rest": [pane(&group_named), pane(&json!(null))] }),
        );
        let timed = json!([{ "value": [7, "a", 9], "timestamp": 9 }]);
        let timed_named = json!([{ "value": { "n": 7, "text": "a", "$time": 9 }, "timestamp": 9 }]);
        check(
            "window",
            "windows",
            json!({ "first": pane(&timed) }),
            json!({ "first": pane(&timed_named) }),
        );
        check("top_n", "rows", json!([{ "o": 1, "r": plain }]), json!([{ "o": 1, "r": named }]));
        check("materialize", "rows", json!([[plain, 2]]), json!([[named, 2]]));
        check("dedup", "last", json!([1, [2, plain]]), json!([1, [2, named]]));
        check(
            "dedup",
            "seen",
            json!({ "waiting": [[2, plain]] }),
            json!({ "waiting": [[2, named]] }),
        );
        check("pattern", "waiting", plain.clone(), named.clone());
        check(
            "pattern",
            "matches",
            json!({ "buffer": { "events": [[2, plain]], "entries": [[0, 0, null]] }, "alive": [plain] }),
            json!({ "buffer": { "events": [[2, named]], "entries": [[0, 0, null]] }, "alive": [plain] }),
        );
        check("broadcast", "rules.rules", json!([7, right]), json!([7, named_right]));
        check("lookup_join", "in-flight", json!({ "value": plain }), json!({ "value": named }));
        check("lookup_join", "time", json!({ "value": plain }), json!({ "value": plain }));
        check("aggregate", "groups", plain.clone(), plain.clone());
        check("top_n", "rows", json!([{ "r": [7] }]), json!([{ "r": [7] }]));
        check("top_n", "rows", json!([{ "r": [7, "a", 1, 2] }]), json!([{ "r": [7, "a", 1, 2] }]));
    }

    #[test]
    fn structs_have_the_names_of_their_fields() {
        let inputs = of("pattern", &["user: struct<id: int64, tags: list<struct<t: string>>>?"]);
        assert_eq!(
            inputs.named("waiting", json!([[7, [["a"], ["b"]]]])),
            json!({ "user": { "id": 7, "tags": [{ "t": "a" }, { "t": "b" }] } })
        );
        assert_eq!(inputs.named("waiting", json!([null])), json!({ "user": null }));
    }

    #[test]
    fn a_stored_meaning_tells_the_columns_of_each_input() {
        let meaning = "interval_join { between: [-5000 ms, 0 ms] }; key (int64); key (int64); \
            rows (id: int64, note: struct<a: string, b: list<int64?>>?); rows (id: int64); time zone Europe/Berlin";
        let expected = of(
            "interval_join",
            &["id: int64, note: struct<a: string, b: list<int64?>>?", "id: int64"],
        );
        assert_eq!(Inputs::of_meaning(meaning), Some(expected));
        for nothing in [
            "",
            "window { tumbling: 5 }; key (int64); n of rows",
            "sum of price, tumbling, 60000 ms",
            "top_n {}; rows (what is this)",
            "top_n {}; rows (n: int64, m: nothing)",
            "top_n {}; rows (n: int64, n: int64)",
            "top_n {}; rows (n: int64>, m: int64<)",
            "top_n {}; rows (n: int64",
        ] {
            assert_eq!(Inputs::of_meaning(nothing), None, "{nothing}");
        }
    }
}
