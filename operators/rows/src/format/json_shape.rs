//! A schema as JSON is read and written by it: names looked up and escaped once. Apart because both ways use it.

use crate::data_type::{DataType, Field};
use compact_str::CompactString;
use hashbrown::HashMap;

/// A column, a field of a struct, or the element of a list.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: CompactString,
    /// The name in JSON with the colon behind it.
    pub(crate) label: Box<[u8]>,
    pub(crate) nullable: bool,
    pub(crate) data_type: DataType,
    pub(crate) shape: Shape,
}

/// What stands in a slot.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Scalar,
    List(Box<Slot>),
    Struct(Object),
}

/// The fields of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) slots: Box<[Slot]>,
    index: HashMap<CompactString, usize>,
}

impl Slot {
    pub(crate) fn of(field: &Field) -> Self {
        let label = serde_json::Value::String(field.name.to_string()).to_string() + ":";
        let shape = match &field.data_type {
            DataType::List(element) => {
                let element = Field {
                    name: CompactString::default(),
                    data_type: element.data_type.clone(),
                    nullable: element.nullable,
                };
                Shape::List(Box::new(Self::of(&element)))
            }
            DataType::Struct(fields) => Shape::Struct(Object::of(fields)),
            _ => Shape::Scalar,
        };
        Self {
            name: field.name.clone(),
            label: label.into_bytes().into(),
            nullable: field.nullable,
            data_type: field.data_type.clone(),
            shape,
        }
    }
}

impl Object {
    pub(crate) fn of(fields: &[Field]) -> Self {
        let index = fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at));
        Self { index: index.collect(), slots: fields.iter().map(Slot::of).collect() }
    }

    /// Which slot has this name. Most objects have their members in the order of the schema, so `next` is looked at
    /// first.
    #[inline]
    pub(crate) fn find(&self, name: &str, next: usize) -> Option<usize> {
        if self.slots.get(next).is_some_and(|slot| slot.name == name) {
            return Some(next);
        }
        self.index.get(name).copied()
    }
}
