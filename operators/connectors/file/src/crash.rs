//! Dying on purpose: the named points at which a test can make the process abort.
//!
//! Apart because the sink is correct only if it survives a crash *between any two* of its steps on the
//! disk, and that is shown by crashing there. `TIDEGATE_CRASH_POINT=file-sink.before-rename` aborts at
//! that point, `...=file-sink.before-rename:3` the third time it is reached. Without the variable a
//! point costs one relaxed load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The environment variable that arms a point.
pub const VARIABLE: &str = "TIDEGATE_CRASH_POINT";

/// Every point.
pub const ALL: &[&str] = &[
    "file-sink.before-create",
    "file-sink.after-create",
    "file-sink.before-write",
    "file-sink.after-write",
    "file-sink.before-fsync",
    "file-sink.after-fsync",
    "file-sink.before-folder-create",
    "file-sink.after-folder-create",
    "file-sink.before-folder-fsync",
    "file-sink.after-folder-fsync",
    "file-sink.before-truncate",
    "file-sink.after-truncate",
    "file-sink.before-rename",
    "file-sink.after-rename",
    "file-sink.before-unpublish",
    "file-sink.after-unpublish",
    "file-sink.before-delete",
    "file-sink.after-delete",
];

const UNREAD: u8 = 0;
const OFF: u8 = 1;
const ARMED: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(UNREAD);

struct Plan {
    point: String,
    /// How often the point may still be reached; the process dies when it comes to one.
    left: AtomicU64,
}

/// Marks a point; the process ends here if this is the one that was asked for.
#[inline]
pub fn reach(point: &'static str) {
    if MODE.load(Ordering::Relaxed) != OFF {
        reach_armed(point);
    }
}

#[cold]
fn reach_armed(point: &str) {
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| std::env::var(VARIABLE).ok().map(|asked| parse(&asked)));
    MODE.store(if plan.is_some() { ARMED } else { OFF }, Ordering::Relaxed);
    if let Some(plan) = plan
        && plan.point == point
        && plan.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

fn parse(asked: &str) -> Plan {
    let counted = asked.rsplit_once(':').and_then(|(point, n)| Some((point, n.parse().ok()?)));
    let (point, times) = counted.unwrap_or((asked, 1));
    Plan { point: point.to_owned(), left: AtomicU64::new(times) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The points named in the sources, this file and the tests left out.
    fn named(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, names);
            } else if !path.ends_with("crash.rs") && !path.ends_with("tests.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let literals = source.split('"').filter(|text| text.starts_with("file-sink."));
                names.extend(literals.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_point_in_the_sources_is_listed_and_every_listed_one_is_there() {
        let mut names = BTreeSet::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        assert_eq!(names, ALL.iter().map(|&name| name.to_owned()).collect());
    }

    #[test]
    fn a_point_is_asked_for_with_or_without_a_count() {
        let parsed = |asked| (parse(asked).point, parse(asked).left.into_inner());
        assert_eq!(parsed("file-sink.before-rename"), ("file-sink.before-rename".into(), 1));
        assert_eq!(parsed("file-sink.before-rename:3"), ("file-sink.before-rename".into(), 3));
    }
}
