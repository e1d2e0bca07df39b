//! What users get wrong: one clear line, the right exit code, nothing harmed, no panic text.

use crate::damage::contents;
use crate::job_process::{Place, Start, Storage};
use std::fs;
use std::path::Path;

/// Refused before anything was written anywhere, temporary folders included.
fn refuses_and_writes_nothing(place: &Place, start: Start, words: &str) {
    let temporary = place.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let before = contents(&place.path(""));
    start.env("TMPDIR", &temporary).run().assert_refused(2, words);
    assert!(before == contents(&place.path("")), "{words}: something was written");
    assert!(fs::read_dir(&temporary).unwrap().next().is_none(), "{words}: temporary state");
}

fn reading(place: &Place, input: &Path) -> Start {
    let output = place.output();
    place.bare().flag("--input", input.display()).flag("--output", output.display())
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let Some(place) = Place::new() else { return };
    let cases = [
        ("--nonsense", "1", "--nonsense"),
        ("--inject-fault", "nobody:1", "no operator `nobody`"),
        ("--inject-fault", "count", "expected an operator's uid and a record number"),
        ("--parallelism", "0", "parallelism 0"),
        ("--parallelism", "129", "max parallelism"),
        ("--parallelism", "many", "--parallelism"),
        ("--max-parallelism", "0", "--max-parallelism"),
        ("--checkpoint-interval", "10", "such as 500ms"),
        ("--checkpoint-interval", "0s", "such as 500ms"),
        ("--checkpoint-storage", "s3:/bucket", "file:///"),
        ("--restart-strategy", "sometimes", "--restart-strategy"),
        ("--slots", "0", "above 0"),
        ("--rate", "-1", "--rate"),
        ("--rate", "0", "above 0"),
        ("--log", "=,=", "--log"),
        ("--metrics-addr", "here", "127.0.0.1:9249"),
        ("--state-backend", "rocks", "--state-backend"),
    ];
    for (flag, value, words) in cases {
        let start = place.unmetered().flag("--input", place.input().display());
        let start = start.switch(&format!("{flag}={value}"));
        refuses_and_writes_nothing(&place, start, words);
    }
}

#[test]
fn inputs_and_outputs_that_cannot_be_are_refused() {
    let Some(place) = Place::new() else { return };
    let (empty, file) = (place.path("empty"), place.path("file"));
    fs::create_dir(&empty).unwrap();
    fs::write(&file, "mine").unwrap();
    let missing = reading(&place, &place.path("missing.csv"));
    refuses_and_writes_nothing(&place, missing, "cannot read the input");
    refuses_and_writes_nothing(&place, reading(&place, &empty), "holds no files");
    for output in [file.clone(), file.join("below")] {
        let start = place.bare().flag("--input", place.input().display());
        let start = start.flag("--output", output.display());
        refuses_and_writes_nothing(&place, start, "is not a folder");
    }
    let start = reading(&place, place.input()).flag("--state-dir", file.display());
    refuses_and_writes_nothing(&place, start, "state folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let start = place.unmetered().flag("--input", place.input().display());
    let start = start.flag("--metrics-addr", taken.local_addr().unwrap());
    refuses_and_writes_nothing(&place, start, "metrics cannot be served");
}

#[test]
fn a_state_folder_that_is_not_this_jobs_is_refused_untouched() {
    let Some(place) = Place::new() else { return };
    let stopped = place.job(Storage::Folder).flag("--rate", 100_000);
    assert!(stopped.crash("manifest.write.before:6").run().is_crash());
    let job = || place.job(Storage::Folder);
    refuses_and_writes_nothing(&place, job().with_job("pv"), "belongs to job");
    refuses_and_writes_nothing(&place, job().flag("--max-parallelism", 64), "max parallelism");
    for fresh in [false, true] {
        let other = || {
            let start = place.bare().flag("--input", place.input().display());
            let start = start.flag("--output", place.path("elsewhere").display());
            let start = start.with_job("pv");
            let storage = format!("file://{}", place.storage().display());
            let start = start.flag("--checkpoint-storage", storage);
            if fresh { start.switch("--fresh") } else { start }
        };
        refuses_and_writes_nothing(&place, other(), "holds job `hot-items`");
    }
    let note = place.state().join("notes.txt");
    fs::write(&note, "mine").unwrap();
    refuses_and_writes_nothing(&place, job(), "notes.txt");
    refuses_and_writes_nothing(&place, job().switch("--fresh"), "notes.txt");
    fs::remove_file(note).unwrap();
    let mark = place.state().join("tidegate.json");
    let whole = fs::read(&mark).unwrap();
    fs::write(&mark, r#"{"format": 99, "job": "hot-items"}"#).unwrap();
    refuses_and_writes_nothing(&place, job(), "format version 99");
    fs::write(&mark, "{").unwrap();
    refuses_and_writes_nothing(&place, job(), "tidegate.json");
    fs::write(&mark, whole).unwrap();
    job().run().assert_clean("unharmed");
    place.assert_exact("unharmed");
}

#[test]
fn a_state_folder_in_use_is_refused_and_its_user_not_disturbed() {
    for storage in [Storage::Sled, Storage::Folder] {
        let Some(place) = Place::new() else { return };
        let running = place.job(storage).flag("--rate", 60_000).spawn();
        running.until("it works", || !place.rows().is_empty());
        place.job(storage).run().assert_refused(2, "in use by a running job");
        place.job(storage).switch("--fresh").run().assert_refused(2, "in use by a running job");
        running.wait().assert_clean("undisturbed");
        place.assert_exact("undisturbed");
    }
}

#[test]
fn an_input_that_has_changed_is_refused_on_resume() {
    let Some(place) = Place::new() else { return };
    let input = place.path("clicks.csv");
    let whole = fs::read(place.input()).unwrap();
    fs::write(&input, &whole).unwrap();
    let start = || {
        let storage = format!("file://{}", place.storage().display());
        let start = reading(&place, &input).flag("--state-dir", place.state().display());
        start.flag("--checkpoint-storage", storage).flag("--checkpoint-interval", "20ms")
    };
    let died = start()
        .flag("--rate", 100_000)
        .flag("--roll-after", "1ms")
        .crash("manifest.write.before:9");
    assert!(died.run().is_crash());
    fs::write(&input, &whole[..whole.len() / 2]).unwrap();
    refuses_and_writes_nothing(&place, start(), "is not the one it was");
    let mut other = whole.clone();
    other[10] ^= 1;
    fs::write(&input, other).unwrap();
    refuses_and_writes_nothing(&place, start(), "is not the one it was");
    fs::write(&input, &whole).unwrap();
    start().run().assert_clean("the input is back");
    place.assert_exact("the input is back");
}

#[test]
fn output_of_another_job_is_refused_untouched() {
    let Some(place) = Place::new() else { return };
    place.job(Storage::Folder).run().assert_clean("the other");
    let files = contents(&place.output());
    // A job without state.
    let start = reading(&place, place.input());
    start.run().assert_refused(2, "holds output of another job");
    // A job that died before its first checkpoint, and is then pointed there.
    let start = |output: &Path| {
        let start = place.bare().flag("--input", place.input().display());
        let start = start.flag("--output", output.display());
        start.flag("--state-dir", place.path("other-state").display())
    };
    let died = start(&place.path("elsewhere")).crash("file-sink.before-create").run();
    assert!(died.is_crash(), "{died:?}");
    start(&place.output()).run().assert_refused(2, "holds published rows");
    assert!(files == contents(&place.output()));
}

#[test]
fn an_output_folder_that_another_job_writes_to_is_refused_and_that_job_not_disturbed() {
    let Some(place) = Place::new() else { return };
    let running = place.job(Storage::Folder).flag("--rate", 60_000).spawn();
    running.until("its output folder is there", || place.output().join(".tidegate-lock").exists());
    let other = reading(&place, place.input()).flag("--state-dir", place.path("other").display());
    let ended = other.run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    ended.assert_no_panic_text("in use");
    running.wait().assert_clean("undisturbed");
    place.assert_exact("undisturbed");
}

#[test]
fn a_fresh_start_that_is_refused_has_forgotten_nothing() {
    for storage in [Storage::Sled, Storage::Folder] {
        let Some(place) = Place::new() else { return };
        place.job(storage).run().assert_clean("first");
        let files = contents(&place.output());
        let fresh = || {
            let start = place.bare().switch("--fresh").flag("--output", place.output().display());
            start.flag("--state-dir", place.state().display())
        };
        let missing = place.path("missing.csv");
        let cases = [
            (fresh().flag("--input", missing.display()), "cannot read the input"),
            (fresh().flag("--inject-fault", "nobody:1"), "no operator"),
            (fresh().flag("--parallelism", 0), "parallelism 0"),
        ];
        for (start, words) in cases {
            start.run().assert_refused(2, words);
            assert!(files == contents(&place.output()), "{words}: output was removed");
        }
        let again = place.job(storage).run();
        assert!(again.said.contains("finished before"), "state was removed: {}", again.said);
    }
}

#[test]
fn a_malformed_row_fails_the_job_and_says_where_it_is() {
    let Some(place) = Place::new() else { return };
    let input = place.path("clicks.csv");
    let text = fs::read_to_string(place.input()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let position: usize = lines[..50_000].iter().map(|line| line.len() + 1).sum();
    lines.insert(50_000, "1,2,3,pv,yesterday");
    fs::write(&input, lines.join("\n")).unwrap();
    for parallelism in [1, 2] {
        let start = reading(&place, &input).flag("--restart-strategy", "none");
        let ended = start.parallelism(parallelism).switch("--fresh").run();
        let words = format!("malformed row at byte {position} of {}", input.display());
        ended.assert_refused(1, &words);
        assert!(ended.said.contains("(line 50001): column 5"), "{}", ended.said);
    }
}
