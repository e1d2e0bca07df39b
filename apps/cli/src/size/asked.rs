//! What flags say of nodes, and what they should have said: numbers that only the user knows are asked for all at once.

use super::model::Given;
use std::collections::{BTreeMap, BTreeSet};

/// A number for one node, or for all that have none of their own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OfNode {
    pub(super) node: Option<String>,
    pub(super) value: f64,
}

/// Reads `[NODE=]VALUE`.
///
/// # Errors
/// What was expected of the value.
pub(super) fn of_node(
    text: &str,
    read: impl FnOnce(&str) -> Result<f64, String>,
) -> Result<OfNode, String> {
    let (node, value) = match text.split_once('=') {
        Some((node, value)) => (Some(node.trim().to_owned()), value),
        None => (None, text),
    };
    Ok(OfNode { node, value: read(value)? })
}

/// Flags that are about nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags {
    pub(super) keys: Vec<OfNode>,
    pub(super) state_per_key: Vec<OfNode>,
    pub(super) retention: Vec<OfNode>,
    pub(super) share: Vec<OfNode>,
}

/// Answers from the flags, and notes of those that are missing.
pub(super) struct Asked<'a> {
    flags: &'a Flags,
    /// By what is missing: of which nodes.
    missing: BTreeMap<&'static str, BTreeSet<String>>,
    /// Names of nodes that were asked for.
    known: BTreeSet<String>,
}

const KEYS: &str = "--keys [NODE=]N: how many distinct keys there are";
const RETENTION: &str =
    "--retention [NODE=]TIME: how long a record is kept until its partner comes or it is forgotten";

fn find(all: &[OfNode], node: &str) -> Option<f64> {
    let own = all.iter().rev().find(|one| one.node.as_deref() == Some(node));
    own.or_else(|| all.iter().rev().find(|one| one.node.is_none())).map(|one| one.value)
}

impl<'a> Asked<'a> {
    pub(super) fn new(flags: &'a Flags) -> Self {
        Self { flags, missing: BTreeMap::new(), known: BTreeSet::new() }
    }

    /// How many keys a node has; `all_together` when it has none, so that there is one group.
    pub(super) fn keys(&mut self, node: &str, all_together: bool) -> Given {
        if all_together {
            return Given::new(1.0, "all records together");
        }
        match find(&self.flags.keys, node) {
            Some(keys) => Given::new(keys, "--keys"),
            None => self.lacks(KEYS, node),
        }
    }

    /// Bytes of an entry, if the flags say no others.
    pub(super) fn entry(&self, node: &str, bytes: f64, how: String) -> Given {
        match find(&self.flags.state_per_key, node) {
            Some(bytes) => Given::new(bytes, "--state-per-key"),
            None => Given::new(bytes, how),
        }
    }

    /// How long a node keeps records that nothing else bounds.
    pub(super) fn retention(&mut self, node: &str) -> Given {
        match find(&self.flags.retention, node) {
            Some(seconds) => Given::new(seconds, "--retention"),
            None => self.lacks(RETENTION, node),
        }
    }

    /// The share of what comes that a node takes.
    pub(super) fn share(&mut self, node: &str) -> f64 {
        self.known.insert(node.to_owned());
        let own = self.flags.share.iter().rev().find(|one| one.node.as_deref() == Some(node));
        own.map_or(1.0, |share| share.value)
    }

    fn lacks(&mut self, what: &'static str, node: &str) -> Given {
        self.missing.entry(what).or_default().insert(node.to_owned());
        Given::new(1.0, "missing")
    }

    /// What is missing or wrong, for people; `None` when all is there.
    pub(super) fn complaint(&self) -> Option<String> {
        let all = [
            ("--keys", &self.flags.keys),
            ("--state-per-key", &self.flags.state_per_key),
            ("--retention", &self.flags.retention),
            ("--share", &self.flags.share),
        ];
        for (flag, given) in all {
            for name in given.iter().filter_map(|one| one.node.as_ref()) {
                if !self.known.contains(name) {
                    let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
                    return Some(format!(
                        "{flag}: there is no node `{name}`; there are {}",
                        known.join(", ")
                    ));
                }
            }
        }
        if self.missing.is_empty() {
            return None;
        }
        let mut out = String::from("some numbers are not in the topology; say them:");
        for (what, nodes) in &self.missing {
            let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
            out.push_str(&format!("\n  {what} (of {})", nodes.join(", ")));
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number;

    #[test]
    fn a_number_is_of_one_node_or_of_all_others() {
        let one = |text| of_node(text, number::count).expect("a number");
        let flags = Flags { keys: vec![one("5"), one("top=1k")], ..Flags::default() };
        let mut asked = Asked::new(&flags);
        assert_eq!(asked.share("top"), 1.0);
        let keys = ["top", "other"].map(|node| asked.keys(node, false).value);
        assert_eq!(keys, [1_000.0, 5.0]);
        assert_eq!(asked.complaint(), None);
        assert!(of_node("top=", number::count).is_err());
    }

    #[test]
    fn all_that_is_missing_is_asked_for_at_once() {
        let flags = Flags::default();
        let mut asked = Asked::new(&flags);
        asked.keys("a", false);
        asked.keys("b", false);
        asked.retention("c");
        let told = asked.complaint().expect("much is missing");
        assert!(told.contains("--keys") && told.contains("(of a, b)"), "{told}");
        assert!(told.contains("--retention") && told.contains("(of c)"), "{told}");
    }

    #[test]
    fn a_node_that_is_not_there_is_told() {
        let keys = vec![OfNode { node: Some("tpo".to_owned()), value: 1.0 }];
        let flags = Flags { keys, ..Flags::default() };
        let mut asked = Asked::new(&flags);
        asked.share("top");
        let expected = "--keys: there is no node `tpo`; there are top";
        assert_eq!(asked.complaint().as_deref(), Some(expected));
    }
}
