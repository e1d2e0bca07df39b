//! A short run of the fuzzer's targets for rows, without the fuzzer, and what the fuzzer has found.

#[path = "../../../tests/fuzz/chance.rs"]
mod chance;
#[path = "../../../tests/fuzz/row_targets.rs"]
mod targets;

#[test]
fn any_record_is_a_row_or_told() {
    let records = targets::records();
    for format in targets::FORMATS.chars() {
        assert!(records.iter().any(|record| record.starts_with(format)), "no record for {format}");
    }
    chance::smoke("format", targets::format, &records);
}

#[test]
fn any_stored_row_is_read_or_refused() {
    chance::smoke("stored", targets::row_bytes, &targets::stored_rows());
}
