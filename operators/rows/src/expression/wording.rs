//! What is said of a text that is no expression: the parser's messages in this house's words.
//!
//! Apart from the parser because its messages are written for who works on it. Only what is known here is taken over;
//! whatever else it says, the user reads which word cannot stand there, which is true of every mistake.

use super::error::{ErrorCode, ExpressionError, Span};

/// The most characters of the user's text in a message.
const MOST_SHOWN: usize = 30;

/// Takes the place from the end of a parser's message: line and column, from one.
pub(super) fn split_place(message: &str) -> (&str, Option<(u64, u64)>) {
    let Some((text, place)) = message.rsplit_once(" at Line: ") else { return (message, None) };
    let Some((line, column)) = place.split_once(", Column: ") else { return (text, None) };
    let digits = |text: &str| text.trim().parse().ok();
    (text, digits(line).zip(digits(column)))
}

/// A text that is no SQL from the byte `start` on.
pub(super) fn no_sql(text: &str, start: usize, said: &str) -> ExpressionError {
    let rest = &text[start..];
    let width = rest.chars().next().map_or(0, char::len_utf8);
    let (message, help) = in_words(said, rest);
    ExpressionError {
        code: ErrorCode::Syntax,
        span: Span { start, end: start + width },
        message: format!("no SQL expression: {message}"),
        help: help.map(str::to_owned),
    }
}

fn in_words(said: &str, rest: &str) -> (String, Option<&'static str>) {
    let said = said.strip_prefix("sql parser error: ").unwrap_or(said);
    let unclosed = |what: &str| format!("{what} does not end");
    if said.contains("Unterminated") {
        let help = "close it with `'`; write `''` for a quote within";
        return (unclosed("the text in quotes"), Some(help));
    }
    if said.contains("close delimiter") {
        return (
            unclosed("the name in quotes"),
            Some("close it with the quote that it begins with"),
        );
    }
    if said.contains("multi-line comment") {
        return (unclosed("the comment"), Some("close it with `*/`"));
    }
    let found = if rest.trim().is_empty() {
        "but the text ends".to_owned()
    } else {
        format!("found `{}`", word(rest))
    };
    let expected = said.strip_prefix("Expected: ").and_then(|said| said.rsplit_once(", found: "));
    let message = match expected.and_then(|(expected, _)| expected_in_words(expected)) {
        Some(expected) => format!("expected {expected}, {found}"),
        None if rest.trim().is_empty() => "something is missing at its end".to_owned(),
        None => format!("`{}` cannot stand here", word(rest)),
    };
    (message, None)
}

/// What the parser waited for, where that can be told to people.
fn expected_in_words(expected: &str) -> Option<String> {
    let is_sign = |text: &str| text.len() <= 2 && !text.contains(char::is_alphanumeric);
    let is_keyword = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase());
    Some(match expected {
        "an expression" | "an expression:" => "an expression".to_owned(),
        "identifier" => "a name".to_owned(),
        "literal string" => "a text in quotes".to_owned(),
        "literal int" | "literal number" => "a number".to_owned(),
        "a data type name" => "a type".to_owned(),
        _ if expected.ends_with("after IS") => {
            "NULL, TRUE, FALSE or DISTINCT FROM behind IS".to_owned()
        }
        _ if is_sign(expected) => format!("`{expected}`"),
        _ if is_keyword(expected) => expected.to_owned(),
        _ => return None,
    })
}

/// The word, number or sign that a text begins with.
pub(super) fn word(text: &str) -> String {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let text = text.trim_start();
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let rest = characters.take_while(|c| is_of_word(first) && is_of_word(*c));
    std::iter::once(first).chain(rest).take(MOST_SHOWN).collect()
}

/// What is said of a sign that other languages have, and how SQL says it.
pub(super) fn of_other_languages(sign: &str) -> Option<(&'static str, &'static str)> {
    Some(match sign {
        "==" => ("SQL compares with one `=`", "write `=`"),
        "&&" => ("`&&` is no SQL", "write AND"),
        "!" | "!!" => ("`!` is no SQL", "write NOT"),
        "?" => ("`?` is no SQL", "write CASE WHEN condition THEN value ELSE value END"),
        "=>" => ("`=>` is no SQL", "write `>=` to compare"),
        "{" | "}" => ("braces are no SQL", "remove them: an expression needs none around it"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(said: &str, rest: &str, expected: &str) {
        assert_eq!(in_words(said, rest).0, expected);
    }

    #[test]
    fn what_the_parser_says_is_said_in_other_words() {
        check("Expected: ), found: EOF", "", "expected `)`, but the text ends");
        check("Expected: END, found: x", "x y", "expected END, found `x`");
        check("Expected: identifier, found: 1", "1", "expected a name, found `1`");
        check("No infix parser for token Overlap", "&& b", "`&` cannot stand here");
        check("Expected: joined table, found: EOF", " ", "something is missing at its end");
        check("Unterminated string literal", "'ab", "the text in quotes does not end");
        check(
            "Expected close delimiter '\"' before EOF.",
            "\"a",
            "the name in quotes does not end",
        );
    }

    proptest! {
        #[test]
        fn nothing_of_the_parser_reaches_users(
            said in "(Expected: |sql parser error: |BUG: |No infix parser for token )?\\PC{0,40}(, found: [a-z]{0,3})?",
            rest in "[ a-z(]{0,10}",
        ) {
            let (message, _) = in_words(&said, &rest);
            prop_assert!(!message.contains("infix") && !message.contains("BUG"), "{message}");
            prop_assert!(!message.contains("Expected") && message.len() < 120, "{message}");
        }
    }
}
