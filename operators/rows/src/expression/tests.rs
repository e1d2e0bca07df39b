//! Tests of expressions as a whole: what they give, what is refused and how, and that nothing panics.

use super::{ErrorCode, Expression, Functions, built_ins};
use crate::data_type::{DataType, Field};
use crate::generate;
use crate::limits::{MAX_EXPRESSION_BYTES, MAX_EXPRESSION_DEPTH};
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;
use proptest::prelude::*;

pub(super) fn schema() -> Schema {
    let inner =
        vec![Field::required("id", DataType::Int64), Field::nullable("name", DataType::String)];
    Schema::new([
        Field::required("i", DataType::Int64),
        Field::nullable("n", DataType::Int64),
        Field::required("price", DataType::Float64),
        Field::required("d", DataType::Decimal),
        Field::nullable("category", DataType::String),
        Field::required("at", DataType::Timestamp),
        Field::required("b", DataType::Boolean),
        Field::required("xs", DataType::list_of(DataType::Int64)),
        Field::required("user", DataType::Struct(inner.into())),
        Field::nullable("strange name", DataType::Int64),
    ])
    .expect("names differ")
}

pub(super) fn row() -> Row {
    Row::new([
        Value::Int64(7),
        Value::Null,
        Value::Float64(120.5),
        Value::Decimal("12.50".parse().expect("a decimal")),
        Value::string("book"),
        Value::Timestamp(1_795_786_200_000),
        Value::Boolean(true),
        Value::list([Value::Int64(10), Value::Int64(20)]),
        Value::structure([Value::Int64(1), Value::Null]),
        Value::Int64(5),
    ])
}

/// The value of an expression for the row above, or its errors.
fn evaluated(text: &str) -> String {
    let lines = |errors: Vec<super::ExpressionError>| {
        let lines = errors
            .iter()
            .map(|error| format!("{error} [{}]", &text[error.span.start..error.span.end]));
        lines.collect::<Vec<_>>().join("\n")
    };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(errors) => return lines(errors),
    };
    match expression.check(&schema(), &Functions::built_in()) {
        Err(errors) => lines(errors),
        Ok(checked) => match checked.value().evaluate(&row()) {
            Err(error) => error.to_string(),
            Ok(value) => {
                assert!(value.fits(checked.data_type(), checked.nullable()), "{text}: {value}");
                value.to_string()
            }
        },
    }
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(evaluated(text), *expected, "{text}");
    }
}

#[test]
fn examples_of_all_functions_give_what_they_say() {
    let mut names = Vec::new();
    for entry in built_ins() {
        assert!(!entry.examples.is_empty() && entry.about.ends_with('.'), "{}", entry.name);
        for signature in entry.signatures {
            assert!(signature.starts_with(&format!("{}(", entry.name)), "{signature}");
            super::signature::Signature::parse(signature).expect("a signature");
        }
        for (text, result) in entry.examples {
            assert_eq!(evaluated(text), *result, "{text}");
        }
        names.push(entry.name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 80, "{count}");
}

#[test]
fn operators_give_what_sql_says() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("7 / 2", "3"),
        ("-7 % 3", "-1"),
        ("7 / 2.0", "3.5"),
        ("i + 0.5", "7.5"),
        ("price / 0", "Infinity"),
        ("d + 1", "13.50"),
        ("i > 6 AND price < 200", "TRUE"),
        ("NULL AND FALSE", "FALSE"),
        ("n > 1 OR b", "TRUE"),
        ("n > 1 AND b", "NULL"),
        ("NOT (n > 1)", "NULL"),
        ("(n > 1) IS UNKNOWN", "TRUE"),
        ("(n > 1) IS NOT TRUE", "TRUE"),
        ("n IS NULL", "TRUE"),
        ("n IS NOT NULL", "FALSE"),
        ("n IS DISTINCT FROM 1", "TRUE"),
        ("n IS NOT DISTINCT FROM NULL", "TRUE"),
        ("i BETWEEN 5 AND 7", "TRUE"),
        ("i NOT BETWEEN 5 AND 7", "FALSE"),
        ("n BETWEEN 1 AND 2", "NULL"),
        ("i BETWEEN 8 AND n", "FALSE"),
        ("i IN (1, 7)", "TRUE"),
        ("i IN (1, NULL)", "NULL"),
        ("i NOT IN (1, 2)", "TRUE"),
        ("i IN (n, i)", "TRUE"),
        ("category IN ('a', 'book')", "TRUE"),
        ("price IN (120.5, 1)", "TRUE"),
        ("category LIKE 'b%'", "TRUE"),
        ("category LIKE '_oo_'", "TRUE"),
        ("category NOT LIKE 'B%'", "TRUE"),
        ("'50%' LIKE '50!%' ESCAPE '!'", "TRUE"),
        ("CASE WHEN i > 10 THEN 'big' WHEN i > 5 THEN 'middle' END", "middle"),
        ("CASE category WHEN 'book' THEN 1 ELSE 2.5 END", "1"),
        ("CASE n WHEN 1 THEN 1 END", "NULL"),
        ("CAST('12' AS int64) + 1", "13"),
        ("'12'::BIGINT", "12"),
        ("TRY_CAST('x' AS int64)", "NULL"),
        ("CAST(1.9 AS int64)", "1"),
        ("CAST(price AS string)", "120.5"),
        ("CAST(0.1 AS float64)", "0.1"),
        ("CAST(NULL AS list<string>)", "NULL"),
        ("xs[1] + xs[2]", "30"),
        ("xs[3]", "NULL"),
        ("user.id", "1"),
        ("user.name", "NULL"),
        ("\"strange name\" * 2", "10"),
        ("`strange name` * 2", "10"),
        ("category || '-' || CAST(i AS string)", "book-7"),
        ("at > '2026-01-01'", "TRUE"),
        ("at", "2026-11-27 13:30:00"),
        ("at + INTERVAL '1' DAY - INTERVAL '30' MINUTE", "2026-11-28 13:00:00"),
        ("TIMESTAMP '2026-01-31' + INTERVAL '1' MONTH", "2026-02-28 00:00:00"),
        ("EXTRACT(HOUR FROM at)", "13"),
        ("CEIL(price)", "121.0"),
        ("FLOOR(at TO DAY)", "2026-11-27 00:00:00"),
        ("GREATEST(i, price)", "120.5"),
        ("COALESCE(n, i)", "7"),
        ("IF(b, i, 0)", "7"),
        ("LEFT(category, 2) || RIGHT(category, 2)", "book"),
        ("JSON_VALUE('{\"a\":1}', '$.a')", "1"),
        ("1 < 2 AND 2 < 3 AND 3 < 4 AND 4 < 3", "FALSE"),
    ]);
}

#[test]
fn failures_of_rows_say_what_happened_where_and_for_what() {
    check(&[
        ("10 / (i - 7)", "division by zero in `10 / (i - 7)`, for 10 / 0"),
        (
            "i * 9223372036854775807",
            "the result is out of range in `i * 9223372036854775807`, for 7 * 9223372036854775807",
        ),
        (
            "CAST(category AS int64) + 1",
            "the text is no int64 in `CAST(category AS int64)`, for 'book'",
        ),
        (
            "CAST(price * 1e300 AS int64)",
            "the number is out of the range of int64 in `CAST(price * 1e300 AS int64)`, for 1.205E302",
        ),
        (
            "REPEAT(category, 1000000)",
            "the result has 4000000 bytes, of at most 1048576 in `REPEAT(category, 1000000)`, for 'book', 1000000",
        ),
        ("CASE WHEN i = 0 THEN 0 ELSE 10 / i END", "1"),
    ]);
}

#[test]
fn mistakes_are_explained() {
    check(&[
        ("prise > 1", "X101: there is no column `prise`; did you mean `price`? [prise]"),
        ("LOWR(category)", "X102: there is no function `LOWR`; did you mean `LOWER`? [LOWR]"),
        (
            "LENGTH(category)",
            "X102: there is no function `LENGTH`; did you mean `CHAR_LENGTH`? [LENGTH]",
        ),
        (
            "category > 1",
            "X103: this is an int64, but what it goes with is a string; write CAST(... AS string), or cast the other [1]",
        ),
        (
            "category + 1",
            "X103: `+` needs numbers, but this is a string; write a || b to join strings, or CAST(... AS int64) [category]",
        ),
        (
            "prise > 1 AND categry = 'x'",
            "X101: there is no column `prise`; did you mean `price`? [prise]\nX101: there is no column `categry`; did you mean `category`? [categry]",
        ),
        ("user.nam", "X106: the struct has no field `nam`; did you mean `name`? [nam]"),
        (
            "LOWER(i)",
            "X103: `LOWER` cannot be called with (int64); it is `LOWER(text: string) -> string` [LOWER(i)]",
        ),
        (
            "LOWER()",
            "X104: `LOWER` does not take 0 arguments; it is `LOWER(text: string) -> string` [LOWER()]",
        ),
        (
            "i = NULL",
            "X109: a comparison with NULL is never true; write IS NULL or IS NOT NULL [i = NULL]",
        ),
        (
            "SUM(i) > 3",
            "X003: `SUM` is an aggregate; an expression sees one row: use an `aggregate`, or GREATEST and LEAST for the columns of a row [SUM]",
        ),
        ("1 / 0", "X108: this fails for every row: division by zero in `1 / 0`, for 1 / 0 [1 / 0]"),
        (
            "CAST(i AS long)",
            "X105: there is no type `long`; did you mean `int64`? [CAST(i AS long)]",
        ),
        ("xs[0]", "X107: the first element of a list has index 1 [0]"),
        (
            "NULL",
            "X109: the type of this NULL cannot be known; write the type: CAST(NULL AS int64) [NULL]",
        ),
        (
            "i AND b",
            "X103: a condition is needed, but this is an int64; compare it with something, as in `x > 0` or `x IS NOT NULL` [i]",
        ),
        (
            "at - at",
            "X103: `-` needs numbers, but this is a timestamp; write TIMESTAMPDIFF(SECOND, from, to), or subtract an INTERVAL '5' MINUTE [at]",
        ),
        (
            "at > 'yesterday'",
            "X107: 'yesterday' is no time: write '2026-11-27 12:00:00', with an offset if it is not UTC ['yesterday']",
        ),
        (
            "DATE_TRUNC('DAYY', at)",
            "X107: there is no unit 'DAYY'; did you mean DAY? [DATE_TRUNC('DAYY', at)]",
        ),
    ]);
}

#[test]
fn what_is_no_sql_is_told_in_words() {
    check(&[
        ("i >", "X002: no SQL expression: expected an expression, but the text ends []"),
        ("", "X002: no SQL expression: the text is empty []"),
        (
            "i == 1 && !b",
            "X002: no SQL expression: SQL compares with one `=`; write `=` [==]\nX002: no SQL expression: `&&` is no SQL; write AND [&&]\nX002: no SQL expression: `!` is no SQL; write NOT [!]",
        ),
        (
            "i > 1 ? 'a' : 'b'",
            "X002: no SQL expression: `?` is no SQL; write CASE WHEN condition THEN value ELSE value END [?]",
        ),
        ("(i > 1", "X002: no SQL expression: expected `)`, but the text ends []"),
        (
            "category = 'book",
            "X002: no SQL expression: the text in quotes does not end; close it with `'`; write `''` for a quote within [']",
        ),
        (
            "CASE WHEN b THEN 1",
            "X002: no SQL expression: it is complete before `WHEN`; write a CASE in full: CASE WHEN condition THEN value ELSE value END [W]",
        ),
        (
            "b IS 7",
            "X002: no SQL expression: expected NULL, TRUE, FALSE or DISTINCT FROM behind IS, found `7` [7]",
        ),
        ("b NOT 7", "X002: no SQL expression: it is complete before `NOT` [N]"),
        ("i # 1", "X002: no SQL expression: `#` cannot stand here [#]"),
        ("i > 1 i", "X002: no SQL expression: it is complete before `i` [i]"),
    ]);
}

#[test]
fn what_is_no_matter_of_one_row_is_refused() {
    for text in [
        "(SELECT 1)",
        "EXISTS (SELECT 1)",
        "i IN (SELECT 1)",
        "COUNT(*)",
        "ROW_NUMBER() OVER (ORDER BY i)",
        "NOW()",
        "CURRENT_TIMESTAMP",
        "RAND()",
        "category ILIKE 'x'",
        "SUM(DISTINCT i)",
        "i = ANY (1)",
    ] {
        let errors = Expression::parse(text).expect_err(text);
        assert_eq!(errors[0].code, ErrorCode::Unsupported, "{text}: {}", errors[0]);
        assert!(errors[0].help.is_some(), "{text}");
    }
}

#[test]
fn long_and_deep_texts_are_refused_or_work_without_harm() {
    let repeat = |open: &str, close: &str, times: usize| {
        format!("{}1{}", open.repeat(times), close.repeat(times))
    };
    let mut texts = vec![repeat("(", ")", 8_000), repeat("1+", "", 1_400), repeat("- ", "", 2_000)];
    texts.push(repeat("NOT ", "", 2_000));
    texts.push(repeat("CASE WHEN b THEN ", " END", 300));
    texts.push(repeat("ABS(", ")", 1_400));
    texts.push(format!("i{}", "::int64".repeat(1_000)));
    texts.push(format!("i{}", "[1]".repeat(900)));
    texts.push(format!("i{}", ".a".repeat(1_400)));
    texts.push(format!("CAST(i AS {}", "ARRAY<".repeat(1_400)));
    texts.push("POSITION(".repeat(1_400));
    texts.push("x".repeat(1_000_000));
    texts.push("'".to_owned());
    for text in texts {
        let parsed = Expression::parse(&text);
        if let Ok(parsed) = parsed {
            let _ = parsed.check(&schema(), &Functions::built_in());
        }
    }
    let long = vec!["i > 0"; 500].join(" AND ");
    assert_eq!(evaluated(&long), "TRUE");
    let deep = repeat("1+", "", MAX_EXPRESSION_DEPTH + 1);
    assert!(evaluated(&deep).starts_with("X001"), "{}", evaluated(&deep));
    assert_eq!(evaluated(&repeat("(", ")", 20)), "1");
    assert!(Expression::parse(&"x".repeat(MAX_EXPRESSION_BYTES + 1)).is_err());
}

#[test]
fn registered_functions_are_checked_like_built_in_ones() {
    let mut functions = Functions::built_in();
    let twice = |values: &[Value]| match values {
        [Value::Int64(number)] => {
            number.checked_mul(2).map(Value::Int64).ok_or("too large".to_owned())
        }
        _ => Ok(Value::Null),
    };
    functions.register("TWICE(x: int64) -> int64", twice).expect("a new name");
    assert!(functions.register("TWICE(x: int64) -> int64", twice).is_err());
    assert!(functions.register("LOWER(x: string) -> string", twice).is_err());
    functions.register("NOTHING(x: int64) -> string", |_| Ok(Value::Null)).expect("a new name");
    let run = |text: &str| {
        let checked = Expression::parse(text).expect("SQL").check(&schema(), &functions);
        match checked {
            Ok(checked) => {
                checked.value().evaluate(&row()).map_or_else(|e| e.to_string(), |v| v.to_string())
            }
            Err(errors) => errors[0].to_string(),
        }
    };
    assert_eq!(run("twice(i) + 1"), "15");
    assert_eq!(run("twice(n)"), "NULL");
    assert!(run("twice(category)").starts_with("X103"));
    assert!(run("nothing(i)").starts_with("the function gave NULL"));
}

#[test]
fn a_row_of_another_schema_is_an_error() {
    let parsed = Expression::parse("price > 1 AND category = 'x'").expect("SQL");
    let checked = parsed.check(&schema(), &Functions::built_in()).expect("checked");
    assert_eq!(checked.columns(), [2, 4]);
    let predicate = checked.predicate().expect("a condition");
    for row in [Row::default(), Row::new(vec![Value::string("x"); 10])] {
        let error = predicate.test(&row).expect_err("a misfit");
        assert!(error.message.contains("not of the schema"), "{error}");
    }
    assert_eq!(checked.timestamp().expect_err("no time").code, ErrorCode::WrongResult);
}

/// Fragments that are put together at random: most are wrong, some are right.
fn fragments() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "i",
        "n",
        "price",
        "d",
        "category",
        "at",
        "b",
        "xs",
        "user",
        "user.name",
        "NULL",
        "1",
        "-2.5",
        "1e3",
        "'a'",
        "'%'",
        "TRUE",
        "TIMESTAMP '2026-01-01'",
        "xs[1]",
        "0",
        "9223372036854775807",
        "'HOUR'",
        "'[a'",
        "x'00ff'",
    ])
    .prop_map(str::to_owned);
    let names: Vec<&'static str> =
        built_ins().map(|entry| entry.name).filter(|name| *name != "||").collect();
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "AND", "OR", "LIKE", "IS DISTINCT FROM",
        ]);
        let cast = prop::sample::select(vec!["int64", "string", "decimal", "float64", "timestamp", "boolean", "bytes"]);
        let calls = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            4 => (inner.clone(), operator, inner.clone()).prop_map(|(l, o, r)| format!("({l} {o} {r})")),
            2 => (prop::sample::select(names.clone()), calls).prop_map(|(f, a)| format!("{f}({})", a.join(", "))),
            1 => (inner.clone(), cast).prop_map(|(of, to)| format!("TRY_CAST({of} AS {to})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("CASE WHEN {a} THEN {b} ELSE {c} END")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} BETWEEN {b} AND {c})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} IN ({b}, {c}))")),
            1 => inner.clone().prop_map(|of| format!("(NOT {of})")),
            1 => inner.prop_map(|of| format!("({of} IS NULL)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_checked_gives_values_of_the_type_it_said(text in fragments(), row in generate::row(&schema())) {
        let parsed = Expression::parse(&text).map_err(|errors| TestCaseError::fail(errors[0].to_string()));
        let Ok(parsed) = parsed else { return Ok(()) };
        match parsed.check(&schema(), &Functions::built_in()) {
            Ok(checked) => {
                if let Ok(value) = checked.value().evaluate(&row) {
                    prop_assert!(
                        value.fits(checked.data_type(), checked.nullable()),
                        "{text} gave {value}, said {}", checked.data_type()
                    );
                }
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{text}: {error}");
                }
            }
        }
    }

    #[test]
    fn rubbish_never_panics(text in "[a-z0-9 ()'\"+*<>=.,:\\[\\]%é-]{0,40}") {
        match Expression::parse(&text) {
            Ok(parsed) => drop(parsed.check(&schema(), &Functions::built_in())),
            Err(errors) => {
                prop_assert!(errors.iter().all(|e| text.get(e.span.start..e.span.end).is_some()));
            }
        }
    }

    #[test]
    fn text_from_outside_never_panics(text in prop_oneof!["[0-9eE+.: TZ-]{0,24}", "\\PC{0,12}"], number in any::<i64>()) {
        let mut values = row().into_values();
        values[4] = Value::string(text);
        values[1] = Value::Int64(number);
        values[5] = Value::Timestamp(number);
        let row = Row::new(values);
        for text in [
            "TRY_CAST(category AS int64)", "TRY_CAST(category AS float64)", "TRY_CAST(category AS decimal)",
            "TRY_CAST(category AS timestamp)", "TRY_CAST(category AS boolean)", "TO_TIMESTAMP(category)",
            "DATE_FORMAT(at, category)", "TO_TIMESTAMP('2026-01-01', category)", "JSON_VALUE(category, '$.a[0]')",
            "JSON_EXISTS('[1]', category)", "REGEXP_LIKE('abc', category)", "EXTRACT(HOUR FROM at AT TIME ZONE category)",
            "DATE_TRUNC('WEEK', at)", "DATE_TRUNC(\"category\", at)", "TIMESTAMPADD(MONTH, n, at)", "FROM_UNIXTIME(n)",
            "TIMESTAMPDIFF(YEAR, at, TO_TIMESTAMP_LTZ(n, 0))", "ROUND(n, n)", "ROUND(d, n)", "ROUND(price, n)",
            "SUBSTRING(category, n, n)", "LEFT(category, n)", "RIGHT(category, n)", "REPEAT(category, n)",
            "LPAD(category, n, 'é')", "SPLIT_INDEX(category, ':', n)", "xs[n]", "CHR(n)", "BUCKET(category, n)",
            "OVERLAY_TEXT(category, 'x', n, n)", "at + INTERVAL '1' MONTH", "at - INTERVAL '9' DAY", "CAST(at AS string)",
        ] {
            let checked = Expression::parse(text).expect(text).check(&schema(), &Functions::built_in());
            let checked = checked.map_err(|errors| TestCaseError::fail(errors[0].to_string()))?;
            if let Ok(value) = checked.value().evaluate(&row) {
                prop_assert!(value.fits(checked.data_type(), checked.nullable()), "{text}: {value}");
            }
        }
    }
}
