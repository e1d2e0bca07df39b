//! Which strategy decides about a failure: that of the node, or the job's.

use crate::rig::{Rows, Run, explain, run_once};

/// Two steps in one chain, with what each of them says of restarts.
fn chained(first: &str, second: &str) -> String {
    format!(
        "sources:
  numbers: {{ inline: {{ rows: [{{ n: 1 }}, {{ n: 2 }}, {{ n: 3 }}] }}, schema: {{ n: int64 }} }}
operators:
  first: {{ inputs: numbers, {first} filter: n > 1 }}
  second: {{ inputs: first, {second} project: {{ twice: n * 2 }} }}
sinks: {{ out: {{ inputs: second, collect: {{}} }} }}
"
    )
}

/// Runs it with a fault in a node.
fn with_fault(sections: &str, node: &str, restart: &str) -> Result<Rows, String> {
    let fault = Some((node, 1));
    run_once(sections, Run { parallelism: 1, fault, restart: Some(restart), ..Run::default() })
}

const NEVER: &str = "restart: none,";
const ONCE: &str = "restart: { fixed-delay: { attempts: 1, delay: 1ms } },";

#[test]
fn a_node_that_is_not_to_be_restarted_fails_the_job_though_the_job_would_go_on() {
    let sections = chained(NEVER, "");
    let why = with_fault(&sections, "first", "fixed-delay:3:1").expect_err("it gives up");
    assert!(why.starts_with("operator first, subtask 0, attempt 1,"), "{why}");
    // Its neighbour in the same subtask says nothing: the job's strategy decides.
    let rows = with_fault(&sections, "second", "fixed-delay:3:1").expect("it goes on");
    assert_eq!(rows["out"], ["4", "6"]);
}

#[test]
fn a_node_that_is_to_be_restarted_is_though_the_job_would_give_up() {
    let sections = chained("", ONCE);
    let rows = with_fault(&sections, "second", "none").expect("it goes on");
    assert_eq!(rows["out"], ["4", "6"]);
    let why = with_fault(&sections, "first", "none").expect_err("it gives up");
    assert!(why.starts_with("operator first, subtask 0, attempt 1,"), "{why}");
}

#[test]
fn a_step_that_always_fails_uses_up_the_restarts_of_its_own_node() {
    let sections = chained("", ONCE).replace("n * 2", "n / (n - 2)");
    let run = Run { parallelism: 1, restart: Some("fixed-delay:9:1"), ..Run::default() };
    let why = run_once(&sections, run).expect_err("dividing by zero does not get better");
    assert!(why.starts_with("operator second, subtask 0, attempt 2,"), "{why}");
}

#[test]
fn sources_and_sinks_have_theirs_too() {
    let sections = |source: &str, sink: &str| {
        format!(
            "sources:
  numbers: {{ {source} inline: {{ rows: [{{ n: 1 }}, {{ n: 2 }}] }}, schema: {{ n: int64 }} }}
sinks: {{ out: {{ inputs: numbers, {sink} collect: {{}} }} }}
"
        )
    };
    for (source, sink, node) in [(NEVER, "", "numbers"), ("", NEVER, "out")] {
        let sections = sections(source, sink);
        let why = with_fault(&sections, node, "fixed-delay:3:1").expect_err("it gives up");
        assert!(why.contains(&format!("operator {node}, subtask 0, attempt 1,")), "{why}");
    }
    for (source, sink, node) in [(ONCE, "", "numbers"), ("", ONCE, "out")] {
        let rows = with_fault(&sections(source, sink), node, "none").expect("it goes on");
        assert_eq!(rows["out"], ["1", "2"]);
    }
}

#[test]
fn the_engine_says_which_operators_have_their_own_strategy() {
    let text = explain(&chained(NEVER, ONCE));
    assert!(text.contains("first (filter) [restart none]\n"), "{text}");
    assert!(text.contains("second (project) [restart fixed-delay:1:1]\n"), "{text}");
    assert_eq!(text.matches("restart").count(), 2, "{text}");
}
