//! Which charts a section has, made from its lines.

use crate::chart::{self, Panel, Series};
use crate::elsewhere;
use crate::results::SectionResult;
use crate::row::{Row, of_bench};
use crate::section::Section;
use crate::table::grouped;

/// What a job has more of, in the section on growth.
pub(crate) struct Axis {
    /// As the bench says it.
    pub(crate) name: &'static str,
    /// What x is.
    pub(crate) label: &'static str,
    file: &'static str,
    caption: &'static str,
    base: f64,
}

/// All axes of growth.
pub(crate) const AXES: [Axis; 5] = [
    Axis {
        name: "keys",
        label: "distinct keys of a keyed count",
        file: "growth-keys.svg",
        caption: "A keyed count over more and more keys: what does not fit the caches costs memory accesses.",
        base: 10.0,
    },
    Axis {
        name: "overlap",
        label: "sliding windows that a record belongs to",
        file: "growth-overlap.svg",
        caption: "A count over windows of an hour that slide by less and less: a record touches one slice.",
        base: 10.0,
    },
    Axis {
        name: "parallelism",
        label: "subtasks of each operator",
        file: "growth-parallelism.svg",
        caption: "A keyed count of a million keys with more and more subtasks.",
        base: 2.0,
    },
    Axis {
        name: "chain",
        label: "maps in a chain",
        file: "growth-chain.svg",
        caption: "More and more maps between a source and a sink, all in one chain.",
        base: 2.0,
    },
    Axis {
        name: "jobs",
        label: "jobs side by side in one process",
        file: "growth-jobs.svg",
        caption: "More and more keyed counts in one process, which share the keys and the records.",
        base: 2.0,
    },
];

/// The charts of a section: file, and a sentence on what it shows.
pub(crate) fn captions(section: Section) -> Vec<(&'static str, &'static str)> {
    match section {
        Section::Nexmark => vec![(
            "nexmark.svg",
            "Events per second of each query, on as many subtasks or threads: longer bars are faster.",
        )],
        Section::Latency => vec![(
            "latency.svg",
            "Latency over how rare it is, on a logarithmic scale: of the results right of 99.9 % one in a thousand is slower.",
        )],
        Section::Checkpoints => vec![(
            "checkpoints.svg",
            "Bytes and duration of a checkpoint over the share of keys touched since the last one; both scales are logarithmic.",
        )],
        Section::Growth => AXES.iter().map(|axis| (axis.file, axis.caption)).collect(),
        Section::Count | Section::Recovery | Section::Topologies => Vec::new(),
    }
}

/// The charts of a section: file and SVG.
///
/// # Errors
/// When a line lacks what is to be drawn.
pub(crate) fn of(
    section: Section,
    result: &SectionResult,
) -> Result<Vec<(&'static str, String)>, String> {
    let (name, lines) = (section.name(), &result.lines);
    match section {
        Section::Nexmark => {
            let rows: Vec<Row<'_>> = lines.iter().map(|line| Row::new(&name, line)).collect();
            Ok(vec![("nexmark.svg", nexmark(&rows)?)])
        }
        Section::Latency => Ok(vec![("latency.svg", latency(&of_bench(&name, lines, "latency"))?)]),
        Section::Checkpoints => {
            let rows = of_bench(&name, lines, "checkpoints");
            let row = rows.last().ok_or("section checkpoints: no line of bench-checkpoints")?;
            Ok(vec![("checkpoints.svg", checkpoints(&row.list("shares")?)?)])
        }
        Section::Growth => {
            let rows = of_bench(&name, lines, "growth");
            AXES.iter().map(|axis| Ok((axis.file, growth(axis, &rows)?))).collect()
        }
        Section::Count | Section::Recovery | Section::Topologies => Ok(Vec::new()),
    }
}

fn nexmark(rows: &[Row<'_>]) -> Result<String, String> {
    let names: Result<Vec<&str>, String> = rows.iter().map(|row| row.text("query")).collect();
    let names = names?;
    let of = |name: &str, rate: &dyn Fn(&Row<'_>, &str) -> Option<f64>| {
        let points = rows.iter().zip(&names).enumerate();
        let points = points.filter_map(|(at, (row, query))| Some((at as f64, rate(row, query)?)));
        Series { name: name.to_owned(), points: points.collect() }
    };
    let said = |field: &'static str| {
        move |row: &Row<'_>, _: &str| row.maybe(field).map(|per_second| per_second / 1e6)
    };
    let mut series = vec![
        of("engine", &said("events_per_second")),
        of("floor", &said("floor_events_per_second")),
        of("timely", &said("timely_events_per_second")),
        of("renoir", &said("renoir_events_per_second")),
        of(elsewhere::NAME, &|_, query| elsewhere::nexmark(query)),
    ];
    series.retain(|series| !series.points.is_empty());
    let groups: Vec<String> = names.iter().map(ToString::to_string).collect();
    chart::bars("Nexmark: events per second", "M events/s", &groups, &series)
}

/// A percentile from how many results there are for one that is slower.
fn percentile(rarity: f64) -> String {
    let percent = 100.0 - 100.0 / rarity;
    let digits = (rarity.log10().round() as usize).saturating_sub(2);
    format!("{percent:.digits$} %")
}

fn latency(rows: &[Row<'_>]) -> Result<String, String> {
    let mut series = Vec::new();
    for row in rows {
        let name = format!("{} events/s", grouped(row.number("rate")?));
        let mut points = row.pairs("curve")?;
        points.dedup_by(|next, last| next.0 <= last.0);
        series.push(Series { name, points });
    }
    chart::panels(&[Panel {
        title: "Latency of windows of 10 ms, by percentile".into(),
        x: "percentile of the results".into(),
        y: "latency, ms".into(),
        base: 10.0,
        log_y: false,
        label: percentile,
        series,
    }])
}

fn points(rows: &[Row<'_>], x: (&str, f64), y: (&str, f64)) -> Result<Vec<(f64, f64)>, String> {
    rows.iter().map(|row| Ok((row.number(x.0)? / x.1, row.number(y.0)? / y.1))).collect()
}

fn checkpoints(shares: &[Row<'_>]) -> Result<String, String> {
    let panel = |title: &str, y: &str, field: (&str, f64)| {
        let mut points = points(shares, ("touched_per_mille", 10.0), field)?;
        // Less than a millisecond is told as 0, which has no place on such a scale.
        points.iter_mut().for_each(|point| point.1 = point.1.max(0.5));
        Ok::<Panel, String>(Panel {
            title: title.to_owned(),
            x: "keys touched since the last checkpoint".into(),
            y: y.to_owned(),
            base: 10.0,
            log_y: true,
            label: |share| format!("{share} %"),
            series: vec![Series { name: y.to_owned(), points }],
        })
    };
    chart::panels(&[
        panel("Size of a checkpoint", "kB", ("bytes", 1e3))?,
        panel("Duration of a checkpoint", "ms", ("duration_ms", 1.0))?,
    ])
}

fn growth(axis: &Axis, rows: &[Row<'_>]) -> Result<String, String> {
    let rows: Vec<Row<'_>> =
        rows.iter().filter(|row| row.text("axis") == Ok(axis.name)).copied().collect();
    if rows.is_empty() {
        return Err(format!("section growth: no line of the axis {}; measure it again", axis.name));
    }
    let panel = |title: &str, y: &str, field: (&str, f64)| {
        Ok::<Panel, String>(Panel {
            title: title.to_owned(),
            x: axis.label.to_owned(),
            y: y.to_owned(),
            base: axis.base,
            log_y: false,
            label: grouped,
            series: vec![Series {
                name: y.to_owned(),
                points: points(&rows, ("point", 1.0), field)?,
            }],
        })
    };
    chart::panels(&[
        panel("Throughput", "M records/s", ("records_per_second", 1e6))?,
        panel("Cost of a record", "CPU ns/record", ("cpu_ns_per_record", 1.0))?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_named_by_their_nines() {
        let names = [1.0, 10.0, 100.0, 1000.0, 10_000.0].map(percentile);
        assert_eq!(names, ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }
}
