//! The page: per section the sentences that are kept by hand, the tables, the charts, and where and when.

use crate::figures;
use crate::results::{Results, SectionResult};
use crate::row::{Row, of_bench};
use crate::section::Section;
use crate::table::digits;
use crate::tables;
use std::fs;
use std::path::Path;

/// How the page begins.
const HEAD: &str = "\
# Performance

Tables and charts on this page are rendered from `framework/docs/performance/results.json`, which holds
what the bench programs printed; the sentences are kept beside it, a text per section. To measure anew and render:

```sh
cargo build --release -p tidegate-tests --bins
cargo run --release -p tidegate-tests --bin performance
```

`--only latency,recovery` measures some sections, `--quick` shows that everything works, `--render-only`
renders from what is kept. The *floor* of a piece of work is the same work by hand: plain threads, bare
hash tables, no checkpoints, no recovery, nothing brought together at the end. Figures are medians.
";

/// Writes the page and its charts into the folder of documents.
///
/// # Errors
/// When a result lacks what is to be shown, or something cannot be written.
pub(crate) fn render(results: &Results, docs: &Path) -> Result<(), String> {
    let folder = docs.join("performance");
    let mut text = HEAD.to_owned();
    for section in Section::ALL {
        let Some(result) = results.get(section) else { continue };
        let name = section.name();
        let by_hand = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_default();
        text.push_str(&self::section(section, result, by_hand.trim())?);
        for (file, svg) in figures::of(section, result)? {
            write(&folder.join(file), &svg)?;
        }
    }
    write(&docs.join("performance.md"), &text)
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// One section of the page.
fn section(section: Section, result: &SectionResult, by_hand: &str) -> Result<String, String> {
    let name = section.name();
    let lines = &result.lines;
    let (title, tables) = match section {
        Section::Nexmark => ("Nexmark", tables::nexmark(&rows(&name, result))?),
        Section::Count => ("Keyed count", tables::count(&of_bench(&name, lines, "keyed-count"))?),
        Section::Latency => ("Latency", tables::latency(&of_bench(&name, lines, "latency"))?),
        Section::Recovery => ("Recovery", tables::recovery(&of_bench(&name, lines, "recovery"))?),
        Section::Checkpoints => ("Checkpoints", tables::checkpoints(&name, result)?),
        Section::Growth => ("How cost grows", tables::growth(&of_bench(&name, lines, "growth"))?),
        Section::Topologies => {
            ("Topologies", tables::topologies(&of_bench(&name, lines, "topology"))?)
        }
    };
    let charts: Vec<String> = figures::captions(section)
        .iter()
        .map(|(file, caption)| format!("![{caption}](performance/{file})\n\n{caption}\n"))
        .collect();
    let parts = [by_hand.to_owned(), tables, charts.join("\n"), circumstances(&name, result)?];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|p| !p.is_empty()).collect();
    Ok(format!("\n## {title}\n\n{}\n", parts.join("\n\n")))
}

fn rows<'a>(name: &'a str, result: &'a SectionResult) -> Vec<Row<'a>> {
    result.lines.iter().map(|line| Row::new(name, line)).collect()
}

/// Where and when a section was measured, in a sentence or two.
fn circumstances(name: &str, result: &SectionResult) -> Result<String, String> {
    let about = Row::new(name, &result.about);
    let known = |field: &str| about.text(field).unwrap_or("unknown");
    let gigabytes = about.maybe("memory_bytes").map_or(0.0, |bytes| bytes / 1e9);
    let mut text = format!(
        "*Measured {} at revision {} on {} cores ({}), {gigabytes:.0} GB, Linux {}, {}; load average before: {:.2}",
        about.text("date")?,
        known("revision"),
        about.number("cores")?,
        known("cpu"),
        known("kernel"),
        known("rustc"),
        about.number("load_average")?,
    );
    let jitter = about.inner("jitter")?;
    let (tail, longest) = (digits(jitter.number("p99.99_ms")?), digits(jitter.number("max_ms")?));
    text.push_str(&format!(
        "; a thread that only read the clock was kept from it for {longest} ms at most (p99.99 {tail} ms).*"
    ));
    if result.about["quick"] == true {
        text.push_str(" **A quick run: it shows that everything works, its figures mean little.**");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn result(lines: Vec<Value>) -> SectionResult {
        let about = json!({
            "date": "2026-01-02 03:04 UTC", "quick": false, "cpu": "Some CPU", "cores": 2,
            "memory_bytes": 23e9, "kernel": "6.1", "rustc": "rustc 1.95.0", "revision": "abc1234",
            "load_average": 0.05, "jitter": { "p99.99_ms": 0.0203, "max_ms": 1.5 },
        });
        SectionResult { about, lines }
    }

    fn nexmark_line() -> Value {
        json!({
            "query": "q5", "events_per_second": 12_345_678.0, "floor_events_per_second": 20e6,
            "ratio": 0.617, "cpu_ns_per_event": 150.0, "floor_cpu_ns_per_event": 90.0,
            "checkpoint_bytes": 1_500_000, "peak_rss_bytes": 200e6, "audit": "clean",
        })
    }

    #[test]
    fn a_section_has_its_sentences_its_table_its_chart_and_its_circumstances() {
        let page = section(Section::Nexmark, &result(vec![nexmark_line()]), "By hand.").unwrap();
        let expected = "
## Nexmark

By hand.

| query | engine, M events/s | floor | engine / floor | Flink 2.3 (elsewhere) | engine, CPU ns/event | floor, CPU ns/event | last checkpoint, MB | peak memory, MB | audit |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| q5 | 12.3 | 20.0 | 0.617 | 1.40 | 150 | 90.0 | 1.50 | 200 | clean |

![Events per second of each query, on as many subtasks or threads: longer bars are faster.](performance/nexmark.svg)

Events per second of each query, on as many subtasks or threads: longer bars are faster.

*Measured 2026-01-02 03:04 UTC at revision abc1234 on 2 cores (Some CPU), 23 GB, Linux 6.1, rustc 1.95.0; load average before: 0.05; a thread that only read the clock was kept from it for 1.50 ms at most (p99.99 0.020 ms).*
";
        assert_eq!(page, expected);
    }

    #[test]
    fn columns_of_peers_appear_when_a_line_holds_them() {
        let mut line = nexmark_line();
        line["timely_events_per_second"] = json!(15e6);
        let page = section(Section::Nexmark, &result(vec![line]), "").unwrap();
        let row = page.lines().find(|line| line.starts_with("| q5")).unwrap();
        assert!(page.contains("| timely |") && !page.contains("renoir"), "{page}");
        assert!(row.starts_with("| q5 | 12.3 | 20.0 | 0.617 | 15.0 | 1.40 |"), "{row}");
    }

    #[test]
    fn a_line_that_lacks_a_figure_is_refused() {
        let broken = result(vec![json!({ "query": "q5" })]);
        let error = section(Section::Nexmark, &broken, "").unwrap_err();
        let expected = "section nexmark: no number `events_per_second` in {\"query\":\"q5\"}; \
                        measure it again";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_quick_run_says_so() {
        let mut quick = result(Vec::new());
        quick.about["quick"] = json!(true);
        assert!(circumstances("count", &quick).unwrap().contains("A quick run"));
    }
}
