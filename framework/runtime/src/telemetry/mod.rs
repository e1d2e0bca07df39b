//! Metrics for Prometheus: served on one address, brought up to date from the subtasks' counters.
//!
//! Nothing on the hot path touches the metrics library: a thread of its own reads the counters twice
//! a second and sets gauges through handles that it keeps.

pub mod names;

use crate::clock;
use crate::limits::METRICS_EVERY;
use crate::stats::{Stats, SubtaskStats};
use metrics::{Key, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use names::{Kind, Metric};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::time::Timestamp;
use tokio::sync::oneshot;

/// The server and its updates; they end when this is dropped.
pub struct Telemetry {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Telemetry {
    /// Serves the metrics of a job on `address`.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn serve(address: SocketAddr, plan: &Plan, stats: Stats) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let guard = runtime.enter();
        let (recorder, exporter) = PrometheusBuilder::new()
            .with_http_listener(address)
            .build()
            .map_err(|error| format!("metrics cannot be served on {address}: {error}"))?;
        drop(guard);
        let (stop, stopped) = oneshot::channel();
        let mut publisher = Publisher::new(recorder, plan, stats);
        let serve = move || {
            runtime.block_on(async move {
                let exporter = tokio::spawn(exporter);
                let updates = async {
                    let mut clock = tokio::time::interval(METRICS_EVERY);
                    loop {
                        clock.tick().await;
                        publisher.update();
                    }
                };
                tokio::select! { _ = stopped => {}, () = updates => {} }
                exporter.abort();
            });
        };
        let thread = std::thread::Builder::new().name("tidegate-metrics".into()).spawn(serve);
        let thread = thread.map_err(|error| error.to_string())?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed and concerns nobody else.
            drop(thread.join());
        }
    }
}

enum Handle {
    Counter(metrics::Counter),
    Gauge(metrics::Gauge),
}

/// Sets the exporter's values from the counters.
struct Publisher {
    recorder: PrometheusRecorder,
    stats: Stats,
    job: String,
    vertices: Vec<String>,
    handles: HashMap<(&'static str, Vec<String>), Handle>,
    /// The holder of event time last shown, by subtask: it must be set back to 0.
    holders: BTreeMap<SubtaskId, (String, u32)>,
}

const METADATA: Metadata<'static> = Metadata::new("tidegate", Level::INFO, None);

impl Publisher {
    fn new(recorder: PrometheusRecorder, plan: &Plan, stats: Stats) -> Self {
        for metric in names::ALL {
            let (name, help) = (metric.name.into(), metric.help.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None::<Unit>, help),
                Kind::Gauge => recorder.describe_gauge(name, None::<Unit>, help),
            }
        }
        let vertices = plan.vertices.iter().map(|vertex| vertex.uid.clone()).collect();
        let (handles, holders) = (HashMap::new(), BTreeMap::new());
        Self { recorder, stats, job: plan.graph.name.clone(), vertices, handles, holders }
    }

    fn set(&mut self, metric: &Metric, labels: Vec<(&'static str, String)>, value: f64) {
        let values: Vec<String> = labels.iter().map(|(_, value)| value.clone()).collect();
        let job = &self.job;
        let recorder = &self.recorder;
        let handle = self.handles.entry((metric.name, values)).or_insert_with(|| {
            let named = labels.into_iter().map(|(name, value)| Label::new(name, value));
            let labels: Vec<Label> =
                std::iter::once(Label::new("job", job.clone())).chain(named).collect();
            let key = Key::from_parts(metric.name, labels);
            match metric.kind {
                Kind::Counter => Handle::Counter(recorder.register_counter(&key, &METADATA)),
                Kind::Gauge => Handle::Gauge(recorder.register_gauge(&key, &METADATA)),
            }
        });
        match handle {
            Handle::Counter(counter) => counter.absolute(value as u64),
            Handle::Gauge(gauge) => gauge.set(value),
        }
    }

    fn update(&mut self) {
        for (subtask, stats) in self.stats.subtasks() {
            self.update_subtask(subtask, &stats);
        }
        let job = Arc::clone(&self.stats.job);
        let seconds_since = |at: u64| clock::now().since(Timestamp(at as i64)) as f64 / 1e3;
        self.set(&names::CHECKPOINTS, Vec::new(), job.checkpoints.get() as f64);
        self.set(&names::CHECKPOINTS_FAILED, Vec::new(), job.checkpoints_failed.get() as f64);
        self.set(&names::CHECKPOINT_DURATION, Vec::new(), job.last_duration_ms.get() as f64 / 1e3);
        self.set(&names::CHECKPOINT_BYTES, Vec::new(), job.last_bytes.get() as f64);
        if job.last_completed_ms.get() > 0 {
            let age = seconds_since(job.last_completed_ms.get());
            self.set(&names::CHECKPOINT_AGE, Vec::new(), age);
        }
        self.set(&names::RESTARTS, Vec::new(), job.restarts.get() as f64);
        self.set(&names::AUDIT_BROKEN, Vec::new(), job.audit_broken.get() as f64);
    }

    fn update_subtask(&mut self, subtask: SubtaskId, stats: &SubtaskStats) {
        let index = subtask.index.to_string();
        let vertex = self.vertices[subtask.vertex].clone();
        let labels = || vec![("vertex", vertex.clone()), ("subtask", index.clone())];
        for (operator, totals) in stats.totals() {
            let labels = || vec![("operator", operator.clone()), ("subtask", index.clone())];
            self.set(&names::RECORDS_IN, labels(), totals.records_in as f64);
            self.set(&names::RECORDS_OUT, labels(), totals.records_out as f64);
            self.set(&names::LATE, labels(), totals.late as f64);
            self.set(&names::DROPPED, labels(), totals.dropped as f64);
        }
        for (operator, gauges) in stats.gauges() {
            for (name, value) in gauges {
                let (operator, subtask) = (operator.clone(), index.clone());
                let labels =
                    vec![("operator", operator), ("subtask", subtask), ("gauge", name.to_owned())];
                self.set(&names::GAUGE, labels, value as f64);
            }
        }
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        self.set(&names::BATCHES_IN, labels(), stats.batches_in.get() as f64);
        self.set(&names::BATCHES_OUT, labels(), stats.batches_out.get() as f64);
        self.set(&names::BUSY, labels(), stats.busy_ns.get() as f64 / 1e6);
        self.set(&names::IDLE, labels(), stats.idle_ns.get() as f64 / 1e6);
        self.set(&names::BACKPRESSURED, labels(), stats.backpressured_ns.get() as f64 / 1e6);
        self.set(&names::SLOWEST_STEP, labels(), seconds(stats.slowest_step_ns.get()));
        self.set(&names::CREDITS_USED, labels(), stats.credits_used.get() as f64);
        self.set(&names::CREDITS_TOTAL, labels(), stats.credits_total.get() as f64);
        self.set(&names::ALIGNMENT, labels(), seconds(stats.alignment_ns.get()));
        self.set(&names::STATE_ENTRIES, labels(), stats.state_entries.get() as f64);
        self.set(&names::STATE_BYTES, labels(), stats.checkpoint_bytes.get() as f64);
        let watermark = stats.watermark();
        if watermark > Timestamp::MIN && watermark < Timestamp::MAX {
            self.set(&names::WATERMARK, labels(), watermark.millis() as f64);
            let lag_ms = clock::now().since(watermark);
            self.set(&names::WATERMARK_LAG, labels(), lag_ms as f64 / 1e3);
        }
        let holder = stats.holding_back();
        let shown = self.holders.get(&subtask).cloned();
        if shown != holder {
            let from = |(edge, from): (String, u32)| {
                let mut all = labels();
                all.extend([("edge", edge), ("from", from.to_string())]);
                all
            };
            if let Some(before) = shown {
                self.set(&names::HOLDING_BACK, from(before), 0.0);
                self.holders.remove(&subtask);
            }
            if let Some(now) = holder {
                self.holders.insert(subtask, now.clone());
                self.set(&names::HOLDING_BACK, from(now), 1.0);
            }
        }
    }
}
