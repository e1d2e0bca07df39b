//! Which calls have a meaning for one row. Apart because each refusal says which operator does the work instead.

use sqlparser::ast::{Function, FunctionArguments};
use sqlparser::tokenizer::Span;

/// Functions whose first argument may be a bare unit, as in `TIMESTAMPDIFF(MINUTE, a, b)`.
/// A column there is written in double quotes.
pub(super) const FIRST_IS_UNIT: &[&str] =
    &["TIMESTAMPADD", "TIMESTAMPDIFF", "DATE_TRUNC", "EXTRACT"];

const AGGREGATES: &[&str] = &[
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "FIRST_VALUE",
    "LAST_VALUE",
    "COLLECT",
    "LISTAGG",
    "STRING_AGG",
    "ARRAY_AGG",
    "STDDEV",
    "VARIANCE",
    "APPROX_COUNT_DISTINCT",
    "PERCENTILE",
    "MEDIAN",
    "ANY_VALUE",
];

const WINDOWED: &[&str] = &[
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "LAG",
    "LEAD",
    "NTILE",
    "TUMBLE",
    "HOP",
    "SESSION",
    "CUMULATE",
];

const CLOCKS: &[&str] = &[
    "NOW",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "PROCTIME",
    "RAND",
    "RANDOM",
    "RAND_INTEGER",
    "UUID",
    "CURRENT_USER",
    "SESSION_USER",
    "USER",
    "CURRENT_CATALOG",
];

/// The name of a function as it is written, and the place of its first part.
pub(super) fn call_name(function: &Function) -> (String, Option<Span>) {
    let names = function.name.0.iter().filter_map(|part| part.as_ident());
    let text = names.map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
    let first = function.name.0.iter().find_map(|part| part.as_ident());
    (text, first.map(|name| name.span))
}

/// Why a call is refused, and what to do instead.
pub(super) fn refused_call(function: &Function, name: &str) -> Option<(String, &'static str)> {
    let upper = name.to_uppercase();
    let upper = upper.as_str();
    if function.over.is_some() || WINDOWED.contains(&upper) {
        let help = "an expression sees one row: use a `window`, `top_n` or `dedup` operator";
        return Some((format!("`{name}` is a window function"), help));
    }
    if AGGREGATES.contains(&upper) {
        let help = "an expression sees one row: use an `aggregate`, or GREATEST and LEAST for the columns of a row";
        return Some((format!("`{name}` is an aggregate"), help));
    }
    if CLOCKS.contains(&upper) {
        let help = "a replay must give the same rows: use a column, such as the event's timestamp";
        return Some((format!("`{name}` gives another result each time"), help));
    }
    let has_clauses = match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment.is_some() || !list.clauses.is_empty()
        }
        FunctionArguments::Subquery(_) => true,
        FunctionArguments::None => false,
    };
    let has_clauses = has_clauses
        || function.filter.is_some()
        || !function.within_group.is_empty()
        || function.null_treatment.is_some()
        || !matches!(function.parameters, FunctionArguments::None);
    let help =
        "DISTINCT, FILTER, ORDER BY and subqueries belong to aggregates, which are operators";
    has_clauses.then(|| (format!("`{name}` is called with more than arguments"), help))
}
