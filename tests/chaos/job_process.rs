//! The job as a process: started, watched, killed, and what it leaves looked at.
//!
//! Apart so that the tests say only what happens to the job and what must be true then.

use crate::subject::{HOT_ITEMS, Rows, Subject};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tidegate_tests::shared_material;

/// A job that has not ended by then hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A job's folders, and the rows it must end with.
pub(crate) struct Place {
    subject: Subject,
    folder: PathBuf,
    /// The inputs with their flags.
    inputs: Vec<(&'static str, PathBuf)>,
    expected: Vec<String>,
}

impl Place {
    /// An empty place for `hot-items`.
    pub(crate) fn new() -> Option<Self> {
        Self::of(HOT_ITEMS)
    }

    /// An empty place; `None` when the recorded data is absent, which has been said.
    pub(crate) fn of(subject: Subject) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let find = |&(flag, file): &(&'static str, &str)| {
            Some((flag, shared_material::find(&format!("data/ecommerce/{file}"))?))
        };
        let mut inputs = subject.inputs.iter().map(find).collect::<Option<Vec<_>>>()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chaos-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        for (flag, text) in subject.made_up {
            let path = folder.join(format!("made-up{flag}"));
            fs::write(&path, text()).unwrap();
            inputs.push((flag, path));
        }
        let mut expected = match subject.rows {
            Rows::Recorded(rows) => {
                let rows = shared_material::find(&format!("data/ecommerce/expected/{rows}"))?;
                let rows = fs::read_to_string(rows).unwrap();
                rows.lines().map(str::to_owned).collect()
            }
            Rows::Computed(compute) => compute(&fs::read_to_string(&inputs[0].1).unwrap()),
        };
        expected.sort();
        Some(Self { subject, folder, inputs, expected })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path("output")
    }

    /// Where checkpoints lie with [`Storage::Folder`].
    pub(crate) fn storage(&self) -> PathBuf {
        self.path("checkpoints")
    }

    /// The only input of the job, or the first one.
    pub(crate) fn input(&self) -> &Path {
        &self.inputs[0].1
    }

    /// A start of the job here, which publishes with every checkpoint.
    pub(crate) fn job(&self, storage: Storage) -> Start {
        self.eager_job(storage, "20ms")
    }

    /// A start of the job here whose files end with each checkpoint, one in every `interval`.
    pub(crate) fn eager_job(&self, storage: Storage, interval: &str) -> Start {
        let start = self.unhurried_job(storage).flag("--roll-after", "1ms");
        start.flag("--checkpoint-interval", interval)
    }

    /// A start of the job here, whose files stay open across checkpoints.
    pub(crate) fn lazy_job(&self, storage: Storage) -> Start {
        self.unhurried_job(storage).flag("--checkpoint-interval", "20ms")
    }

    /// A start of the job here, without an interval of checkpoints.
    pub(crate) fn unhurried_job(&self, storage: Storage) -> Start {
        let storage = match storage {
            Storage::Sled => "sled".to_owned(),
            Storage::Memory => "memory".to_owned(),
            Storage::Folder => format!("file://{}", self.storage().display()),
        };
        let bare = self.bare();
        let start = self.inputs.iter().fold(bare, |start, (f, path)| start.flag(f, path.display()));
        let start = self.subject.flags.iter().fold(start, |start, flag| start.switch(flag));
        let start = start.flag("--output", self.output().display());
        let start = start.flag("--state-dir", self.state().display());
        start.flag("--checkpoint-storage", storage).flag("--slots", 2)
    }

    /// A start with nothing said but where the summary goes, and no metrics.
    pub(crate) fn bare(&self) -> Start {
        self.unmetered().flag("--metrics-addr", "none")
    }

    /// A start with nothing said but where the summary goes.
    pub(crate) fn unmetered(&self) -> Start {
        let summary = self.path("summary.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos-job"));
        command.env_remove("TIDEGATE_CRASH_POINT").env_remove("RUST_LOG");
        let flags = vec!["--summary-json".into(), summary.display().to_string()];
        Start { command, job: self.subject.job, flags, summary }
    }

    /// What is published, sorted.
    pub(crate) fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for path in self.written() {
            if path.file_name().unwrap().to_string_lossy().starts_with("part-") {
                rows.extend(fs::read_to_string(&path).unwrap().lines().map(str::to_owned));
            }
        }
        rows.sort();
        rows
    }

    /// The files in the folders of its sinks.
    fn written(&self) -> Vec<PathBuf> {
        let (mut files, mut below) = (Vec::new(), vec![self.output()]);
        while let Some(folder) = below.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { below.push(path) } else { files.push(path) }
            }
        }
        files
    }

    /// The job has ended and published exactly what it must.
    pub(crate) fn assert_exact(&self, case: &str) {
        let rows = self.rows();
        assert!(
            rows == self.expected,
            "{case}: {} rows, expected {}; {} in {}",
            rows.len(),
            self.expected.len(),
            difference(&rows, &self.expected),
            self.folder.display()
        );
        let left = self.written();
        let name = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let pending = left.iter().filter(|path| name(path).starts_with(".pending"));
        assert_eq!(pending.count(), 0, "{case}: {left:?}");
    }

    /// What is published so far is right, and nothing of it twice.
    pub(crate) fn assert_partial(&self, case: &str) {
        let mut expected = self.expected.iter().peekable();
        for row in self.rows() {
            while expected.next_if(|next| **next < row).is_some() {}
            assert!(
                expected.next_if(|next| **next == row).is_some(),
                "{case}: {row:?} is wrong or doubled in {}",
                self.folder.display()
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

fn difference(rows: &[String], expected: &[String]) -> String {
    let only = |a: &[String], b: &[String]| {
        let mut b = b.to_vec();
        let odd = a.iter().filter(|row| match b.iter().position(|other| other == *row) {
            Some(at) => {
                b.remove(at);
                false
            }
            None => true,
        });
        odd.take(3).cloned().collect::<Vec<_>>()
    };
    format!("too much {:?}, missing {:?}", only(rows, expected), only(expected, rows))
}

/// Where checkpoints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Sled,
    Memory,
    Folder,
}

/// A start to be.
pub(crate) struct Start {
    command: Command,
    job: &'static str,
    flags: Vec<String>,
    summary: PathBuf,
}

impl Start {
    pub(crate) fn flag(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.flags.extend([name.to_owned(), value.to_string()]);
        self
    }

    pub(crate) fn switch(mut self, name: &str) -> Self {
        self.flags.push(name.to_owned());
        self
    }

    /// Starts another job at this place.
    pub(crate) const fn with_job(mut self, job: &'static str) -> Self {
        self.job = job;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn parallelism(self, n: u32) -> Self {
        self.flag("--parallelism", n)
    }

    /// Dies at a crash point.
    pub(crate) fn crash(self, point: &str) -> Self {
        self.env("TIDEGATE_CRASH_POINT", point)
    }

    pub(crate) fn spawn(mut self) -> Running {
        drop(fs::remove_file(&self.summary));
        self.command.arg(self.job).args(&self.flags);
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is all there is.
            drop(stderr.read_to_end(&mut bytes));
            drop(sender.send(String::from_utf8_lossy(&bytes).into_owned()));
        });
        Running { child, said, summary: self.summary }
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Ended {
        self.spawn().wait()
    }
}

/// A running job; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    /// All of standard error, when the process has ended.
    said: Receiver<String>,
    summary: PathBuf,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end, if it comes within `patience`.
    pub(crate) fn wait_for(&mut self, patience: Duration) -> Option<Ended> {
        match self.said.recv_timeout(patience) {
            Ok(said) => {
                let status = self.child.wait().unwrap();
                use std::os::unix::process::ExitStatusExt;
                let summary = fs::read(&self.summary).ok();
                let summary = summary.and_then(|json| serde_json::from_slice(&json).ok());
                Some(Ended { code: status.code(), signal: status.signal(), said, summary })
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the end was told before"),
        }
    }

    pub(crate) fn wait(mut self) -> Ended {
        self.wait_for(DEADLINE).expect("the job ends")
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.wait()
    }

    /// SIGTERM, as soon as the job listens to it.
    pub(crate) fn ask_to_stop(&self) {
        let pid = self.pid();
        self.until("it listens to SIGTERM", || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let Some(caught) = caught else { return true };
            let caught = u64::from_str_radix(caught.trim(), 16).unwrap_or(0);
            // A process that has ended and was not yet waited for catches nothing.
            caught & (1 << 14) != 0 || status.contains("State:\tZ")
        });
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {pid}")).status();
        assert!(sent.is_ok());
    }

    /// Waits until `is_so`.
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let (_never, nothing) = mpsc::channel::<()>();
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < DEADLINE, "not seen in time: {what}");
            assert!(nothing.recv_timeout(LOOK_AGAIN).is_err());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) said: String,
    pub(crate) summary: Option<Value>,
}

impl Ended {
    /// Ended with exit code 0, and the books are in order.
    pub(crate) fn assert_clean(&self, case: &str) {
        assert_eq!(self.code, Some(0), "{case}: {self:?}");
        self.assert_no_panic_text(case);
        let audit = self.summary.as_ref().map(|summary| summary["audit"].clone());
        assert_eq!(audit, Some(Value::from("clean")), "{case}: {self:?}");
    }

    pub(crate) fn assert_no_panic_text(&self, case: &str) {
        for text in ["panicked at", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(!self.said.contains(text), "{case}: {}", self.said);
        }
    }

    /// Died at the crash point it was sent to.
    pub(crate) fn is_crash(&self) -> bool {
        const SIGABRT: i32 = 6;
        self.signal == Some(SIGABRT)
    }

    /// One clear line that contains `words`, and exit code `code`.
    pub(crate) fn assert_refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{words}: {}", self.said);
        self.assert_no_panic_text(words);
        let complaints: Vec<&str> =
            self.said.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(complaints.len(), 1, "{words}: {}", self.said);
        assert!(complaints[0].contains(words), "expected {words:?} in {:?}", complaints[0]);
    }

    pub(crate) fn number(&self, field: &str) -> u64 {
        let summary = self.summary.as_ref().expect("a summary");
        summary[field].as_u64().expect("a number")
    }
}

/// A seeded choice (splitmix64): the same moments in every run of the tests.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Whether the long versions were asked for.
pub(crate) fn is_full_run() -> bool {
    std::env::var_os("TIDEGATE_FULL").is_some()
}
