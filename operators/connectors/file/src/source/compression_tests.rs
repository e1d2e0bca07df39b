//! Compressed files hold the rows of the plain one, also from the middle on and in several pieces.

use super::tests::read;
use super::*;
use crate::scratch::Scratch;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn rows(path: &Path, restore: bool) -> Result<Vec<(u64, String)>, BoxError> {
    let source = FileSource::csv::<(u64, String)>(path).range_bytes_min(1);
    let splits = source.enumerate(4)?;
    assert_eq!(splits.len(), 1, "a compressed file is one range");
    read(&source, splits, 700, restore).map(|(rows, _)| rows)
}

#[test]
fn rows_are_those_of_the_plain_file_and_go_on_from_any_position() {
    let scratch = Scratch::new();
    let text: String = (0..5_000).map(|n| format!("{n},row {n}\n")).collect();
    let expected: Vec<_> = (0..5_000).map(|n| (n, format!("row {n}"))).collect();
    let (head, tail) = text.as_bytes().split_at(text.len() / 3);
    for (name, compress) in [("rows.gz", gzip as fn(&[u8]) -> Vec<u8>), ("rows.zst", zstandard)] {
        let path = scratch.path().join(name);
        for pieces in [compress(text.as_bytes()), [compress(head), compress(tail)].concat()] {
            fs::write(&path, pieces).unwrap();
            for restore in [false, true] {
                assert!(rows(&path, restore).unwrap() == expected, "{name}, restored: {restore}");
            }
        }
    }
}

#[test]
fn a_torn_or_foreign_file_is_named_and_a_malformed_row_shown() {
    let scratch = Scratch::new();
    let text: String = (0..5_000).map(|n| format!("{n},row {n}\n")).collect();
    for (name, compress) in [("rows.gz", gzip as fn(&[u8]) -> Vec<u8>), ("rows.zst", zstandard)] {
        let path = scratch.path().join(name);
        let whole = compress(text.as_bytes());
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let torn = rows(&path, false).unwrap_err().to_string();
        assert!(torn.contains(name) && torn.starts_with("cannot read"), "{torn}");
        fs::write(&path, b"1,plain text").unwrap();
        let foreign = rows(&path, false).unwrap_err().to_string();
        assert!(foreign.contains(name) && foreign.starts_with("cannot read"), "{foreign}");
        fs::write(&path, compress(b"1,a\n\n2,b\nthree,c\n")).unwrap();
        let malformed = rows(&path, false).unwrap_err().to_string();
        let said = malformed.starts_with("malformed row at byte 9 of ");
        assert!(said && malformed.contains("(line 4): column 1"), "{malformed}");
    }
}

#[test]
fn a_compressed_file_that_has_grown_is_another_input() {
    let scratch = Scratch::new();
    let path = scratch.path().join("rows.gz");
    let source = FileSource::csv::<(u64, String)>(&path);
    fs::write(&path, gzip(b"1,a\n")).unwrap();
    let before = source.fingerprint().unwrap().unwrap();
    assert!(source.same_input(&before, &before));
    fs::write(&path, [gzip(b"1,a\n"), gzip(b"2,b\n")].concat()).unwrap();
    let now = source.fingerprint().unwrap().unwrap();
    assert!(!source.same_input(&before, &now));
}
