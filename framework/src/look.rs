//! Looks into the state of a job without touching it: no lock, no repair, nothing written, also while the job runs.
//!
//! Apart from the state folder that a job opens, because everything it does on opening is what must not be done here. The
//! layout is the same: a marked folder with a sled database in it, or a folder with blobs and manifests.

use crate::state_folder::{CHECKPOINTS, LOCK, MARK, Mark, NEW_MARK};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tidegate_core::codec::FORMAT_VERSION;
use tidegate_core::sink::Refusal;
use tidegate_state::upload::describe;
use tidegate_state::{CheckpointStorage, ObjectStorage, SledOptions, SledStorage, StorageError};

/// The checkpoints in `folder`: what a job was given as its `--state-dir`, or as its `--checkpoint-storage`. To be read
/// only. A sled database is copied first, as it cannot be opened otherwise; what a job writes later is not seen then.
///
/// ```no_run
/// let storage = tidegate::look_into("state".as_ref()).expect("a job's state");
/// let (log, _) = tidegate::state::ManifestLog::open(storage).expect("readable");
/// println!("{} checkpoints", log.checkpoints().count());
/// ```
///
/// # Errors
/// What is in the way, and what to do: no folder, not a job's, no checkpoints in it, of another format version, or a
/// running job that is never at rest.
pub fn look_into(folder: &Path) -> Result<Arc<dyn CheckpointStorage>, Refusal> {
    let shown = folder.display();
    let names = names_in(folder)?;
    let has = |name: &str| names.iter().any(|found| found == name);
    let opened: Result<Arc<dyn CheckpointStorage>, StorageError> = if has(MARK) {
        let job = job_of(folder)?;
        if !has(CHECKPOINTS) {
            return Err(Refusal(format!(
                "{shown} is the state folder of job `{job}`, and no checkpoints are in it: if the job keeps them elsewhere \
                 (--checkpoint-storage file:///DIR), look into that folder"
            )));
        }
        SledStorage::open_copy(folder.join(CHECKPOINTS), SledOptions::default())
            .map(|storage| Arc::new(storage) as _)
    } else if has("blobs") && has("manifests") {
        ObjectStorage::existing(folder).map(|storage| Arc::new(storage) as _)
    } else {
        return Err(Refusal(no_state(folder, &names)));
    };
    opened.map_err(|error| Refusal(describe(&error)))
}

fn names_in(folder: &Path) -> Result<Vec<String>, Refusal> {
    let cannot = |error: std::io::Error| {
        let shown = folder.display();
        Refusal(match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("there is no folder {shown}: give the --state-dir of a job")
            }
            std::io::ErrorKind::NotADirectory => {
                format!(
                    "{shown} is a file: give the folder that a job was given as its --state-dir"
                )
            }
            _ => format!("{shown} cannot be read: {error}"),
        })
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        names.push(entry.map_err(cannot)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Whose folder it is.
fn job_of(folder: &Path) -> Result<String, Refusal> {
    let file = folder.join(MARK);
    let shown = file.display();
    let bytes =
        fs::read(&file).map_err(|error| Refusal(format!("{shown} cannot be read: {error}")))?;
    let mark: Mark = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal(format!("{shown} is no mark of a state folder ({error})")))?;
    if mark.format == FORMAT_VERSION {
        return Ok(mark.job);
    }
    Err(Refusal(format!(
        "{} is in format version {}, this build reads version {FORMAT_VERSION}: look into it with the release that \
         wrote it",
        folder.display(),
        mark.format
    )))
}

/// Why a folder is none with state.
fn no_state(folder: &Path, names: &[String]) -> String {
    let shown = folder.display();
    let other = names.iter().find(|name| ![LOCK, NEW_MARK, CHECKPOINTS].contains(&name.as_str()));
    if let Some(above) = folder.parent().filter(|above| above.join(MARK).exists()) {
        return format!("{shown} is a part of a state folder: give {}", above.display());
    }
    match other {
        None => format!("{shown} is empty: no job has kept state in it"),
        Some(name) => format!(
            "{shown} is no state of a job: it holds `{name}`; give the folder that a job was given as its --state-dir, or \
             as its --checkpoint-storage"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(folder: &Path) -> String {
        look_into(folder).err().map_or_else(|| "opened".to_owned(), |refusal| refusal.0)
    }

    #[test]
    fn what_is_no_state_is_told_apart_and_stays_as_it_is() {
        let folder =
            std::env::temp_dir().join(format!("tidegate-look-test-{}", std::process::id()));
        assert!(refusal(&folder).contains("there is no folder"));
        fs::create_dir_all(&folder).expect("writable");
        assert!(refusal(&folder).contains("is empty"));
        fs::write(folder.join("notes.txt"), "mine").expect("writable");
        assert!(refusal(&folder).contains("it holds `notes.txt`"));
        assert!(refusal(&folder.join("notes.txt")).contains("is a file"));
        fs::write(folder.join(MARK), "{}").expect("writable");
        assert!(refusal(&folder).contains("is no mark of a state folder"));
        fs::write(folder.join(MARK), r#"{"format":99,"job":"a"}"#).expect("writable");
        assert!(refusal(&folder).contains("format version 99"));
        let mark = format!(r#"{{"format":{FORMAT_VERSION},"job":"a"}}"#);
        fs::write(folder.join(MARK), mark).expect("writable");
        assert!(refusal(&folder).contains("the state folder of job `a`, and no checkpoints"));
        fs::create_dir(folder.join("part")).expect("writable");
        assert!(refusal(&folder.join("part")).contains("is a part of a state folder"));
        let mut names = names_in(&folder).expect("readable");
        names.retain(|name| name != MARK);
        assert_eq!(names, ["notes.txt", "part"]);
        fs::remove_dir_all(&folder).expect("removable");
    }
}
