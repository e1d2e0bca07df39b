//! Sources: files, folders, made-up records, and rows that stand in the topology.

use crate::build::event_time::strategy;
use crate::registry::Outputs;
use crate::site::Site;
use std::path::PathBuf;
use std::time::Duration;
use tidegate::core::source::SourceFactory;
use tidegate::prelude::*;
use tidegate_file::Malformed;
use tidegate_generator::{AppEventGenerator, ClickGenerator, Formula, NexmarkGenerator, Sequence};
use tidegate_row_connectors::{
    InlineRows, Layout, RowGenerator, app_event_rows, click_rows, file_source, nexmark_rows,
    sequence_rows, stdin_source,
};
use tidegate_rows::Row;
use tidegate_rows::expression::TimestampEvaluator;
use tidegate_topology::document::{self, DeadLetters, Generator};
use tidegate_topology::plan::{EventTimePlan, FormatPlan, SourcePlan};

/// The seed of generators, unless another is said.
const SEED: u64 = 1;

/// A built-in source.
pub(super) fn source(
    site: Site<'_>,
    plan: &SourcePlan,
    time: Option<&EventTimePlan>,
) -> Result<Outputs, String> {
    let timestamp = time.and_then(|time| time.timestamp.clone());
    let name = &site.node().name;
    match plan {
        SourcePlan::File { paths, format, malformed, range_min_bytes } => {
            let files = file_source(paths.clone(), &layout(format), timestamp);
            let files = files.on_malformed(policy(malformed));
            let files = match range_min_bytes {
                Some(bytes) => files.range_bytes_min(*bytes),
                None => files,
            };
            Ok(Outputs::main(site.own(site.job.source(name, files, strategy(time)))))
        }
        SourcePlan::Folder { path, format, malformed, look_every_ms } => {
            let files = file_source([path.clone()], &layout(format), timestamp);
            let every = Duration::from_millis(*look_every_ms);
            let folder = files.on_malformed(policy(malformed)).watch(every);
            Ok(Outputs::main(site.own(site.job.source(name, folder, strategy(time)))))
        }
        SourcePlan::Stdin { format, malformed } => {
            let stdin = stdin_source(&layout(format), timestamp).on_malformed(policy(malformed));
            Ok(Outputs::main(site.own(site.job.source(name, stdin, strategy(time)))))
        }
        SourcePlan::Inline(rows) => {
            let schema = &site.node().outputs[0].schema;
            let rows = InlineRows::new(schema, rows.clone(), timestamp);
            let rows = rows.map_err(|error| error.to_string())?;
            Ok(Outputs::main(site.own(site.job.source(name, rows, strategy(time)))))
        }
        SourcePlan::Generator(generator) => {
            let timed = (timestamp, strategy(time));
            Ok(match generator {
                Generator::Clicks(of) => made_up(site, click_rows(clicks(of)), timed),
                Generator::AppEvents(of) => made_up(site, app_event_rows(app_events(of)), timed),
                Generator::Nexmark(of) => made_up(site, nexmark_rows(nexmark(of)), timed),
                Generator::Sequence(of) => made_up(site, sequence_rows(sequence(of)), timed),
            })
        }
    }
}

/// A generator. Its rows have an event time of their own, unless the topology says another one.
fn made_up<G, F>(
    site: Site<'_>,
    generator: RowGenerator<G, F>,
    (timestamp, strategy): (Option<TimestampEvaluator>, WatermarkStrategy),
) -> Outputs
where
    F: Formula,
    RowGenerator<G, F>: SourceFactory<Out = Row>,
{
    let rows = generator.timed(timestamp);
    Outputs::main(site.own(site.job.source(&site.node().name, rows, strategy)))
}

/// How rows stand in bytes.
pub(super) fn layout(format: &FormatPlan) -> Layout {
    Layout::new(format.format.clone(), format.header)
}

fn policy(malformed: &DeadLetters) -> Malformed {
    match malformed {
        DeadLetters::Fail => Malformed::Fail,
        DeadLetters::Skip => Malformed::Skip,
        DeadLetters::File(path) => Malformed::DeadLetter(PathBuf::from(&path.value)),
    }
}

/// `generator` changed by `value`, if it is said.
fn with<G, V>(generator: G, value: Option<V>, change: impl FnOnce(G, V) -> G) -> G {
    match value {
        Some(value) => change(generator, value),
        None => generator,
    }
}

fn clicks(of: &document::Clicks) -> ClickGenerator {
    let made = ClickGenerator::new(of.seed.unwrap_or(SEED));
    let made = with(made, of.events, ClickGenerator::events);
    let made = with(made, of.users.map(|n| n.0), ClickGenerator::users);
    let made = with(made, of.items.map(|n| n.0), ClickGenerator::items);
    let made = with(made, of.categories.map(|n| n.0), ClickGenerator::categories);
    let made = with(made, of.events_per_second.map(|n| n.0), ClickGenerator::events_per_second);
    let made = with(made, of.start.map(Timestamp), ClickGenerator::start);
    let disorder = of.disorder.map(|time| time.millis().unsigned_abs());
    with(made, disorder, ClickGenerator::disorder_ms)
}

fn app_events(of: &document::AppEvents) -> AppEventGenerator {
    let made = AppEventGenerator::new(of.seed.unwrap_or(SEED));
    let made = with(made, of.events, AppEventGenerator::events);
    with(made, of.events_per_second.map(|n| n.0), AppEventGenerator::events_per_second)
}

fn nexmark(of: &document::Nexmark) -> NexmarkGenerator {
    let made = NexmarkGenerator::new(of.seed.unwrap_or(SEED));
    let made = with(made, of.events, NexmarkGenerator::events);
    let made = with(made, of.events_per_second.map(|n| n.0), NexmarkGenerator::events_per_second);
    let made = with(made, of.start.map(Timestamp), NexmarkGenerator::start);
    with(made, of.out_of_order.map(|n| n.0), NexmarkGenerator::out_of_order)
}

fn sequence(of: &document::Sequence) -> Sequence {
    with(Sequence::new(of.records), of.keys.map(|n| n.0), Sequence::keys)
}

#[cfg(test)]
mod tests {
    use tidegate_row_connectors::{
        app_event_schema, click_schema, nexmark_schema, sequence_schema,
    };
    use tidegate_topology::{Source, kinds::Kinds, load, tree::Variables};

    #[test]
    fn generators_give_the_columns_that_are_planned() {
        for (generator, schema) in [
            ("clicks: {}", click_schema()),
            ("app_events: {}", app_event_schema()),
            ("nexmark: {}", nexmark_schema()),
            ("sequence: { records: 1 }", sequence_schema()),
        ] {
            let text = format!(
                "job: {{ name: a }}\nsources: {{ a: {{ generator: {{ {generator} }} }} }}\nsinks: {{ b: {{ inputs: a, discard: {{}} }} }}\n"
            );
            let source = Source::new("a.yaml", text);
            let plan = load(source, &Variables::default(), &Kinds::default()).plan;
            let planned = plan.expect("no mistakes").nodes[0].outputs[0].schema.clone();
            assert_eq!(planned, schema, "{generator}");
        }
    }
}
