//! The checkout of Tidegate that an app depends on: its packages are not published, so an app names them by path.
//!
//! Apart because it looks around in folders that are not the app's.

use std::fs;
use std::path::{Path, PathBuf};

/// Its folder, absolute.
#[derive(Debug)]
pub(super) struct Checkout(PathBuf);

impl Checkout {
    /// The one that is given, else the one around the current folder.
    ///
    /// # Errors
    /// When there is none there.
    pub(super) fn find(given: Option<&Path>) -> Result<Self, String> {
        let cannot = |path: &Path, error| format!("{} cannot be read: {error}", path.display());
        if let Some(given) = given {
            let folder = fs::canonicalize(given).map_err(|error| cannot(given, error))?;
            return if is_one(&folder) {
                Ok(Self(folder))
            } else {
                Err(format!(
                    "{} is no checkout of Tidegate: it has no package `tidegate-cli` in apps/cli",
                    given.display()
                ))
            };
        }
        let here = std::env::current_dir().map_err(|error| cannot(Path::new("."), error))?;
        let found = here.ancestors().find(|folder| is_one(folder));
        found.map(|folder| Self(folder.to_owned())).ok_or_else(|| {
            "an app depends on a checkout of Tidegate, and the current folder is in none: say where it is, with \
             --tidegate PATH"
                .to_owned()
        })
    }

    /// A manifest with the paths of its packages.
    pub(super) fn placed(&self, manifest: &str) -> String {
        // Within quotes a path of TOML is written like one of JSON.
        let quoted = serde_json::Value::from(self.0.to_string_lossy()).to_string();
        manifest.replace("CHECKOUT", &quoted[1..quoted.len() - 1])
    }

    /// Which versions it is built with.
    ///
    /// # Errors
    /// When its lock file cannot be read.
    pub(super) fn lock(&self) -> Result<String, String> {
        let path = self.0.join("Cargo.lock");
        fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
    }
}

fn is_one(folder: &Path) -> bool {
    let manifest = fs::read_to_string(folder.join("apps/cli/Cargo.toml"));
    manifest.is_ok_and(|text| text.contains("name = \"tidegate-cli\"\n"))
}
