//! The recorded data that tests compare with: it lies outside the repository.
//!
//! One place decides where it is and what its absence means: at home a loud message and no test, in CI
//! (`CI` is set) a failure.

use std::path::{Path, PathBuf};

/// A file or folder of the shared material, such as `data/ecommerce/UserBehavior.csv`; `None` when the
/// caller's test cannot be run here, which has been said.
///
/// # Panics
/// When it is absent and `CI` is set.
#[must_use]
pub fn find(path: &str) -> Option<PathBuf> {
    // Beside the repository, wherever in it the package is whose tests ask.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repository = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    let beside = repository.unwrap_or(package).join("../shared");
    let shared = std::env::var_os("TIDEGATE_SHARED").map_or(beside, PathBuf::from);
    let found = shared.join(path);
    if let Ok(found) = found.canonicalize() {
        return Some(found);
    }
    let said = format!(
        "NOT TESTED: {} is not there; set TIDEGATE_SHARED to the folder of the shared material",
        found.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{said}");
    eprintln!("{said}");
    None
}
