//! What a program brings along: kinds of nodes with the code that builds them, lookups, and functions for expressions.
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
use std::future::Future;
use std::sync::Arc;
use tidegate::core::element::Data;
use tidegate::operators::async_io::Asked;
use tidegate::prelude::*;
use tidegate_rows::expression::FunctionError;
use tidegate_rows::{Row, RowKey, Schema, Value};
use tidegate_topology::document::Role;
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

/// Why a configuration is of the type that is asked for.
const DECODED: &str = "a kind is decoded to the type it was registered with";

type Built = Result<Outputs, String>;
type Builder = Arc<dyn Fn(&(dyn Any + Send + Sync), &Wiring<'_>) -> Built + Send + Sync>;

/// What asks for a key.
pub(crate) type Ask = Arc<dyn Fn(RowKey) -> Asked<Row> + Send + Sync>;
type AskBy = Arc<dyn Fn(&(dyn Any + Send + Sync)) -> Result<Ask, String> + Send + Sync>;

/// A lookup that was registered, with its configuration.
pub(crate) struct KnownLookup {
    /// The columns of its answers.
    pub(crate) columns: Arc<Schema>,
    pub(crate) ask: Ask,
}

/// What a program brings along beside the built-in kinds.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Kinds,
    /// By section too: a source and a sink may have one name.
    builders: HashMap<(Role, String), Builder>,
    lookups: HashMap<String, (Arc<Schema>, AskBy)>,
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
        self.insert(Role::Source, name, build);
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
        self.insert(Role::Operator, name, build);
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
        self.insert(Role::Sink, name, build);
        Ok(())
    }

    /// Registers something that lookup joins can ask, and the columns of its answers. `make` makes of a configuration,
    /// once for each node, what answers a key: a closure that gives a future, which all subtasks share. The future is
    /// polled on the thread of its subtask, within its tokio runtime: it must not block. `None` says that nothing is known
    /// about the key. Retries, timeouts and a cache are the topology's.
    ///
    /// ```
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    /// use tidegate_deploy::Registry;
    /// use tidegate_rows::{DataType, Field, Row, RowKey, Schema, Value};
    ///
    /// /// Names of users.
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Users {
    ///     /// What stands before each name.
    ///     title: String,
    /// }
    ///
    /// let mut registry = Registry::default();
    /// let columns = Schema::new([Field::required("name", DataType::String)])?;
    /// registry.lookup("users", columns, |users: &Users| {
    ///     let title = users.title.clone();
    ///     Ok(move |key: RowKey| {
    ///         let title = title.clone();
    ///         // A client would ask its service here, and wait for the answer.
    ///         async move {
    ///             Ok(match key.values() {
    ///                 [Value::Int64(7)] => Some(Row::new([Value::string(format!("{title} Ada"))])),
    ///                 _ => None,
    ///             })
    ///         }
    ///     })
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the name is taken.
    pub fn lookup<C, A, F>(
        &mut self,
        name: &str,
        columns: Schema,
        make: impl Fn(&C) -> Result<A, String> + Send + Sync + 'static,
    ) -> Result<(), NameTaken>
    where
        C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
        A: Fn(RowKey) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Option<Row>, BoxError>> + Send + 'static,
    {
        self.kinds.lookup::<C>(name, columns.clone())?;
        let ask_by: AskBy = Arc::new(move |config| {
            let ask = make(config.downcast_ref::<C>().expect(DECODED))?;
            Ok(Arc::new(move |key| Box::pin(ask(key)) as Asked<Row>))
        });
        self.lookups.insert(name.to_owned(), (Arc::new(columns), ask_by));
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
        role: Role,
        name: &str,
        build: impl Fn(&C, &Wiring<'_>) -> Built + Send + Sync + 'static,
    ) {
        let builder: Builder = Arc::new(move |config, wiring| {
            let config = config.downcast_ref::<C>();
            build(config.expect(DECODED), wiring)
        });
        self.builders.insert((role, name.to_owned()), builder);
    }

    pub(crate) fn lookup_of(
        &self,
        name: &str,
        config: &Configuration,
    ) -> Result<KnownLookup, String> {
        let Some((columns, ask_by)) = self.lookups.get(name) else {
            return Err(format!("this program does not know the lookup `{name}`"));
        };
        Ok(KnownLookup { columns: Arc::clone(columns), ask: ask_by(config.as_ref())? })
    }

    pub(crate) fn build(&self, kind: &str, config: &Configuration, wiring: &Wiring<'_>) -> Built {
        match self.builders.get(&(wiring.node().role, kind.to_owned())) {
            Some(build) => build(config.as_ref(), wiring),
            None => Err(format!("this program does not know how to build a `{kind}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy;
    use serde::Deserialize;
    use tidegate_row_connectors::{InlineRows, print_sink};
    use tidegate_topology::{Source, load, tree::Variables};

    /// Of a source.
    #[derive(Deserialize, JsonSchema)]
    struct From {
        first: i64,
    }

    /// Of a sink.
    #[derive(Deserialize, JsonSchema)]
    struct To {}

    #[test]
    fn a_source_and_a_sink_may_have_one_name() {
        let mut registry = Registry::default();
        let source = registry.source("broker", Traits::inputs(0), |from: &From, wiring| {
            let rows = vec![Row::new([Value::Int64(from.first)])];
            let rows = InlineRows::new(&wiring.node().outputs[0].schema, rows, None);
            let rows = rows.map_err(|error| error.to_string())?;
            let name = &wiring.node().name;
            let rows = wiring.job().source(name, rows, WatermarkStrategy::none());
            Ok(Outputs::main(wiring.named(rows)))
        });
        let sink = registry.sink("broker", Traits::inputs(1), |_: &To, wiring| {
            let layout = tidegate_row_connectors::Layout::json(
                &Schema::new([]).map_err(|error| error.to_string())?,
            );
            wiring.input(0).rows().sink(&wiring.node().name, print_sink(&layout));
            Ok(Outputs::none())
        });
        assert_eq!((source, sink), (Ok(()), Ok(())));
        let text = "job: { name: a }
sources: { in: { broker: { first: 1 }, schema: { n: int64 } } }
sinks: { out: { inputs: in, broker: {} } }
";
        let loaded = load(Source::new("a.yaml", text), &Variables::default(), registry.kinds());
        let graph = deploy(&loaded, &registry).map(Job::into_graph);
        let graph = graph.expect("no mistakes").expect("a sound job");
        let uids: Vec<&str> = graph.nodes.iter().map(|node| node.uid.as_str()).collect();
        assert_eq!(uids, ["in", "out"]);
    }
}
