//! `lookup_join`: each row with what a service that the program has registered knows about its key.

use super::output::{Output, sides};
use super::{Side, key};
use crate::registry::Outputs;
use crate::registry::{KnownLookup, Registry};
use crate::site::Site;
use std::sync::Arc;
use tidegate::operators::async_io::Asked;
use tidegate::prelude::*;
use tidegate_rows::{Row, RowKey, Schema, Value};
use tidegate_topology::plan::{LookupPlan, RetryPlan};

const FAILED: &str = "failed";

pub(in crate::build) fn lookup_join(
    site: Site<'_>,
    plan: &LookupPlan,
    rows: &Stream<Row>,
    registry: &Registry,
) -> Result<Outputs, String> {
    let service = Service::new(plan, registry.lookup_of(&plan.lookup, &plan.configuration)?);
    let failed: Side<Failed<Row>> = Side::new(site, FAILED);
    let wait = failed.tell(wait(plan), |wait, tag| wait.side_output_failed(tag.clone()));
    let (key, outer, cache) = (key(&plan.key), plan.outer, plan.cache);
    let of_row = key.clone();
    let make = move || {
        let join = LookupJoin::new(service.clone(), of_row.clone());
        let join = if outer { join } else { join.inner() };
        match cache {
            Some((entries, ttl_ms, keeps_missing)) => {
                let cache = LookupCache::new(size(entries), ttl_ms);
                join.cached(if keeps_missing { cache } else { cache.without_missing() })
            }
            None => join,
        }
    };
    // With a cache every key belongs to one subtask, which asks for it once.
    let joined = match plan.cache {
        Some(_) => rows.key_by(key).async_wait(wait, make),
        None => rows.async_wait(wait, make),
    };
    let joined = site.own(joined);
    let outputs = Outputs::main(Output::of_pairs(&plan.output).of_sides(site, &joined, sides));
    Ok(match failed.stream(&joined) {
        Some((name, failed)) => {
            outputs.side(name, site.behind(name, failed.map(|failed| failed.record)))
        }
        None => outputs,
    })
}

fn wait(plan: &LookupPlan) -> AsyncWait<Row> {
    let wait = if plan.ordered {
        AsyncWait::ordered(plan.timeout_ms)
    } else {
        AsyncWait::unordered(plan.timeout_ms)
    };
    let wait = match plan.capacity {
        Some(most) => wait.capacity(size(most)),
        None => wait,
    };
    let calls = |calls: u64| u32::try_from(calls).unwrap_or(u32::MAX);
    wait.retry(match plan.retry {
        RetryPlan::Never => Retry::never(),
        RetryPlan::Fixed(most, delay_ms) => Retry::fixed_delay(calls(most), delay_ms),
        RetryPlan::Exponential(most, first_ms, most_ms) => {
            Retry::exponential(calls(most), first_ms, most_ms)
        }
    })
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A registered lookup with its configuration.
#[derive(Clone)]
struct Service {
    name: Arc<str>,
    columns: Arc<Schema>,
    ask: Arc<dyn Fn(RowKey) -> Asked<Row> + Send + Sync>,
}

impl Service {
    fn new(plan: &LookupPlan, known: KnownLookup) -> Self {
        let KnownLookup { columns, ask } = known;
        Self { name: plan.lookup.as_str().into(), columns, ask }
    }
}

impl Lookup for Service {
    type Key = RowKey;
    type Value = Row;

    fn look_up(&mut self, key: &RowKey) -> Asked<Row> {
        let (answer, key) = ((self.ask)(key.clone()), key.clone());
        let (name, columns) = (Arc::clone(&self.name), Arc::clone(&self.columns));
        Box::pin(async move {
            let row = answer.await.map_err(|error| about(&name, &key, &error.to_string()))?;
            if let Some(Err(misfit)) = row.as_ref().map(|row| row.fits(&columns)) {
                let why =
                    format!("its answer is not of the columns it was registered with: {misfit}");
                return Err(about(&name, &key, &why));
            }
            Ok(row)
        })
    }
}

/// What went wrong when a key was looked up.
#[cold]
fn about(name: &str, key: &RowKey, why: &str) -> BoxError {
    let key = key.values().iter().map(Value::shown).collect::<Vec<_>>().join(", ");
    format!("the lookup `{name}` of [{key}] failed: {why}").into()
}
