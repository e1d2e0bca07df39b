//! What two looks at the metrics of a running job say of it.

use super::scrape::Sample;
use std::collections::{BTreeMap, BTreeSet};

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) job: String,
    /// Records per second that sources have emitted.
    pub(super) events: f64,
    /// CPU nanoseconds per such record, over all subtasks: time in which they worked.
    pub(super) cpu_ns: f64,
    /// The largest share of its time that a subtask was busy, and of which vertex.
    pub(super) busiest: Option<(String, f64)>,
    /// Entries of keyed state.
    pub(super) entries: f64,
    /// Bytes of the last checkpoint, if there was one.
    pub(super) checkpoint: Option<f64>,
    /// The most subtasks that a vertex has.
    pub(super) parallelism: f64,
}

fn sum(samples: &[Sample], name: &str) -> f64 {
    samples.iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
}

/// From two looks, so many seconds apart.
///
/// # Errors
/// Why they say nothing.
pub(super) fn measure(
    before: &[Sample],
    after: &[Sample],
    seconds: f64,
) -> Result<Measured, String> {
    let jobs: BTreeSet<&str> =
        after.iter().filter_map(|sample| sample.labels.get("job")).map(String::as_str).collect();
    let job = match Vec::from_iter(jobs)[..] {
        [job] => job.to_owned(),
        [] => return Err("the metrics name no job".to_owned()),
        ref several => {
            return Err(format!(
                "there are several jobs, {}: ask one of them itself, not Prometheus",
                several.join(", ")
            ));
        }
    };
    let emitted = |samples: &[Sample]| {
        let of = |name: &str| {
            let mut sums: BTreeMap<String, f64> = BTreeMap::new();
            for sample in samples.iter().filter(|sample| sample.name == name) {
                if let Some(operator) = sample.labels.get("operator") {
                    *sums.entry(operator.clone()).or_default() += sample.value;
                }
            }
            sums
        };
        let (taken, given) =
            (of("tidegate_operator_records_in"), of("tidegate_operator_records_out"));
        // A source takes nothing.
        let sources = given.iter().filter(|(name, _)| taken.get(*name).is_none_or(|n| *n == 0.0));
        sources.map(|(_, records)| records).sum::<f64>()
    };
    let events = (emitted(after) - emitted(before)) / seconds;
    if events <= 0.0 {
        return Err(format!(
            "the sources of job {job} have emitted no record within {seconds:.0} s: measure it while it works, longer (--over) if it \
             works now and then"
        ));
    }
    let busy_ms = sum(after, BUSY) - sum(before, BUSY);
    let checkpoint = sum(after, "tidegate_job_checkpoint_bytes");
    let checkpoints = sum(after, "tidegate_job_checkpoints_total");
    let subtasks = after.iter().filter(|sample| sample.name == BUSY);
    let index = subtasks.filter_map(|sample| sample.labels.get("subtask")?.parse::<f64>().ok());
    Ok(Measured {
        job,
        events,
        cpu_ns: (busy_ms.max(0.0) * 1e6 / seconds) / events,
        busiest: busiest(before, after, seconds),
        entries: sum(after, "tidegate_subtask_state_entries"),
        checkpoint: (checkpoints > 0.0).then_some(checkpoint),
        parallelism: index.fold(0.0, f64::max) + 1.0,
    })
}

const BUSY: &str = "tidegate_subtask_busy_ms_total";

fn busiest(before: &[Sample], after: &[Sample], seconds: f64) -> Option<(String, f64)> {
    let of = |samples: &[Sample]| -> BTreeMap<BTreeMap<String, String>, f64> {
        let busy = samples.iter().filter(|sample| sample.name == BUSY);
        busy.map(|sample| (sample.labels.clone(), sample.value)).collect()
    };
    let before = of(before);
    let shares = of(after).into_iter().filter_map(|(labels, ms)| {
        let worked = ms - before.get(&labels).copied().unwrap_or(0.0);
        Some((labels.get("vertex")?.clone(), worked / 1e3 / seconds))
    });
    shares.max_by(|(_, a), (_, b)| a.total_cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let job = [("job".to_owned(), "clicks".to_owned())];
        Sample { name: name.to_owned(), labels: labels.chain(job).collect(), value }
    }

    fn look(records: f64, busy: f64) -> Vec<Sample> {
        let operator = |name: &str, uid: &str, value| one(name, &[("operator", uid)], value);
        vec![
            operator("tidegate_operator_records_in", "clicks", 0.0),
            operator("tidegate_operator_records_out", "clicks", records),
            operator("tidegate_operator_records_in", "count", records),
            operator("tidegate_operator_records_out", "count", records),
            one(BUSY, &[("vertex", "clicks"), ("subtask", "0")], busy / 4.0),
            one(BUSY, &[("vertex", "count"), ("subtask", "1")], busy),
            one("tidegate_subtask_state_entries", &[("vertex", "count"), ("subtask", "1")], 77.0),
            one("tidegate_job_checkpoints_total", &[], 3.0),
            one("tidegate_job_checkpoint_bytes", &[], 900.0),
        ]
    }

    #[test]
    fn two_looks_say_how_much_goes_through_and_what_it_costs() {
        let measured = measure(&look(1_000.0, 100.0), &look(11_000.0, 4_100.0), 10.0);
        let measured = measured.expect("enough to go by");
        assert_eq!((measured.job.as_str(), measured.events), ("clicks", 1_000.0));
        assert_eq!(measured.cpu_ns, 500_000.0, "5 s of work for 10,000 records");
        assert_eq!(measured.busiest, Some(("count".to_owned(), 0.4)));
        assert_eq!((measured.entries, measured.checkpoint), (77.0, Some(900.0)));
        assert_eq!(measured.parallelism, 2.0);
    }

    #[test]
    fn a_job_at_rest_and_several_jobs_say_nothing() {
        let rest = measure(&look(5.0, 1.0), &look(5.0, 1.0), 10.0);
        assert!(rest.is_err_and(|why| why.contains("no record within 10 s")));
        let mut two = look(9.0, 1.0);
        two[0].labels.insert("job".to_owned(), "other".to_owned());
        assert!(measure(&[], &two, 1.0).is_err_and(|why| why.contains("clicks, other")));
        assert!(measure(&[], &[], 1.0).is_err_and(|why| why.contains("no job")));
    }
}
