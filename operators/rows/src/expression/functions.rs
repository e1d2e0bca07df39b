//! The functions that expressions can call: the built-in ones, and those that a program registers.
//!
//! Apart from their tables (`functions/*`): one row there has a function's name, signatures, what it does, examples and code.
//! The reference page, "did you mean" and the checks all come from it; every example is run by the tests.

mod json;
mod list;
mod math;
mod prepared;
mod regular;
mod string;
mod time;

use super::code::Body;
use super::datum::Datum;
use super::signature::Signature;
use crate::suggest::nearest;
use crate::value::Value;
use hashbrown::HashMap;
use jiff::tz::TimeZone;
use std::sync::{Arc, LazyLock};

/// A built-in function, as the reference page shows it.
#[derive(Debug)]
pub struct FunctionEntry {
    /// Its name, in capitals; any case is understood.
    pub name: &'static str,
    /// The ways to call it, as in `LEFT(text: string, length: int64) -> string`. A `?` behind a parameter says that NULL
    /// is passed on rather than making the result NULL; behind the result, that it may be NULL by itself.
    pub signatures: &'static [&'static str],
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Expressions, each with what it gives.
    pub examples: &'static [(&'static str, &'static str)],
    /// What runs.
    body: BuiltIn,
}

type Plain = for<'r> fn(&[Datum<'r>]) -> Result<Datum<'r>, String>;

/// A row of a table for a function that needs its arguments and nothing else.
const fn plain(
    name: &'static str,
    signatures: &'static [&'static str],
    about: &'static str,
    examples: &'static [(&'static str, &'static str)],
    body: Plain,
) -> FunctionEntry {
    FunctionEntry { name, signatures, about, examples, body: BuiltIn::Plain(body) }
}

/// What a function gives for arguments that its signature does not allow: the check lets none through.
const fn misuse<'r>() -> Result<Datum<'r>, String> {
    Ok(Datum::Null)
}

#[derive(Clone, Copy, Debug)]
enum BuiltIn {
    Plain(Plain),
    /// Looks at the constant arguments first: a pattern is compiled once.
    Prepared(fn(&[Option<Value>]) -> Result<Body, String>),
    /// The same for what a time zone is asked: that of the argument with this place, if it is there, else the given one.
    InZone(PrepareInZone, Option<usize>),
    /// Evaluates only some of its arguments: the check knows how.
    Form,
}

pub(super) type PrepareInZone = fn(&[Option<Value>], &TimeZone) -> Result<Body, String>;

const TABLES: [&[FunctionEntry]; 7] = [
    CONDITIONAL,
    string::TABLE,
    math::TABLE,
    regular::TABLE,
    time::TABLE,
    json::TABLE,
    list::TABLE,
];

const CONDITIONAL: &[FunctionEntry] = &[
    FunctionEntry {
        name: "COALESCE",
        signatures: &["COALESCE(value: T?...) -> T?"],
        about: "The first value that is not NULL; what stands behind it is not evaluated.",
        examples: &[("COALESCE(NULL, 2, 3)", "2")],
        body: BuiltIn::Form,
    },
    FunctionEntry {
        name: "IF",
        signatures: &["IF(condition: boolean?, then: T?, else: T?) -> T?"],
        about: "The second value where the condition is TRUE, else the third; only that one is evaluated.",
        examples: &[("IF(1 < 2, 'yes', 'no')", "yes"), ("IF(NULL, 1, 2)", "2")],
        body: BuiltIn::Form,
    },
    FunctionEntry {
        name: "NULLIF",
        signatures: &["NULLIF(value: T, other: T?) -> T?"],
        about: "NULL where both are equal, else the first.",
        examples: &[("NULLIF(1, 1)", "NULL"), ("NULLIF(1, 2)", "1")],
        body: BuiltIn::Plain(|data| match data {
            [value, other] if !other.is_null() => {
                let is_equal = value.sql_compare(other).is_some_and(|order| order.is_eq());
                Ok(if is_equal { Datum::Null } else { value.clone() })
            }
            [value, ..] => Ok(value.clone()),
            [] => Ok(Datum::Null),
        }),
    },
    FunctionEntry {
        name: "GREATEST",
        signatures: &["GREATEST(value: T...) -> T"],
        about: "The largest value; NULL if one is NULL. NaN is larger than all numbers.",
        examples: &[("GREATEST(1, 3, 2)", "3"), ("GREATEST(1, NULL)", "NULL")],
        body: BuiltIn::Plain(|data| {
            Ok(data
                .iter()
                .max_by(|left, right| left.compare(right))
                .cloned()
                .unwrap_or(Datum::Null))
        }),
    },
    FunctionEntry {
        name: "LEAST",
        signatures: &["LEAST(value: T...) -> T"],
        about: "The smallest value; NULL if one is NULL.",
        examples: &[("LEAST(1, 3, 2)", "1"), ("LEAST('b', 'a')", "a")],
        body: BuiltIn::Plain(|data| {
            Ok(data
                .iter()
                .min_by(|left, right| left.compare(right))
                .cloned()
                .unwrap_or(Datum::Null))
        }),
    },
];

/// Every built-in function, in the order of the reference page.
pub fn built_ins() -> impl Iterator<Item = &'static FunctionEntry> {
    TABLES.into_iter().flatten()
}

/// How the code of a call is made.
#[derive(Clone)]
pub(super) enum Make {
    Plain(Body),
    Prepared(fn(&[Option<Value>]) -> Result<Body, String>),
    InZone(PrepareInZone, Option<usize>),
    Form,
}

/// A function that can be called.
pub(super) struct Registered {
    pub(super) texts: Vec<String>,
    pub(super) signatures: Vec<Signature>,
    pub(super) make: Make,
}

/// The functions that expressions are checked against, and the time zone that is meant where a function of time, a cast or
/// the text of a time names none; cheap to clone.
#[derive(Clone)]
pub struct Functions {
    by_name: Arc<HashMap<String, Arc<Registered>>>,
    zone: TimeZone,
}

/// A function that cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FunctionError(String);

static BUILT_INS: LazyLock<Functions> = LazyLock::new(|| {
    let mut by_name = HashMap::new();
    for entry in built_ins() {
        let signatures = entry.signatures.iter().map(|text| {
            Signature::parse(text).expect("signatures of built-in functions are read by the tests")
        });
        let make = match entry.body {
            BuiltIn::Plain(body) => Make::Plain(Arc::new(body)),
            BuiltIn::Prepared(prepare) => Make::Prepared(prepare),
            BuiltIn::InZone(prepare, argument) => Make::InZone(prepare, argument),
            BuiltIn::Form => Make::Form,
        };
        let texts = entry.signatures.iter().map(|text| (*text).to_owned()).collect();
        let registered = Registered { texts, signatures: signatures.collect(), make };
        by_name.insert(entry.name.to_owned(), Arc::new(registered));
    }
    Functions { by_name: Arc::new(by_name), zone: TimeZone::UTC }
});

impl Default for Functions {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Functions {
    /// The built-in functions.
    #[must_use]
    pub fn built_in() -> Self {
        BUILT_INS.clone()
    }

    /// The same functions, for which times without a zone are of this one: a name of the IANA database such as
    /// `Europe/Berlin`, or an offset such as `+02:00`. Without it they are of UTC.
    ///
    /// Times are instants all the same, and so are those that formats read and write, which are in UTC.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn in_zone(&self, name: &str) -> Result<Self, FunctionError> {
        let zone = if matches!(name, "UTC" | "Etc/UTC") {
            TimeZone::UTC
        } else {
            super::calendar::zone(name).map_err(FunctionError)?
        };
        Ok(Self { by_name: Arc::clone(&self.by_name), zone })
    }

    pub(super) const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Adds a function written in Rust, such as `VAT(net: decimal, country: string) -> decimal`.
    ///
    /// It must give the same result for the same arguments, at any time: it may be called once for many rows. A NULL for
    /// a parameter that is not marked `?` makes the result NULL without a call. Its error is a row's error.
    ///
    /// # Errors
    /// When the signature cannot be read, or a function of this name exists.
    pub fn register(
        &mut self,
        signature: &str,
        function: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Result<(), FunctionError> {
        let read = Signature::parse(signature).map_err(FunctionError)?;
        let name = read.name.clone();
        if self.by_name.contains_key(&name) {
            let message = format!("there is a function `{name}` already: give yours another name");
            return Err(FunctionError(message));
        }
        let may_be_null = read.may_be_null;
        let body: Body = Arc::new(move |data: &[Datum<'_>]| {
            let values: Vec<Value> = data.iter().cloned().map(Datum::into_value).collect();
            let value = function(&values)?;
            if value.is_null() && !may_be_null {
                let message = "the function gave NULL, but its signature ends without a `?`";
                return Err(message.to_owned());
            }
            Ok(Datum::owned(value))
        });
        let texts = vec![signature.to_owned()];
        let registered = Registered { texts, signatures: vec![read], make: Make::Plain(body) };
        Arc::make_mut(&mut self.by_name).insert(name, Arc::new(registered));
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Registered> {
        self.by_name.get(name).map(|found| &**found)
    }

    /// The name of the function that somebody who wrote `name` probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let elsewhere = ELSEWHERE.iter().find(|(other, _)| name.eq_ignore_ascii_case(other));
        if let Some((_, here)) = elsewhere {
            return Some(here);
        }
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        nearest(name, names)
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions").field("count", &self.by_name.len()).finish()
    }
}

/// What other systems call our functions.
const ELSEWHERE: &[(&str, &str)] = &[
    ("LENGTH", "CHAR_LENGTH"),
    ("LEN", "CHAR_LENGTH"),
    ("IFNULL", "COALESCE"),
    ("NVL", "COALESCE"),
    ("ISNULL", "COALESCE"),
    ("IIF", "IF"),
    ("INSTR", "POSITION"),
    ("STRPOS", "POSITION"),
    ("LOCATE", "POSITION"),
    ("REGEXP_MATCH", "REGEXP_LIKE"),
    ("JSON_EXTRACT", "JSON_VALUE"),
    ("GET_JSON_OBJECT", "JSON_VALUE"),
    ("DATEDIFF", "TIMESTAMPDIFF"),
    ("DATEADD", "TIMESTAMPADD"),
    ("STRFTIME", "DATE_FORMAT"),
    ("TO_CHAR", "DATE_FORMAT"),
    ("SUBSTRING_INDEX", "SPLIT_INDEX"),
    ("SPLIT_PART", "SPLIT_INDEX"),
    ("ARRAY_LENGTH", "CARDINALITY"),
    ("SIZE", "CARDINALITY"),
    ("POW", "POWER"),
    ("CEILING", "CEIL"),
    ("UCASE", "UPPER"),
    ("LCASE", "LOWER"),
];
