//! The formats together: what is written is read back as an equal row, and what is no row is told, never a panic.

use super::*;
use crate::generate;
use crate::{DataType, Field, Schema, Value};
use proptest::prelude::*;

fn schema(text: &str) -> Schema {
    serde_json::from_str(text).expect("a schema")
}

fn csv(schema: &Schema) -> CsvFormat {
    CsvFormat::new(schema, CsvDialect::default()).expect("a comma")
}

fn visits() -> Schema {
    schema(
        r#"{"id":"int64","price":"decimal?","user":"string?","at":"timestamp?","tags":"list<int64>?"}"#,
    )
}

/// Equal also in what `==` on values does not see: the sign of a zero and the zeros of a decimal.
fn printed(row: &Row) -> Vec<String> {
    row.values().iter().map(ToString::to_string).collect()
}

#[test]
fn csv_is_read_by_position_and_by_name() {
    let format = csv(&visits());
    let row = format
        .decode(b"7, 1.50 ,\"a,\"\"b\"\"\",2026-11-27T12:00:00Z,\"[1, 2]\"\r\n")
        .expect("a row");
    assert_eq!(printed(&row), ["7", "1.50", "a,\"b\"", "2026-11-27 12:00:00", "[1, 2]"]);
    let row = format.decode(b"7,,,,").expect("a row");
    assert_eq!(printed(&row), ["7", "NULL", "NULL", "NULL", "NULL"]);
    assert_eq!(printed(&format.decode(b"7,,\"\",,").expect("a row"))[2], "");
    let named = format.with_header("\u{feff}user, other ,id\n".as_bytes()).expect("a header");
    assert_eq!(printed(&named.decode(b"ann,x,7").expect("a row"))[..3], ["7", "NULL", "ann"]);
    let fields = [&b"ann"[..], b"x", b"7"];
    assert_eq!(
        named.decode_fields(fields).expect("a row"),
        named.decode(b"ann,x,7").expect("a row")
    );
}

#[test]
fn csv_that_is_no_row_is_told() {
    let format = csv(&visits());
    let check = |record: &[u8], expected: &str| {
        assert_eq!(format.decode(record).expect_err("malformed").to_string(), expected);
    };
    check(b"x,,,,", "column `id`: expected int64, found 'x', in the record `x,,,,`");
    check(
        b",,,,",
        "column `id`: expected int64, found an empty field; declare the column `int64?` to read it as NULL, in the record `,,,,`",
    );
    check(b"1,2", "expected 5 fields, found 2; column `user` is missing, in the record `1,2`");
    check(b"x,y", "expected 5 fields, found 2; column `user` is missing, in the record `x,y`");
    check(b"1,,,,,", "expected 5 fields, found 6, in the record `1,,,,,`");
    check(
        b"1,,\xff,,",
        "column `user`: expected string, found '\u{fffd}', which is not UTF-8, in the record `1,,\u{fffd},,`",
    );
    check(
        b"1,,,,\"[1,\"\"a\"\"]\"",
        "column `tags`: at `[1]`: expected int64, found 'a', in the record `1,,,,\"[1,\"\"a\"\"]\"`",
    );
    check(b"1,,\"a,,", "the closing quote of a field is missing, in the record `1,,\"a,,`");
    let flexible = CsvDialect { flexible: true, ..CsvDialect::default() };
    let flexible = CsvFormat::new(&visits(), flexible).expect("a comma");
    assert_eq!(printed(&flexible.decode(b"1").expect("a row"))[1], "NULL");
    assert_eq!(printed(&flexible.decode(b"1,,,,,9").expect("a row"))[0], "1");
}

#[test]
fn headers_and_delimiters_are_checked() {
    let format = csv(&visits());
    let check = |header: &[u8], expected: &str| {
        assert_eq!(format.with_header(header).expect_err("no header").to_string(), expected);
    };
    check(b"idd,user", "the header has no column `id`; did you mean `idd`?; it names 'idd, user'");
    check(b"id,id", "the header has two columns `id`: rename one of them");
    check(b"\"id", "the header is no record: the closing quote of a field is missing");
    for delimiter in [b'"', b'\n', 0xe9] {
        let dialect = CsvDialect { delimiter, ..CsvDialect::default() };
        assert!(CsvFormat::new(&visits(), dialect).is_err(), "{delimiter}");
    }
    let mut header = Vec::new();
    format.write_header(&mut header);
    assert_eq!(header, b"id,price,user,at,tags");
}

#[test]
fn json_is_read_by_name() {
    let format = JsonFormat::new(&visits());
    let read = |record: &str| printed(&format.decode(record.as_bytes()).expect(record));
    let row = read(
        r#"{"tags":[1,2],"x":{"y":[[]]},"id":9223372036854775807,"price":1.50,"user":"\u00e9"}"#,
    );
    assert_eq!(row, ["9223372036854775807", "1.50", "é", "NULL", "[1, 2]"]);
    assert_eq!(read(r#"{"id":1,"id":2,"price":"0.10"}"#)[..2], ["2", "0.10"]);
    assert_eq!(
        read("{\"id\":1,\"price\":79228162514264337593543950335}\r\n")[1],
        "79228162514264337593543950335"
    );
    let unknown = format!("{{\"id\":1,\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(&unknown)[0], "1");
}

#[test]
fn json_that_is_no_row_is_told() {
    let format = JsonFormat::new(&schema(
        r#"{"id":"int64","f":"float64?","at":"timestamp?","s":"struct<a: list<struct<b: int64>>>?"}"#,
    ));
    let check = |record: &str, column: Option<&str>, message: &str| {
        let malformed = format.decode(record.as_bytes()).expect_err(record);
        assert_eq!((malformed.column.as_deref(), malformed.message.as_str()), (column, message));
    };
    check("{}", Some("id"), "expected int64, but it is missing");
    check(
        r#"{"id":null}"#,
        Some("id"),
        "expected int64, found null; declare it with a `?` to read it as NULL",
    );
    check(r#"{"id":1.0}"#, Some("id"), "expected int64, found 1.0");
    check(r#"{"id":9223372036854775808}"#, Some("id"), "expected int64, found 9223372036854775808");
    check(r#"{"id":"1"}"#, Some("id"), "expected int64, found '1'");
    check(r#"{"id":1,"f":1e999}"#, Some("f"), "expected float64, found '1e999'");
    check(r#"{"id":1,"f":"1.5"}"#, Some("f"), "expected float64, found '1.5'");
    check(r#"{"id":1,"f":[1]}"#, Some("f"), "expected float64, found [1]");
    check(
        r#"{"id":1,"at":5}"#,
        Some("at"),
        "expected timestamp, found 5; declare it int64 and write TO_TIMESTAMP_LTZ(column, 3) for milliseconds, 0 for seconds",
    );
    check(
        r#"{"id":1,"s":{"a":[{"b":1},{"b":true}]}}"#,
        Some("s.a[1].b"),
        "expected int64, found true",
    );
    check(r#"{"id":1,"s":{"a":[{}]}}"#, Some("s.a[0].b"), "expected int64, but it is missing");
    check(
        "[1]",
        None,
        "invalid type: sequence, expected an object with the columns as its members",
    );
    check(r#"{"id":1} x"#, None, "no JSON at byte 10: trailing characters");
    check(r#"{"id":1,"#, None, "no JSON at byte 8: EOF while parsing a value");
}

#[test]
fn rows_that_cannot_be_written_leave_nothing_behind() {
    let format = RowFormat::Csv(csv(&visits()));
    let json = RowFormat::Json(JsonFormat::new(&visits()));
    let check = |format: &RowFormat, row: &Row, expected: &str| {
        let mut out = b"before".to_vec();
        assert_eq!(format.encode(row, &mut out).expect_err("unwritable").to_string(), expected);
        assert_eq!(out, b"before");
    };
    let of = |id: Value| {
        let tags = Value::list([Value::string("x")]);
        Row::new([id, Value::Null, Value::Null, Value::Null, tags])
    };
    for format in [&format, &json] {
        check(
            format,
            &of(Value::Null),
            "the row cannot be written: column `id`: its type is int64, but the row has NULL there",
        );
        check(
            format,
            &of(Value::Int64(1)),
            "the row cannot be written: column `tags`: its type is int64, but the row has 'x' there",
        );
        check(
            format,
            &Row::new([Value::Int64(1)]),
            "the row cannot be written: column `price`: the row has 1 values, its schema 5 columns",
        );
    }
    let line = Schema::new([Field::required("line", DataType::String)]).expect("one");
    let bare = CsvDialect { quoting: false, ..CsvDialect::default() };
    let bare = RowFormat::Csv(CsvFormat::new(&line, bare).expect("a comma"));
    for text in ["a,b", "a\nb"] {
        let row = Row::new([Value::string(text)]);
        let mut out = Vec::new();
        assert!(bare.encode(&row, &mut out).is_err(), "{text}");
    }
    let text = RowFormat::Text(TextFormat);
    check(
        &text,
        &Row::new([Value::string("a\nb")]),
        "the row cannot be written: column `line`: a line of text cannot have a line end within; write CSV or JSON",
    );
    assert!(text.decode(b"\xff").is_err());
}

/// The one row that CSV cannot write, as its header says.
fn is_lone_null_text(schema: &Schema, row: &Row) -> bool {
    let [column] = schema.columns() else { return false };
    row[0].is_null() && matches!(column.data_type, DataType::String | DataType::Bytes)
}

proptest! {
    #[test]
    fn written_rows_are_read_back((schema, row) in generate::schema_and_row(), delimiter in prop::sample::select(vec![b',', b'\t', b'|', b'1'])) {
        let dialect = CsvDialect { delimiter, ..CsvDialect::default() };
        let format = CsvFormat::new(&schema, dialect).expect("a delimiter");
        let json = JsonFormat::new(&schema);
        for format in [RowFormat::Csv(format), RowFormat::Json(json)] {
            let mut out = Vec::new();
            format.encode(&row, &mut out).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(!out.is_empty());
            if matches!(format, RowFormat::Csv(_)) && is_lone_null_text(&schema, &row) {
                continue;
            }
            for end in ["", "\n", "\r\n"] {
                let record = [&out[..], end.as_bytes()].concat();
                let back = format.decode(&record).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(printed(&back), printed(&row));
            }
        }
    }

    #[test]
    fn written_csv_is_one_record_to_other_parsers((schema, row) in generate::schema_and_row()) {
        let (format, mut out) = (csv(&schema), Vec::new());
        format.write_header(&mut out);
        out.push(b'\n');
        format.encode(&row, &mut out).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&out[..]);
        let records: Vec<::csv::ByteRecord> = reader.byte_records().collect::<Result<_, _>>().expect("CSV");
        prop_assert_eq!(records.len(), 2);
        prop_assert_eq!(records[1].len(), schema.len());
    }

    #[test]
    fn rubbish_is_told_and_never_a_panic(
        schema in generate::schema(),
        record in r#"[\{\}\[\]",:0-9eE.\-+a-e ntrulfs\\\n]{0,40}"#,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        for format in [RowFormat::Csv(csv(&schema)), RowFormat::Json(JsonFormat::new(&schema))] {
            for record in [record.as_bytes(), &bytes] {
                if let Ok(row) = format.decode(record) {
                    prop_assert_eq!(row.fits(&schema), Ok(()));
                }
            }
        }
        let _ = csv(&schema).with_header(record.as_bytes());
    }
}
