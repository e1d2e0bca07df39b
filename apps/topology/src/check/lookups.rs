//! Lookup joins: the lookup is one that the program has registered, with options that it takes.

use super::Checking;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::LookupJoin;
use crate::suggest;

pub(super) fn check(join: &LookupJoin, checking: &mut Checking<'_>) {
    super::job::above_zero(&join.timeout, checking);
    let [(name, options)] = join.lookup.value.0.as_slice() else {
        let wrong = Diagnostic::new(
            Code::OneOf,
            join.lookup.span,
            "`lookup` is the name of one lookup, with its options below",
        );
        checking.push(wrong.label("exactly one").help("write `lookup: { my_service: {} }`"));
        return;
    };
    let Some(registered) = checking.kinds.lookups.get(&name.value) else {
        let names: Vec<&str> = checking.kinds.lookups.keys().map(String::as_str).collect();
        let otherwise = match names.as_slice() {
            [] => "this program has registered none; a Rust program registers them with `Kinds::lookup`".to_owned(),
            names => format!("there are {}", suggest::list(names, "and")),
        };
        let wrong = Diagnostic::new(
            Code::UnknownKind,
            name.span,
            format!("there is no lookup `{}`", name.value),
        );
        let near = suggest::nearest(&name.value, names.iter().copied());
        checking.push(wrong.label("not registered").meant(near, otherwise));
        return;
    };
    if let Some(node) = checking.tree.find(options.id) {
        drop(registered.decode(node, name.span, checking.diagnostics));
    }
}
