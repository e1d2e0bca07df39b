//! Overrides: values of the command line in place of those of the file.
//!
//! Apart from the tree, which is the file's. An override is `NODE.PATH=VALUE`; the value is YAML and is put where the path
//! leads before anything is decoded, so that it is checked, and pointed at, like any other value. A node is of one kind: a
//! path into another kind replaces the one that is there.

use crate::code::Code;
use crate::decode::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{OperatorKind, SinkKind, SourceKind};
use crate::kinds::{ByName, Kinds};
use crate::source::{Source, Span};
use crate::suggest;
use crate::tree::{self, Entry, Node, NodeId, Value, Variables};

/// Sections with nodes, the words for their kinds, and the kinds that were registered.
fn sections(kinds: &Kinds) -> [(&'static str, &'static [&'static str], &ByName); 3] {
    [
        ("sources", words::<SourceKind>(), &kinds.sources),
        ("operators", words::<OperatorKind>(), &kinds.operators),
        ("sinks", words::<SinkKind>(), &kinds.sinks),
    ]
}

/// A key of a path, and where it stands.
type Key<'a> = (&'a str, Span);

/// Puts the overrides of a source into its tree.
pub(crate) fn apply(
    source: &Source,
    tree: &mut Node,
    variables: &Variables,
    kinds: &Kinds,
    diagnostics: &mut Diagnostics,
) {
    for span in source.overrides() {
        let text = source.slice(span);
        let Some((path, _)) = text.split_once('=') else {
            let wrong = Diagnostic::new(Code::BadOverride, span, "an override has no value");
            let help = "write `--set NODE.PATH=VALUE`, such as `--set job.parallelism=4`";
            diagnostics.push(wrong.label("there is no `=`").help(help));
            continue;
        };
        let value = Span::new(span.start + path.len() + 1, span.end);
        let last = last_id(tree);
        let Some(value) = tree::read_value(source, value, last, variables, diagnostics) else {
            continue;
        };
        let mut putting = Putting { last_id: last.max(last_id(&value)) };
        if let Err(wrong) = putting.set(tree, &keys(path, span.start), value, kinds) {
            diagnostics.push(wrong);
        }
    }
}

fn keys(path: &str, start: usize) -> Vec<Key<'_>> {
    let mut at = start;
    let keys = path.split('.').map(|key| {
        let span = Span::new(at, at + key.len());
        at += key.len() + 1;
        (key, span)
    });
    keys.collect()
}

/// The highest id of a tree.
fn last_id(node: &Node) -> u32 {
    node.children().map(last_id).fold(node.id.0, u32::max)
}

/// Puts one value into a tree.
struct Putting {
    /// The highest id that is taken.
    last_id: u32,
}

impl Putting {
    fn set(
        &mut self,
        tree: &mut Node,
        path: &[Key<'_>],
        value: Node,
        kinds: &Kinds,
    ) -> Result<(), Diagnostic> {
        let [(first, span), rest @ ..] = path else { return Ok(()) };
        if *first == "job" {
            let job = self.entry(tree, (first, *span))?;
            return self.put(job, rest, value);
        }
        for (section, words, registered) in sections(kinds) {
            let Value::Mapping(all) = &mut tree.value else { break };
            let Some(nodes) = all.iter_mut().find(|entry| entry.key == section) else { continue };
            let Value::Mapping(nodes) = &mut nodes.value.value else { continue };
            let Some(node) = nodes.iter_mut().find(|entry| entry.key == *first) else { continue };
            if let Some((kind, _)) = rest.first() {
                let is_kind = |key: &str| words.contains(&key) || registered.contains_key(key);
                if let (true, Value::Mapping(keys)) = (is_kind(kind), &mut node.value.value) {
                    keys.retain(|entry| entry.key == *kind || !is_kind(&entry.key));
                }
            }
            return self.put(&mut node.value, rest, value);
        }
        let names = names(tree);
        let known = names.iter().map(String::as_str);
        let near = suggest::nearest(first, known.chain(["job"]));
        let otherwise = match names.as_slice() {
            [] => "the file has no nodes".to_owned(),
            names => format!("nodes are {}; `job` is the job", suggest::list(names, "and")),
        };
        let wrong =
            Diagnostic::new(Code::BadOverride, *span, format!("there is no node `{first}`"));
        Err(wrong.label("not in this file").meant(near, otherwise))
    }

    /// Puts a value where a path leads; mappings on the way are made.
    fn put(&mut self, node: &mut Node, path: &[Key<'_>], value: Node) -> Result<(), Diagnostic> {
        let [key, rest @ ..] = path else {
            *node = value;
            return Ok(());
        };
        let (name, span) = key;
        if let Value::Sequence(items) = &mut node.value {
            let count = items.len();
            let item = name.parse::<usize>().ok().and_then(|at| items.get_mut(at));
            return match item {
                Some(item) => self.put(item, rest, value),
                None => {
                    let message = format!("the list has no item `{name}`");
                    let help = match count {
                        0 => "it is empty".to_owned(),
                        _ => format!("its items are 0 to {}", count - 1),
                    };
                    let wrong = Diagnostic::new(Code::BadOverride, *span, message);
                    Err(wrong.label("expected a number").help(help))
                }
            };
        }
        let child = self.entry(node, *key)?;
        self.put(child, rest, value)
    }

    /// The value of a key of a mapping; made if it is not there yet.
    fn entry<'a>(
        &mut self,
        node: &'a mut Node,
        (key, span): Key<'_>,
    ) -> Result<&'a mut Node, Diagnostic> {
        if key.is_empty() {
            let wrong = Diagnostic::new(Code::BadOverride, span, "a key of the path is empty");
            return Err(wrong.label("two dots, or one at an end").help("write `NODE.PATH=VALUE`"));
        }
        // A word such as `csv` is short for a mapping with that key: whoever goes on behind it, or behind another word,
        // means the mapping.
        if !matches!(node.value, Value::Mapping(_)) {
            node.value = Value::Mapping(Vec::new());
        }
        let Value::Mapping(entries) = &mut node.value else { unreachable!("it was made one") };
        let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            self.last_id += 1;
            let value = Node { id: NodeId(self.last_id), span, value: Value::Null };
            entries.push(Entry { key: key.to_owned(), key_span: span, value });
            entries.len() - 1
        });
        let entry = &mut entries[at];
        if !matches!(entry.value.value, Value::Mapping(_) | Value::Sequence(_)) {
            // Nothing will be left of what stands in the file.
            entry.key_span = span;
        }
        Ok(&mut entry.value)
    }
}

fn names(tree: &Node) -> Vec<String> {
    let sections = ["sources", "operators", "sinks"];
    let nodes = sections.iter().filter_map(|section| tree.entry(section));
    nodes.flat_map(|nodes| nodes.value.entries()).map(|node| node.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Paint;
    use crate::document::{Kind, OperatorKind, SourceKind};
    use crate::kinds::Kinds;
    use crate::{Loaded, Source, Variables, load};

    const FILE: &str = "job: { name: a }
sources: { clicks: { generator: { clicks: { events: 10 } } } }
operators: { views: { inputs: [clicks], filter: behavior = 'pv' } }
sinks: { out: { inputs: views, print: {} } }";

    fn with(overrides: &[&str]) -> Loaded {
        let source = Source::new("a.yaml", FILE).with_overrides(overrides);
        load(source, &Variables::from_iter([("N", "7")]), &Kinds::default())
    }

    fn told(overrides: &[&str]) -> String {
        with(overrides).render(Paint::Plain)
    }

    #[test]
    fn values_are_put_where_the_path_leads() {
        let loaded = with(&[
            "job.parallelism=${N}",
            "job.checkpoint.interval=5s",
            "views.filter=item_id > 3",
            "views.inputs.0=clicks",
            "clicks.file={ path: a.csv, format: csv }",
            "clicks.schema={ item_id: int64 }",
        ]);
        assert_eq!(loaded.render(Paint::Plain), "");
        let document = loaded.document.expect("a document");
        let job = document.job.expect("a job");
        assert_eq!(job.parallelism.map(|number| number.value), Some(7));
        assert_eq!(job.checkpoint.interval.map(|time| time.value.millis()), Some(5_000));
        let Some(Kind::Source(SourceKind::File(file))) = &document.nodes[0].kind else {
            panic!("still the generator")
        };
        assert_eq!(file.path[0].value, "a.csv");
        let Some(Kind::Operator(OperatorKind::Filter(filter))) = &document.nodes[1].kind else {
            panic!("another kind")
        };
        assert_eq!(&*filter.value, "item_id > 3");
    }

    #[test]
    fn what_is_wrong_with_an_override_is_shown_there() {
        let told_of = told(&["job.parallelism=2", "views.filter=behaviour = 'pv'"]);
        let expected = "  --> --set:1:14
   |
 1 | views.filter=behaviour = 'pv'
   |              ^^^^^^^^^";
        let plain = |text: &str| text.replace("\n  |", "\n   |").replace("\n1 |", "\n 1 |");
        assert!(plain(&told_of).contains(expected.trim_start()), "{told_of}");
        for (wrong, expected) in [
            ("views.filter", "there is no `=`"),
            ("view.filter=TRUE", "did you mean `views`?"),
            ("nothing.at.all=1", "nodes are `clicks`, `views` and `out`"),
            ("views..filter=TRUE", "a key of the path is empty"),
            ("views.inputs.3=clicks", "its items are 0 to 0"),
            ("views.filter.more=1", "expected text, found a mapping"),
            ("views.filter=[", "this is not YAML"),
            ("views.filtre=x", "did you mean `filter`?"),
            ("job.parallelism=${M}", "`M` is not set"),
            ("=1", "there is no node"),
        ] {
            let told = told(&[wrong]);
            assert!(told.contains(expected) && told.contains("--set:1:"), "{wrong}: {told}");
        }
    }
}
