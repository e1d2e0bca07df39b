//! A struct as packed CBOR.
//!
//! It names its fields one by one, and its tag, which stands before them, is made of all the names. So the tag is
//! guessed from the structs seen before, checked name by name, and put right at the end where the guess was
//! wrong: the first time only, as a rule.

use super::write::{ARRAY, Refused, TAG, Writer};
use super::{TAGS, tag_of};
use serde::ser::{self, Serialize};

/// A shape as it was met.
#[derive(Debug)]
pub(super) struct Known {
    /// The struct that had it.
    of: &'static str,
    names: Vec<&'static str>,
    tag: u32,
}

impl Known {
    pub(super) fn shape(&self) -> (u32, Vec<String>) {
        (self.tag, self.names.iter().map(|&name| name.to_owned()).collect())
    }
}

/// Whether two names are equal; as a rule they are the same.
fn same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// What is known of the names of a struct that is being written.
enum Names {
    /// So far they are those of this shape, by its place among the known ones.
    Guessed(usize),
    /// No known shape begins with them.
    New(Vec<&'static str>),
}

/// The fields of a struct.
pub(super) struct Fields<'w, 'a> {
    writer: &'w mut Writer<'a>,
    of: &'static str,
    /// How many it says it has.
    fields: usize,
    /// Where its tag stands.
    start: usize,
    names: Names,
    /// How many have been written.
    at: usize,
}

impl<'w, 'a> Fields<'w, 'a> {
    pub(super) fn begin(writer: &'w mut Writer<'a>, of: &'static str, fields: usize) -> Self {
        let guess = |known: &Known| known.of == of && known.names.len() == fields;
        let (names, tag) = match writer.known.iter().position(guess) {
            Some(shape) => (Names::Guessed(shape), writer.known[shape].tag),
            None => (Names::New(Vec::with_capacity(fields)), TAGS.start),
        };
        let start = writer.out.len();
        writer.head(TAG, tag.into());
        writer.head(ARRAY, fields as u64);
        Self { writer, of, fields, start, names, at: 0 }
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        match &mut self.names {
            &mut Names::Guessed(shape) => {
                let guessed = self.writer.known[shape].names.get(self.at);
                if !guessed.is_some_and(|guessed| same(guessed, name)) {
                    self.names = self.correct(shape, name);
                }
            }
            Names::New(names) => names.push(name),
        }
        self.at += 1;
        value.serialize(&mut *self.writer)
    }

    /// Another shape that begins with the names so far, and then has `name`.
    #[cold]
    fn correct(&mut self, guess: usize, name: &'static str) -> Names {
        let known = &self.writer.known;
        let before = &known[guess].names[..self.at];
        let fits = |other: &Known| {
            other.of == self.of
                && other.names.len() == self.fields
                && other.names[..self.at] == *before
                && other.names.get(self.at) == Some(&name)
        };
        if let Some(shape) = known.iter().position(fits) {
            let tag = known[shape].tag;
            self.put_tag(tag);
            return Names::Guessed(shape);
        }
        let mut names = before.to_vec();
        names.push(name);
        Names::New(names)
    }

    fn put_tag(&mut self, tag: u32) {
        // Behind the byte that says that a tag of four bytes follows.
        self.writer.out[self.start + 1..self.start + 5].copy_from_slice(&tag.to_be_bytes());
    }

    fn finish(mut self) -> Result<(), Refused> {
        if self.at != self.fields {
            let Self { of, fields, at, .. } = self;
            return Err(Refused(format!("`{of}` says that it has {fields} fields, and has {at}")));
        }
        let Names::New(names) = &mut self.names else { return Ok(()) };
        let names = std::mem::take(names);
        let tag = tag_of(&names);
        let known = &mut self.writer.known;
        if let Some(other) = known.iter().find(|known| known.tag == tag && known.names != names) {
            return Err(Refused(format!(
                "the fields of `{}` and `{}` come to one tag: rename a field",
                self.of, other.of
            )));
        }
        // A struct that holds others of its kind has been met within itself meanwhile.
        if !known.iter().any(|known| known.of == self.of && known.names == names) {
            known.push(Known { of: self.of, names, tag });
        }
        self.put_tag(tag);
        Ok(())
    }
}

macro_rules! fields {
    ($($kind:ident),*) => {$(
        impl ser::$kind for Fields<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);
