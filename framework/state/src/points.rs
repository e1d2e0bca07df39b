//! Named places at which a test can have the process die: before and after every write, flush and
//! delete that the durability of a checkpoint rests on.
//!
//! Apart because it is the one thing here that kills. With `TIDEGATE_CRASH_POINT` unset, passing a
//! point costs one relaxed load. Set to `name` the process dies at the first passing, set to `name:N`
//! at the Nth. It dies by `abort`: no destructor, no flush, no goodbye.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// The environment variable that arms a point.
pub const VARIABLE: &str = "TIDEGATE_CRASH_POINT";

/// Every point, for a matrix that dies at each in turn.
pub const ALL: &[&str] = &[
    "blob.write.before",
    "blob.write.after",
    "blob.delete.before",
    "blob.delete.after",
    "flush.before",
    "flush.after",
    "manifest.write.before",
    "manifest.write.after",
    "manifest.delete.before",
    "manifest.delete.after",
    // Sled only: it writes an object as chunks or a file, and a head that names it.
    "sled.blob.staged",
    "sled.blob.beheaded",
    "sled.file.written",
    "sled.file.synced",
    "sled.file.removed",
    "sled.manifest.chunked",
    "sled.manifest.headed",
];

const UNREAD: u8 = 0;
const DISARMED: u8 = 1;
const ARMED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNREAD);
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Passes `point`; does not return when it is the armed one.
#[inline]
pub fn reach(point: &'static str) {
    if STATE.load(Ordering::Relaxed) != DISARMED {
        reach_armed(point);
    }
}

#[cold]
fn reach_armed(point: &str) {
    static TARGET: OnceLock<Option<(String, u64)>> = OnceLock::new();
    let target = TARGET.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| parse(&text)));
    STATE.store(if target.is_some() { ARMED } else { DISARMED }, Ordering::Relaxed);
    if let Some((name, nth)) = target
        && name == point
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *nth
    {
        std::process::abort();
    }
}

fn parse(text: &str) -> (String, u64) {
    match text.rsplit_once(':').and_then(|(name, nth)| Some((name, nth.parse().ok()?))) {
        Some((name, nth)) => (name.to_owned(), nth),
        None => (text.to_owned(), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::process::Command;

    #[test]
    fn the_list_holds_exactly_the_points_that_the_storages_pass() {
        let sources = concat!(
            include_str!("sled.rs"),
            include_str!("sled/large.rs"),
            include_str!("sled/objects.rs"),
            include_str!("object.rs")
        );
        let used: BTreeSet<&str> = sources
            .split("reach(\"")
            .skip(1)
            .map(|rest| rest.split_once('"').expect("a literal ends").0)
            .collect();
        assert_eq!(used, ALL.iter().copied().collect());
    }

    #[test]
    fn the_nth_passing_is_the_one_that_counts() {
        assert_eq!(parse("flush.before"), ("flush.before".into(), 1));
        assert_eq!(parse("flush.before:3"), ("flush.before".into(), 3));
    }

    #[test]
    fn an_armed_point_kills_the_process_at_its_nth_passing() {
        if std::env::var_os(VARIABLE).is_some() {
            reach("flush.before");
            reach("flush.after");
            println!("passed once");
            reach("flush.before");
            println!("passed twice");
            return;
        }
        let name = "points::tests::an_armed_point_kills_the_process_at_its_nth_passing";
        let child = Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", name, "--nocapture"])
            .env(VARIABLE, "flush.before:2")
            .output()
            .expect("the test binary starts");
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(!child.status.success(), "it survived");
        assert!(said.contains("passed once") && !said.contains("passed twice"), "{said}");
    }
}
