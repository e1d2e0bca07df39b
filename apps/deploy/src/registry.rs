//! What a program brings along: kinds of nodes with the code that builds them, and functions for expressions.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use tidegate_deploy::{Outputs, Registry};
//! use tidegate_topology::kinds::Traits;
//!
//! /// Lets every n-th row through.
//! #[derive(Deserialize, JsonSchema)]
//! struct EveryNth {
//!     n: i64,
//! }
//!
//! let mut registry = Registry::default();
//! registry.operator("every_nth", Traits::inputs(1), |every: &EveryNth, wiring| {
//!     let n = every.n;
//!     let rows = wiring.input(0).rows().filter(move |row| {
//!         matches!(row[0], tidegate_rows::Value::Int64(number) if number % n == 0)
//!     });
//!     Ok(Outputs::main(wiring.named(rows)))
//! })?;
//! # Ok::<(), tidegate_topology::kinds::NameTaken>(())
//! ```

use crate::flow::Flow;
use crate::site::Site;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_rows::Value;
use tidegate_rows::expression::FunctionError;
use tidegate_topology::kinds::{Configuration, Kinds, NameTaken, Traits};
use tidegate_topology::plan::PlanNode;

/// What the outputs of a node are.
#[derive(Clone, Default)]
pub struct Outputs {
    pub(crate) main: Option<Flow>,
    pub(crate) sides: Vec<(String, Flow)>,
}

impl Outputs {
    /// None: a sink.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The main output.
    pub fn main(flow: impl Into<Flow>) -> Self {
        Self { main: Some(flow.into()), sides: Vec::new() }
    }

    /// A side output beside it.
    #[must_use]
    pub fn side(mut self, name: &str, flow: impl Into<Flow>) -> Self {
        self.sides.push((name.to_owned(), flow.into()));
        self
    }

    pub(crate) fn of(&self, side: Option<&str>) -> Option<&Flow> {
        match side {
            None => self.main.as_ref(),
            Some(name) => self.sides.iter().find(|(side, _)| side == name).map(|(_, flow)| flow),
        }
    }
}

/// Where a registered kind is built in.
pub struct Wiring<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) inputs: Vec<Flow>,
}

impl Wiring<'_> {
    /// The job, for a source.
    #[must_use]
    pub const fn job(&self) -> &Job {
        self.site.job
    }

    /// The node: its name, its columns.
    #[must_use]
    pub fn node(&self) -> &PlanNode {
        self.site.node()
    }

    /// An input, by its place.
    ///
    /// # Panics
    /// When the kind has fewer.
    #[must_use]
    pub fn input(&self, at: usize) -> &Flow {
        &self.inputs[at]
    }

    /// Whether something takes this side output.
    #[must_use]
    pub fn uses(&self, side: &str) -> bool {
        self.site.uses(side)
    }

    /// Gives the stream's operator the name of the node, its parallelism and its chaining: one operator of each node.
    #[must_use]
    pub fn named<T: Data>(&self, stream: Stream<T>) -> Stream<T> {
        self.site.own(stream)
    }

    /// Names another operator of the node: `part` behind the node's name.
    #[must_use]
    pub fn part<T: Data>(&self, part: &str, stream: Stream<T>) -> Stream<T> {
        self.site.behind(part, stream)
    }
}

type Built = Result<Outputs, String>;
type Builder = Arc<dyn Fn(&(dyn Any + Send + Sync), &Wiring<'_>) -> Built + Send + Sync>;

/// What a program brings along beside the built-in kinds.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Kinds,
    builders: HashMap<String, Builder>,
}

impl Registry {
    /// What is known, for [`tidegate_topology::load`].
    #[must_use]
    pub const fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Registers a source: `build` draws it, and says why not if it cannot.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn source<C>(
        &mut self,
        name: &str,
        traits: Traits,
        build: impl Fn(&C, &Wiring<'_>) -> Built + Send + Sync + 'static,
    ) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        self.kinds.source::<C>(name, traits)?;
        self.insert(name, build);
        Ok(())
    }

    /// Registers an operator, likewise.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn operator<C>(
        &mut self,
        name: &str,
        traits: Traits,
        build: impl Fn(&C, &Wiring<'_>) -> Built + Send + Sync + 'static,
    ) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        self.kinds.operator::<C>(name, traits)?;
        self.insert(name, build);
        Ok(())
    }

    /// Registers a sink, likewise.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn sink<C>(
        &mut self,
        name: &str,
        traits: Traits,
        build: impl Fn(&C, &Wiring<'_>) -> Built + Send + Sync + 'static,
    ) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
    {
        self.kinds.sink::<C>(name, traits)?;
        self.insert(name, build);
        Ok(())
    }

    /// Registers a function for expressions, such as `MASK(card: string) -> string?`. It is asked for values that are
    /// not NULL unless its signature allows NULL, and must give the same for the same values.
    ///
    /// # Errors
    /// When the signature is none, or its name is taken.
    pub fn function(
        &mut self,
        signature: &str,
        function: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Result<(), FunctionError> {
        self.kinds.functions.register(signature, function)
    }

    pub(crate) fn insert<C: Send + Sync + 'static>(
        &mut self,
        name: &str,
        build: impl Fn(&C, &Wiring<'_>) -> Built + Send + Sync + 'static,
    ) {
        let builder: Builder = Arc::new(move |config, wiring| {
            let config = config.downcast_ref::<C>();
            build(config.expect("a kind is decoded to the type it was registered with"), wiring)
        });
        self.builders.insert(name.to_owned(), builder);
    }

    pub(crate) fn build(&self, kind: &str, config: &Configuration, wiring: &Wiring<'_>) -> Built {
        match self.builders.get(kind) {
            Some(build) => build(config.as_ref(), wiring),
            None => Err(format!("this program does not know how to build a `{kind}`")),
        }
    }
}
