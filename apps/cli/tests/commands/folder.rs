//! A job over a watched folder, while files come and grow: stopped, killed and resumed, it has each row once.

use crate::text;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A job that has not come so far by then hangs.
const DEADLINE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

const VISITS: &str = "job: { name: visits }
sources:
  visits:
    folder: { path: in, format: csv, look_every: 5ms }
    schema: { user: string, n: int64 }
operators:
  some: { inputs: visits, filter: n >= 0 }
sinks:
  out: { inputs: some, file: { directory: out, format: csv, roll: { after: 1ms } } }
";

struct Place {
    folder: PathBuf,
    /// Rows of whole lines that stand in the folder.
    written: Vec<String>,
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // From a run before; the first one finds nothing.
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("writable");
        fs::write(folder.join("visits.yaml"), VISITS).expect("writable");
        Self { folder, written: Vec::new() }
    }

    fn append(&self, file: &str, text: &str) {
        let path = self.folder.join("in").join(file);
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.expect("writable").write_all(text.as_bytes()).expect("writable");
    }

    /// Appends rows to some files, some of which are new, the last of each in two pieces.
    fn grow(&mut self, files: std::ops::Range<usize>, stage: usize) {
        for file in files {
            let name = format!("day-{file:02}.csv");
            if !self.folder.join("in").join(&name).exists() {
                self.append(&name, "user,n\n");
            }
            for n in 0..40 {
                let row = format!("\"user {file}, {stage}\",{n}");
                let (head, tail) = row.split_at(row.len() / 2);
                self.append(&name, head);
                self.append(&name, &format!("{tail}\n"));
                self.written.push(row);
            }
        }
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.env_remove("RUST_LOG").env("NO_COLOR", "1").current_dir(&self.folder);
        command.args(["run", "visits.yaml", "--state-dir", "state", "--metrics-addr", "none"]);
        command.args(["--checkpoint-interval", "20ms"]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Waits until as many rows are published as were written.
    fn published(&self, running: &mut Running) {
        let start = Instant::now();
        let (_never, nothing) = mpsc::channel::<()>();
        while self.rows().len() < self.written.len() {
            let rows = self.rows().len();
            assert!(start.elapsed() < DEADLINE, "{rows} of {} rows", self.written.len());
            assert!(running.0.try_wait().expect("a child").is_none(), "it has ended too early");
            assert!(nothing.recv_timeout(LOOK_AGAIN).is_err());
        }
    }

    fn rows(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.join("out")) else { return Vec::new() };
        let files = entries.map(|entry| entry.expect("a file").path());
        let parts = files.filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-"))
        });
        let mut rows: Vec<String> = Vec::new();
        for part in parts {
            // Between the listing and now it may have got its last name.
            let Ok(text) = fs::read_to_string(part) else { continue };
            rows.extend(text.lines().skip(1).map(str::to_owned));
        }
        rows.sort();
        rows
    }
}

/// Stops it in an orderly way.
fn stop(mut running: Running) {
    let term = format!("kill -TERM {}", running.0.id());
    assert!(Command::new("sh").args(["-c", &term]).status().expect("it runs").success());
    assert_eq!(running.0.wait().expect("a child").code(), Some(0), "it stops with a checkpoint");
}

#[test]
fn each_row_of_a_folder_that_grows_is_published_once_whatever_happens() {
    let mut place = Place::new("watched-folder");
    let refused = place.command(&[]).output().expect("it runs");
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot watch the folder in: No such file or directory"), "{told}");
    assert!(told.contains("make it before the job starts"), "{told}");

    fs::create_dir(place.folder.join("in")).expect("writable");
    let fault: &[&str] = &[
        "--parallelism",
        "2",
        "--inject-fault",
        "visits:90",
        "--restart-strategy",
        "fixed-delay:3:1",
    ];
    let stages: [&[&str]; 5] = [
        &["--parallelism", "2"],
        &["--parallelism", "1"],
        fault,
        &["--parallelism", "3"],
        &["--parallelism", "2", "--drain"],
    ];
    for (stage, flags) in stages.into_iter().enumerate() {
        // Some while it is down, some while it runs, some of which nobody waits for.
        place.grow(stage..stage + 3, 10 * stage);
        let mut running = Running(place.command(flags).spawn().expect("it runs"));
        place.published(&mut running);
        place.grow(stage + 2..stage + 5, 10 * stage + 1);
        place.published(&mut running);
        place.grow(stage..stage + 1, 10 * stage + 2);
        if stage % 2 == 0 && stage < 4 {
            // Killed.
            drop(running);
        } else {
            if stage == 4 {
                place.published(&mut running);
            }
            stop(running);
        }
    }
    place.written.sort();
    assert!(place.rows() == place.written, "{} of {}", place.rows().len(), place.written.len());
    fs::remove_dir_all(&place.folder).expect("its own folder");
}

#[test]
fn a_file_that_is_written_anew_ends_the_job_with_what_to_do() {
    let place = Place::new("watched-folder-written-anew");
    fs::create_dir(place.folder.join("in")).expect("writable");
    place.append("a.csv", "user,n\nada,1\nbob,2\n");
    let mut running =
        Running(place.command(&["--restart-strategy", "none"]).spawn().expect("it runs"));
    let start = Instant::now();
    let (_never, nothing) = mpsc::channel::<()>();
    while place.rows().len() < 2 {
        assert!(start.elapsed() < DEADLINE && nothing.recv_timeout(LOOK_AGAIN).is_err());
    }
    // At once, as far as a look can see.
    let hidden = place.folder.join("in/.a.csv");
    fs::write(&hidden, "user,n\n").expect("writable");
    fs::rename(hidden, place.folder.join("in/a.csv")).expect("writable");
    assert_eq!(running.0.wait().expect("a child").code(), Some(1));
    let mut told = String::new();
    let stderr = running.0.stderr.as_mut().expect("a pipe");
    std::io::Read::read_to_string(stderr, &mut told).expect("text");
    let said = "in/a.csv has 7 bytes, and has been read up to byte 19; files of a watched folder only grow";
    assert!(told.contains(said), "{told}");
    assert_eq!(place.rows(), ["ada,1", "bob,2"]);
    fs::remove_dir_all(&place.folder).expect("its own folder");
}
