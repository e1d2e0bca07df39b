//! Buckets: sub-folders of the output folder that a record chooses.
//!
//! A bucket is refused, not repaired, when it could leave the output folder or hide in it: two values
//! that were repaired into one name would share a folder without anyone knowing.

use super::error::SinkError;
use crate::limits::{BUCKET_DEPTH_MAX, BUCKET_NAME_BYTES_MAX};

/// Says what keeps `bucket` from being a relative folder; the empty one is the output folder itself.
pub(crate) fn check(bucket: &str) -> Result<(), SinkError> {
    if bucket.is_empty() {
        return Ok(());
    }
    let reason = if bucket.split('/').count() > BUCKET_DEPTH_MAX {
        Some(format!("it has more than {BUCKET_DEPTH_MAX} levels"))
    } else {
        bucket.split('/').find_map(flaw)
    };
    reason.map_or(Ok(()), |reason| Err(SinkError::Bucket { bucket: bucket.to_owned(), reason }))
}

fn flaw(level: &str) -> Option<String> {
    let unfit =
        |c: char| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let flaw = match level {
        "" => "it is absolute or has an empty level",
        _ if level.starts_with('.') => "a level begins with a dot",
        _ if level.contains(unfit) => "a level holds a character that no folder may have",
        _ if level.len() <= BUCKET_NAME_BYTES_MAX => return None,
        _ => return Some(format!("a level is longer than {BUCKET_NAME_BYTES_MAX} bytes")),
    };
    Some(flaw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stays_within_the_output_folder() {
        for fine in ["", "2017-11-26", "day=26/hour=01", "größe", "a b"] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        let long = "x".repeat(129);
        let deep = "a/".repeat(8) + "a";
        for bad in ["/etc", "..", "a/../b", "a//b", "a/", ".git", "a\\b", "c:", "a\0", &long, &deep]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
