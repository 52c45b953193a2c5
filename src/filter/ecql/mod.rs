//! ECQL, the extended common query language of GeoServer (`CQL_FILTER`) ▶ [`super::Filter`].
//!
//! The grammar is GeoTools' (CQL of Catalogue Services 2.0.1 and its extensions), not CQL2: `INTERSECTS(geom, POINT(...))`,
//! `BBOX(geom, ...)`, `ILIKE`, `DURING`, identifiers by `IN ('a', 'b')`. What the operators mean is Filter Encoding's.

mod lex;
mod predicate;
#[cfg(test)]
mod tests;
mod wkt;

use super::Filter;
use super::fes::{Operand, Reader, Scene, default_crs, resolve_property};
use crate::error::{Error, Reason};
use crate::filter::expr::FUNCTIONS;
use crate::geo::Crs;
use lex::{Token, tokens};

/// Name of the parameter at fault.
const PARAMETER: &str = "CQL_FILTER";

fn wrong(value: &str, reason: Reason) -> Error {
    Error::invalid(PARAMETER, value, reason)
}

/// Reads a filter.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Unknown`] for properties that the layer does not show, [`Error::Limit`], [`Error::Crs`].
pub fn read(text: &str, scene: Scene<'_>) -> Result<Filter, Error> {
    if text.len() > scene.limits.body_bytes {
        let limit = scene.limits.body_bytes as u64;
        return Err(Error::Limit { what: PARAMETER, asked: text.len() as u64, limit });
    }
    let tokens = tokens(text)?;
    let closing = brackets(&tokens)?;
    let mut parser = Parser { reader: Reader::new(scene), tokens, closing, at: 0 };
    let filter = parser.disjunction(0).map_err(named)?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.expected(Reason::AndOrEnd)),
    }
}

/// Errors of the shared parts name the parameter of their own protocol.
fn named(error: Error) -> Error {
    match error {
        Error::Invalid { name, value, reason } if name == "FILTER" => {
            Error::Invalid { name: PARAMETER.to_owned(), value, reason }
        }
        other => other,
    }
}

/// For every opening bracket the place of its closing one: whether a bracket holds a predicate or an operand is seen from
/// what follows it, without trying.
fn brackets(tokens: &[Token]) -> Result<Vec<usize>, Error> {
    let mut closing = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol("(") => open.push(n),
            Token::Symbol(")") => match open.pop() {
                Some(at) => closing[at] = n,
                None => return Err(wrong(")", Reason::Bracket)),
            },
            _ => {}
        }
    }
    match open.is_empty() {
        true => Ok(closing),
        false => Err(wrong("(", Reason::Unclosed)),
    }
}

struct Parser<'a> {
    reader: Reader<'a>,
    tokens: Vec<Token>,
    closing: Vec<usize>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn expected(&self, what: Reason) -> Error {
        let found = match self.tokens.get(self.at) {
            None => "the end".to_owned(),
            Some(Token::Word(t) | Token::Quoted(t) | Token::Text(t) | Token::Number(t) | Token::Time(t)) => t.clone(),
            Some(Token::Symbol(s)) => (*s).to_owned(),
        };
        wrong(&found, what)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        match self.take_word(word) {
            true => Ok(()),
            false => Err(self.expected(Reason::Needed(word.to_owned()))),
        }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(s)) if *s == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: &str) -> Result<(), Error> {
        match self.take_symbol(symbol) {
            true => Ok(()),
            false => Err(self.expected(Reason::Needed(symbol.to_owned()))),
        }
    }

    /// `( item )`
    fn bracket<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.symbol("(")?;
        let made = item(self)?;
        self.symbol(")")?;
        Ok(made)
    }

    /// `( item, item, ... )`
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.symbol("(")?;
        let mut all = vec![item(self)?];
        while self.take_symbol(",") {
            all.push(item(self)?);
        }
        self.symbol(")")?;
        Ok(all)
    }

    fn number(&mut self) -> Result<f64, Error> {
        let negative = self.take_symbol("-");
        match self.peek() {
            Some(Token::Number(n)) => {
                let value =
                    n.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(|| self.expected(Reason::Number))?;
                self.at += 1;
                Ok(if negative { -value } else { value })
            }
            _ => Err(self.expected(Reason::Number)),
        }
    }

    fn deeper(&self, depth: usize) -> Result<(), Error> {
        self.reader.node()?;
        let limit = self.reader.scene().limits.depth;
        match depth < limit {
            true => Ok(()),
            false => Err(Error::Limit { what: "depth", asked: limit as u64 + 1, limit: limit as u64 }),
        }
    }

    fn default_crs(&self) -> Crs {
        default_crs(self.reader.scene().layer).0
    }

    /// `a + b`, `a - b`
    fn operand(&mut self, depth: usize) -> Result<Operand<'a>, Error> {
        let mut left = self.product(depth)?;
        loop {
            let operator = match self.peek() {
                Some(Token::Symbol("+")) => '+',
                Some(Token::Symbol("-")) => '-',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Operand::Arithmetic(Box::new(left), operator, Box::new(self.product(depth)?));
        }
    }

    fn product(&mut self, depth: usize) -> Result<Operand<'a>, Error> {
        let mut left = self.factor(depth)?;
        loop {
            let operator = match self.peek() {
                Some(Token::Symbol("*")) => '*',
                Some(Token::Symbol("/")) => '/',
                _ => return Ok(left),
            };
            self.at += 1;
            left = Operand::Arithmetic(Box::new(left), operator, Box::new(self.factor(depth)?));
        }
    }

    fn factor(&mut self, depth: usize) -> Result<Operand<'a>, Error> {
        self.deeper(depth)?;
        if self.is_symbol("(") {
            return self.bracket(|p| p.operand(depth + 1));
        }
        if self.take_symbol("-") {
            return match self.next() {
                Some(Token::Number(n)) => Ok(Operand::Literal(format!("-{n}"))),
                _ => Err(self.expected(Reason::Number)),
            };
        }
        match self.next() {
            Some(Token::Number(t) | Token::Text(t) | Token::Time(t)) => Ok(Operand::Literal(t)),
            Some(Token::Word(name)) if self.is_symbol("(") => {
                let known = FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(&name));
                let known = known.ok_or_else(|| wrong(&name, Reason::UnknownFunction))?;
                let argument = self.bracket(|p| p.operand(depth + 1))?;
                Ok(Operand::Function(known.name, Box::new(argument)))
            }
            Some(Token::Word(name) | Token::Quoted(name)) => Ok(Operand::Property(self.property(&name)?)),
            _ => {
                self.at -= 1;
                Err(self.expected(Reason::PropertyOrValue))
            }
        }
    }

    fn property(&self, name: &str) -> Result<super::fes::Property<'a>, Error> {
        // GeoServer's own spelling of the identifier.
        let name = if name.eq_ignore_ascii_case("@id") { "@gml:id" } else { name };
        resolve_property(name, self.reader.scene(), |_| None)
    }
}
