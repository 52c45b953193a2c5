//! ECQL into tokens.

use super::wrong;
use crate::error::{Error, Reason};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or keyword, as written.
    Word(String),
    /// A name in double quotes: never a keyword.
    Quoted(String),
    /// A text in single quotes.
    Text(String),
    /// A number, as written.
    Number(String),
    /// An instant or period (`2024-01-01T00:00:00Z`, `2023-01-01/P1Y`), as written.
    Time(String),
    /// An operator or bracket.
    Symbol(&'static str),
}

const SYMBOLS: [&str; 15] = ["<>", "<=", ">=", "!=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", ";"];

/// Splits a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, after) = match c {
            '\'' => quoted(rest, '\'').map(|(t, r)| (Token::Text(t), r))?,
            '"' => quoted(rest, '"').map(|(t, r)| (Token::Quoted(t), r))?,
            _ if is_time(rest) => {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | '(' | ',')).unwrap_or(rest.len());
                (Token::Time(rest[..end].to_owned()), &rest[end..])
            }
            '0'..='9' | '.' => number(rest),
            c if c.is_alphabetic() || matches!(c, '_' | '@') => {
                let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | ':' | '.' | '-');
                let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
                // A hyphen belongs to a name only in DOES-NOT-EXIST; elsewhere it subtracts.
                let end = match rest[..end].find('-') {
                    Some(at) if !rest[..end].eq_ignore_ascii_case("DOES-NOT-EXIST") => at,
                    _ => end,
                };
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
            _ => {
                let symbol = SYMBOLS.into_iter().find(|s| rest.starts_with(s));
                let symbol = symbol.ok_or_else(|| wrong(rest, Reason::Character))?;
                (Token::Symbol(symbol), &rest[symbol.len()..])
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// `2024-01-01...`, or a period that begins with a duration: `P1Y/2024-01-01`.
fn is_time(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |r: std::ops::Range<usize>| b.get(r).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    let date = digits(0..4) && b.get(4) == Some(&b'-') && digits(5..7) && b.get(7) == Some(&b'-') && digits(8..10);
    let duration = || {
        let end = text.find(|c: char| c.is_whitespace() || matches!(c, ')' | ',')).unwrap_or(text.len());
        text.starts_with('P')
            && text[..end].split_once('/').is_some_and(|(d, _)| d.contains(|c: char| c.is_ascii_digit()))
    };
    date || duration()
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), Error> {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let Some(at) = rest.find(quote) else { return Err(wrong(text, Reason::UnclosedQuote)) };
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // Doubled, it stands for itself.
        match rest.strip_prefix(quote) {
            Some(after) => {
                out.push(quote);
                rest = after;
            }
            None => return Ok((out, rest)),
        }
    }
}

fn number(text: &str) -> (Token, &str) {
    let mut end = 0;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
        if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || sign) {
            break;
        }
        previous = c;
        end = at + c.len_utf8();
    }
    (Token::Number(text[..end].to_owned()), &text[end..])
}
