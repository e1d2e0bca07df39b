//! YAML topologies: from the text of a file to a checked document, with diagnostics that teach.
//!
//! Apart from the command so that whoever only looks at files (an editor, a check before a commit) does
//! not need the engine. In order: [`tree`] parses the text, [`decode`] makes typed values of it,
//! [`document`] is the model, [`check`] looks at the graph, [`plan`] at columns and
//! expressions; [`explain`] shows a plan. All that is found goes into one
//! [`diagnostic::Diagnostics`]; [`code`] explains each kind of mistake. [`unit_test`] reads what tests of a topology say.
//!
//! ```
//! use tidegate_topology::{Source, diagnostic::Paint, kinds::Kinds, load, tree::Variables};
//!
//! let text = "job: { name: clicks }
//! sources:
//!   clicks:
//!     generator: { clicks: {} }
//! sinks:
//!   out: { inputs: [click], print: {} }
//! ";
//! let loaded = load(Source::new("clicks.yaml", text), &Variables::default(), &Kinds::default());
//! assert!(loaded.diagnostics.has_errors());
//! assert!(loaded.render(Paint::Plain).contains("did you mean `clicks`?"));
//! ```

pub mod check;
pub mod code;
pub mod dead_letters;
pub mod decode;
pub mod diagnostic;
pub mod document;
pub mod explain;
pub mod kinds;
pub mod limits;
mod overrides;
pub mod plan;
pub mod schema;
pub mod source;
pub mod suggest;
pub mod tree;
pub mod unit_test;

pub use source::Source;

use check::Graph;
use diagnostic::{Diagnostics, Paint};
use document::Document;
use kinds::Kinds;
use tree::Variables;

/// A file that was looked at.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub source: Source,
    /// Its values with their places; nothing when it is no YAML.
    pub tree: Option<tree::Node>,
    /// What it says. Parts that are broken are left out: run it only without errors.
    pub document: Option<Document>,
    /// How its nodes hang together.
    pub graph: Option<Graph>,
    /// What is to be built; only without errors.
    pub plan: Option<plan::Plan>,
    /// What is wrong with it.
    pub diagnostics: Diagnostics,
}

impl Loaded {
    /// The diagnostics for people.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        diagnostic::render(&self.source, &self.diagnostics, paint)
    }
}

/// Looks at a file, with what [overrides](Source::with_overrides) it: all that is wrong is found at once, as far as it
/// can be.
#[must_use]
pub fn load(source: Source, variables: &Variables, kinds: &Kinds) -> Loaded {
    let mut diagnostics = Diagnostics::new();
    let mut tree = tree::read(&source, variables, &mut diagnostics);
    if let Some(tree) = &mut tree {
        overrides::apply(&source, tree, variables, kinds, &mut diagnostics);
    }
    let document = tree.as_ref().map(|tree| document::read(tree, kinds, &mut diagnostics));
    let graph = match (&tree, &document) {
        (Some(tree), Some(document)) => {
            Some(check::check(&source, tree, document, kinds, &mut diagnostics))
        }
        _ => None,
    };
    let plan = match (&tree, &document, &graph) {
        (Some(tree), Some(document), Some(graph)) => {
            plan::plan(&source, tree, document, graph, kinds, &mut diagnostics)
        }
        _ => None,
    };
    Loaded { source, tree, document, graph, plan, diagnostics }
}
