//! `tidegate state` on folders that jobs have left: whole, damaged, begun, running, and on what is no such folder.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

/// What has not come by then does not come.
const DEADLINE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Two keys of two columns and three of one, with a decimal; all of it stays when the input has ended.
const SHOP: &str = "job: { name: shop, max_parallelism: 16 }
sources:
  sales:
    inline:
      rows:
        - { item: 1, shop: a, price: 1.50, at: 2024-01-01T00:00:00Z }
        - { item: 1, shop: a, price: 12.25, at: 2024-01-01T00:00:01Z }
        - { item: 2, shop: b, price: 7.00, at: 2024-01-01T00:00:02Z }
        - { item: 3, shop: b, price: null, at: 2024-01-01T00:00:03Z }
    schema: { item: int64, shop: string, price: decimal?, at: timestamp }
operators:
  totals:
    inputs: sales
    parallelism: 2
    aggregate:
      key_by: [item, shop]
      retain: forever
      aggregates: { n: count(), dearest: max(price), last: max(at) }
  first:
    inputs: sales
    dedup: { first_row: { key_by: item, time: processing-time, retain: forever } }
sinks:
  out: { inputs: totals, discard: {} }
  too: { inputs: first, discard: {} }
";

/// Rows that are kept: of both sides of a join, the last of each key, the first by an order.
const ROWS: &str = "job: { name: rows, max_parallelism: 16 }
sources:
  orders:
    inline: { rows: [{ id: 1, price: 1.50, at: 2024-01-01T00:00:00Z }, { id: 2, price: null, at: 2024-01-01T00:00:01Z }] }
    schema: { id: int64, price: decimal?, at: timestamp }
  notes:
    inline: { rows: [{ order: 1, note: { who: ada, tags: 'x' } }] }
    schema: { order: int64, note: \"struct<who: string, tags: string>\" }
operators:
  noted: { inputs: [orders, notes], unbounded_join: { on: { left: id, right: order }, retain: forever } }
  latest: { inputs: orders, dedup: { last_row: { key_by: id, retain: forever } } }
  dearest: { inputs: orders, top_n: { n: 1, key_by: id, order_by: price desc } }
sinks:
  a: { inputs: noted, discard: {} }
  b: { inputs: latest, discard: {} }
  c: { inputs: dearest, discard: {} }
";

/// A job that does not end by itself before it is killed, with a state that grows.
const CLICKS: &str = "job: { name: clicks }
sources:
  clicks: { generator: { clicks: { seed: 7, events: 100000000 } } }
operators:
  views: { inputs: clicks, filter: behavior = 'pv' }
  users: { inputs: views, aggregate: { key_by: user_id, retain: forever, aggregates: { n: count() } } }
sinks:
  out: { inputs: users, discard: {} }
";

struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("state-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("writable");
        fs::write(folder.join("shop.yaml"), SHOP).expect("writable");
        fs::write(folder.join("clicks.yaml"), CLICKS).expect("writable");
        fs::write(folder.join("rows.yaml"), ROWS).expect("writable");
        Self(folder)
    }

    fn tidegate(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.current_dir(&self.0).args(args).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// The exit code, what was printed, what was told beside it.
    fn state(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let ended = self.tidegate(&["state"]).args(args).output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let Output { status, stdout, stderr } = ended;
        (status.code(), text(stdout), text(stderr))
    }

    /// Runs the shop to its end, with checkpoints in sled in `name`, or in the folder `name` itself.
    fn shop(&self, name: &str, in_folder: bool) {
        let mut command = self.tidegate(&["run", "shop.yaml", "--metrics-addr", "none"]);
        if in_folder {
            let url = format!("file://{}", self.0.join(name).display());
            command.args(["--state-dir", "beside", "--checkpoint-storage", &url]);
        } else {
            command.args(["--state-dir", name]);
        }
        let ended = command.output().expect("it starts");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    /// Begins the job that does not end.
    fn clicks(&self, flags: &[&str]) -> Running {
        let mut command = self.tidegate(&["run", "clicks.yaml", "--metrics-addr", "none"]);
        command.args(["--rate", "5000"]).args(flags);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().expect("it starts"))
    }

    fn json(&self, args: &[&str]) -> Value {
        let (_, told, why) = self.state(&[args, &["--json"]].concat());
        serde_json::from_str(&told).unwrap_or_else(|_| panic!("JSON: {told}{why}"))
    }

    /// Content and time of every file of a folder.
    fn content(&self, folder: &str) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        let (mut found, mut below) = (BTreeMap::new(), vec![self.0.join(folder)]);
        while let Some(folder) = below.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    below.push(path);
                } else {
                    let written = path.metadata().and_then(|data| data.modified());
                    let bytes = fs::read(&path).expect("a file");
                    found.insert(path, (bytes, written.expect("a time")));
                }
            }
        }
        found
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Looks until there is something.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let (_never, nothing) = mpsc::channel::<()>();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "{what} in time");
        assert!(nothing.recv_timeout(LOOK_AGAIN).is_err());
    }
}

fn lines(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON: {line}"));
    text.lines().map(line).collect()
}

/// What the operators keep: entries, keys, subtasks.
fn kept(json: &Value) -> BTreeMap<String, [Value; 3]> {
    let all = json["operators"].as_array().expect("operators").iter();
    let one = |one: &Value| {
        let uid = one["operator"].as_str().expect("a uid").to_owned();
        (uid, ["entries", "keys", "subtasks"].map(|name| one[name].clone()))
    };
    all.map(one).collect()
}

#[test]
fn operators_keys_and_entries_are_told_of_both_kinds_of_storage_and_nothing_is_touched() {
    let place = Place::new();
    place.shop("sled", false);
    place.shop("folder", true);
    let mut exports = Vec::new();
    for folder in ["sled", "folder"] {
        let before = place.content(folder);
        let json = place.json(&[folder]);
        assert_eq!((&json["job"], &json["is_finished"]), (&json!("shop"), &json!(true)));
        assert_eq!(json["checkpoints"][0]["condition"], "whole");
        let kept = kept(&json);
        assert_eq!(kept["totals"], [json!(3), json!(3), json!(2)]);
        assert_eq!(kept["first"], [json!(3), json!(3), json!(1)]);
        assert_eq!(kept["out"][0], json!(0));
        let (code, told, _) = place.state(&[folder]);
        assert!(code == Some(0) && told.starts_with("job shop, 16 key groups"), "{told}");
        let cells = |uid: &str| -> Vec<String> {
            let line = told.lines().find(|line| line.starts_with(uid)).expect("a line");
            line.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(&cells("totals")[..5], ["totals", "aggregate", "2", "3", "3"]);
        let (code, told, _) = place.state(&[folder, "--operator", "totals"]);
        assert!(code == Some(0) && told.contains("4 in, "), "{told}");
        assert!(told.contains("one entry of groups:\n  {\"operator\":\"totals\""), "{told}");
        let (code, told, _) = place.state(&[folder, "--export"]);
        assert_eq!(code, Some(0));
        let states = lines(&told).into_iter().map(|line| {
            let uid = line["operator"].as_str().expect("a uid").to_owned();
            (uid, line["state"].as_str().expect("a name").to_owned(), line["key"].to_string())
        });
        exports.push(states.collect::<Vec<_>>());
        assert!(place.content(folder) == before, "{folder} is as it was");
    }
    assert_eq!(exports[0], exports[1]);
    let own = |uid: &str| exports[0].iter().filter(|line| line.0 == uid).count();
    assert_eq!((own("totals"), own("first"), own("sales")), (3, 3, 1));
    let (code, told, why) = place.state(&["beside"]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(why.contains("look into that folder"), "{why}");
}

#[test]
fn a_topology_gives_names_and_reads_what_only_sql_has_types_for() {
    let place = Place::new();
    place.shop("state", false);
    let totals = ["state", "--operator", "totals", "--export"];
    let (_, plain, _) = place.state(&totals);
    let keys: Vec<String> = lines(&plain).iter().map(|line| line["key"].to_string()).collect();
    let expected = [r#"{"k":[1,"a"]}"#, r#"{"k":[2,"b"]}"#, r#"{"k":[3,"b"]}"#];
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
    let (_, named, _) = place.state(&[&totals[..], &["--topology", "shop.yaml"]].concat());
    let named = lines(&named);
    let of = |item: i64| {
        let line = named.iter().find(|line| line["key"]["item"] == item).expect("a line");
        (line["key"]["shop"].clone(), line["value"][1]["a"].clone())
    };
    let total = json!({ "n": 2, "dearest": "12.25", "last": "2024-01-01T00:00:01Z" });
    assert_eq!(of(1), (json!("a"), total));
    let total = json!({ "n": 1, "dearest": null, "last": "2024-01-01T00:00:03Z" });
    assert_eq!(of(3), (json!("b"), total));
    let asked = |key: &str, flags: &[&str]| {
        let args = [&["state", "--operator", "totals", "--key", key], flags].concat();
        let (code, told, why) = place.state(&args);
        (code, lines(&told).len(), why)
    };
    for key in [r#"[1,"a"]"#, r#"{"k":[1,"a"]}"#] {
        assert_eq!(asked(key, &[]), (Some(0), 1, String::new()), "{key}");
    }
    for key in [r#"[1,"a"]"#, r#"{"shop":"a","item":1}"#] {
        assert_eq!(asked(key, &["--topology", "shop.yaml"]), (Some(0), 1, String::new()), "{key}");
    }
    let (code, _, why) = asked("7", &[]);
    assert_eq!(code, Some(1));
    assert!(
        why.starts_with("operator `totals` has no entry with the key 7; keys look like {\"k\":")
    );
    let first = ["state", "--operator", "first", "--key", "2", "--topology", "shop.yaml"];
    let (code, told, _) = place.state(&first);
    assert_eq!((code, lines(&told)[0]["key"].clone()), (Some(0), json!({ "item": 2 })));
    let (code, _, why) = place.state(&["state", "--operator", "out", "--key", "2"]);
    assert!(code == Some(1) && why.contains("has no entries that are stored by key"), "{why}");
    let (code, _, why) = place.state(&["state", "--topology", "clicks.yaml"]);
    assert!(code == Some(2) && why.contains("the topology of job `clicks`"), "{why}");
    let (code, _, why) = place.state(&["state", "--operator", "total"]);
    assert!(code == Some(2) && why.contains("its operators are first, "), "{why}");
    let (code, _, why) = place.state(&["state", "--checkpoint", "99"]);
    assert!(code == Some(2) && why.contains("there is no checkpoint 99; there are"), "{why}");
}

#[test]
fn rows_have_the_names_that_their_node_has_stored_with_them() {
    let place = Place::new();
    let mut run = place.tidegate(&["run", "rows.yaml", "--metrics-addr", "none"]);
    let ran = run.args(["--state-dir", "kept"]).output().expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let export = |flags: &[&str]| {
        let (code, told, why) = place.state(&[&["kept", "--export"], flags].concat());
        assert_eq!((code, why.as_str()), (Some(0), ""));
        lines(&told)
    };
    let of = |all: &[Value], uid: &str| -> Vec<Value> {
        let own = all.iter().filter(|line| line["operator"] == uid && line["state"] != "splits");
        own.map(|line| line["value"].clone()).collect()
    };
    let first = json!({ "id": 1, "price": "1.5", "at": "2024-01-01T00:00:00Z" });
    let second = json!({ "id": 2, "price": null, "at": "2024-01-01T00:00:01Z" });
    let note = json!({ "order": 1, "note": { "who": "ada", "tags": "x" } });
    for flags in [&[][..], &["--topology", "rows.yaml"]] {
        let all = export(flags);
        let noted = of(&all, "noted");
        let with_note = noted.iter().find(|one| one["right"][0][2] == note).expect("the note");
        assert_eq!(with_note["left"][0][2], first);
        let mut rows: Vec<Value> = of(&all, "latest").iter().map(|one| one[1][1].clone()).collect();
        rows.sort_by_key(|row| row["id"].as_i64());
        assert_eq!(rows, [first.clone(), second.clone()], "{flags:?}");
        let mut rows: Vec<Value> =
            of(&all, "dearest").iter().map(|one| one[0]["r"].clone()).collect();
        rows.sort_by_key(|row| row["id"].as_i64());
        assert_eq!(rows, [first.clone(), second.clone()], "{flags:?}");
    }
    let (_, told, _) = place.state(&["kept", "--operator", "latest"]);
    assert!(told.contains(r#""price":"#), "the sample has names: {told}");
}

/// Flips the bits of a byte in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(path, bytes).expect("writable");
}

#[test]
fn a_running_job_can_be_looked_into_and_what_is_damaged_is_passed_over() {
    let place = Place::new();
    let url = format!("file://{}", place.0.join("kept").display());
    let flags = ["--state-dir", "beside", "--checkpoint-storage", &url];
    let running = place.clicks(&[&flags[..], &["--checkpoint-interval", "50ms"]].concat());
    let ids = |json: &Value| -> Vec<u64> {
        let all = json["checkpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(|one| one["checkpoint"].as_u64()).collect()
    };
    wait_for("two checkpoints", || {
        let (_, told, _) = place.state(&["kept", "--json"]);
        let json: Value = serde_json::from_str(&told).ok()?;
        (ids(&json).len() >= 2 && kept(&json)["users"][0].as_u64()? > 0).then_some(())
    });
    drop(running);
    let json = place.json(&["kept"]);
    let ids = ids(&json);
    let (newest, before) = (ids[0], ids[1]);
    assert_eq!(json["checkpoint"], newest);
    let blobs = || fs::read_dir(place.0.join("kept/blobs")).expect("blobs");
    let names = blobs().map(|blob| blob.expect("a blob").path());
    let of_newest = format!("-{newest}-users-0-users-groups");
    let is_last = |path: &PathBuf| path.to_string_lossy().ends_with(&of_newest);
    let blob = names.into_iter().find(is_last).expect("what was last captured");
    flip(&blob);
    let json = place.json(&["kept"]);
    assert_eq!(
        (&json["checkpoint"], &json["checkpoints"][0]["condition"]),
        (&json!(before), &json!("damaged"))
    );
    let why = json["checkpoints"][0]["why"].as_str().expect("a reason");
    assert!(why.ends_with("users-groups: checksum mismatch"), "{why}");
    let number = newest.to_string();
    let (code, told, _) = place.state(&["kept", "--checkpoint", &number]);
    assert_eq!(code, Some(1));
    assert!(told.contains("from which no job can go on"), "{told}");
    assert!(told.contains("users: not all of it can be read: blob "), "{told}");
    let asked = place.json(&["kept", "--checkpoint", &number]);
    assert_eq!(kept(&asked)["users"][0], Value::Null);
    let users =
        asked["operators"].as_array().expect("all").iter().find(|o| o["operator"] == "users");
    assert!(
        users.expect("it is there")["bytes"].as_u64() > Some(0),
        "sizes are known all the same"
    );
    fs::remove_file(&blob).expect("removable");
    let json = place.json(&["kept"]);
    let why = json["checkpoints"][0]["why"].as_str().expect("a reason");
    assert!(why.starts_with("blob ") && why.ends_with(" is missing"), "{why}");
    let manifest = place.0.join("kept/manifests").join(format!("{newest:020}"));
    flip(&manifest);
    let json = place.json(&["kept"]);
    assert_eq!(json["checkpoints"][0]["checkpoint"], before);
    let problems = json["problems"].to_string();
    assert!(problems.contains(&format!("manifest {newest} does not count: it is damaged")));
    blobs().for_each(|blob| fs::remove_file(blob.expect("a blob").path()).expect("removable"));
    let (code, told, _) = place.state(&["kept"]);
    assert!(code == Some(1) && told.contains("none is whole"), "{told}");
}

#[test]
fn a_sled_folder_is_looked_into_while_its_job_runs_and_before_its_first_checkpoint() {
    let place = Place::new();
    let begun = place.clicks(&["--state-dir", "begun", "--checkpoint-interval", "1h"]);
    let told = wait_for("its beginning", || {
        let (code, told, why) = place.state(&["begun"]);
        assert!(code != Some(0), "no checkpoint within an hour: {told}");
        why.contains("has begun").then_some(why)
    });
    assert_eq!(told, "begun: job `clicks` has begun, and has written no checkpoint yet\n");
    drop(begun);
    let mut running = place.clicks(&["--state-dir", "state", "--checkpoint-interval", "300ms"]);
    let entries = || {
        let (_, told, _) = place.state(&["state", "--json"]);
        let json: Value = serde_json::from_str(&told).ok()?;
        kept(&json)["users"][0].as_u64().filter(|entries| *entries > 0)
    };
    let first = wait_for("a checkpoint", entries);
    wait_for("a later one", || entries().filter(|later| *later > first));
    assert!(running.0.try_wait().expect("a child").is_none(), "it runs on");
}

#[test]
fn what_is_no_state_of_a_job_is_told_apart() {
    let place = Place::new();
    fs::create_dir(place.0.join("empty")).expect("writable");
    place.shop("state", false);
    let cases = [
        ("nothing", "there is no folder nothing"),
        ("empty", "empty is empty: no job has kept state in it"),
        ("shop.yaml", "shop.yaml is a file"),
        (".", "is no state of a job: it holds `clicks.yaml`"),
        ("state/checkpoints", "is a part of a state folder: give state"),
    ];
    for (folder, expected) in cases {
        let (code, told, why) = place.state(&[folder]);
        assert_eq!((code, told.as_str()), (Some(2), ""), "{folder}");
        assert!(why.contains(expected), "{why}");
    }
    let mark = fs::read_to_string(place.0.join("state/tidegate.json")).expect("a mark");
    let other = mark.replace("\"format\": ", "\"format\": 9");
    fs::write(place.0.join("state/tidegate.json"), other).expect("writable");
    let (code, _, why) = place.state(&["state"]);
    assert!(code == Some(2) && why.contains("format version 9"), "{why}");
}
