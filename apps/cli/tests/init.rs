//! `tidegate init`: what it makes runs at once, and what is there stays as it is.
//!
//! With `TIDEGATE_FULL=1` an app is built and run as its user would; else its text is built and run as an example of this
//! package, which it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A folder of its own, outside of the checkout.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-init-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("writable");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Runs `program` here.
    fn run(&self, program: &Path, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.0).env("NO_COLOR", "1").stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status.code(), text(stdout), text(stderr))
    }

    fn tidegate(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.run(Path::new(env!("CARGO_BIN_EXE_tidegate")), args)
    }

    /// All files here and below, sorted.
    fn files(&self) -> Vec<String> {
        let (mut found, mut below) = (Vec::new(), vec![self.0.clone()]);
        while let Some(folder) = below.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    below.push(path);
                } else {
                    let path = path.strip_prefix(&self.0).expect("below");
                    found.push(path.to_string_lossy().into_owned());
                }
            }
        }
        found.sort();
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

/// The text of a template.
fn example(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    fs::read_to_string(path).expect("a template")
}

/// The program of the app, which is built with the tests.
fn app() -> PathBuf {
    let debug = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().expect("a folder");
    let app = debug.join("examples").join(format!("app{}", std::env::consts::EXE_SUFFIX));
    assert!(app.is_file(), "{}: cargo test builds the examples", app.display());
    app
}

#[test]
fn a_new_topology_runs_at_once_and_its_test_passes() {
    let place = Place::new();
    let (code, told, _) = place.tidegate(&["init", "hot-items.yaml"]);
    assert_eq!(code, Some(0));
    let expected = "made hot-items.yaml
made hot-items.test.yaml
made schema/topology.json
made schema/test.json

next:
  tidegate run hot-items.yaml ";
    assert!(told.starts_with(expected), "{told}");
    let text = place.read("hot-items.yaml");
    assert_eq!(text, example("init/first-job.yaml").replace("first-job", "hot-items"));
    assert!(text.starts_with("# yaml-language-server: $schema=schema/topology.json\n"));
    let kept = fs::read_to_string(Path::new(CHECKOUT).join("config/schema/test.json"));
    assert_eq!(place.read("schema/test.json"), kept.expect("a schema"));
    let (code, told, _) = place.tidegate(&["validate", "hot-items.yaml"]);
    assert_eq!((code, told.as_str()), (Some(0), "hot-items.yaml: no errors\n"));
    let (code, told, _) = place.tidegate(&["test", "."]);
    assert!(code == Some(0) && told.contains("ok. 1 passed; 0 failed"), "{told}");
    let run = ["run", "hot-items.yaml", "--metrics-addr", "none"];
    let (code, rows, told) = place.tidegate(&run);
    assert!(code == Some(0) && told.starts_with("job hot-items: finished"), "{told}");
    let mut rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.remove(0), "item_id,window_start,window_end,sold,buyers");
    assert_eq!(rows.len(), 22);
    assert!(rows.contains(&"1,2017-11-26T00:00:00Z,2017-11-26T00:10:00Z,263,215"), "{rows:?}");
    // A second one in the same folder shares the schema.
    let (code, told, _) = place.tidegate(&["init", "other"]);
    assert!(code == Some(0) && told.starts_with("made other.yaml\nmade other.test.yaml\n\nnext"));
    assert_eq!(place.files().len(), 6);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_made_beside_what_is_in_the_way() {
    let place = Place::new();
    fs::write(place.path("a.test.yaml"), "mine").expect("writable");
    let (code, told, why) = place.tidegate(&["init", "a"]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(why.starts_with("error: a.test.yaml is there, and is not overwritten"), "{why}");
    assert_eq!(place.files(), ["a.test.yaml"]);
    assert_eq!(place.read("a.test.yaml"), "mine");
    fs::create_dir_all(place.path("b/src")).expect("writable");
    fs::write(place.path("b/src/main.rs"), "mine").expect("writable");
    let (code, _, why) = place.tidegate(&["init", "b", "--app", "--tidegate", CHECKOUT]);
    assert_eq!(code, Some(2));
    let in_the_way = Path::new("b").join("src/main.rs");
    assert!(why.contains(&format!("{} is there", in_the_way.display())), "{why}");
    assert_eq!(place.files().len(), 2);
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let place = Place::new();
    for (name, why) in [("../up", "is a path"), ("Shop", "no name for a job"), ("a.b", "no name")] {
        let (code, _, told) = place.tidegate(&["init", name]);
        assert!(code == Some(2) && told.contains(why), "{told}");
        assert!(told.contains("such as `hot-items`"), "{told}");
    }
    let (code, _, told) = place.tidegate(&["init", "test", "--app", "--tidegate", CHECKOUT]);
    assert!(code == Some(2) && told.contains("such as `test-app`"), "{told}");
    assert_eq!(place.files(), Vec::<String>::new());
}

#[test]
fn an_app_needs_a_checkout() {
    let place = Place::new();
    let (code, _, told) = place.tidegate(&["init", "a", "--app"]);
    assert!(code == Some(2) && told.contains("--tidegate PATH"), "{told}");
    let (code, _, told) = place.tidegate(&["init", "a", "--app", "--tidegate", "."]);
    assert!(code == Some(2) && told.contains("is no checkout of Tidegate"), "{told}");
    assert_eq!(place.files(), Vec::<String>::new());
}

#[test]
fn an_app_is_the_example_under_another_name() {
    let place = Place::new();
    let (code, told, _) = place.tidegate(&["init", "shop", "--app", "--tidegate", CHECKOUT]);
    assert_eq!(code, Some(0));
    assert!(told.contains("next, in shop:\n  cargo run -- run shop.yaml"), "{told}");
    let files = [
        "shop/.gitignore",
        "shop/Cargo.lock",
        "shop/Cargo.toml",
        "shop/schema/test.json",
        "shop/schema/topology.json",
        "shop/shop.test.yaml",
        "shop/shop.yaml",
        "shop/src/main.rs",
        "shop/src/spikes.rs",
    ];
    assert_eq!(place.files(), files);
    assert_eq!(place.read("shop/src/main.rs"), example("app/main.rs"));
    assert_eq!(place.read("shop/src/spikes.rs"), example("app/spikes.rs"));
    let manifest = place.read("shop/Cargo.toml");
    let path = fs::canonicalize(CHECKOUT).expect("a folder").join("apps/cli");
    assert!(manifest.contains("name = \"shop\"\n"), "{manifest}");
    assert!(manifest.contains(&format!("{path:?}")), "{manifest}");
    // The program of the example is that of the app: the same texts, and versions as in the workspace.
    let workspace = fs::read_to_string(Path::new(CHECKOUT).join("Cargo.toml")).expect("a manifest");
    for package in ["mimalloc", "schemars", "serde"] {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{package} = ")));
        assert!(workspace.contains(line.expect("it depends on it")), "{package}");
    }
    let (code, told, _) = place.run(&app(), &["test", "shop"]);
    assert!(code == Some(0) && told.contains("ok. 1 passed; 0 failed"), "{told}");
    let (code, schema, _) = place.run(&app(), &["schema"]);
    assert_eq!((code, schema), (Some(0), place.read("shop/schema/topology.json")));
    let (code, rows, told) = place.run(&app(), &["run", "shop/shop.yaml", "--metrics-addr=none"]);
    assert!(code == Some(0) && told.starts_with("job shop: finished"), "{told}");
    assert!(rows.starts_with("until,item,sold,stars\n"), "{rows}");
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let sold: usize = cells[2].parse().expect("a number");
        assert!(sold >= 2 && cells[3].len() == sold.min(100), "{row}");
    }
    // An app makes apps too.
    let (code, _, why) = place.run(&app(), &["init", "next", "--app", "--tidegate", CHECKOUT]);
    assert_eq!((code, why.as_str()), (Some(0), ""));
}

#[test]
fn what_an_app_cannot_build_is_told_in_its_words() {
    let place = Place::new();
    let text = example("app/first-app.yaml");
    for (from, to, why) in [
        ("value: sold", "value: price", "there is no column `price`"),
        ("value: sold", "value: window_end", "column `window_end` must be an int64"),
        ("factor: 2", "factr: 2", "factr"),
    ] {
        fs::write(place.path("a.yaml"), text.replace(from, to)).expect("writable");
        let (code, _, told) = place.run(&app(), &["run", "a.yaml", "--metrics-addr", "none"]);
        assert!(code == Some(2) && told.contains(why), "{told}");
    }
}

#[test]
fn an_app_is_built_and_run_by_its_user() {
    if std::env::var_os("TIDEGATE_FULL").is_none() {
        return;
    }
    let place = Place::new();
    let (code, _, _) = place.tidegate(&["init", "shop", "--app", "--tidegate", CHECKOUT]);
    assert_eq!(code, Some(0));
    let cargo = PathBuf::from(env!("CARGO"));
    let manifest = place.path("shop/Cargo.toml");
    let target = place.path("target");
    let cargo_run = |args: &[&str]| {
        let path = |path: &Path| path.to_str().expect("text").to_owned();
        let fixed = ["run", "--offline", "--quiet", "--manifest-path"].map(str::to_owned);
        let mut all = fixed.to_vec();
        all.extend([path(&manifest), "--target-dir".into(), path(&target), "--".into()]);
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        place.run(&cargo, &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (code, told, why) = cargo_run(&["test", "shop"]);
    assert!(code == Some(0) && told.contains("ok. 1 passed; 0 failed"), "{told}{why}");
    let (code, rows, why) = cargo_run(&["run", "shop/shop.yaml", "--metrics-addr", "none"]);
    assert!(code == Some(0) && rows.starts_with("until,item,sold,stars\n"), "{rows}{why}");
}
