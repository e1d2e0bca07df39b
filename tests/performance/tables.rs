//! The tables of each section, from the lines of its benches.

use crate::elsewhere;
use crate::figures;
use crate::results::SectionResult;
use crate::row::{Row, of_bench};
use crate::table::{NOTHING, Table, digits, grouped, maybe, megabytes, millions};

pub(crate) fn nexmark(rows: &[Row<'_>]) -> Result<String, String> {
    let mut table = Table::new(&[
        "query",
        "engine, M events/s",
        "floor",
        "engine / floor",
        "timely",
        "renoir",
        elsewhere::NAME,
        "engine, CPU ns/event",
        "floor, CPU ns/event",
        "last checkpoint, MB",
        "peak memory, MB",
        "audit",
    ]);
    for row in rows {
        let query = row.text("query")?;
        let rate = |field: &str| row.maybe(field).map_or_else(|| NOTHING.to_owned(), millions);
        table.row(vec![
            query.to_owned(),
            millions(row.number("events_per_second")?),
            rate("floor_events_per_second"),
            maybe(row.maybe("ratio")),
            rate("timely_events_per_second"),
            rate("renoir_events_per_second"),
            maybe(elsewhere::nexmark(query)),
            digits(row.number("cpu_ns_per_event")?),
            maybe(row.maybe("floor_cpu_ns_per_event")),
            row.maybe("checkpoint_bytes").map_or_else(|| NOTHING.to_owned(), megabytes),
            row.maybe("peak_rss_bytes").map_or_else(|| NOTHING.to_owned(), megabytes),
            row.text("audit").unwrap_or_default().to_owned(),
        ]);
    }
    Ok(table.markdown())
}

pub(crate) fn count(rows: &[Row<'_>]) -> Result<String, String> {
    let heap = format!("{}, heap", elsewhere::NAME);
    let rocks = format!("{}, RocksDB", elsewhere::NAME);
    let mut table = Table::new(&[
        "keys",
        "engine, M records/s",
        "floor",
        "engine / floor",
        "timely",
        "renoir",
        &heap,
        &rocks,
        "engine, CPU ns/record",
        "floor, CPU ns/record",
        "last checkpoint, MB",
        "last checkpoint, ms",
        "audit",
    ]);
    for row in rows {
        let keys = row.number("keys")?;
        let (there, on_heap, in_rocks) = elsewhere::COUNT;
        let flink = |millions: f64| maybe((keys == there).then_some(millions));
        let rate = |field: &str| row.maybe(field).map_or_else(|| NOTHING.to_owned(), millions);
        table.row(vec![
            grouped(keys),
            millions(row.number("engine_records_per_second")?),
            millions(row.number("floor_records_per_second")?),
            digits(row.number("ratio")?),
            rate("timely_events_per_second"),
            rate("renoir_events_per_second"),
            flink(on_heap),
            flink(in_rocks),
            digits(row.number("engine_cpu_ns_per_record")?),
            digits(row.number("floor_cpu_ns_per_record")?),
            megabytes(row.number("checkpoint_bytes")?),
            grouped(row.number("checkpoint_ms")?),
            row.text("audit")?.to_owned(),
        ]);
    }
    Ok(table.markdown())
}

/// The percentiles of a latency line, in the order of the table.
const PERCENTILES: [&str; 6] = ["p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "p99.99_ms", "max_ms"];

pub(crate) fn latency(rows: &[Row<'_>]) -> Result<String, String> {
    let mut table = Table::new(&[
        "events/s",
        "p50, ms",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        "results",
        "cores used",
    ]);
    let cells = |title: String, row: Row<'_>| {
        let percentiles = PERCENTILES.iter().map(|field| row.number(field).map(digits));
        std::iter::once(Ok(title)).chain(percentiles).collect::<Result<Vec<_>, _>>()
    };
    for row in rows {
        let rate = row.number("rate")?;
        let figures = row.inner("latency")?;
        let mut ours = cells(grouped(rate), figures)?;
        ours.extend([grouped(figures.number("results")?), digits(row.number("cores_used")?)]);
        table.row(ours);
        let mut source =
            cells("- of it: the source reads late".to_owned(), row.inner("source_late")?)?;
        source.extend([NOTHING.to_owned(), NOTHING.to_owned()]);
        table.row(source);
        let (there, percentiles) = elsewhere::LATENCY;
        if rate == there {
            let mut flink = vec![elsewhere::NAME.to_owned()];
            flink.extend(percentiles.map(digits));
            flink.extend([NOTHING.to_owned(), NOTHING.to_owned()]);
            table.row(flink);
        }
    }
    let mut machine = Table::new(&[
        "idle thread beside the run at",
        "p99.9, ms",
        "p99.99",
        "max",
        "gaps of 1 ms or more",
        "over, s",
    ]);
    for row in rows {
        for (name, field) in [("before", "jitter_before"), ("after", "jitter_after")] {
            let jitter = row.inner(field)?;
            machine.row(vec![
                format!("{}, {name}", grouped(row.number("rate")?)),
                digits(jitter.number("p99.9_ms")?),
                digits(jitter.number("p99.99_ms")?),
                digits(jitter.number("max_ms")?),
                grouped(jitter.number("gaps_of_1_ms")?),
                digits(jitter.number("seconds")?),
            ]);
        }
    }
    Ok(format!("{}\n{}", table.markdown(), machine.markdown()))
}

pub(crate) fn recovery(rows: &[Row<'_>]) -> Result<String, String> {
    let heap = format!("{}, heap", elsewhere::NAME);
    let rocks = format!("{}, RocksDB", elsewhere::NAME);
    let mut table = Table::new(&[
        "keys",
        "fault to first correct output, ms",
        "slowest run",
        "notice",
        "stop",
        "build anew",
        "- of it: read",
        "- of it: fill tables",
        "first output",
        &heap,
        &rocks,
    ]);
    for row in rows {
        let keys = row.number("keys")?;
        let (there, on_heap, in_rocks) = elsewhere::RECOVERY;
        let flink = |ms: f64| maybe((keys == there).then_some(ms));
        table.row(vec![
            grouped(keys),
            digits(row.number("fault_to_first_output_ms")?),
            maybe(row.maybe("slowest_fault_to_first_output_ms")),
            digits(row.number("detect_ms")?),
            digits(row.number("stop_ms")?),
            digits(row.number("build_ms")?),
            digits(row.number("slowest_read_ms")?),
            digits(row.number("slowest_decode_and_insert_ms")?),
            digits(row.number("first_output_ms")?),
            flink(on_heap),
            flink(in_rocks),
        ]);
    }
    Ok(table.markdown())
}

pub(crate) fn checkpoints(name: &str, result: &SectionResult) -> Result<String, String> {
    let mut text = String::new();
    for row in of_bench(name, &result.lines, "checkpoints") {
        let mut table = Table::new(&[
            "keys touched, %",
            "entries in a checkpoint",
            "MB",
            "duration, ms",
            "of so many",
        ]);
        for share in row.list("shares")? {
            table.row(vec![
                digits(share.number("touched_per_mille")? / 10.0),
                grouped(share.number("entries")?),
                megabytes(share.number("bytes")?),
                grouped(share.number("duration_ms")?),
                grouped(share.number("checkpoints")?),
            ]);
        }
        let long = row.inner("long_run")?;
        let disk = |field: &str| long.number(field).map(megabytes);
        text.push_str(&table.markdown());
        text.push_str(&format!(
            "\nAfter {} checkpoints in a row of 20,000 keys the state folder holds {} MB (at most {} MB on the \
             way); the last checkpoint has {} MB.\n\n",
            grouped(long.number("checkpoints")?),
            disk("disk_bytes_last")?,
            disk("disk_bytes_peak")?,
            disk("last_checkpoint_bytes")?,
        ));
    }
    text.push_str(&checkpoint_cost(&of_bench(name, &result.lines, "checkpoint-cost"))?);
    Ok(text)
}

fn checkpoint_cost(rows: &[Row<'_>]) -> Result<String, String> {
    let mut table = Table::new(&[
        "workload, a checkpoint every",
        "M records/s",
        "of the rate without",
        "CPU ns/record",
        "checkpoints in a run",
        "last checkpoint, MB",
        "audit",
    ]);
    for row in rows {
        table.row(vec![
            format!("{}, {}", row.text("workload")?, row.text("interval")?),
            millions(row.number("records_per_second")?),
            digits(row.number("of_without")?),
            digits(row.number("cpu_ns_per_record")?),
            grouped(row.number("checkpoints")?),
            megabytes(row.number("checkpoint_bytes")?),
            row.text("audit")?.to_owned(),
        ]);
    }
    Ok(if rows.is_empty() { String::new() } else { table.markdown() })
}

pub(crate) fn growth(rows: &[Row<'_>]) -> Result<String, String> {
    let mut text = Vec::new();
    for axis in figures::AXES {
        let mut table =
            Table::new(&[axis.label, "M records/s", "CPU ns/record", "peak memory, MB", "audit"]);
        let mut any = false;
        for row in rows.iter().filter(|row| row.text("axis") == Ok(axis.name)) {
            any = true;
            table.row(vec![
                grouped(row.number("point")?),
                millions(row.number("records_per_second")?),
                digits(row.number("cpu_ns_per_record")?),
                megabytes(row.number("peak_rss_bytes")?),
                row.text("audit")?.to_owned(),
            ]);
        }
        if any {
            text.push(table.markdown());
        }
    }
    Ok(text.join("\n"))
}

pub(crate) fn topologies(rows: &[Row<'_>]) -> Result<String, String> {
    let mut table = Table::new(&[
        "subtasks of each operator",
        "topology, M clicks/s",
        "typed twin",
        "topology / twin",
        "clicks in a run",
        "runs of each",
    ]);
    for row in rows {
        table.row(vec![
            grouped(row.number("parallelism")?),
            millions(row.number("topology_clicks_per_second")?),
            millions(row.number("typed_clicks_per_second")?),
            digits(row.number("ratio")?),
            grouped(row.number("clicks")?),
            grouped(row.number("rounds")?),
        ]);
    }
    Ok(table.markdown())
}
