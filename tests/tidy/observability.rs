//! Whether alerts and dashboards ask for what there is: every query in `config/` against the closed list of metrics, and,
//! where `promtool` is installed, by the word of Prometheus itself.

use crate::promql::{Query, scan, scan_series};
use crate::tree::{assert_none, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use tidegate_tests::installed;
use tidegate_topology::Source;
use tidegate_topology::diagnostic::Diagnostics;
use tidegate_topology::tree::{self, Node, ScalarKind, Variables};

const ALERTS: &str = "config/alerts.yml";
const ALERT_TESTS: &str = "config/alerts.test.yml";
const SCRAPES: &str = "config/prometheus.yml";
const DASHBOARD: &str = "config/grafana/dashboards/tidegate.json";
const DATA_SOURCES: &str = "config/grafana/provisioning/datasources/prometheus.yml";
const DASHBOARDS: &str = "config/grafana/provisioning/dashboards/tidegate.yml";

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect("a file of config/")
}

/// A file of YAML, by the parser of topologies: it refuses keys that stand twice, and says where.
fn yaml(file: &str) -> Value {
    let here = |name| (name, "set");
    let variables: Variables =
        ["TIDEGATE_PROMETHEUS_URL", "TIDEGATE_DASHBOARDS"].map(here).into_iter().collect();
    let mut wrong = Diagnostics::new();
    let read = tree::read(&Source::new(file, text(file)), &variables, &mut wrong);
    assert!(!wrong.has_errors(), "{file}: {wrong:?}");
    value(&read.expect("what is not wrong has been read"))
}

fn value(node: &Node) -> Value {
    match &node.value {
        tree::Value::Null => Value::Null,
        tree::Value::Sequence(items) => items.iter().map(value).collect(),
        tree::Value::Mapping(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), value(&entry.value)));
            Value::Object(pairs.collect())
        }
        tree::Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Bool(truth) => Value::from(truth),
            _ => Value::from(scalar.text.as_str()),
        },
    }
}

fn dashboard() -> Value {
    serde_json::from_str(&text(DASHBOARD)).expect("JSON")
}

/// The items of an array.
fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("`{key}` is a list in {value}"))
}

fn said<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is a text in {value}"))
}

/// The alerts, each a rule.
fn alerts() -> Vec<Value> {
    let rules = yaml(ALERTS);
    items(&rules, "groups").iter().flat_map(|group| items(group, "rules").to_vec()).collect()
}

/// The panels with queries.
fn panels() -> Vec<Value> {
    let all = dashboard();
    items(&all, "panels").iter().filter(|panel| panel["type"] != "row").cloned().collect()
}

/// The words between `before` and `}}` that name a label.
fn labels_in<'a>(template: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = template.split(before).skip(1);
    parts.map(|rest| {
        let rest = rest.trim_start();
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or(rest)
    })
}

/// What is wrong with the labels that a text shows of the result of a query.
fn unknown_labels<'a>(
    query: &Query,
    template: &'a str,
    before: &'a str,
) -> impl Iterator<Item = String> {
    let labels = query.labels.clone();
    let unknown =
        labels_in(template, before).filter(move |label| !labels.contains(&(*label).to_owned()));
    unknown.map(move |label| format!("its result has no label `{label}`, shown in `{template}`"))
}

#[test]
fn alerts_ask_for_what_there_is_and_say_what_to_do() {
    let mut found = Vec::new();
    for rule in alerts() {
        let name = said(&rule, "alert");
        let query = match scan(said(&rule, "expr")) {
            Ok(query) => query,
            Err(wrong) => {
                found.push(format!("{name}: {wrong}"));
                continue;
            }
        };
        let severity = said(&rule["labels"], "severity");
        if !["warning", "critical"].contains(&severity) {
            found.push(format!("{name}: a severity of {severity}"));
        }
        for key in ["summary", "meaning", "action"] {
            let text = said(&rule["annotations"], key);
            let unknown = unknown_labels(&query, text, "$labels.");
            found.extend(unknown.map(|wrong| format!("{name}: {wrong}")));
        }
    }
    assert_none("an alert that cannot be", &found);
}

#[test]
fn every_alert_is_shown_firing_and_silent() {
    let tests = yaml(ALERT_TESTS);
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in items(&tests, "tests") {
        for series in items(test, "input_series") {
            let series = said(series, "series");
            if let Err(wrong) = scan_series(series) {
                panic!("{ALERT_TESTS}: {series}: {wrong}");
            }
        }
        for asked in items(test, "promql_expr_test") {
            let Some((_, name)) = said(asked, "expr").split_once("alertname=\"") else { continue };
            let name = name.split('"').next().unwrap_or(name).to_owned();
            let none = items(asked, "exp_samples").is_empty();
            if none {
                silent.insert(name)
            } else {
                firing.insert(name)
            };
        }
    }
    let there: BTreeSet<String> =
        alerts().iter().map(|rule| said(rule, "alert").to_owned()).collect();
    assert_eq!(firing, there);
    assert_eq!(silent, there);
}

#[test]
fn panels_ask_for_what_there_is_and_say_what_it_means() {
    let mut found = Vec::new();
    for panel in panels() {
        let title = said(&panel, "title");
        if said(&panel, "description").is_empty() || items(&panel, "targets").is_empty() {
            found.push(format!("{title}: it shows nothing, or does not say what"));
        }
        for target in items(&panel, "targets") {
            match scan(said(target, "expr")) {
                Ok(query) => {
                    let unknown = unknown_labels(&query, said(target, "legendFormat"), "{{");
                    found.extend(unknown.map(|wrong| format!("{title}: {wrong}")));
                }
                Err(wrong) => found.push(format!("{title}: {wrong}")),
            }
        }
    }
    assert_none("a panel that cannot be", &found);
}

/// The unit that a number of this query has, as Grafana calls it.
fn unit(expr: &str, query: &Query) -> &'static str {
    let all = |end: &str| query.metrics.iter().all(|name| name.ends_with(end));
    let per_second = query.functions.iter().any(|name| name == "rate" || name == "deriv");
    if all("_ms_total") && per_second {
        // Milliseconds in each second, over 1000: a share of the time.
        if expr.contains("/ 1000") { "percentunit" } else { "ms" }
    } else if per_second {
        "cps"
    } else if query.metrics.len() == 2 && expr.contains(" / ") {
        "percentunit"
    } else if all("_watermark_ms") {
        "dateTimeAsIso"
    } else if all("_seconds") {
        "s"
    } else if all("_bytes") {
        "bytes"
    } else {
        "short"
    }
}

#[test]
fn panels_have_the_unit_of_what_they_show() {
    let mut found = Vec::new();
    for panel in panels() {
        let shown = said(&panel["fieldConfig"]["defaults"], "unit");
        for target in items(&panel, "targets") {
            let expr = said(target, "expr");
            let Ok(query) = scan(expr) else { continue };
            let unit = unit(expr, &query);
            if unit != shown {
                let title = said(&panel, "title");
                found.push(format!("{title}: {expr} is in {unit}, shown in {shown}"));
            }
        }
    }
    assert_none("a panel with another unit", &found);
}

#[test]
fn the_dashboard_shows_every_metric_and_its_variables_and_marks_ask_for_what_there_is() {
    let all = dashboard();
    let mut shown = BTreeSet::new();
    for panel in panels() {
        for target in items(&panel, "targets") {
            shown.extend(scan(said(target, "expr")).expect("it was scanned").metrics);
        }
    }
    let listed = tidegate_runtime::telemetry::names::ALL.iter().map(|metric| metric.name);
    let hidden: Vec<String> =
        listed.filter(|name| !shown.contains(*name)).map(str::to_owned).collect();
    assert_none("a metric that is on no panel", &hidden);
    for mark in items(&all["annotations"], "list") {
        scan(said(mark, "expr")).expect("a mark asks for what there is");
    }
    for variable in items(&all["templating"], "list") {
        if variable["type"] == "datasource" {
            continue;
        }
        let query = said(variable, "definition");
        assert_eq!(query, said(&variable["query"], "query"), "one query, which stands twice");
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (series, label) = inner.and_then(|inner| inner.rsplit_once(", ")).expect("a series");
        let series = scan_series(series).expect("a variable asks for what there is");
        assert!(series.labels.contains(&label.to_owned()), "{query}");
    }
}

#[test]
fn panels_stand_beside_and_not_on_each_other_and_have_numbers_of_their_own() {
    let all = dashboard();
    let place = |panel: &Value| {
        let number = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        (number("x"), number("y"), number("w"), number("h"))
    };
    let panels = items(&all, "panels");
    let mut ids = BTreeSet::new();
    for (at, panel) in panels.iter().enumerate() {
        let (x, y, w, h) = place(panel);
        assert!(x + w <= 24, "{} is too wide", panel["title"]);
        assert!(ids.insert(panel["id"].as_u64()), "{} has a number twice", panel["title"]);
        for other in &panels[at + 1..] {
            let (ox, oy, ow, oh) = place(other);
            let apart = x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y;
            assert!(apart, "{} lies on {}", panel["title"], other["title"]);
        }
    }
}

#[test]
fn prometheus_and_grafana_are_pointed_at_what_there_is() {
    let scrapes = yaml(SCRAPES);
    for file in items(&scrapes, "rule_files") {
        assert!(root().join("config").join(file.as_str().expect("a name")).is_file(), "{file}");
    }
    let [scrape] = items(&scrapes, "scrape_configs") else { panic!("one job is scraped") };
    assert_eq!(scrape["honor_labels"], true, "`job` is a label of the metrics");
    assert_eq!(said(scrape, "job_name"), "tidegate", "`up` is asked for by it");
    let targets = items(&items(scrape, "static_configs")[0], "targets");
    let [target] = targets else { panic!("one process is scraped") };
    let mut job = Command::new(env!("CARGO_BIN_EXE_chaos-job"));
    let help = job.args(["hot-items", "--help"]).output().expect("it runs").stdout;
    let help = String::from_utf8(help).expect("text");
    let default = format!("[default: {} if it is free]", target.as_str().expect("an address"));
    assert!(help.contains(&default), "{default} in {help}");
    let sources = yaml(DATA_SOURCES);
    let source = &items(&sources, "datasources")[0];
    assert_eq!(source["jsonData"]["timeInterval"], scrapes["global"]["scrape_interval"]);
    let providers = yaml(DASHBOARDS);
    assert_eq!(said(&items(&providers, "providers")[0]["options"], "path"), "set");
}

fn promtool(words: &[&str]) {
    let run = Command::new("promtool").args(words).current_dir(root()).output();
    let run = run.expect("promtool runs");
    let told = [run.stdout, run.stderr].concat();
    assert!(run.status.success(), "promtool {words:?}: {}", String::from_utf8_lossy(&told));
}

#[test]
fn promtool_agrees() {
    if installed::prometheus() {
        promtool(&["check", "config", SCRAPES]);
        promtool(&["check", "rules", "--lint-fatal", ALERTS]);
        promtool(&["test", "rules", ALERT_TESTS]);
    }
}
