//! CQL2 text ▶ [`Node`]: recursive descent over one table of precedences.
//!
//! The grammar of annex B is ambiguous at an opening parenthesis (group, list, arithmetic group); here all are read alike
//! and told apart by their types afterwards.

use super::geometry::wkt;
use super::lex::{Token, expected, tokens};
use super::node::{Budget, Node};
use super::{Cql2Error, Result};
use crate::error::Reason;
use crate::filter::instant::read_instant;

/// Reads a whole expression.
pub fn read(text: &str, budget: &mut Budget) -> Result<Node> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, budget };
    let node = reader.disjunction()?;
    match reader.peek() {
        Token::End => Ok(node),
        _ => Err(reader.expected(Reason::AndOrEnd)),
    }
}

/// Reads words one after the other.
pub struct Reader<'a> {
    tokens: Vec<(Token, usize)>,
    at: usize,
    /// What is left of the limits.
    pub budget: &'a mut Budget,
}

impl Reader<'_> {
    /// The next word.
    pub fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |t| &t.0)
    }

    fn peek_second(&self) -> &Token {
        self.tokens.get(self.at + 1).map_or(&Token::End, |t| &t.0)
    }

    /// Goes on.
    pub fn skip(&mut self) {
        self.at += 1;
    }

    /// An error at the next word.
    pub fn expected(&self, what: Reason) -> Cql2Error {
        expected(self.tokens.get(self.at).map_or(0, |t| t.1), what)
    }

    /// True, and goes on, when the next word is a sign.
    pub fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.at += usize::from(found);
        found
    }

    /// Demands a sign.
    pub fn need(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.expected(Reason::Needed(sign.to_owned()))) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    /// True, and goes on, when the next word is a keyword.
    pub fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    /// Whether a parenthesis follows the next word, or a `Z` and then one.
    pub fn opens_geometry(&self) -> bool {
        let third = self.tokens.get(self.at + 2).map(|t| &t.0);
        match self.peek_second() {
            Token::Sign("(") => true,
            Token::Word(z) => z.eq_ignore_ascii_case("z") && third == Some(&Token::Sign("(")),
            _ => false,
        }
    }

    fn made(&mut self, name: &str, arguments: Vec<Node>) -> Result<Node> {
        self.budget.node()?;
        Ok(Node::call(name, arguments))
    }

    fn disjunction(&mut self) -> Result<Node> {
        self.budget.enter()?;
        let mut parts = vec![self.conjunction()?];
        while self.word("or") {
            parts.push(self.conjunction()?);
        }
        self.budget.leave();
        self.joined("or", parts)
    }

    fn conjunction(&mut self) -> Result<Node> {
        let mut parts = vec![self.factor()?];
        while self.word("and") {
            parts.push(self.factor()?);
        }
        self.joined("and", parts)
    }

    fn joined(&mut self, name: &str, mut parts: Vec<Node>) -> Result<Node> {
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                self.made(name, parts)
            }
            None => Err(self.expected(Reason::Expression)),
        }
    }

    fn factor(&mut self) -> Result<Node> {
        if self.word("not") {
            self.budget.enter()?;
            let inner = self.factor()?;
            self.budget.leave();
            return self.made("not", vec![inner]);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Node> {
        let left = self.sum()?;
        for sign in ["=", "<>", "<=", ">=", "<", ">"] {
            if self.sign(sign) {
                let right = self.sum()?;
                return self.made(sign, vec![left, right]);
            }
        }
        if self.word("is") {
            let not = self.word("not");
            if !self.word("null") {
                return Err(self.expected(Reason::Needed("NULL".into())));
            }
            let test = self.made("isnull", vec![left])?;
            return if not { self.made("not", vec![test]) } else { Ok(test) };
        }
        let not = self.is_word("not")
            && matches!(self.peek_second(), Token::Word(w) if ["like", "between", "in"].iter().any(|k| w.eq_ignore_ascii_case(k)));
        self.at += usize::from(not);
        let test = if self.word("like") {
            let pattern = self.sum()?;
            self.made("like", vec![left, pattern])?
        } else if self.word("between") {
            let lower = self.sum()?;
            if !self.word("and") {
                return Err(self.expected(Reason::Needed("AND".into())));
            }
            let upper = self.sum()?;
            self.made("between", vec![left, lower, upper])?
        } else if self.word("in") {
            self.need("(")?;
            let list = self.arguments()?;
            self.made("in", vec![left, Node::List(list)])?
        } else {
            return Ok(left);
        };
        if not { self.made("not", vec![test]) } else { Ok(test) }
    }

    fn sum(&mut self) -> Result<Node> {
        let mut left = self.product()?;
        loop {
            let name = if self.sign("+") {
                "+"
            } else if self.sign("-") {
                "-"
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = self.made(name, vec![left, right])?;
        }
    }

    fn product(&mut self) -> Result<Node> {
        let mut left = self.power()?;
        loop {
            let name = if self.sign("*") {
                "*"
            } else if self.sign("/") {
                "/"
            } else if self.sign("%") {
                "%"
            } else if self.word("div") {
                "div"
            } else {
                return Ok(left);
            };
            let right = self.power()?;
            left = self.made(name, vec![left, right])?;
        }
    }

    fn power(&mut self) -> Result<Node> {
        let base = self.signed()?;
        if self.sign("^") {
            let exponent = self.signed()?;
            return self.made("^", vec![base, exponent]);
        }
        Ok(base)
    }

    fn signed(&mut self) -> Result<Node> {
        if self.sign("-") {
            return match self.primary()? {
                Node::Int(n) => Ok(Node::Int(n.checked_neg().unwrap_or(i64::MAX))),
                Node::Number(v) => Ok(Node::Number(-v)),
                other => self.made("*", vec![Node::Int(-1), other]),
            };
        }
        if self.sign("+") {
            return match self.peek() {
                Token::Int(_) | Token::Number(_) => self.primary(),
                _ => Err(self.expected(Reason::Number)),
            };
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Node> {
        self.budget.node()?;
        let token = self.peek().clone();
        match token {
            Token::Int(n) => {
                self.skip();
                Ok(Node::Int(n))
            }
            Token::Number(v) => {
                self.skip();
                Ok(Node::Number(v))
            }
            Token::Text(value, pattern) => {
                self.skip();
                Ok(Node::Text { value, pattern })
            }
            Token::Quoted(name) => {
                self.skip();
                Ok(Node::Property(name))
            }
            Token::Sign("(") => {
                self.skip();
                let mut list = self.arguments()?;
                // One expression in parentheses is a group, any other number a list.
                Ok(if list.len() == 1 { list.remove(0) } else { Node::List(list) })
            }
            Token::Word(word) => self.named(&word),
            Token::Sign(_) | Token::End => Err(self.expected(Reason::Primary)),
        }
    }

    /// Expressions up to the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Node>> {
        let mut list = Vec::new();
        if self.sign(")") {
            return Ok(list);
        }
        loop {
            list.push(self.disjunction()?);
            if self.sign(")") {
                return Ok(list);
            }
            if !self.sign(",") {
                return Err(self.expected(Reason::Needed(", )".into())));
            }
        }
    }

    fn named(&mut self, word: &str) -> Result<Node> {
        let lower = word.to_ascii_lowercase();
        if let Some(geometry) = wkt(self, &lower)? {
            return Ok(Node::Geometry(geometry));
        }
        if self.peek_second() != &Token::Sign("(") {
            if ["and", "or", "not", "like", "between", "in", "is", "null", "div"].contains(&lower.as_str()) {
                return Err(self.expected(Reason::Primary));
            }
            self.skip();
            return Ok(match lower.as_str() {
                "true" => Node::Bool(true),
                "false" => Node::Bool(false),
                _ => Node::Property(word.to_owned()),
            });
        }
        self.skip();
        self.skip();
        match lower.as_str() {
            "date" | "timestamp" => {
                let instant = self.instant(lower == "date")?;
                self.need(")")?;
                Ok(instant)
            }
            "interval" => {
                let begin = self.end()?;
                self.need(",")?;
                let end = self.end()?;
                self.need(")")?;
                Ok(Node::Interval(Box::new(begin), Box::new(end)))
            }
            _ => {
                let arguments = self.arguments()?;
                Ok(Node::Call(lower, arguments))
            }
        }
    }

    fn instant(&mut self, date: bool) -> Result<Node> {
        let what = if date { Reason::DateOnly } else { Reason::TimestampOnly };
        let Token::Text(text, _) = self.peek().clone() else { return Err(self.expected(what)) };
        match read_instant(&text) {
            Ok((first, last)) if (text.len() == 10) == date => {
                self.skip();
                Ok(Node::Instant(first, last))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// An end of an interval.
    fn end(&mut self) -> Result<Node> {
        self.budget.node()?;
        let Token::Text(text, _) = self.peek().clone() else { return self.primary() };
        let node = if text == ".." {
            Node::Open
        } else {
            let (first, last) = read_instant(&text).map_err(|_| self.expected(Reason::End))?;
            Node::Instant(first, last)
        };
        self.skip();
        Ok(node)
    }
}
