//! From text to tree, by `serde-saphyr`, within limits.
//!
//! The only file that knows which library reads YAML.

use super::scalar::{Style, resolve};
use super::variable::Variables;
use super::{Entry, Node, NodeId, Scalar, ScalarKind, Value};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::limits;
use crate::source::{Place, Source, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Options, Spanned};
use std::collections::HashMap;
use std::fmt;

/// Reads the text of a source. Without a tree, `diagnostics` says why; with one there may still be
/// something wrong (a key twice, a variable that is not set), which hides nothing else.
pub fn read(source: &Source, variables: &Variables, diagnostics: &mut Diagnostics) -> Option<Node> {
    let text = source.file();
    let root = match serde_saphyr::from_str_with_options::<Spanned<Loose>>(text, options()) {
        Ok(root) => root,
        Err(error) if is_empty(text) && matches!(error.without_snippet(), Error::Eof { .. }) => {
            let value = Value::Null;
            return Some(Node { id: NodeId(0), span: Span::default(), value });
        }
        Err(error) => {
            diagnostics.push(explain(source, error.without_snippet()));
            return None;
        }
    };
    if is_empty(text) {
        return Some(Node { id: NodeId(0), span: Span::default(), value: Value::Null });
    }
    let mut reading =
        Reading { source, variables, diagnostics, next: 0, put_in: 0, cut_off: Vec::new() };
    let root = reading.node(root);
    reading.tell_what_is_cut_off();
    Some(root)
}

/// Reads a part of a source's text as a value of its own. Its nodes get ids behind `last_id`.
pub fn read_value(
    source: &Source,
    part: Span,
    last_id: u32,
    variables: &Variables,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let mut told = Diagnostics::new();
    let value = read(&Source::new("", source.slice(part)), variables, &mut told);
    for one in told.sorted() {
        let span = Span::new(one.span.start + part.start, one.span.end + part.start);
        diagnostics.push(Diagnostic { span, ..one.clone() });
    }
    let mut value = value?;
    value.shift(part.start, last_id + 1);
    Some(value)
}

fn is_empty(text: &str) -> bool {
    text.lines().all(|line| matches!(line.trim_start().chars().next(), None | Some('#')))
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: limits::EVENTS,
            max_nodes: limits::NODES,
            max_depth: limits::DEPTH,
            flow_nesting_limit: limits::DEPTH,
            max_aliases: limits::ALIASES,
            max_anchors: limits::ALIASES,
            max_merge_keys: limits::ALIASES,
            max_recorded_anchor_events: limits::EVENTS,
            max_documents: 2,
            enforce_alias_anchor_ratio: false,
        },
        // Twice the same key is told with both places, and hides nothing else.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::ALIAS_EVENTS,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: limits::ALIASES,
        },
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// What the parser makes of the text.
enum Loose {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Sequence(Vec<Spanned<Loose>>),
    Mapping(Vec<(Spanned<Loose>, Spanned<Loose>)>),
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
        Ok(Loose::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Loose, E> {
        Ok(Loose::Int(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Loose, E> {
        Ok(Loose::Int(i128::try_from(value).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Loose, E> {
        Ok(Loose::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Loose, E> {
        Ok(Loose::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Loose::Sequence(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Loose, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Loose::Mapping(all))
    }
}

struct Reading<'a> {
    source: &'a Source,
    variables: &'a Variables,
    diagnostics: &'a mut Diagnostics,
    next: u32,
    /// Bytes that variables have put in.
    put_in: usize,
    /// Values that were cut off at a comma, made whole.
    cut_off: Vec<(NodeId, Span)>,
}

impl Reading<'_> {
    fn node(&mut self, loose: Spanned<Loose>) -> Node {
        let id = NodeId(self.next);
        self.next += 1;
        let mut span = self.span(loose.defined);
        let value = match loose.value {
            Loose::Sequence(items) => {
                let mut all: Vec<Node> = Vec::with_capacity(items.len());
                for item in items {
                    let item = self.node(item);
                    if !self.is_cut_off(all.last_mut(), &item, item.span) {
                        all.push(item);
                    }
                }
                Value::Sequence(all)
            }
            Loose::Mapping(entries) => Value::Mapping(self.entries(entries)),
            scalar => {
                let (value, whole) = self.scalar(scalar, span);
                span = whole;
                value
            }
        };
        let mut node = Node { id, span, value };
        node.span = self.covering(&node);
        node
    }

    /// The span of a container, up to the end of its last child.
    fn covering(&self, node: &Node) -> Span {
        let ends =
            node.children().map(|child| child.span).filter(|child| child.start >= node.span.start);
        let mut end = ends.map(|child| child.end).max().unwrap_or(0).max(node.span.end);
        let is_flow =
            matches!(self.source.text().as_bytes().get(node.span.start), Some(b'[' | b'{'));
        if is_flow && node.scalar().is_none() {
            let rest = &self.source.text()[end..];
            let close = rest
                .find([']', '}'])
                .filter(|at| rest[..*at].trim_end_matches(',').trim().is_empty());
            end = close.map_or(end, |at| end + at + 1);
        }
        Span::new(node.span.start, end)
    }

    fn entries(&mut self, entries: Vec<(Spanned<Loose>, Spanned<Loose>)>) -> Vec<Entry> {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut all = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key_span = self.span(key.defined);
            let key = match key.value {
                Loose::Text(text) => text,
                Loose::Sequence(_) | Loose::Mapping(_) => {
                    let wrong = Diagnostic::new(Code::KeyNotText, key_span, "a key must be text")
                        .label("this key is a list or a mapping")
                        .help("a value that starts with `{` or `[` must be in quotes");
                    self.diagnostics.push(wrong);
                    continue;
                }
                _ => self.source.slice(key_span).trim_end().to_owned(),
            };
            let value = self.node(value);
            if let Some(first) = seen.get(&key) {
                let line = self.source.place(first.start).line;
                let message = format!("the key `{key}` is there twice");
                let wrong = Diagnostic::new(Code::DuplicateKey, key_span, message)
                    .label(format!("it is already in line {line}"))
                    .help("keep one of them; what both say belongs under one key");
                self.diagnostics.push(wrong);
                continue;
            }
            seen.insert(key.clone(), key_span);
            let last = all.last_mut().map(|entry: &mut Entry| &mut entry.value);
            if self.is_cut_off(last, &value, key_span) {
                continue;
            }
            all.push(Entry { key, key_span, value });
        }
        all
    }

    /// Whether this is the rest of a value that was meant to have a comma: within `{ }` a plain text ends there. The
    /// value is made whole, so that nothing more is told of its parts.
    fn is_cut_off(&mut self, last: Option<&mut Node>, rest: &Node, span: Span) -> bool {
        let Some(last) = last else { return false };
        let is_comma = is_comma(self.source, last.span, span);
        let Value::Scalar(scalar) = &mut last.value else { return false };
        let is_open = scalar.text.matches('(').count() > scalar.text.matches(')').count();
        let is_rest = matches!(rest.value, Value::Null) || rest.span == span;
        if !is_open || !is_rest || scalar.style != Style::Plain || !is_comma {
            return false;
        }
        last.span = Span::new(last.span.start, span.end);
        self.source.slice(last.span).clone_into(&mut scalar.text);
        self.cut_off.retain(|(id, _)| *id != last.id);
        self.cut_off.push((last.id, last.span));
        true
    }

    fn tell_what_is_cut_off(self) {
        for (_, span) in self.cut_off {
            let help = format!("put the value in quotes: `\"{}\"`", self.source.slice(span));
            let wrong = Diagnostic::new(Code::Syntax, span, "a value ends at its first comma here");
            let label = "within `{ }` and `[ ]` a comma separates values";
            self.diagnostics.push(wrong.label(label).help(help));
        }
    }

    fn scalar(&mut self, loose: Loose, span: Span) -> (Value, Span) {
        let style = Style::at(self.source.text(), span.start);
        let span = style.whole(self.source.text(), span);
        let written = || self.source.slice(span).trim().to_owned();
        let (text, kind) = match loose {
            Loose::Bool(value) => (written(), ScalarKind::Bool(value)),
            Loose::Int(value) => (written(), ScalarKind::Int(value)),
            Loose::Float(value) => (written(), ScalarKind::Float(value)),
            Loose::Text(text) => (text, ScalarKind::Text),
            Loose::Null | Loose::Sequence(_) | Loose::Mapping(_) => return (Value::Null, span),
        };
        let mut scalar = Scalar { text, kind, style, interpolated: false };
        if style.interpolates() && scalar.text.contains("${") {
            self.interpolate(&mut scalar, span);
        }
        (Value::Scalar(scalar), span)
    }

    fn interpolate(&mut self, scalar: &mut Scalar, span: Span) {
        match self.variables.put_into(&scalar.text) {
            Ok(text) if self.put_in + text.len() > limits::VARIABLE_BYTES => {
                let wrong =
                    Diagnostic::new(Code::TooMuch, span, "variables make the file too large");
                self.diagnostics.push(wrong.label("with this one it is more than 1 MiB"));
            }
            Ok(text) => {
                self.put_in += text.len();
                scalar.interpolated = true;
                if scalar.style == Style::Plain {
                    scalar.kind = resolve(&text);
                }
                scalar.text = text;
            }
            Err(wrong) => {
                let place = scalar.span_within(self.source.text(), span, wrong.within.clone());
                self.diagnostics.push(wrong.diagnostic(place));
            }
        }
    }

    fn span(&self, location: Location) -> Span {
        span_of(self.source, location)
    }
}

fn span_of(source: &Source, location: Location) -> Span {
    let span = location.span();
    let (start, len) = match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(len)) => (index(start), index(len)),
        _ => {
            let (line, column) = (index(location.line()), index(location.column()));
            (source.byte_at(Place { line, column }), 0)
        }
    };
    let length = source.text().len();
    let start = source.text().floor_char_boundary(start.min(length));
    let end = source.text().floor_char_boundary(start.saturating_add(len).min(length));
    Span::new(start, end)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether there is a comma and nothing else between a node and what follows.
fn is_comma(source: &Source, last: Span, next: Span) -> bool {
    let between = source.text().get(last.end..next.start).unwrap_or_default();
    between.trim() == ","
}

/// What the parser complains of, in words that say what to do.
fn explain(source: &Source, error: &Error) -> Diagnostic {
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let span = span_of(source, location);
    let at = |code, message: &str| Diagnostic::new(code, span, message);
    match error {
        Error::Budget { breach, .. } => too_much(breach, span),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            too_many_aliases(span)
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            at(Code::Alias, "an alias stands within its own anchor")
                .label("this would never end")
                .help("take the alias out of the value that it names")
        }
        Error::UnknownAnchor { .. } => at(Code::Alias, "there is no anchor of this name")
            .label("no `&name` before this names a value")
            .help("an anchor must come before its alias; a text that starts with `*` must be in quotes"),
        Error::MultipleDocuments { .. } => at(Code::SeveralDocuments, "there is a second document")
            .label("a topology is one document")
            .help("remove the `---`, or put what follows into a file of its own"),
        Error::UnsupportedTag { .. } => at(Code::Syntax, "a topology has no tags")
            .label("this starts with `!`")
            .help("remove it; a text that starts with `!` must be in quotes"),
        other => {
            let message = plain_message(other);
            if message.contains("replay") || message.contains("alias expansion") {
                return too_many_aliases(span);
            }
            if message.contains("recursion limit") || message.contains("nesting") {
                return too_much(&BudgetBreach::Depth { depth: limits::DEPTH }, span);
            }
            syntax(source, span, &message)
        }
    }
}

fn too_many_aliases(span: Span) -> Diagnostic {
    let most = limits::ALIAS_EVENTS / 2;
    Diagnostic::new(Code::Alias, span, "aliases make this file too large")
        .label(format!("written out, aliases stand for more than {most} values"))
        .help("write the values out, or name fewer with each alias")
}

fn plain_message(error: &Error) -> String {
    let message = error.to_string();
    let first = message.lines().next().unwrap_or_default();
    let without = first.split(" at line ").next().unwrap_or_default();
    let without = without
        .split("column ")
        .last()
        .map_or(without, |rest| rest.split_once(": ").map_or(without, |(_, text)| text));
    without.trim_start_matches("error: ").trim().to_owned()
}

/// A syntax error, with the usual causes named.
fn syntax(source: &Source, span: Span, message: &str) -> Diagnostic {
    let line = source.line(source.place(span.start).line);
    let indentation: &str = &line[..line.len() - line.trim_start().len()];
    let quote = |c: char| line.matches(c).count() % 2 == 1;
    let help = if indentation.contains('\t') || message.contains("tab") {
        "indent with spaces; YAML takes no tabs"
    } else if message.contains("simple key")
        || message.contains("expected ':'")
        || message.contains("could not find")
    {
        "every line of a mapping is `key: value`, with a space behind the colon, and its keys begin in the same column"
    } else if message.contains("mapping values") {
        "a text that contains `: ` must be in quotes; keys of one mapping begin in the same column"
    } else if quote('"') || quote('\'') {
        "a quote that was opened must be closed; within single quotes write a quote twice"
    } else if message.contains("flow") || line.contains(['{', '[']) {
        "close every `{` and `[`, and separate what is within by commas"
    } else if line.trim_start().starts_with(['@', '`', '%', '&', '*', '!', '|', '>']) {
        "a text that starts with a special character must be in quotes"
    } else {
        "check the indentation of this line and of the one before: keys of one mapping begin in the same column"
    };
    Diagnostic::new(Code::Syntax, span, "this is not YAML").label(message).help(help)
}

fn too_much(breach: &BudgetBreach, span: Span) -> Diagnostic {
    let what = match breach {
        BudgetBreach::Depth { .. } => {
            format!("more than {} levels within each other", limits::DEPTH)
        }
        BudgetBreach::Documents { .. } => "more than one document".to_owned(),
        BudgetBreach::Aliases { .. } => format!("more than {} aliases", limits::ALIASES),
        BudgetBreach::Anchors { .. } => format!("more than {} anchors", limits::ALIASES),
        BudgetBreach::MergeKeys { .. } => format!("more than {} merge keys", limits::ALIASES),
        _ => format!("more than {} values", limits::NODES),
    };
    Diagnostic::new(Code::TooMuch, span, "the file is larger than any topology")
        .label(format!("here it has {what}"))
        .help("a topology is a description; put data into a file that a source reads")
}
