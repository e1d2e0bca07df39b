//! Which names a new job and a new app can have.
//!
//! Apart because they become names of files, of a job and of a package: what one of these does not take is told before
//! anything is written.

/// Characters of the longest name: with a suffix it is still the name of a file everywhere.
const LONGEST: usize = 64;

/// Names of packages that Cargo refuses, or that the app itself depends on.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mimalloc",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "schemars",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "tidegate",
    "tidegate-cli",
    "tidegate-deploy",
    "tidegate-rows",
    "tidegate-topology",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// # Errors
/// What is wrong, and what is allowed.
pub(super) fn check_job(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let wrong = if name.is_empty() {
        "a name is missing".to_owned()
    } else if name.contains(['/', '\\']) {
        format!("`{name}` is a path: go to the folder, and give a name alone")
    } else if name.len() > LONGEST {
        format!("a name of {} characters is too long", name.chars().count())
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) {
        format!("`{name}` is no name for a job")
    } else {
        return Ok(());
    };
    Err(format!(
        "{wrong}; a name begins with a lower-case letter and has up to {LONGEST} lower-case letters, digits, `-` and `_`, \
         such as `hot-items`"
    ))
}

/// As [`check_job`], for one that is a package of Cargo too.
///
/// # Errors
/// What is wrong, and what is allowed.
pub(super) fn check_app(name: &str) -> Result<(), String> {
    check_job(name)?;
    if TAKEN.contains(&name) {
        return Err(format!(
            "`{name}` cannot be the name of an app: it is a word of Rust or Cargo, or a package that the app uses; choose \
             another, such as `{name}-app`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_as_files_jobs_and_packages_can_have() {
        for name in ["a", "hot-items", "q5_by_user", &"a".repeat(64)] {
            assert_eq!(check_app(name), Ok(()));
        }
        let long = "a".repeat(65);
        for name in ["", "A", "1a", "-a", "_a", "a b", "a.b", "a/b", "..", "ä", "a\n", &long] {
            let why = check_job(name).expect_err("no name");
            assert!(why.contains("such as `hot-items`"), "{why}");
        }
        assert!(check_job("../a").expect_err("a path").contains("is a path"));
        for name in ["fn", "test", "serde", "tidegate-cli"] {
            assert_eq!(check_job(name), Ok(()));
            assert!(check_app(name).expect_err("taken").contains(&format!("`{name}-app`")));
        }
        assert!(TAKEN.is_sorted());
    }
}
