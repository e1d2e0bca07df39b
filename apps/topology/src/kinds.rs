//! Kinds of nodes that a program brings along: a name, what it does in the graph, and a typed
//! configuration that is decoded, checked and described like that of a built-in kind.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use tidegate_topology::kinds::{Kinds, Traits};
//!
//! /// Finds the winning bid of each auction.
//! #[derive(Deserialize, JsonSchema)]
//! struct WinningBids {
//!     /// Bids below are not looked at.
//!     least: u64,
//! }
//!
//! let mut kinds = Kinds::default();
//! kinds.operator::<WinningBids>("winning_bids", Traits::inputs(2).event_time())?;
//! assert!(kinds.operator::<WinningBids>("filter", Traits::inputs(1)).is_err());
//! # Ok::<(), tidegate_topology::kinds::NameTaken>(())
//! ```

use crate::decode::{decode, words};
use crate::diagnostic::Diagnostics;
use crate::document::{OperatorKind, SinkKind, SourceKind};
use crate::source::Span;
use crate::tree::Node;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tidegate_rows::Schema;
use tidegate_rows::expression::Functions;

/// A configuration that was decoded: of the type that its kind was registered with.
pub type Configuration = Arc<dyn Any + Send + Sync>;

/// What a kind is to the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// How many inputs it takes.
    pub inputs: usize,
    /// The side outputs it has.
    pub side_outputs: Vec<String>,
    /// Whether it goes by event time, and so needs watermarks.
    pub event_time: bool,
    /// Whether it takes a changelog.
    pub takes_changes: bool,
    /// Whether it gives a changelog.
    pub gives_changes: bool,
    /// The columns of what it gives: of a source, an operator, a lookup. Without them an operator's are those of its first
    /// input, and a source's are said in its `schema`.
    pub columns: Option<Schema>,
}

impl Traits {
    /// A kind with so many inputs, none for a source, that needs nothing else.
    #[must_use]
    pub const fn inputs(inputs: usize) -> Self {
        Self {
            inputs,
            side_outputs: Vec::new(),
            event_time: false,
            takes_changes: false,
            gives_changes: false,
            columns: None,
        }
    }

    /// It goes by event time.
    #[must_use]
    pub const fn event_time(mut self) -> Self {
        self.event_time = true;
        self
    }

    /// It has a side output of this name.
    #[must_use]
    pub fn side_output(mut self, name: &str) -> Self {
        self.side_outputs.push(name.to_owned());
        self
    }

    /// It gives rows of these columns.
    #[must_use]
    pub fn columns(mut self, columns: Schema) -> Self {
        self.columns = Some(columns);
        self
    }

    /// It takes changelogs.
    #[must_use]
    pub const fn takes_changes(mut self) -> Self {
        self.takes_changes = true;
        self
    }

    /// It gives a changelog.
    #[must_use]
    pub const fn gives_changes(mut self) -> Self {
        self.gives_changes = true;
        self
    }
}

/// A kind of that name is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTaken(String);

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is a kind `{}` already: register yours under another name", self.0)
    }
}

impl std::error::Error for NameTaken {}

type Decode = fn(&Node, Span, &mut Diagnostics) -> Option<Configuration>;

/// A kind that was registered.
#[derive(Clone)]
pub struct Registered {
    /// What it is to the graph.
    pub traits: Traits,
    decode: Decode,
    schema: fn(&mut SchemaGenerator) -> schemars::Schema,
}

impl Registered {
    fn new<C: DeserializeOwned + JsonSchema + Send + Sync + 'static>(traits: Traits) -> Self {
        let decode: Decode = |node, owner, diagnostics| {
            decode::<C>(node, owner, diagnostics).map(|config| Arc::new(config) as Configuration)
        };
        Self { traits, decode, schema: |generator| generator.subschema_for::<C>() }
    }

    /// Decodes a configuration. Without one, `diagnostics` says why.
    #[must_use]
    pub fn decode(
        &self,
        node: &Node,
        owner: Span,
        diagnostics: &mut Diagnostics,
    ) -> Option<Configuration> {
        (self.decode)(node, owner, diagnostics)
    }

    /// The schema of configurations.
    #[must_use]
    pub fn schema(&self, generator: &mut SchemaGenerator) -> schemars::Schema {
        (self.schema)(generator)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("traits", &self.traits).finish_non_exhaustive()
    }
}

/// Kinds by name.
pub type ByName = BTreeMap<String, Registered>;

/// All kinds that a program has registered beside the built-in ones.
#[derive(Clone)]
pub struct Kinds {
    /// Sources.
    pub sources: ByName,
    /// Operators.
    pub operators: ByName,
    /// Sinks.
    pub sinks: ByName,
    /// What lookup joins can ask.
    pub lookups: ByName,
    /// What expressions can call: the built-in functions, and those that a program registers.
    pub functions: Functions,
}

impl Default for Kinds {
    /// None but the built-in ones.
    fn default() -> Self {
        Self {
            sources: ByName::new(),
            operators: ByName::new(),
            sinks: ByName::new(),
            lookups: ByName::new(),
            functions: Functions::built_in(),
        }
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |kinds: &ByName| kinds.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Kinds")
            .field("sources", &names(&self.sources))
            .field("operators", &names(&self.operators))
            .field("sinks", &names(&self.sinks))
            .field("lookups", &names(&self.lookups))
            .finish_non_exhaustive()
    }
}

impl Kinds {
    /// Registers a source.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn source<C>(&mut self, name: &str, traits: Traits) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        insert::<C>(&mut self.sources, words::<SourceKind>(), name, traits)
    }

    /// Registers an operator.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn operator<C>(&mut self, name: &str, traits: Traits) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        insert::<C>(&mut self.operators, words::<OperatorKind>(), name, traits)
    }

    /// Registers a sink.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn sink<C>(&mut self, name: &str, traits: Traits) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        insert::<C>(&mut self.sinks, words::<SinkKind>(), name, traits)
    }

    /// Registers something that lookup joins can ask, and the columns of its answers.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn lookup<C>(&mut self, name: &str, columns: Schema) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        insert::<C>(&mut self.lookups, &[], name, Traits::inputs(0).columns(columns))
    }
}

fn insert<C: DeserializeOwned + JsonSchema + Send + Sync + 'static>(
    kinds: &mut ByName,
    built_in: &[&str],
    name: &str,
    traits: Traits,
) -> Result<(), NameTaken> {
    let common = [
        "inputs",
        "description",
        "parallelism",
        "chaining",
        "restart",
        "schema",
        "event_time",
        "dead_letters",
    ];
    if built_in.contains(&name) || common.contains(&name) || kinds.contains_key(name) {
        return Err(NameTaken(name.to_owned()));
    }
    kinds.insert(name.to_owned(), Registered::new::<C>(traits));
    Ok(())
}
