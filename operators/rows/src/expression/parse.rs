//! From text to the parser's tree, within bounds. Apart because this and `lower` alone know the SQL parser.

use super::error::{ErrorCode, ExpressionError, Span};
use super::lower::Lowering;
use super::syntax::Node;
use super::wording::{no_sql, of_other_languages, split_place, word};
use crate::limits::{MAX_ERRORS, MAX_EXPRESSION_BYTES, MAX_EXPRESSION_TOKENS, MAX_PARSER_DEPTH};
use sqlparser::ast::{DataType, Ident, ObjectName, TypeModifier};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// Standard SQL: names in double quotes or back quotes, `''` as the only escape in a string.
#[derive(Debug)]
struct Sql;

impl Dialect for Sql {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    /// Types by their name alone, in this house's words or SQL's; what they mean is decided later.
    fn parse_data_type(&self, parser: &mut Parser<'_>) -> Option<Result<DataType, ParserError>> {
        let Token::Word(word) = &parser.peek_token_ref().token else { return None };
        const OWN_LITERALS: [Keyword; 3] = [Keyword::INTERVAL, Keyword::TIMESTAMP, Keyword::DATE];
        if word.quote_style.is_some() || OWN_LITERALS.contains(&word.keyword) {
            return None;
        }
        let name = ObjectName::from(vec![Ident::new(word.value.clone())]);
        parser.advance_token();
        let mut rest = String::new();
        let mut open = 0usize;
        loop {
            let token = &parser.peek_token_ref().token;
            match token {
                Token::Lt | Token::LParen => open += 1,
                Token::Gt | Token::RParen if open > 0 => open -= 1,
                Token::ShiftRight if open > 1 => open -= 2,
                Token::EOF => break,
                _ if open > 0 => {}
                _ => break,
            }
            rest.push_str(&token.to_string());
            // Words and signs are told apart by the spaces between them.
            rest.push(' ');
            parser.advance_token();
            if open == 0 {
                break;
            }
        }
        let rest = if rest.is_empty() { Vec::new() } else { vec![TypeModifier::String(rest)] };
        Some(Ok(DataType::Custom(name, rest)))
    }
}

/// Where lines and columns, counted in characters from one, lie in the bytes of the text.
pub(crate) struct Positions {
    /// The first byte of each character, and the end.
    characters: Vec<usize>,
    /// The index of the first character of each line.
    lines: Vec<usize>,
}

impl Positions {
    fn new(text: &str) -> Self {
        let mut characters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        characters.push(text.len());
        let breaks = text.chars().enumerate().filter(|(_, character)| *character == '\n');
        let lines = std::iter::once(0).chain(breaks.map(|(index, _)| index + 1)).collect();
        Self { characters, lines }
    }

    fn byte(&self, line: u64, column: u64) -> usize {
        let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        let last = self.characters.len() - 1;
        let start = self.lines.get(line).copied().unwrap_or(last);
        self.characters[start.saturating_add(column).min(last)]
    }

    /// The part of the text; `None` for what the parser gives no place.
    pub(crate) fn span(&self, span: sqlparser::tokenizer::Span) -> Option<Span> {
        let Location { line, column } = span.start;
        let start = self.byte(line, column);
        let end = self.byte(span.end.line, span.end.column).max(start);
        (line != 0).then_some(Span { start, end })
    }
}

/// What the parser or the tokenizer says of a text.
fn syntax_error(text: &str, positions: &Positions, said: &str) -> ExpressionError {
    let (said, place) = split_place(said);
    let start = place.map_or(text.len(), |(line, column)| positions.byte(line, column));
    no_sql(text, start, said)
}

/// The signs of other languages that people write by habit, each with what SQL has for it.
fn foreign(tokens: &[TokenWithSpan], positions: &Positions) -> Vec<ExpressionError> {
    let wrong = tokens.iter().filter_map(|token| {
        let is_sign = matches!(
            token.token,
            Token::DoubleEq
                | Token::Overlap
                | Token::ExclamationMark
                | Token::DoubleExclamationMark
                | Token::Placeholder(_)
                | Token::Question
                | Token::RArrow
                | Token::LBrace
                | Token::RBrace
        );
        let sign = is_sign.then(|| token.token.to_string())?;
        let (message, help) = of_other_languages(&sign)?;
        let span = positions.span(token.span)?;
        let message = format!("no SQL expression: {message}");
        Some(ExpressionError {
            code: ErrorCode::Syntax,
            span,
            message,
            help: Some(help.to_owned()),
        })
    });
    wrong.take(MAX_ERRORS).collect()
}

fn limit_error(start: usize, message: String) -> ExpressionError {
    let help = Some("split the work: compute parts in a projection before this one".to_owned());
    ExpressionError { code: ErrorCode::Limit, span: Span { start, end: start }, message, help }
}

/// What stands after a complete expression, when it has a meaning elsewhere.
fn help_after(token: &Token) -> Option<String> {
    let Token::Word(word) = token else { return None };
    match word.value.to_uppercase().as_str() {
        "AS" => Some("name the result with the key of the YAML map, not with AS".to_owned()),
        "FROM" | "WHERE" | "GROUP" | "ORDER" | "LIMIT" => {
            Some("write one expression, not a query: filters and groups are operators".to_owned())
        }
        "WHEN" | "THEN" | "ELSE" => {
            Some("write a CASE in full: CASE WHEN condition THEN value ELSE value END".to_owned())
        }
        "OVER" => Some("window functions are operators: use `window` or `top_n`".to_owned()),
        _ => None,
    }
}

/// Parses one expression.
pub(crate) fn parse(text: &str) -> Result<Node, Vec<ExpressionError>> {
    if text.len() > MAX_EXPRESSION_BYTES {
        let message = format!("an expression has at most {MAX_EXPRESSION_BYTES} bytes");
        return Err(vec![limit_error(0, message)]);
    }
    let positions = Positions::new(text);
    let fail = |message: &str| Err(vec![syntax_error(text, &positions, message)]);
    let mut tokens = match Tokenizer::new(&Sql, text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => return fail(&error.to_string()),
    };
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    if tokens.len() > MAX_EXPRESSION_TOKENS {
        let message = format!("an expression has at most {MAX_EXPRESSION_TOKENS} words and signs");
        return Err(vec![limit_error(0, message)]);
    }
    if tokens.is_empty() {
        let message = "no SQL expression: the text is empty".to_owned();
        let span = Span { start: text.len(), end: text.len() };
        return Err(vec![ExpressionError { code: ErrorCode::Syntax, span, message, help: None }]);
    }
    let foreign = foreign(&tokens, &positions);
    if !foreign.is_empty() {
        return Err(foreign);
    }
    let mut parser =
        Parser::new(&Sql).with_recursion_limit(MAX_PARSER_DEPTH).with_tokens_with_locations(tokens);
    let parsed = match parser.parse_expr() {
        Ok(parsed) => parsed,
        Err(ParserError::RecursionLimitExceeded) => {
            let at = parser.peek_token().span.start;
            let message = "the expression is nested too deeply".to_owned();
            return Err(vec![limit_error(positions.byte(at.line, at.column), message)]);
        }
        Err(ParserError::ParserError(message) | ParserError::TokenizerError(message)) => {
            return fail(&message);
        }
    };
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let start = positions.byte(next.span.start.line, next.span.start.column);
        let mut error = no_sql(text, start, "");
        let next_word = word(&text[start..]);
        error.message = format!("no SQL expression: it is complete before `{next_word}`");
        error.help = help_after(&next.token);
        return Err(vec![error]);
    }
    Lowering::new(text, positions).run(parsed)
}
