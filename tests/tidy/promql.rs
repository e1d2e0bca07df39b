//! What a query of Prometheus names: a scanner of its words, no parser of its grammar.
//!
//! Apart because it knows nothing of Tidegate but what it is asked to look up. Whether a query is well-formed is
//! for `promtool` to say; here it counts which metrics, labels and functions it uses, and how.

use tidegate_runtime::telemetry::names::{self, Kind};

/// Labels that a metric has more than the list says; `framework/docs/metrics.md` tells of them.
const MORE_LABELS: &[(&str, &[&str])] = &[
    ("tidegate_subtask_watermark_held_back_by", &["edge", "from"]),
    ("tidegate_operator_gauge", &["gauge"]),
];

/// What Prometheus itself says of a target.
const UP: (&str, &[&str]) = ("up", &["job", "instance"]);

const AGGREGATIONS: &[&str] = &["sum", "min", "max", "avg", "count"];
/// Functions of a range of a counter, and of a gauge.
const OF_COUNTERS: &[&str] = &["rate", "increase"];
const OF_GAUGES: &[&str] = &["delta", "deriv"];
const OTHER_FUNCTIONS: &[&str] = &["clamp_min"];
/// Words before a list of labels in parentheses.
const BEFORE_LABELS: &[&str] = &["by", "on", "ignoring", "without", "group_left", "group_right"];
const OPERATORS: &[&str] = &["and", "or", "unless", "offset", "bool"];

/// What a query names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// Its metrics.
    pub(crate) metrics: Vec<String>,
    /// The functions that it applies.
    pub(crate) functions: Vec<String>,
    /// The labels that its result has.
    pub(crate) labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text,
    Number,
    Range,
    Mark(char),
}

/// The labels of a metric, if it is one of the closed list.
pub(crate) fn labels_of(metric: &str) -> Option<Vec<&'static str>> {
    if metric == UP.0 {
        return Some(UP.1.to_vec());
    }
    let known = names::ALL.iter().find(|known| known.name == metric)?;
    let more = MORE_LABELS.iter().find(|(name, _)| *name == metric);
    Some(known.labels.iter().chain(more.map_or(&[][..], |(_, labels)| labels)).copied().collect())
}

/// What `query` names, if there is all of it and counters are read as counters, gauges as gauges.
///
/// # Errors
/// What there is not.
pub(crate) fn scan(query: &str) -> Result<Query, String> {
    Scan::new(query, true)?.query()
}

/// As [`scan`], of a series as it stands in a test: no function makes a rate of a counter there.
pub(crate) fn scan_series(series: &str) -> Result<Query, String> {
    Scan::new(series, false)?.query()
}

struct Scan {
    tokens: Vec<Token>,
    at: usize,
    /// Functions and parentheses that are open: the name before each parenthesis.
    open: Vec<Option<String>>,
    judges_kinds: bool,
    /// The labels of each list after `by`.
    grouped: Vec<Vec<String>>,
    found: Query,
}

impl Scan {
    fn new(query: &str, judges_kinds: bool) -> Result<Self, String> {
        let (open, grouped, found) = (Vec::new(), Vec::new(), Query::default());
        Ok(Self { tokens: tokens(query)?, at: 0, open, judges_kinds, grouped, found })
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn is_next(&self, mark: char) -> bool {
        self.tokens.get(self.at) == Some(&Token::Mark(mark))
    }

    fn query(mut self) -> Result<Query, String> {
        let mut before = None;
        while let Some(token) = self.next() {
            let name = before.take();
            match token {
                Token::Mark('(') => self.open.push(name),
                Token::Mark(')') => {
                    self.open.pop().ok_or("a parenthesis is closed that was not opened")?;
                }
                Token::Mark('{') => return Err("a selector without a metric".into()),
                Token::Word(word) if BEFORE_LABELS.contains(&word.as_str()) => {
                    let labels = self.list(word == "by")?;
                    if word == "by" {
                        self.grouped.push(labels);
                    }
                    before = name;
                }
                Token::Word(word) if OPERATORS.contains(&word.as_str()) => {}
                Token::Word(word) if AGGREGATIONS.contains(&word.as_str()) => before = Some(word),
                Token::Word(word) if self.is_next('(') => {
                    let known = [OF_COUNTERS, OF_GAUGES, OTHER_FUNCTIONS].concat();
                    if !known.contains(&word.as_str()) {
                        return Err(format!("`{word}` is no function that is known here"));
                    }
                    self.found.functions.push(word.clone());
                    before = Some(word);
                }
                Token::Word(word) => self.metric(word)?,
                _ => {}
            }
        }
        if !self.open.is_empty() {
            return Err("a parenthesis is not closed".into());
        }
        self.finish()
    }

    /// The result of a query has the labels that it groups by, else those of its metrics.
    fn finish(mut self) -> Result<Query, String> {
        if self.found.metrics.is_empty() {
            return Err("no metric is asked for".into());
        }
        let all: Vec<_> = self.found.metrics.iter().filter_map(|name| labels_of(name)).collect();
        for label in self.grouped.iter().flatten() {
            if !all.iter().all(|labels| labels.contains(&label.as_str())) {
                return Err(format!("not every metric here has a label `{label}`"));
            }
        }
        let own = || all[0].iter().map(|&label| label.to_owned()).collect();
        self.found.labels = self.grouped.first().cloned().unwrap_or_else(own);
        Ok(self.found)
    }

    fn list(&mut self, wanted: bool) -> Result<Vec<String>, String> {
        if !self.is_next('(') {
            return Err("labels stand in parentheses".into());
        }
        self.at += 1;
        let mut labels = Vec::new();
        loop {
            match self.next() {
                Some(Token::Word(label)) => labels.push(label),
                Some(Token::Mark(',')) => {}
                Some(Token::Mark(')')) if wanted && labels.is_empty() => {
                    return Err("no labels are grouped by".into());
                }
                Some(Token::Mark(')')) => return Ok(labels),
                other => return Err(format!("labels are expected, not {other:?}")),
            }
        }
    }

    /// A metric, its matchers and its range.
    fn metric(&mut self, name: String) -> Result<(), String> {
        let labels = labels_of(&name).ok_or_else(|| format!("there is no metric `{name}`"))?;
        if self.is_next('{') {
            self.at += 1;
            loop {
                match self.next() {
                    Some(Token::Word(label)) if labels.contains(&label.as_str()) => {}
                    Some(Token::Word(label)) => {
                        return Err(format!("`{name}` has no label `{label}`"));
                    }
                    Some(Token::Mark('}')) => break,
                    Some(Token::Mark('=' | '!' | '~' | ',') | Token::Text) => {}
                    other => return Err(format!("a matcher of `{name}` is not {other:?}")),
                }
            }
        }
        let has_range = self.tokens.get(self.at) == Some(&Token::Range);
        self.judge(&name, has_range)?;
        self.found.metrics.push(name);
        Ok(())
    }

    /// Counters are asked for their growth, gauges for their value or its change.
    fn judge(&self, name: &str, has_range: bool) -> Result<(), String> {
        let Some(metric) = names::ALL.iter().find(|metric| metric.name == name) else {
            return Ok(());
        };
        let function = self.open.last().cloned().flatten();
        let function = function.as_deref().unwrap_or("nothing");
        let allowed = match (metric.kind, has_range) {
            _ if !self.judges_kinds => true,
            (Kind::Counter, true) => OF_COUNTERS.contains(&function),
            (Kind::Counter, false) => false,
            (Kind::Gauge, true) => OF_GAUGES.contains(&function),
            (Kind::Gauge, false) => true,
        };
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let wrong = || format!("`{name}` is a {kind}, which `{function}` is not made for");
        allowed.then_some(()).ok_or_else(wrong)
    }
}

fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or("a text is not closed")?;
                tokens.push(Token::Text);
                end + 2
            }
            '[' => {
                let end = rest.find(']').ok_or("a range is not closed")?;
                tokens.push(Token::Range);
                end + 1
            }
            _ if first.is_ascii_digit() => {
                tokens.push(Token::Number);
                rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len())
            }
            _ if is_word(first) => {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            _ if first.is_ascii() => {
                tokens.push(Token::Mark(first));
                1
            }
            _ => return Err(format!("`{first}` is no part of a query")),
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

#[test]
fn what_a_query_names_is_found() {
    let found = scan(
        "max by (job, vertex) (rate(tidegate_subtask_busy_ms_total{job=~\"$job\"}[$__rate_interval])) / 1000 > 0.5",
    );
    let found = found.expect("all of it is there");
    assert_eq!(found.metrics, ["tidegate_subtask_busy_ms_total"]);
    assert_eq!(found.functions, ["rate"]);
    assert_eq!(found.labels, ["job", "vertex"]);
    let found = scan("tidegate_subtask_watermark_held_back_by{edge!=\"by {x} sum(y\"} == 1");
    let labels = ["job", "vertex", "subtask", "edge", "from"];
    assert_eq!(found.expect("all of it is there").labels, labels);
    assert_eq!(scan("sum(up) by (instance)").expect("there").labels, ["instance"]);
    assert!(scan_series("tidegate_job_restarts_total{job=\"a\"}").is_ok());
}

#[test]
fn what_is_not_there_is_told() {
    let cases = [
        ("tidegate_job_restart_total", "no metric `tidegate_job_restart_total`"),
        ("max by (vertex) (tidegate_job_checkpoint_bytes)", "has a label `vertex`"),
        ("tidegate_job_checkpoint_bytes{vertex=\"a\"}", "has no label `vertex`"),
        ("rate(tidegate_operator_records_in[1m])", "is a gauge, which `rate`"),
        ("deriv(tidegate_job_restarts_total[1m])", "is a counter, which `deriv`"),
        ("tidegate_job_restarts_total > 0", "is a counter, which `nothing`"),
        ("rte(tidegate_job_restarts_total[1m])", "`rte` is no function"),
        ("{job=\"a\"}", "without a metric"),
        ("1 + 1", "no metric"),
        ("sum(up", "not closed"),
        ("up)", "not opened"),
        ("up{job=\"a}", "a text is not closed"),
        ("up{job", "a matcher of `up`"),
        ("sum by up", "in parentheses"),
        ("", "no metric"),
    ];
    for (query, told) in cases {
        let said = scan(query).expect_err(query);
        assert!(said.contains(told), "{query}: {said}");
    }
}
