//! A topology as it is rehearsed: made-up input without end, and sinks that drop.
//!
//! Apart from watching it: a plan goes in, a plan comes out, and what was changed is told.

use tidegate_topology::document::{Generator, Role};
use tidegate_topology::plan::{NodePlan, Plan, SinkPlan, SourcePlan};

/// More records than any rehearsal reads, and as many as every generator can count.
const WITHOUT_END: u64 = 1 << 40;

/// Changes `plan` for a rehearsal; says what was changed.
pub(super) fn rehearse(plan: &mut Plan, keep_sinks: bool) -> Vec<String> {
    let mut changed = Vec::new();
    for node in &mut plan.nodes {
        if let NodePlan::Source(SourcePlan::Generator(generator), _) = &mut node.kind
            && without_end(generator)
        {
            changed.push(format!("source {} makes up records without end", node.name));
        }
        let drops = matches!(node.kind, NodePlan::Sink(SinkPlan::Discard));
        if node.role == Role::Sink && !drops && !keep_sinks {
            changed.push(format!(
                "sink {} drops its rows, the work of its {} is not measured (--keep-sinks)",
                node.name,
                node.kind.word()
            ));
            node.kind = NodePlan::Sink(SinkPlan::Discard);
        }
    }
    changed
}

/// Takes the end away; says whether there was one.
fn without_end(generator: &mut Generator) -> bool {
    match generator {
        Generator::Clicks(of) => of.events.take().is_some(),
        Generator::AppEvents(of) => of.events.take().is_some(),
        Generator::Nexmark(of) => of.events.take().is_some(),
        Generator::Sequence(of) => {
            let ended = of.records < WITHOUT_END;
            of.records = of.records.max(WITHOUT_END);
            ended
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_topology::{Source, kinds::Kinds, load, tree::Variables};

    #[test]
    fn generators_lose_their_end_and_sinks_drop() {
        let text = "job: { name: a }
sources:
  clicks: { generator: { clicks: { events: 5 } } }
  keys: { generator: { sequence: { records: 5 } } }
  rows: { inline: { rows: [{ n: 1 }] }, schema: { n: int64 } }
sinks:
  kept: { inputs: clicks, print: {} }
  also: { inputs: keys, file: { directory: out, format: csv } }
  gone: { inputs: rows, discard: {} }
";
        let source = Source::new("a.yaml", text);
        let loaded = load(source, &Variables::default(), &Kinds::default());
        let told = loaded.render(tidegate_topology::diagnostic::Paint::Plain);
        let mut plan = loaded.plan.unwrap_or_else(|| panic!("{told}"));
        let mut kept = plan.clone();
        let mut changed = rehearse(&mut plan, false);
        changed.sort();
        assert_eq!(
            changed,
            [
                "sink also drops its rows, the work of its file is not measured (--keep-sinks)",
                "sink kept drops its rows, the work of its print is not measured (--keep-sinks)",
                "source clicks makes up records without end",
                "source keys makes up records without end",
            ]
        );
        assert_eq!(rehearse(&mut plan, false), Vec::<String>::new(), "once is enough");
        assert_eq!(rehearse(&mut kept, true).len(), 2, "the sinks are kept");
    }
}
