//! From the tree to the document: sections, nodes, their common keys, and the one key that says what a
//! node is.
//!
//! Each node is decoded on its own, its common keys apart from its kind, so that nothing that is broken
//! hides what is broken elsewhere. A node that is broken stays in the document without its kind: others
//! may still name it.

use super::{
    EventTime, Job, Many, OperatorKind, Restart, SchemaText, SinkKind, SourceKind, Text, Unusable,
};
use crate::code::Code;
use crate::decode::{Spanned, decode, keys, words};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kinds::{ByName, Configuration, Kinds, Traits};
use crate::source::Span;
use crate::suggest;
use crate::tree::{self, Entry, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A topology.
#[derive(Clone, Debug)]
pub struct Document {
    /// How it is run; nothing when the section is broken.
    pub job: Option<Job>,
    /// Sources, operators and sinks, in the order of the file.
    pub nodes: Vec<Node>,
}

/// Which section a node stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `sources`.
    Source,
    /// `operators`.
    Operator,
    /// `sinks`.
    Sink,
}

impl Role {
    /// The word with its article.
    #[must_use]
    pub const fn one(self) -> &'static str {
        match self {
            Self::Source => "a source",
            Self::Operator => "an operator",
            Self::Sink => "a sink",
        }
    }

    /// The word for one of them.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Operator => "operator",
            Self::Sink => "sink",
        }
    }
}

/// A source, an operator or a sink.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name: also that of its state.
    pub name: Spanned<String>,
    /// Its section.
    pub role: Role,
    /// What every node can have; nothing when that is broken.
    pub common: Option<Common>,
    /// What it is; nothing when that is broken.
    pub kind: Option<Kind>,
    /// Where its kind stands; the name where there is none.
    pub kind_span: Span,
}

/// What a node is.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a document has few nodes")]
pub enum Kind {
    /// A built-in source.
    Source(SourceKind),
    /// A built-in operator.
    Operator(OperatorKind),
    /// A built-in sink.
    Sink(SinkKind),
    /// A kind that the program has registered: its name, what it is to the graph, its configuration.
    Registered(String, Traits, Configuration),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(kind) => kind.fmt(f),
            Self::Operator(kind) => kind.fmt(f),
            Self::Sink(kind) => kind.fmt(f),
            Self::Registered(name, traits, _) => write!(f, "{name} ({traits:?})"),
        }
    }
}

/// What every node can have, whatever its kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// What it is for.
    pub description: Option<String>,
    /// Subtasks, if not as many as the job says.
    pub parallelism: Option<Spanned<u32>>,
    /// Whether it may be fused with its neighbours.
    pub chaining: bool,
    /// What follows its failures, if not what the job says.
    pub restart: Option<Restart>,
    /// Where its records come from; none of a source.
    pub inputs: Vec<Spanned<Text>>,
    /// The columns of a source.
    pub schema: Option<SchemaText>,
    /// The event time of a source.
    pub event_time: Option<EventTime>,
    /// What becomes of records that an operator or a sink cannot use.
    pub dead_letters: Unusable,
}

const fn yes() -> bool {
    true
}

/// A source: one key says what it is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SourceKeys {
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Subtasks, if not as many as the job says.
    #[serde(default)]
    parallelism: Option<Spanned<u32>>,
    /// Whether it may be fused with its neighbours.
    #[serde(default = "yes")]
    chaining: bool,
    /// What follows failures of this node, which are then counted by themselves, if not what `job.restart` says. All that
    /// is connected with the node is started again with it.
    #[serde(default)]
    restart: Option<Restart>,
    /// The columns and their types, such as `user: int64`. Generators have their own.
    #[serde(default)]
    schema: Option<SchemaText>,
    /// When a record has happened, and when a time is complete. Without it there is no event time.
    #[serde(default)]
    event_time: Option<EventTime>,
}

/// An operator: one key says what it is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct OperatorKeys {
    /// The sources and operators that it takes records from; side outputs as `node.output`. A join takes
    /// two, the left one first.
    inputs: Many<Spanned<Text>>,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Subtasks, if not as many as the job says.
    #[serde(default)]
    parallelism: Option<Spanned<u32>>,
    /// Whether it may be fused with its neighbours.
    #[serde(default = "yes")]
    chaining: bool,
    /// What follows failures of this node, which are then counted by themselves, if not what `job.restart` says. All that
    /// is connected with the node is started again with it.
    #[serde(default)]
    restart: Option<Restart>,
    /// What becomes of records for which an expression cannot be computed.
    #[serde(default)]
    dead_letters: Unusable,
}

/// A sink: one key says what it is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SinkKeys {
    /// The source or operator that it takes records from; side outputs as `node.output`.
    inputs: Many<Spanned<Text>>,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// Subtasks, if not as many as the job says.
    #[serde(default)]
    parallelism: Option<Spanned<u32>>,
    /// What follows failures of this node, which are then counted by themselves, if not what `job.restart` says. All that
    /// is connected with the node is started again with it.
    #[serde(default)]
    restart: Option<Restart>,
    /// What becomes of records for which an expression cannot be computed.
    #[serde(default)]
    dead_letters: Unusable,
}

impl From<SourceKeys> for Common {
    fn from(keys: SourceKeys) -> Self {
        let SourceKeys { description, parallelism, chaining, restart, schema, event_time } = keys;
        Self { description, parallelism, chaining, restart, schema, event_time, ..Self::default() }
    }
}

impl From<OperatorKeys> for Common {
    fn from(keys: OperatorKeys) -> Self {
        Self {
            inputs: keys.inputs.0,
            description: keys.description,
            parallelism: keys.parallelism,
            chaining: keys.chaining,
            restart: keys.restart,
            dead_letters: keys.dead_letters,
            ..Self::default()
        }
    }
}

impl From<SinkKeys> for Common {
    fn from(keys: SinkKeys) -> Self {
        Self {
            inputs: keys.inputs.0,
            description: keys.description,
            parallelism: keys.parallelism,
            chaining: true,
            restart: keys.restart,
            dead_letters: keys.dead_letters,
            ..Self::default()
        }
    }
}

/// The keys at the top of a file.
pub(crate) const SECTIONS: &[&str] = &["job", "sources", "operators", "sinks"];

/// Reads a document.
pub fn read(root: &tree::Node, kinds: &Kinds, diagnostics: &mut Diagnostics) -> Document {
    let mut document = Document { job: None, nodes: Vec::new() };
    match &root.value {
        Value::Mapping(_) => {}
        Value::Null => {
            let wrong = Diagnostic::new(Code::MissingKey, root.span, "the file is empty");
            let help = "a topology has `job`, `sources`, `operators` and `sinks`; `tidegate init` writes one to begin with";
            diagnostics.push(wrong.label("there is nothing here").help(help));
            return document;
        }
        _ => {
            let message = format!("expected a topology, found {}", root.describe());
            let wrong = Diagnostic::new(Code::WrongType, first_line(root), message);
            let help = "a topology is a mapping with `job`, `sources`, `operators` and `sinks`";
            diagnostics.push(wrong.label("this should be `job:`").help(help));
            return document;
        }
    }
    let mut has_job = false;
    for entry in root.entries() {
        let reader = match entry.key.as_str() {
            "job" => {
                has_job = true;
                document.job = decode(&entry.value, entry.key_span, diagnostics);
                continue;
            }
            "sources" => Reader::new::<SourceKeys, SourceKind>(Role::Source, &kinds.sources),
            "operators" => {
                Reader::new::<OperatorKeys, OperatorKind>(Role::Operator, &kinds.operators)
            }
            "sinks" => Reader::new::<SinkKeys, SinkKind>(Role::Sink, &kinds.sinks),
            key if key.starts_with("x-") => continue,
            key => {
                has_job |= suggest::nearest(key, SECTIONS.iter().copied()) == Some("job");
                diagnostics.push(unknown_section(entry));
                continue;
            }
        };
        reader.section(entry, &mut document.nodes, diagnostics);
    }
    if !has_job {
        let wrong = Diagnostic::new(Code::MissingKey, Span::default(), "the key `job` is missing");
        let help = "write `job: { name: ... }`: the name says whose state it is";
        diagnostics.push(wrong.label("a topology needs `job`").help(help));
    }
    document
}

fn first_line(node: &tree::Node) -> Span {
    Span::new(node.span.start, node.span.start)
}

fn unknown_section(entry: &Entry) -> Diagnostic {
    let meant = match entry.key.as_str() {
        "transforms" | "transform" | "nodes" | "steps" | "pipeline" => Some("operators"),
        "inputs" | "source" => Some("sources"),
        "outputs" | "sink" => Some("sinks"),
        key => suggest::nearest(key, SECTIONS.iter().copied()),
    };
    let list =
        "there are `job`, `sources`, `operators` and `sinks`; keys for anchors start with `x-`";
    let message = format!("the key `{}` is not known here", entry.key);
    Diagnostic::new(Code::UnknownKey, entry.key_span, message)
        .label("no such section")
        .meant(meant, list)
}

type ReadCommon = fn(&tree::Node, Span, &mut Diagnostics) -> Option<Common>;
type ReadKind = fn(&tree::Node, Span, &mut Diagnostics) -> Option<Kind>;

/// Reads the nodes of a section.
struct Reader<'a> {
    role: Role,
    common_keys: &'static [&'static str],
    built_in: &'static [&'static str],
    registered: &'a ByName,
    read_common: ReadCommon,
    read_kind: ReadKind,
}

impl From<SourceKind> for Kind {
    fn from(kind: SourceKind) -> Self {
        Self::Source(kind)
    }
}

impl From<OperatorKind> for Kind {
    fn from(kind: OperatorKind) -> Self {
        Self::Operator(kind)
    }
}

impl From<SinkKind> for Kind {
    fn from(kind: SinkKind) -> Self {
        Self::Sink(kind)
    }
}

impl<'a> Reader<'a> {
    fn new<C, K>(role: Role, registered: &'a ByName) -> Self
    where
        C: DeserializeOwned + Into<Common>,
        K: DeserializeOwned + Into<Kind>,
    {
        Self {
            role,
            common_keys: keys::<C>(),
            built_in: words::<K>(),
            registered,
            read_common: |node, owner, found| decode::<C>(node, owner, found).map(Into::into),
            read_kind: |node, owner, found| decode::<K>(node, owner, found).map(Into::into),
        }
    }

    fn section(&self, section: &Entry, nodes: &mut Vec<Node>, diagnostics: &mut Diagnostics) {
        match &section.value.value {
            Value::Null => {}
            Value::Mapping(entries) => {
                nodes.extend(entries.iter().map(|entry| self.node(entry, diagnostics)));
            }
            _ => {
                let message = format!("expected a mapping, found {}", section.value.describe());
                let wrong = Diagnostic::new(Code::WrongType, section.key_span, message);
                let help = format!(
                    "write a name for each {0}, and what it is below: `my_{0}: ...`",
                    self.role.word()
                );
                diagnostics.push(wrong.label("this should be names with nodes").help(help));
            }
        }
    }

    fn node(&self, entry: &Entry, diagnostics: &mut Diagnostics) -> Node {
        let name = Spanned { value: entry.key.clone(), span: entry.key_span, id: entry.value.id };
        let mut node =
            Node { name, role: self.role, common: None, kind: None, kind_span: entry.key_span };
        if !matches!(entry.value.value, Value::Mapping(_)) {
            let message = format!("expected {}, found {}", self.role.one(), entry.value.describe());
            let wrong = Diagnostic::new(Code::WrongType, entry.key_span, message);
            diagnostics.push(wrong.label("this should be a mapping").help(self.list()));
            return node;
        }
        let is_common = |entry: &&Entry| self.common_keys.contains(&entry.key.as_str());
        let (common, rest): (Vec<&Entry>, Vec<&Entry>) =
            entry.value.entries().iter().partition(is_common);
        let mut kinds = Vec::new();
        let mut renamed = false;
        for other in rest {
            if self.built_in.contains(&other.key.as_str())
                || self.registered.contains_key(&other.key)
            {
                kinds.push(other);
            } else {
                renamed |= self.unknown(other, diagnostics);
            }
        }
        let unknown_only = kinds.is_empty() && entry.value.entries().len() > common.len();
        let with = |entries: Vec<&Entry>| {
            let value = Value::Mapping(entries.into_iter().cloned().collect());
            tree::Node { id: entry.value.id, span: entry.value.span, value }
        };
        if !renamed {
            node.common = (self.read_common)(&with(common), entry.key_span, diagnostics);
        }
        match kinds.as_slice() {
            [] if unknown_only => {}
            [] => {
                let message =
                    format!("the {} `{}` does not say what it is", self.role.word(), entry.key);
                let wrong = Diagnostic::new(Code::NoKind, entry.key_span, message);
                diagnostics.push(wrong.label("one key is missing").help(self.list()));
            }
            [kind] => {
                node.kind_span = kind.key_span;
                node.kind = match self.registered.get(&kind.key) {
                    None => (self.read_kind)(&with(vec![kind]), kind.key_span, diagnostics),
                    Some(registered) => {
                        let config = registered.decode(&kind.value, kind.key_span, diagnostics);
                        let traits = registered.traits.clone();
                        config.map(|config| Kind::Registered(kind.key.clone(), traits, config))
                    }
                };
            }
            [first, second, ..] => {
                let message = format!("the {} `{}` is two things", self.role.word(), entry.key);
                let wrong = Diagnostic::new(Code::SeveralKinds, second.key_span, message)
                    .label(format!("it is a `{}` already", first.key))
                    .help("write two nodes, the second with the first among its `inputs`");
                diagnostics.push(wrong);
            }
        }
        node
    }

    /// Tells of a key that is neither common nor a kind; says whether a common one was meant.
    fn unknown(&self, entry: &Entry, diagnostics: &mut Diagnostics) -> bool {
        let common = self.common_keys.iter().copied();
        let kinds = self.built_in.iter().copied().chain(self.registered.keys().map(String::as_str));
        let meant =
            elsewhere(&entry.key).or_else(|| suggest::nearest(&entry.key, common.chain(kinds)));
        let word = self.role.word();
        let is_kind = !meant.is_some_and(|meant| self.common_keys.contains(&meant))
            && matches!(entry.value.value, Value::Mapping(_));
        let (code, message) = if is_kind {
            (Code::UnknownKind, format!("there is no kind of {word} `{}`", entry.key))
        } else {
            (Code::UnknownKey, format!("{} has no key `{}`", self.role.one(), entry.key))
        };
        let wrong = Diagnostic::new(code, entry.key_span, message).label("not known");
        diagnostics.push(wrong.meant(meant, self.list()));
        meant.is_some_and(|meant| self.common_keys.contains(&meant))
    }

    fn list(&self) -> String {
        let registered = self.registered.keys().map(String::as_str);
        let kinds: Vec<&str> = self.built_in.iter().copied().chain(registered).collect();
        format!("{} is one of {}", self.role.one(), suggest::list(&kinds, "or"))
    }
}

/// What other systems call our kinds and keys.
fn elsewhere(key: &str) -> Option<&'static str> {
    Some(match key {
        "where" | "condition" => "filter",
        "select" => "project",
        "group_by" | "groupBy" => "aggregate",
        "input" | "from" | "upstream" => "inputs",
        "console" | "stdout" => "print",
        "blackhole" | "null" => "discard",
        "explode" | "unnest" => "flat_map",
        "distinct" | "deduplicate" => "dedup",
        "route" => "split",
        "cep" | "match_recognize" => "pattern",
        "watermark" | "watermarks" => "event_time",
        "columns" | "fields" => "schema",
        _ => return None,
    })
}
