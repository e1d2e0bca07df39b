//! A real Prometheus with the configuration and the alerts of `config/`, and a real job with a sink that is too slow:
//! the metrics arrive under their names, every query of the dashboard is answered, and an alert fires.
//!
//! Only what would make a test wait is changed: addresses, intervals, and how long something has to be so.

use crate::job_process::{DEADLINE, Place, Running};
use crate::subject::{Rows, Subject};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tidegate_tests::installed;

/// A job without inputs: its rows are dropped by its sink.
const SLOW_SINK: Subject = Subject {
    job: "slow-sink",
    inputs: &[],
    made_up: &[("--input", String::new)],
    flags: &[],
    records: 0,
    rows: Rows::Computed(|_| Vec::new()),
};

/// Panels that this job has nothing for: it has no event time, and no operator with figures of its own.
const EMPTY: &[&str] = &["Lag of event time", "Event time", "Held back by", "Figures of operators"];

#[test]
fn a_real_prometheus_scrapes_a_real_job_and_raises_an_alert() {
    if !installed::prometheus() {
        return;
    }
    let place = Place::of(SLOW_SINK).expect("it needs no recorded data");
    let metrics = free_port();
    let start = place.unmetered().flag("--rows-per-second", 20_000);
    let start = start.flag("--metrics-addr", format!("127.0.0.1:{metrics}"));
    let start = start.flag("--state-dir", place.state().display());
    let running = start.flag("--checkpoint-interval", "200ms").parallelism(2).spawn();
    let prometheus = Prometheus::start(&place.path("prometheus"), metrics);
    running.until("the job is scraped", || prometheus.value("up{job=\"tidegate\"}") == Some(1.0));
    running.until("the job's name is a label of its own", || {
        prometheus.value("tidegate_job_checkpoints_total{job=\"slow-sink\"}") > Some(0.0)
    });
    every_panel_is_answered(&running, &prometheus);
    running.until("backpressure is told", || {
        let alerts = prometheus.get("/api/v1/alerts");
        let alerts = alerts["data"]["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|alert| {
            let labels = &alert["labels"];
            let is = |label: &str, value: &str| labels[label] == value;
            let told = alert["annotations"]["summary"].as_str().unwrap_or_default();
            is("alertname", "TidegateBackpressure")
                && is("vertex", "clicks")
                && is("job", "slow-sink")
                && alert["state"] == "firing"
                && told.starts_with("slow-sink: clicks waits for what is behind it")
        })
    });
    running.ask_to_stop();
    running.wait().assert_clean("stopped");
}

/// Those that have something to show show it.
fn every_panel_is_answered(running: &Running, prometheus: &Prometheus) {
    let file = config("grafana/dashboards/tidegate.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap_or(&Vec::new()) {
            let query = target["expr"].as_str().unwrap();
            let query = ["$job", "$vertex", "$operator"]
                .iter()
                .fold(query.to_owned(), |query, variable| query.replace(variable, ".*"));
            let query = query.replace("$__rate_interval", "10s").replace("$__range", "5m");
            running.until(&format!("{title}: an answer to {query}"), || {
                let said = prometheus.query(&query);
                let refused = said["status"] == "error";
                assert!(!refused, "{title}: {query}: {}", said["error"]);
                let rows = said["data"]["result"].as_array().map_or(0, Vec::len);
                said["status"] == "success" && (rows > 0 || EMPTY.contains(&title))
            });
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked} queries");
}

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Replaces what must be there.
fn replaced(text: &str, what: &str, by: &str) -> String {
    assert!(text.contains(what), "{what} stands in the configuration");
    text.replace(what, by)
}

/// A running Prometheus; killed when it is dropped.
struct Prometheus {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Prometheus {
    /// With the files of `config/`, for a job whose metrics are at this port.
    fn start(folder: &Path, metrics: u16) -> Self {
        fs::create_dir_all(folder).unwrap();
        let read = |name| fs::read_to_string(config(name)).unwrap();
        let scrapes = replaced(&read("prometheus.yml"), "9249", &metrics.to_string());
        let scrapes = replaced(&scrapes, "_interval: 15s", "_interval: 1s");
        fs::write(folder.join("prometheus.yml"), scrapes).unwrap();
        let alerts = replaced(&read("alerts.yml"), "for: 5m", "for: 1s");
        let alerts = replaced(&alerts, "_ms_total[2m]", "_ms_total[10s]");
        fs::write(folder.join("alerts.yml"), alerts).unwrap();
        let (port, log) = (free_port(), folder.join("log"));
        let mut command = Command::new("prometheus");
        command.current_dir(folder).args(["--config.file=prometheus.yml", "--log.level=warn"]);
        command.arg("--storage.tsdb.path=data");
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log_file = fs::File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file).spawn();
        Self { child: child.unwrap(), port, log }
    }

    fn query(&self, query: &str) -> Value {
        let mut encoded = String::new();
        for byte in query.bytes() {
            match byte.is_ascii_alphanumeric() {
                true => encoded.push(char::from(byte)),
                false => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        self.get(&format!("/api/v1/query?query={encoded}"))
    }

    /// The value of the first series that answers a query.
    fn value(&self, query: &str) -> Option<f64> {
        self.query(query)["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// An answer of its API; null while it does not listen yet.
    fn get(&self, path: &str) -> Value {
        let ask = || {
            let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
            connection.set_read_timeout(Some(DEADLINE))?;
            connection
                .write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok::<_, std::io::Error>(answer)
        };
        let Ok(answer) = ask() else { return Value::Null };
        let Some((_, body)) = answer.split_once("\r\n\r\n") else { return Value::Null };
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("Prometheus said: {said}");
        }
    }
}
