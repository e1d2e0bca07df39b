//! What lies within a node: entries, items, the variant of an enum, and the place of a spanned value.

use super::Notes;
use super::deserializer::NodeDeserializer;
use super::failure::Failure;
use super::made_up::MadeUp;
use super::spanned::FIELDS;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::suggest;
use crate::tree::{Entry, Node, NodeId, ScalarKind, Value};
use serde::de::value::{StrDeserializer, UsizeDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// The entries of a mapping, without those that are unknown or were found to be wrong, and with those
/// that are made up.
pub(super) struct EntryAccess<'a> {
    of: NodeDeserializer<'a>,
    entries: std::slice::Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    made_up: Vec<&'static str>,
    value: Option<&'a Entry>,
}

impl<'a> EntryAccess<'a> {
    pub(super) fn new(of: NodeDeserializer<'a>, fields: Option<&'static [&'static str]>) -> Self {
        let notes = of.notes.0.borrow();
        let made_up = notes.made_up.iter().filter(|(node, _)| *node == of.node.id);
        let made_up = made_up.map(|(_, key)| *key).collect();
        Self { of, entries: of.node.entries().iter(), fields, made_up, value: None }
    }

    /// Whether the key is one of the fields; tells of it otherwise.
    fn is_known(&self, entry: &Entry) -> bool {
        let Some(fields) = self.fields else { return true };
        if fields.contains(&entry.key.as_str()) {
            return true;
        }
        let taken = |field: &&str| self.of.node.entry(field).is_none();
        let meant = suggest::nearest(&entry.key, fields.iter().copied().filter(taken));
        if let Some(meant) = meant {
            self.of.notes.0.borrow_mut().renamed.insert((self.of.node.id, meant.to_owned()));
        }
        let otherwise = match fields {
            [] => "there are no options here".to_owned(),
            _ => format!("here can be {}", suggest::list(fields, "and")),
        };
        let message = format!("the key `{}` is not known here", entry.key);
        let wrong = Diagnostic::new(Code::UnknownKey, entry.key_span, message);
        self.of.notes.find(wrong.label("no such option").meant(meant, otherwise));
        false
    }
}

impl<'de> MapAccess<'de> for EntryAccess<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        while let Some(entry) = self.entries.next() {
            if self.is_known(entry) && !self.of.notes.is_passed_over(&entry.value) {
                self.value = Some(entry);
                let key = KeyDeserializer { entry };
                let key = seed.deserialize(key);
                return key
                    .map(Some)
                    .map_err(|failure| failure.within(entry.value.id, entry.key_span));
            }
        }
        self.value = None;
        let key = self.made_up.last().copied();
        key.map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some(entry) = self.value.take() else {
            self.made_up.pop();
            let (at, span) = (self.of.node.id, self.of.owner);
            return seed.deserialize(MadeUp::new()).map_err(|_| Failure::silent(at, span));
        };
        let (node, notes) = (&entry.value, self.of.notes);
        let value = NodeDeserializer { node, owner: entry.key_span, notes };
        seed.deserialize(value).map_err(|failure| failure.within(node.id, value.place()))
    }
}

/// A key, as text or as text with its place.
struct KeyDeserializer<'a> {
    entry: &'a Entry,
}

impl<'de> serde::Deserializer<'de> for KeyDeserializer<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(&self.entry.key)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Entry { key, key_span, value } = self.entry;
        visitor.visit_map(PlaceAccess {
            span: *key_span,
            id: value.id,
            value: Within::Key(key),
            next: 0,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The items of a list, without those that were found to be wrong.
pub(super) struct ItemAccess<'a> {
    items: std::slice::Iter<'a, Node>,
    notes: &'a Notes,
}

impl<'a> ItemAccess<'a> {
    pub(super) fn new(items: &'a [Node], notes: &'a Notes) -> Self {
        Self { items: items.iter(), notes }
    }
}

impl<'de> SeqAccess<'de> for ItemAccess<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        let notes = self.notes;
        let node = self.items.find(|node| !notes.is_passed_over(node));
        let item = |node: &Node| {
            let start = Span::new(node.span.start, node.span.start);
            let owner = node.entries().first().map_or(start, |entry| entry.key_span);
            let item = NodeDeserializer { node, owner, notes };
            seed.deserialize(item).map_err(|failure| failure.within(node.id, item.place()))
        };
        node.map(item).transpose()
    }
}

/// The variant of an enum: a word, or a mapping of one word to its options.
pub(super) struct VariantAccess<'a> {
    of: NodeDeserializer<'a>,
    name: &'static str,
    options: Option<&'a Entry>,
}

impl<'a> VariantAccess<'a> {
    pub(super) fn new(
        of: NodeDeserializer<'a>,
        variants: &'static [&'static str],
    ) -> Result<Self, Failure> {
        let node = of.node;
        let (word, span, options) = match &node.value {
            Value::Scalar(scalar) if scalar.kind == ScalarKind::Text => {
                (&scalar.text, node.span, None)
            }
            Value::Mapping(entries) => match entries.as_slice() {
                [entry] => (&entry.key, entry.key_span, Some(entry)),
                entries => return Err(not_one(of, entries, variants)),
            },
            _ => {
                let list = suggest::list(variants, "or");
                let message = format!("expected {list}, found {}", node.describe());
                let wrong = Diagnostic::new(Code::WrongType, of.place(), message);
                return Err(Failure::told(
                    wrong.label("this should be one of these words"),
                    node.id,
                ));
            }
        };
        let Some(name) = variants.iter().copied().find(|name| name == word) else {
            let message = format!("`{word}` is none of the words that are possible here");
            let list = format!("possible are {}", suggest::list(variants, "and"));
            let wrong = Diagnostic::new(Code::UnknownWord, span, message);
            let wrong = wrong.label("not known here");
            let wrong = wrong.meant(suggest::nearest(word, variants.iter().copied()), list);
            return Err(Failure::told(wrong, node.id));
        };
        if options.is_some_and(|entry| of.notes.is_passed_over(&entry.value)) {
            return Err(Failure::silent(node.id, span));
        }
        Ok(Self { of, name, options })
    }

    fn with_options<R>(
        self,
        decode: impl FnOnce(NodeDeserializer<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let notes = self.of.notes;
        if let Some(entry) = self.options {
            return decode(NodeDeserializer { node: &entry.value, owner: entry.key_span, notes });
        }
        // A bare word is the word without options. What is missing is missing in the word itself.
        let empty = Node { id: self.of.node.id, span: self.of.node.span, value: Value::Null };
        decode(NodeDeserializer { node: &empty, owner: self.of.node.span, notes })
    }
}

fn not_one(of: NodeDeserializer<'_>, entries: &[Entry], variants: &[&str]) -> Failure {
    let list = suggest::list(variants, "or");
    let (span, label) = match entries.get(1) {
        None => (of.owner, "there is none".to_owned()),
        Some(second) => (second.key_span, format!("`{}` is already there", entries[0].key)),
    };
    let message = format!("expected one of {list}");
    let wrong = Diagnostic::new(Code::OneOf, span, message).label(label);
    Failure::told(wrong.help("write one of them"), of.node.id)
}

impl<'de> EnumAccess<'de> for VariantAccess<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> serde::de::VariantAccess<'de> for VariantAccess<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        let name = self.name;
        self.with_options(|options| match &options.node.value {
            Value::Null => Ok(()),
            Value::Mapping(entries) if entries.is_empty() => Ok(()),
            _ => {
                let message = format!("`{name}` takes no options");
                let wrong = Diagnostic::new(Code::UnknownKey, options.owner, message);
                let help = format!("write `{name}` alone");
                Err(Failure::told(wrong.label("no options here").help(help), options.node.id))
            }
        })
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        self.with_options(|options| seed.deserialize(options))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.with_options(|options| serde::Deserializer::deserialize_seq(options, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.with_options(|options| {
            serde::Deserializer::deserialize_struct(options, "options", fields, visitor)
        })
    }
}

/// A value and its place, as [`super::Spanned`] reads them.
pub(super) struct PlaceAccess<'a> {
    span: Span,
    id: NodeId,
    value: Within<'a>,
    next: usize,
}

enum Within<'a> {
    Node(NodeDeserializer<'a>),
    Key(&'a str),
}

impl<'a> PlaceAccess<'a> {
    pub(super) fn new(of: NodeDeserializer<'a>) -> Self {
        Self { span: of.place(), id: of.node.id, value: Within::Node(of), next: 0 }
    }
}

impl<'de> MapAccess<'de> for PlaceAccess<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        let key = FIELDS.get(self.next).copied();
        key.map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        self.next += 1;
        let number = match self.next {
            1 => self.span.start,
            2 => self.span.end,
            3 => self.id.0 as usize,
            _ => {
                return match self.value {
                    Within::Node(node) => seed.deserialize(node),
                    Within::Key(key) => seed.deserialize(StrDeserializer::new(key)),
                };
            }
        };
        seed.deserialize(UsizeDeserializer::new(number))
    }
}
