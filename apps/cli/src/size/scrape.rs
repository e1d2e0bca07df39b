//! Metrics of a running job: a GET over plain TCP, and the lines of Prometheus' text.
//!
//! HTTP/1.0 without a library: the exporter is on this machine or near it, an answer is one text, and to that version
//! no server may send pieces. Everything is bounded: time, bytes, lines.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long the exporter may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer: thousands of subtasks fit.
const ANSWER_BYTES: u64 = 16 << 20;

/// One number, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// Asks for the metrics at `url`.
///
/// # Errors
/// What is wrong with the address or with the answer, and what to do.
pub(super) fn scrape(url: &str) -> Result<Vec<Sample>, String> {
    let (host, path) = address(url)?;
    let unreachable = |error: std::io::Error| {
        format!(
            "{url}: {error}; is the job running, and is this its --metrics-addr (127.0.0.1:9249 by default)?"
        )
    };
    let mut addresses = host.to_socket_addrs().map_err(unreachable)?;
    let address = addresses.next().ok_or_else(|| format!("{url}: no such host"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: text/plain\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(unreachable)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).map_err(unreachable)?;
    let answer = String::from_utf8_lossy(&answer);
    let body = body(&answer).map_err(|why| format!("{url}: {why}"))?;
    let samples: Vec<Sample> = body.lines().filter_map(sample).collect();
    if samples.iter().any(|sample| sample.name.starts_with("tidegate_")) {
        Ok(samples)
    } else {
        Err(format!("{url}: there are no metrics of a Tidegate job; is another program there?"))
    }
}

/// Host with port, and path.
fn address(url: &str) -> Result<(String, String), String> {
    if url.starts_with("https://") {
        return Err(format!("{url}: a job serves its metrics by http://, not https://"));
    }
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/metrics"),
    };
    let is_clean = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    if !is_clean(host) || !is_clean(path) {
        return Err(format!("`{url}` is no address; write one such as http://127.0.0.1:9249"));
    }
    let host = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:9249")
    };
    Ok((host, if path == "/" { "/metrics".to_owned() } else { path.to_owned() }))
}

fn body(answer: &str) -> Result<&str, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("that is no answer of a web server")?;
    let mut lines = head.lines();
    let status = lines.next().unwrap_or("");
    if !(status.starts_with("HTTP/1.") && status.split(' ').nth(1) == Some("200")) {
        return Err(format!("the answer is `{status}`, not 200"));
    }
    let is_cut = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    };
    if lines.any(is_cut) {
        return Err(
            "the answer comes in pieces, although HTTP/1.0 was asked for: is a proxy between?"
                .to_owned(),
        );
    }
    Ok(body)
}

/// A line such as `name{label="value"} 12`; `None` for comments and for what is none.
fn sample(line: &str) -> Option<Sample> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(behind) = rest.strip_prefix('}') {
                rest = behind;
                break;
            }
            let (label, behind) = rest.split_once("=\"")?;
            let (value, behind) = quoted(behind)?;
            labels.insert(label.to_owned(), value);
            rest = behind;
        }
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// A value up to its closing quote, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match (is_escaped, c) {
            (false, '"') => return Some((value, &text[at + 1..])),
            (false, '\\') => is_escaped = true,
            (escaped, c) => {
                value.push(if escaped && c == 'n' { '\n' } else { c });
                is_escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    #[test]
    fn addresses_are_completed_or_refused() {
        let ok = |url| address(url).map(|(host, path)| format!("{host} {path}"));
        assert_eq!(ok("http://127.0.0.1:9249"), Ok("127.0.0.1:9249 /metrics".into()));
        assert_eq!(ok("localhost"), Ok("localhost:9249 /metrics".into()));
        assert_eq!(ok("http://a:1/x"), Ok("a:1 /x".into()));
        for (url, part) in
            [("https://a", "not https"), ("", "no address"), ("http://a b/", "no address")]
        {
            assert!(address(url).is_err_and(|why| why.contains(part)), "{url}");
        }
    }

    #[test]
    fn lines_are_read_with_their_labels() {
        let line = r#"tidegate_x{job="a \"b\"",subtask="0"} 1.5e3 1700000000"#;
        let read = sample(line).expect("a sample");
        assert_eq!((read.name.as_str(), read.value), ("tidegate_x", 1500.0));
        assert_eq!(read.labels["job"], "a \"b\"");
        assert_eq!(sample("plain 2").map(|sample| sample.value), Some(2.0));
        for line in ["", "# HELP x", "x", "x{", "x{a=\"", "x{a=\"b\"", "x{a} 1", "x abc"] {
            assert_eq!(sample(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_left_out(line in "\\PC{0,60}") {
            let _ = (sample(&line), body(&line).is_ok(), address(&line).is_ok());
        }
    }

    /// What comes of a server that answers once.
    fn answered(answer: &'static str) -> Result<Vec<Sample>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serve = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            drop(stream.write_all(answer.as_bytes()));
        });
        let samples = scrape(&url);
        serve.join().expect("it has answered");
        samples
    }

    #[test]
    fn a_server_is_asked_and_what_it_should_not_say_is_told() {
        let samples = answered("HTTP/1.0 200 OK\r\n\r\n# TYPE x gauge\ntidegate_x 1\n");
        assert_eq!(samples.map(|samples| samples.len()), Ok(1));
        for (answer, part) in [
            ("HTTP/1.1 404 Not Found\r\n\r\n", "404"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "pieces"),
            ("HTTP/1.1 200 OK\r\n\r\ngo_threads 1\n", "no metrics of a Tidegate job"),
            ("SSH-2.0\r\n", "no answer of a web server"),
        ] {
            assert!(answered(answer).is_err_and(|why| why.contains(part)), "{answer}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
        let why = scrape(&format!("http://{}", closed.expect("an address")));
        assert!(why.is_err_and(|why| why.contains("is the job running")));
    }
}
