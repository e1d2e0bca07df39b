//! JSON into values, by a schema and without a tree in between.
//!
//! Apart from writing. Numbers whose digits matter (float64, decimal) are taken as they are written. What fails leaves
//! its path in a trail while the readers return. Nesting is as deep as the schema's: anything else is skipped without
//! recursion.

use super::json_shape::{Object, Shape, Slot};
use super::malformed::{Malformed, quoted};
use super::scalar;
use crate::data_type::DataType;
use crate::row::Row;
use crate::value::Value;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::fmt;

/// A part of the path to what is wrong.
enum Step<'s> {
    Field(&'s str),
    Element(usize),
}

/// The path to what is wrong, innermost first.
#[derive(Default)]
struct Trail<'s>(RefCell<Vec<Step<'s>>>);

impl<'s> Trail<'s> {
    #[cold]
    fn add(&self, step: Step<'s>) {
        self.0.borrow_mut().push(step);
    }

    fn path(self) -> String {
        let mut path = String::new();
        for step in self.0.into_inner().into_iter().rev() {
            match step {
                Step::Element(index) => path += &format!("[{index}]"),
                Step::Field(name) if path.is_empty() => path += name,
                Step::Field(name) => path += &format!(".{name}"),
            }
        }
        path
    }
}

/// Reads what stands in a slot.
#[derive(Clone, Copy)]
struct ReadSlot<'a, 's> {
    slot: &'s Slot,
    trail: &'a Trail<'s>,
}

impl ReadSlot<'_, '_> {
    #[cold]
    fn wrong<E: Error>(self, found: &str) -> E {
        E::custom(format!("expected {}, found {found}{}", self.slot.data_type, self.help(found)))
    }

    fn help(self, found: &str) -> &'static str {
        match (&self.slot.data_type, found) {
            (_, "null") => "; declare it with a `?` to read it as NULL",
            (DataType::Timestamp, found) if !found.starts_with('"') => {
                "; declare it int64 and write TO_TIMESTAMP_LTZ(column, 3) for milliseconds, 0 for seconds"
            }
            _ => "",
        }
    }

    fn number<E: Error>(self, text: &str) -> Result<Value, E> {
        let is_digits = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match text {
            "null" if self.slot.nullable => Ok(Value::Null),
            _ if is_digits => scalar::read(text, &self.slot.data_type).map_err(E::custom),
            _ if text.starts_with('"') => {
                let text: String = serde_json::from_str(text).map_err(E::custom)?;
                let named = |number: f64| !number.is_finite();
                match scalar::read(&text, &self.slot.data_type).map_err(E::custom)? {
                    // Only what JSON has no number for may be text.
                    Value::Float64(number) if !named(number) => Err(self.wrong(&quoted(&text))),
                    value => Ok(value),
                }
            }
            _ => {
                let start: String =
                    text.chars().take(crate::limits::MAX_SHOWN_CHARACTERS).collect();
                Err(self.wrong(&start))
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for ReadSlot<'_, '_> {
    type Value = Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.slot.data_type {
            DataType::Float64 | DataType::Decimal => {
                self.number(<&RawValue>::deserialize(deserializer)?.get())
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for ReadSlot<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.slot.data_type)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        if self.slot.nullable { Ok(Value::Null) } else { Err(self.wrong("null")) }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        match self.slot.data_type {
            DataType::Boolean => Ok(Value::Boolean(value)),
            _ => Err(self.wrong(if value { "true" } else { "false" })),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        match self.slot.data_type {
            DataType::Int64 => Ok(Value::Int64(value)),
            _ => Err(self.wrong(&value.to_string())),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.wrong(&value.to_string())),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Err(self.wrong(&format!("{value:?}")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        match &self.slot.data_type {
            DataType::String => Ok(Value::string(text)),
            readable @ (DataType::Timestamp | DataType::Bytes) => {
                scalar::read(text, readable).map_err(E::custom)
            }
            _ => Err(E::custom(scalar::expected(&self.slot.data_type, text))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let Shape::List(element) = &self.slot.shape else { return Err(self.wrong("a list")) };
        let mut values = Vec::new();
        let inner = ReadSlot { slot: element, trail: self.trail };
        loop {
            match seq.next_element_seed(inner) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::List(values.into())),
                Err(error) => {
                    self.trail.add(Step::Element(values.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let Shape::Struct(object) = &self.slot.shape else { return Err(self.wrong("an object")) };
        let values = members(object, self.trail, map)?;
        Ok(Value::Struct(values.into()))
    }
}

/// Finds the slot of a member's name; none when the schema does not know it.
#[derive(Clone, Copy)]
struct FindSlot<'s> {
    object: &'s Object,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for FindSlot<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FindSlot<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.object.find(name, self.next))
    }
}

fn members<'de, 's, A: MapAccess<'de>>(
    object: &'s Object,
    trail: &Trail<'s>,
    mut map: A,
) -> Result<Vec<Value>, A::Error> {
    let mut values = vec![Value::Null; object.slots.len()];
    let mut next = 0;
    while let Some(found) = map.next_key_seed(FindSlot { object, next })? {
        match found {
            Some(at) => {
                let slot = &object.slots[at];
                values[at] = map
                    .next_value_seed(ReadSlot { slot, trail })
                    .inspect_err(|_| trail.add(Step::Field(&slot.name)))?;
                next = at + 1;
            }
            None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    // A slot that must have a value never holds NULL once it was read.
    let mut all = object.slots.iter().zip(&values);
    match all.find(|(slot, value)| value.is_null() && !slot.nullable) {
        None => Ok(values),
        Some((slot, _)) => {
            trail.add(Step::Field(&slot.name));
            let expected = &slot.data_type;
            Err(A::Error::custom(format!("expected {expected}, but it is missing")))
        }
    }
}

/// Reads the object that is a whole record.
struct ReadObject<'a, 's> {
    object: &'s Object,
    trail: &'a Trail<'s>,
}

impl<'de> DeserializeSeed<'de> for ReadObject<'_, '_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadObject<'_, '_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the columns as its members")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Value>, A::Error> {
        members(self.object, self.trail, map)
    }
}

/// Where and what: the path, then the message.
type Wrong = (String, String);

fn read_all<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = seed.deserialize(&mut deserializer).and_then(|read| {
        deserializer.end()?;
        Ok(read)
    });
    read.map_err(|error| {
        let message = error.to_string();
        // Where in the text is said in bytes: a record is one line.
        let message = match message.rsplit_once(" at line ") {
            Some((message, place))
                if place.bytes().all(|b| b.is_ascii_digit() || b" column".contains(&b)) =>
            {
                message
            }
            _ => &message,
        };
        if error.is_data() {
            message.to_owned()
        } else {
            format!("no JSON at byte {}: {message}", error.column())
        }
    })
}

/// Reads a record.
pub(crate) fn row(object: &Object, record: &[u8]) -> Result<Row, Malformed> {
    let text = str::from_utf8(record).map_err(|error| {
        Malformed::new(None, format!("not UTF-8 behind byte {}", error.valid_up_to()), record)
    })?;
    let trail = Trail::default();
    let read = read_all(text, ReadObject { object, trail: &trail });
    read.map(Row::new).map_err(|message| {
        let path = trail.path();
        Malformed::new((!path.is_empty()).then_some(path), message, record)
    })
}

/// Reads a list or a struct from a text of its own.
pub(crate) fn nested(slot: &Slot, text: &str) -> Result<Value, Wrong> {
    let trail = Trail::default();
    let read = read_all(text, ReadSlot { slot, trail: &trail });
    read.map_err(|message| (trail.path(), message))
}
