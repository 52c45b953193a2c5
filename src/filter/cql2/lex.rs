//! Words of CQL2 text (21-065r2 annex B).

use super::{Cql2Error, Result};
use crate::error::Reason;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// Identifier or keyword, as written.
    Word(String),
    /// Identifier in double quotes: never a keyword.
    Quoted(String),
    /// Text between single quotes: decoded as a value, and as a pattern.
    Text(String, String),
    /// Number without sign.
    Number(f64),
    /// Whole number without sign.
    Int(i64),
    /// Operator or punctuation: `= <> < <= > >= + - * / % ^ ( ) ,`
    Sign(&'static str),
    /// Nothing follows.
    End,
}

/// Splits a text into words, each with the character it begins at (counted from 1).
pub fn tokens(text: &str) -> Result<Vec<(Token, usize)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut out = Vec::new();
    while let Some(c) = chars.get(at).copied() {
        let begin = at + 1;
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if starts_identifier(c) {
            let end = chars[at..].iter().position(|c| !continues_identifier(*c)).map_or(chars.len(), |n| at + n);
            let word: String = chars[at..end].iter().collect();
            at = end;
            Token::Word(word)
        } else if c == '"' {
            let end = chars[at + 1..].iter().position(|c| *c == '"').map(|n| at + 1 + n);
            let end = end.ok_or_else(|| expected(begin, Reason::UnclosedName))?;
            let name: String = chars[at + 1..end].iter().collect();
            at = end + 1;
            Token::Quoted(name)
        } else if c == '\'' {
            text_literal(&chars, &mut at)?
        } else if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
            number(&chars, &mut at)?
        } else {
            sign(&chars, &mut at)?
        };
        out.push((token, begin));
    }
    out.push((Token::End, chars.len() + 1));
    Ok(out)
}

/// An error at a character.
pub fn expected(at: usize, expected: Reason) -> Cql2Error {
    Cql2Error::Syntax { at, expected }
}

fn starts_identifier(c: char) -> bool {
    c == ':' || c == '_' || c.is_alphabetic()
}

fn continues_identifier(c: char) -> bool {
    // Combining marks belong to letters (annex B, `identifierPart`).
    starts_identifier(c) || c == '.' || c.is_numeric() || unicode_normalization::char::is_combining_mark(c)
}

fn text_literal(chars: &[char], at: &mut usize) -> Result<Token> {
    let begin = *at + 1;
    let (mut value, mut pattern) = (String::new(), String::new());
    *at += 1;
    loop {
        let c = *chars.get(*at).ok_or_else(|| expected(begin, Reason::UnclosedQuote))?;
        *at += 1;
        let next = chars.get(*at).copied();
        let decoded = match (c, next) {
            ('\'', Some('\'')) => '\'',
            ('\'', _) => return Ok(Token::Text(value, pattern)),
            ('\\', Some('\'')) => '\'',
            ('\\', Some('a')) => '\u{7}',
            ('\\', Some('b')) => '\u{8}',
            ('\\', Some('t')) => '\t',
            ('\\', Some('n')) => '\n',
            ('\\', Some('v')) => '\u{b}',
            ('\\', Some('f')) => '\u{c}',
            ('\\', Some('r')) => '\r',
            ('\\', Some(escaped)) => {
                // Elsewhere a wildcard is a plain character; LIKE needs to know that it was escaped.
                value.push(escaped);
                pattern.push('\\');
                pattern.push(escaped);
                *at += 1;
                continue;
            }
            (c, _) => {
                value.push(c);
                pattern.push(c);
                continue;
            }
        };
        value.push(decoded);
        pattern.push(decoded);
        *at += 1;
    }
}

fn number(chars: &[char], at: &mut usize) -> Result<Token> {
    let begin = *at;
    let digits = |at: &mut usize| {
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
    };
    digits(at);
    let mut whole = true;
    if chars.get(*at) == Some(&'.') {
        whole = false;
        *at += 1;
        digits(at);
    }
    if matches!(chars.get(*at), Some('e' | 'E')) {
        let signed = usize::from(matches!(chars.get(*at + 1), Some('+' | '-')));
        if chars.get(*at + 1 + signed).is_some_and(char::is_ascii_digit) {
            whole = false;
            *at += 1 + signed;
            digits(at);
        }
    }
    let text: String = chars[begin..*at].iter().collect();
    if whole && let Ok(n) = text.parse() {
        return Ok(Token::Int(n));
    }
    let value: Option<f64> = text.parse().ok().filter(|v: &f64| v.is_finite());
    value.map(Token::Number).ok_or_else(|| expected(begin + 1, Reason::Number))
}

fn sign(chars: &[char], at: &mut usize) -> Result<Token> {
    const SIGNS: [&str; 15] = ["<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", ","];
    let rest: String = chars[*at..chars.len().min(*at + 2)].iter().collect();
    let found = SIGNS.into_iter().find(|s| rest.starts_with(s));
    let sign = found.ok_or_else(|| expected(*at + 1, Reason::Symbol))?;
    *at += sign.len();
    Ok(Token::Sign(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|t| t.0).collect()
    }

    #[test]
    fn splits_names_numbers_and_signs() {
        assert_eq!(
            words("eo:cloud_cover>=.5E-1"),
            vec![Token::Word("eo:cloud_cover".into()), Token::Sign(">="), Token::Number(0.05), Token::End]
        );
        assert_eq!(words("\"AND\""), vec![Token::Quoted("AND".into()), Token::End]);
        assert_eq!(words("12 12. 99999999999999999999")[0], Token::Int(12));
        assert_eq!(words("12.")[0], Token::Number(12.0));
        assert_eq!(words("99999999999999999999")[0], Token::Number(1e20));
    }

    #[test]
    fn decodes_text_and_keeps_patterns() {
        assert_eq!(words("'l''école'")[0], Token::Text("l'école".into(), "l'école".into()));
        assert_eq!(words(r"'l\'a\tb'")[0], Token::Text("l'a\tb".into(), "l'a\tb".into()));
        assert_eq!(words(r"'50\% \\'")[0], Token::Text(r"50% \".into(), r"50\% \\".into()));
        for bad in ["'open", "\"open", "a ; b", "#"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }
}
