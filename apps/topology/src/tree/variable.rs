//! Variables: `${NAME}`, `${NAME:-default}` and `${NAME:?message}` in plain and double-quoted values.
//!
//! Apart from the parser's own way to do this (its properties) for three reasons: there a variable that
//! is not set ends the reading and hides every other mistake; quoted values stay as they are, but within
//! `{ }` a value with braces has to be quoted; and who looks for a place in a text has to know that it
//! is not the file's. The forms and their meaning are those of the shell. `$${` is `${` itself.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::source::Span;
use std::collections::BTreeMap;
use std::ops::Range;

/// Names and values that a file may refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// A reference that nothing can be put in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which bytes of the text.
    pub(super) within: Range<usize>,
    code: Code,
    message: String,
    label: String,
    help: String,
}

impl Wrong {
    pub(super) fn diagnostic(self, span: Span) -> Diagnostic {
        Diagnostic::new(self.code, span, self.message).label(self.label).help(self.help)
    }

    fn malformed(within: Range<usize>, label: impl Into<String>) -> Self {
        Self {
            within,
            code: Code::MalformedVariable,
            message: "this is no reference to a variable".into(),
            label: label.into(),
            help: "write `${NAME}` or `${NAME:-default}`; for the text `${` itself write `$${`"
                .into(),
        }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Variables {
    /// Those of the process. Names and values that are no UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os();
        pairs
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The text with values in place of references.
    pub(super) fn put_into(&self, text: &str) -> Result<String, Wrong> {
        let mut out = String::with_capacity(text.len());
        self.expand(text, 0, 0, &mut out)?;
        Ok(out)
    }

    fn expand(&self, text: &str, base: usize, depth: usize, out: &mut String) -> Result<(), Wrong> {
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let dollar = at + found;
            out.push_str(&text[at..dollar]);
            let rest = &text[dollar..];
            if rest.starts_with("$${") {
                out.push_str("${");
                at = dollar + 3;
            } else if rest.starts_with("${") {
                let Some(length) = closing(rest) else {
                    let within = base + dollar..base + text.len();
                    return Err(Wrong::malformed(within, "the `}` is missing"));
                };
                let within = base + dollar..base + dollar + length;
                self.reference(&rest[2..length - 1], within, depth, out)?;
                at = dollar + length;
            } else {
                out.push('$');
                at = dollar + 1;
            }
            if out.len() > limits::VARIABLE_BYTES {
                let within = base..base + text.len();
                return Err(Wrong::malformed(within, "its value is more than 1 MiB"));
            }
        }
        out.push_str(&text[at..]);
        Ok(())
    }

    fn reference(
        &self,
        inner: &str,
        within: Range<usize>,
        depth: usize,
        out: &mut String,
    ) -> Result<(), Wrong> {
        let end =
            inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
        let (name, operator) = inner.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Wrong::malformed(within, "a name has letters, digits and `_`"));
        }
        if depth > limits::VARIABLE_DEPTH {
            return Err(Wrong::malformed(within, "defaults lie too deep within each other"));
        }
        let value = self.0.get(name).map(String::as_str);
        let base = within.start + 2 + end + 2;
        if operator.is_empty() {
            out.push_str(value.ok_or_else(|| not_set(name, within, None))?);
        } else if let Some(default) = operator.strip_prefix(":-") {
            match value.filter(|value| !value.is_empty()) {
                Some(value) => out.push_str(value),
                None => self.expand(default, base, depth + 1, out)?,
            }
        } else if let Some(message) = operator.strip_prefix(":?") {
            let value = value.filter(|value| !value.is_empty());
            out.push_str(value.ok_or_else(|| not_set(name, within, Some(message)))?);
        } else {
            return Err(Wrong::malformed(within, format!("`{operator}` means nothing here")));
        }
        Ok(())
    }
}

fn not_set(name: &str, within: Range<usize>, message: Option<&str>) -> Wrong {
    Wrong {
        within,
        code: Code::UnsetVariable,
        message: format!("the variable `{name}` is not set"),
        label: message
            .filter(|text| !text.is_empty())
            .unwrap_or("there is no value to put here")
            .into(),
        help: format!(
            "set it (`{name}=... tidegate run ...`), or give a default: `${{{name}:-default}}`"
        ),
    }
}

/// The length of a reference that starts `text`, with its braces.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        match bytes[at] {
            b'{' if at > 0 && bytes[at - 1] == b'$' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        [("A", "one"), ("B", ""), ("C", "${A}")].into_iter().collect()
    }

    #[test]
    fn references_are_replaced_once() {
        let check =
            |text, expected: &str| assert_eq!(variables().put_into(text).as_deref(), Ok(expected));
        check("x${A}y", "xoney");
        check("${B}", "");
        check("${B:-none}", "none");
        check("${X:-${A}s}", "ones");
        check("${X:-}", "");
        check("${C}", "${A}");
        check("$${A} $A $", "${A} $A $");
        check("a}b", "a}b");
    }

    #[test]
    fn what_cannot_be_replaced_is_pointed_at() {
        let check = |text: &str, wrong: &str, label: &str| {
            let error = variables().put_into(text).unwrap_err();
            assert_eq!(
                (&text[error.within.clone()], error.label.as_str()),
                (wrong, label),
                "{text}"
            );
        };
        check("a ${X} b", "${X}", "there is no value to put here");
        check("${X:-${Y}}", "${Y}", "there is no value to put here");
        check("${X:?say where}", "${X:?say where}", "say where");
        check("a ${X", "${X", "the `}` is missing");
        check("${}", "${}", "a name has letters, digits and `_`");
        check("${1}", "${1}", "a name has letters, digits and `_`");
        check("${A!}", "${A!}", "`!` means nothing here");
        let deep = "${X:-".repeat(20) + &"}".repeat(20);
        assert!(variables().put_into(&deep).is_err());
    }
}
