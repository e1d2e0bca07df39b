//! From a tree to typed values, with everything that is wrong in them at once.
//!
//! Serde's derived code ends at the first mistake. So a value is decoded again and again: what was wrong
//! is noted and passed over the next time, and a key that is missing is made up, until nothing new is
//! found. Only a value in which nothing was wrong is given out. Each round finds a mistake or is the
//! last, and mistakes are limited, so this ends.
//!
//! Unknown keys end nothing: they are noted on the way.

mod access;
mod deserializer;
mod failure;
mod made_up;
mod shape;
mod spanned;

pub use failure::{Failure, Mistake};
pub use shape::{keys, words};
pub use spanned::{MANY, Raw, Spanned, TEXT};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::limits;
use crate::source::Span;
use crate::tree::{Node, NodeId};
use deserializer::NodeDeserializer;
use failure::Problem;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::HashSet;

/// Decodes a node; `owner` is what is pointed at when the whole node is at fault, such as its key.
/// Without a value, `diagnostics` says why.
pub fn decode<T: DeserializeOwned>(
    node: &Node,
    owner: Span,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let notes = Notes::default();
    let value = rounds(node, owner, &notes);
    let notes = notes.into_inner();
    let found_any = !notes.found.is_empty();
    notes.found.into_iter().for_each(|one| diagnostics.push(one));
    value.filter(|_| !found_any)
}

fn rounds<T: DeserializeOwned>(node: &Node, owner: Span, notes: &Notes) -> Option<T> {
    for _ in 0..4 * limits::DIAGNOSTICS {
        let failure = match T::deserialize(NodeDeserializer { node, owner, notes }) {
            Ok(value) => return Some(value),
            Err(failure) => failure,
        };
        let (at, span) = failure.at.unwrap_or((node.id, owner));
        let mut notes = notes.0.borrow_mut();
        match failure.problem {
            Problem::Missing(key) => {
                let is_there = notes.renamed.contains(&(at, key.to_owned()));
                let is_there =
                    is_there || node.find(at).is_some_and(|map| map.entry(key).is_some());
                if !is_there {
                    notes.find(missing(key, span));
                }
                if notes.made_up.insert((at, key)) {
                    continue;
                }
            }
            Problem::Told(diagnostic) => notes.find(*diagnostic),
            Problem::Other(text) => {
                notes.find(Diagnostic::new(Code::WrongType, span, text));
            }
            Problem::Silent => {}
        }
        notes.passed_over.insert(at);
        if at == node.id || notes.found.len() >= limits::DIAGNOSTICS {
            return None;
        }
    }
    None
}

fn missing(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::MissingKey, span, format!("the key `{key}` is missing"))
        .label(format!("this needs `{key}`"))
}

/// What earlier rounds have found out.
#[derive(Default)]
struct Notes(RefCell<Noted>);

#[derive(Default)]
struct Noted {
    found: Vec<Diagnostic>,
    /// Nodes in which everything has been found.
    passed_over: HashSet<NodeId>,
    /// Keys that are missing in a mapping, and made up so that the rest can be looked at.
    made_up: HashSet<(NodeId, &'static str)>,
    /// Keys that are there, but misspelt.
    renamed: HashSet<(NodeId, String)>,
}

impl Noted {
    fn find(&mut self, diagnostic: Diagnostic) {
        if !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }
}

impl Notes {
    fn into_inner(self) -> Noted {
        self.0.into_inner()
    }

    fn find(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().find(diagnostic);
    }

    fn is_passed_over(&self, node: &Node) -> bool {
        self.0.borrow().passed_over.contains(&node.id)
    }
}
