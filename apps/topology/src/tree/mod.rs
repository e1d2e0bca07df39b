//! The file as a tree of values, each of which knows where it stands.
//!
//! Apart from decoding because the text is parsed once: every later question, also one that is asked
//! about a part of the file alone, is asked of the tree.
//!
//! Invariants: a span lies within the source, on character boundaries; a child's span lies within its
//! parent's unless it came through an alias or a merge key; ids are unique and in the order of reading.

mod read;
mod scalar;
mod variable;

pub use crate::source::Span;
pub use read::{read, read_value};
pub use scalar::Style;
pub use variable::Variables;

/// Names a node within its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Where it stands: of a scalar its own text with quotes, of others from the first child to the last.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `~`, or no text.
    Null,
    /// One value.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One value, as it was written and as what it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// Its text: without quotes, escapes resolved, lines folded.
    pub text: String,
    /// What it reads as.
    pub kind: ScalarKind,
    /// How it was written.
    pub style: Style,
    /// Whether a variable was put in, so that the text is not that of the file.
    pub interpolated: bool,
}

/// What a scalar reads as, by the rules of YAML 1.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScalarKind {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Another number; also `.inf` and `.nan`.
    Float(f64),
    /// Text.
    Text,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The text of the key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What belongs to it.
    pub value: Node,
}

impl Node {
    /// What it is, in words: `a number`, `a list`.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Bool(_) => "true or false",
                ScalarKind::Int(_) | ScalarKind::Float(_) => "a number",
                ScalarKind::Text => "text",
            },
        }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub const fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Keys and values, none if it is no mapping.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of a key, if there is one.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The values directly below.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let items: &[Self] = match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        };
        items.iter().chain(self.entries().iter().map(|entry| &entry.value))
    }

    /// Moves a tree that was read from a part of a text to where that part stands, and to other ids.
    fn shift(&mut self, bytes: usize, ids: u32) {
        let shift = |span: &mut Span| *span = Span::new(span.start + bytes, span.end + bytes);
        self.id = NodeId(self.id.0 + ids);
        shift(&mut self.span);
        match &mut self.value {
            Value::Null | Value::Scalar(_) => {}
            Value::Sequence(items) => items.iter_mut().for_each(|item| item.shift(bytes, ids)),
            Value::Mapping(entries) => {
                for entry in entries {
                    shift(&mut entry.key_span);
                    entry.value.shift(bytes, ids);
                }
            }
        }
    }

    /// The node of that id, here or below.
    #[must_use]
    pub fn find(&self, id: NodeId) -> Option<&Self> {
        if self.id == id {
            return Some(self);
        }
        self.children().find_map(|child| child.find(id))
    }
}
