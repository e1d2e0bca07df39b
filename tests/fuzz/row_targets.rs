//! What is fuzzed of rows: the formats of files, and the bytes that rows have in checkpoints. As [`targets`](crate::targets),
//! with less to build; the tests of the workspace run it in `operators/rows/tests/rubbish.rs`.

use std::sync::LazyLock;
use tidegate_rows::format::{CsvDialect, CsvFormat, JsonFormat, RowFormat, TextFormat};
use tidegate_rows::{DataType, Field, Row, RowKey, Schema, Value};

/// Letters that choose a format, as the first byte of what is fuzzed.
pub(crate) const FORMATS: &str = "csbtfnhjx";

/// A record: it is a row of its schema, or it is told in a few words why not. A row can be written in both formats, and
/// reads back as the same one. The first byte is one of [`FORMATS`]; in `h` the record's first line is its header.
///
/// # Panics
/// When that is not so.
pub(crate) fn format(bytes: &[u8]) {
    let Some((choice, record)) = bytes.split_first() else { return };
    let dialect = |delimiter| CsvDialect { delimiter, ..CsvDialect::default() };
    let csv = |dialect| CsvFormat::new(&SCHEMA, dialect).expect("a delimiter");
    let (format, record) = match choice {
        b'c' => (RowFormat::Csv(csv(dialect(b','))), record),
        b's' => (RowFormat::Csv(csv(dialect(b';'))), record),
        b'b' => (RowFormat::Csv(csv(dialect(b'|'))), record),
        b't' => (RowFormat::Csv(csv(dialect(b'\t'))), record),
        b'f' => (RowFormat::Csv(csv(CsvDialect { flexible: true, ..dialect(b',') })), record),
        b'n' => (RowFormat::Csv(csv(CsvDialect { quoting: false, ..dialect(b',') })), record),
        b'h' => {
            let cut = record.iter().position(|byte| *byte == b'\n').unwrap_or(record.len());
            let (header, record) = record.split_at(cut);
            match csv(dialect(b',')).with_header(header) {
                Ok(named) => (RowFormat::Csv(named), record.get(1..).unwrap_or_default()),
                Err(error) => return told(&error.to_string()),
            }
        }
        b'j' => (RowFormat::Json(JsonFormat::new(&SCHEMA)), record),
        b'x' => (RowFormat::Text(TextFormat), record),
        _ => return,
    };
    let row = match format.decode(record) {
        Ok(row) => row,
        Err(error) => return told(&error.to_string()),
    };
    if let RowFormat::Text(_) = format {
        let mut out = Vec::new();
        if format.encode(&row, &mut out).is_ok() {
            assert_eq!(format.decode(&out).map(|row| shown(&row)), Ok(shown(&row)));
        }
        return;
    }
    assert_eq!(row.fits(&SCHEMA), Ok(()));
    let formats = [RowFormat::Csv(csv(dialect(b','))), RowFormat::Json(JsonFormat::new(&SCHEMA))];
    for other in formats {
        let mut out = Vec::new();
        other.encode(&row, &mut out).expect("a row of the schema");
        let back = other.decode(&out).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shown(&back), shown(&row), "{}", String::from_utf8_lossy(&out));
    }
    bytes_come_back(&row);
}

fn told(message: &str) {
    assert!(!message.is_empty() && message.len() < 4_000, "{message}");
}

/// Equal also in what `==` on values does not see: the sign of a zero and the zeros of a decimal.
fn shown(row: &Row) -> Vec<String> {
    row.values().iter().map(|value| format!("{value:?}")).collect()
}

/// CBOR of a state that a topology keeps: it is a value, a row or a key, which come back, or it is refused.
///
/// # Panics
/// When that is not so.
pub(crate) fn row_bytes(bytes: &[u8]) {
    if let Ok(row) = read::<Row>(bytes) {
        bytes_come_back(&row);
    }
    if let Ok(value) = read::<Value>(bytes) {
        // Not within a row: that is a level of nesting more.
        let back = read::<Value>(&written(&value)).expect("it was written");
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }
    if let Ok(key) = read::<RowKey>(bytes) {
        let back = read::<RowKey>(&written(&key)).expect("it was written");
        assert_eq!(format!("{back:?}"), format!("{key:?}"));
    }
}

fn bytes_come_back(row: &Row) {
    let written = written(row);
    let back = read::<Row>(&written).expect("it was written");
    assert_eq!(self::written(&back), written);
    assert_eq!(shown(&back), shown(row));
}

fn written<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("memory takes it");
    bytes
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    ciborium::from_reader(bytes).map_err(|error| error.to_string())
}

/// A column of every type, and two that must have a value.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let inner = vec![
        Field::required("id", DataType::Int64),
        Field::nullable("names", DataType::list_of(DataType::String)),
    ];
    let columns = [
        Field::required("i", DataType::Int64),
        Field::required("name", DataType::String),
        Field::nullable("s", DataType::String),
        Field::nullable("f", DataType::Float64),
        Field::nullable("d", DataType::Decimal),
        Field::nullable("t", DataType::Timestamp),
        Field::nullable("b", DataType::Boolean),
        Field::nullable("x", DataType::Bytes),
        Field::nullable("xs", DataType::list_of(DataType::Decimal)),
        Field::nullable("u", DataType::Struct(inner.into())),
    ];
    Schema::new(columns).expect("names that differ")
});

/// Records of each format, whole and broken: where a fuzzer begins.
pub(crate) fn records() -> Vec<String> {
    let csv = [
        "7,ann,,1.5,12.50,2026-11-27T12:00:00Z,true,AAE=,\"[1, 2.50]\",\"{\"\"id\"\":1,\"\"names\"\":[\"\"x\"\"]}\"",
        "-9223372036854775808,\"a,\"\"b\"\"\",\"\",NaN,-0.00,1970-01-01 00:00:00,false,,[],",
        "1,x,y,-inf,79228162514264337593543950335,2026-11-27,TRUE,_-8,\"[null]\",{}\r\n",
        "7,,,,,,,,,",
        " 7 ,ann",
    ];
    let json = [
        r#"{"i":7,"name":"ann","s":null,"f":1.5e3,"d":12.50,"t":"2026-11-27T12:00:00Z","b":true,"x":"AAE="}"#,
        r#"{"i":1,"name":"\u00e9\ud83d\ude00","f":"NaN","xs":["0.10",1],"u":{"id":1,"names":["a"]},"y":[[{}]]}"#,
        r#"{"i":9223372036854775808,"name":1,"i":-0}"#,
        r#"{"i":1.0,"name":"","t":"2026-11-27 12:00:00.123+01:00"}"#,
    ];
    let of_csv = csv.iter().flat_map(|record| {
        let semicolons = format!("s{}", record.replace(',', ";"));
        let tabs = format!("t{}", record.replace(',', "\t"));
        let bars = format!("b{}", record.replace(',', "|"));
        [format!("c{record}"), format!("f{record}"), format!("n{record}"), semicolons, tabs, bars]
    });
    let named = "h\u{feff}name, i ,other\r\nann,7,x\r\n".to_owned();
    let of_json = json.iter().map(|record| format!("j{record}"));
    of_csv.chain(of_json).chain([named, "xa line\r\n".to_owned()]).collect()
}

/// Rows, values and keys as they are stored.
pub(crate) fn stored_rows() -> Vec<Vec<u8>> {
    let texts = [
        r#"j{"i":7,"name":"ann","d":12.50,"t":"2026-11-27T12:00:00Z","x":"AAE=","xs":[1],"u":{"id":1}}"#,
        r#"j{"i":-7,"name":"","f":-0.0,"b":false}"#,
    ];
    let format = JsonFormat::new(&SCHEMA);
    let rows = texts.map(|text| format.decode(&text.as_bytes()[1..]).expect("a row"));
    let keys = rows.iter().map(|row| written(&RowKey::Many(row.values().into())));
    // Lists within each other, as deep as values may be.
    let mut deepest = vec![0x81; 32];
    deepest.push(0x01);
    rows.iter().map(written).chain(keys.collect::<Vec<_>>()).chain([deepest]).collect()
}
