//! Who may name what: heavy dependencies have one home each, and arrows between packages point down.

use crate::tree::{assert_none, texts};

/// A heavy crate, the words by which code names it, and the start of the paths that may.
struct Home {
    words: &'static [&'static str],
    code: &'static [&'static str],
    manifest: &'static str,
    dependency: &'static str,
}

const HOMES: &[Home] = &[
    Home {
        words: &["use sled::", " sled::", "(sled::", "<sled::", "&sled::"],
        code: &["framework/state/src/sled"],
        manifest: "framework/state/Cargo.toml",
        dependency: "sled",
    },
    Home {
        words: &["object_store::"],
        code: &["framework/state/src/object"],
        manifest: "framework/state/Cargo.toml",
        dependency: "object_store",
    },
    Home {
        words: &["actix::", "actix_rt::"],
        code: &["framework/runtime/src/"],
        manifest: "framework/runtime/Cargo.toml",
        dependency: "actix",
    },
    Home {
        words: &["sqlparser::"],
        code: &["operators/rows/src/expression/"],
        manifest: "operators/rows/Cargo.toml",
        dependency: "sqlparser",
    },
];

/// A folder of packages and what they may not depend on.
const NEVER: &[(&str, &[&str])] = &[
    ("framework/core/", &["tidegate"]),
    ("framework/state/", &["tidegate-runtime", "tidegate-operators"]),
    ("framework/runtime/", &["tidegate-operators", "tidegate-file", "tidegate-generator"]),
    ("operators/", &["tidegate-runtime", "tidegate-state"]),
    ("", &["tidegate-tests"]),
    ("framework/", &["tidegate-cli", "ecommerce", "nexmark"]),
    ("operators/", &["tidegate-cli", "ecommerce", "nexmark"]),
];

/// The names of all dependencies in a manifest; those of tests too when `dev`.
fn dependencies(manifest: &str, dev: bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut within = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            within = section.ends_with("dependencies") && (dev || !section.starts_with("dev-"));
            within &= section != "workspace.dependencies";
        } else if within && let Some((name, _)) = line.split_once(['=', '.', ' ']) {
            names.push(name.trim().to_owned());
        }
    }
    names.retain(|name| !name.is_empty() && !name.starts_with('#'));
    names
}

#[test]
fn a_heavy_dependency_has_one_home() {
    let mut found = Vec::new();
    for home in HOMES {
        for (file, text) in texts(&[".rs"]) {
            if home.code.iter().any(|start| file.starts_with(start)) {
                continue;
            }
            for (at, line) in text.lines().enumerate() {
                let is_code = !line.trim_start().starts_with("//") && !line.contains('"');
                if is_code && home.words.iter().any(|word| line.contains(word)) {
                    found.push(format!("{file}:{}: {}", at + 1, line.trim()));
                }
            }
        }
        for (file, text) in texts(&["Cargo.toml"]) {
            let depends = dependencies(&text, true).iter().any(|name| name == home.dependency);
            if depends && file != home.manifest {
                found.push(format!("{file} depends on {}", home.dependency));
            }
        }
    }
    assert_none("named outside its home", &found);
}

#[test]
fn arrows_between_packages_point_down() {
    let mut found = Vec::new();
    for (file, text) in texts(&["Cargo.toml"]) {
        for (folder, never) in NEVER {
            if !file.starts_with(folder) {
                continue;
            }
            for name in dependencies(&text, false) {
                let is_wrong = |wrong: &&str| {
                    *wrong == name || (*wrong == "tidegate" && name.starts_with("tidegate"))
                };
                if never.iter().any(is_wrong) {
                    found.push(format!("{file} depends on {name}"));
                }
            }
        }
    }
    assert_none("an arrow that points up", &found);
}

#[test]
fn dependencies_are_read_from_a_manifest() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n\n[dev-dependencies]\nd = \"1\"\n";
    assert_eq!(dependencies(manifest, false), ["b", "c"]);
    assert_eq!(dependencies(manifest, true), ["b", "c", "d"]);
}
