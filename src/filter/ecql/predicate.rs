//! Predicates of ECQL.

use super::lex::Token;
use super::wkt::KINDS;
use super::{Parser, wrong};
use crate::catalogue::FieldKind;
use crate::error::{Error, Reason};
use crate::filter::fes::{
    Instant, Operand, Property, RELATIONS, against_instant, like_pattern, metres, nothing, own_id, read_crs,
    read_instant, typed,
};
use crate::filter::{CompareOp, Filter, SpatialOp, TemporalOp};
use crate::geo::{Axes, Envelope};
use jiff::{Span, Timestamp, tz::TimeZone};

impl Parser<'_> {
    /// `a OR b`
    pub(super) fn disjunction(&mut self, depth: usize) -> Result<Filter, Error> {
        let mut parts = vec![self.conjunction(depth)?];
        while self.take_word("OR") {
            parts.push(self.conjunction(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter, Error> {
        let mut parts = vec![self.negation(depth)?];
        while self.take_word("AND") {
            parts.push(self.negation(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn negation(&mut self, depth: usize) -> Result<Filter, Error> {
        self.deeper(depth)?;
        if self.take_word("NOT") {
            return Ok(Filter::Not(Box::new(self.negation(depth + 1)?)));
        }
        // A bracket followed by an operator holds an operand: `(a + b) > 3`.
        if self.is_symbol("(") && !self.operator_follows(self.closing[self.at] + 1) {
            return self.bracket(|p| p.disjunction(depth + 1));
        }
        self.predicate(depth)
    }

    fn operator_follows(&self, at: usize) -> bool {
        match self.tokens.get(at) {
            Some(Token::Symbol(s)) => !matches!(*s, ")" | "(" | "," | ";"),
            Some(Token::Word(w)) => {
                const WORDS: [&str; 11] =
                    ["LIKE", "ILIKE", "BETWEEN", "IN", "IS", "NOT", "BEFORE", "AFTER", "DURING", "TEQUALS", "EXISTS"];
                WORDS.iter().any(|k| w.eq_ignore_ascii_case(k))
            }
            _ => false,
        }
    }

    fn predicate(&mut self, depth: usize) -> Result<Filter, Error> {
        if self.take_word("INCLUDE") {
            return Ok(Filter::All);
        }
        if self.take_word("EXCLUDE") {
            return Ok(nothing());
        }
        // Identifiers: `IN ('parc_commune.59350')`.
        if self.is_word("IN") && matches!(self.tokens.get(self.at + 1), Some(Token::Symbol("("))) {
            self.at += 1;
            return self.identifiers();
        }
        if let (Some(Token::Word(name)), Some(Token::Symbol("("))) = (self.peek(), self.tokens.get(self.at + 1)) {
            let name = name.to_ascii_uppercase();
            if let Some((_, op)) = RELATIONS.iter().find(|(n, _)| n.eq_ignore_ascii_case(&name)) {
                self.at += 1;
                return self.relation(*op);
            }
            match name.as_str() {
                "BBOX" => {
                    self.at += 1;
                    return self.bbox();
                }
                "DWITHIN" | "BEYOND" => {
                    self.at += 1;
                    return self.distance(name == "DWITHIN");
                }
                "RELATE" => {
                    return Err(Error::option(
                        "RELATE",
                        Reason::Instead("INTERSECTS, WITHIN, CONTAINS, TOUCHES, CROSSES, OVERLAPS".into()),
                    ));
                }
                _ => {}
            }
        }
        let left = self.operand(depth)?;
        self.after_operand(left, depth)
    }

    fn after_operand(&mut self, left: Operand<'_>, depth: usize) -> Result<Filter, Error> {
        let not = self.take_word("NOT");
        let negate = |f: Filter| if not { Filter::Not(Box::new(f)) } else { f };
        for (word, match_case) in [("LIKE", true), ("ILIKE", false)] {
            if self.take_word(word) {
                let Some(Token::Text(pattern)) = self.next() else { return Err(self.expected(Reason::QuotedPattern)) };
                let pattern = like_pattern(&pattern, "%", "_", Some("\\"));
                return Ok(negate(self.reader.resembles(&left, pattern, match_case)?));
            }
        }
        if self.take_word("BETWEEN") {
            let lower = self.operand(depth)?;
            self.word("AND")?;
            let upper = self.operand(depth)?;
            return Ok(negate(self.reader.lies_between(&left, &lower, &upper)?));
        }
        if self.take_word("IN") {
            return Ok(negate(self.membership(&left)?));
        }
        if not {
            return Err(self.expected(Reason::AfterNot));
        }
        if self.take_word("IS") {
            let not = self.take_word("NOT");
            self.word("NULL")?;
            let null = self.reader.is_null(&left)?;
            return Ok(if not { Filter::Not(Box::new(null)) } else { null });
        }
        if self.take_word("EXISTS") {
            return Ok(Filter::Not(Box::new(self.reader.is_null(&left)?)));
        }
        if self.take_word("DOES-NOT-EXIST") {
            return self.reader.is_null(&left);
        }
        if let Some(filter) = self.temporal(&left)? {
            return Ok(filter);
        }
        const COMPARISONS: [(&str, CompareOp); 7] = [
            ("=", CompareOp::Eq),
            ("<>", CompareOp::Ne),
            ("!=", CompareOp::Ne),
            ("<", CompareOp::Lt),
            ("<=", CompareOp::Le),
            (">", CompareOp::Gt),
            (">=", CompareOp::Ge),
        ];
        let op = COMPARISONS.iter().find(|(symbol, _)| self.take_symbol(symbol));
        let (_, op) = op.ok_or_else(|| self.expected(Reason::OperatorNeeded))?;
        let right = self.operand(depth)?;
        self.reader.compare(*op, &left, &right, true)
    }

    fn text_or_number(&mut self) -> Result<String, Error> {
        let negative = self.take_symbol("-");
        match self.next() {
            Some(Token::Number(n)) if negative => Ok(format!("-{n}")),
            Some(Token::Number(t) | Token::Text(t) | Token::Time(t)) if !negative => Ok(t),
            _ => {
                self.at -= 1;
                Err(self.expected(Reason::ValueNeeded))
            }
        }
    }

    fn membership(&mut self, left: &Operand<'_>) -> Result<Filter, Error> {
        let values = self.list(Self::text_or_number)?;
        for _ in &values {
            self.reader.node()?;
        }
        match left {
            Operand::Property(Property::Absent) => Ok(nothing()),
            Operand::Property(Property::Id) => self.own_ids(&values),
            _ => {
                let kind = left.kind().unwrap_or(FieldKind::Text);
                let list = values.iter().map(|v| typed(v, kind)).collect::<Result<_, _>>()?;
                Ok(Filter::In { expr: self.reader.expression(left, Some(kind))?, list, match_case: true })
            }
        }
    }

    fn identifiers(&mut self) -> Result<Filter, Error> {
        let values = self.list(Self::text_or_number)?;
        self.own_ids(&values)
    }

    fn own_ids(&self, values: &[String]) -> Result<Filter, Error> {
        let scene = self.reader.scene();
        let own = values.iter().map(|id| own_id(scene.catalogue, scene.layer, id));
        Ok(Filter::Ids(own.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()))
    }

    /// True when a geometry begins here.
    fn at_geometry(&self) -> bool {
        self.is_word("SRID") || KINDS.iter().any(|k| self.is_word(k))
    }

    /// The name of the geometry property.
    fn geometry_property(&mut self) -> Result<(), Error> {
        match self.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => match self.property(&name)? {
                Property::Geometry => Ok(()),
                _ => Err(wrong(&name, Reason::GeometryProperty)),
            },
            _ => {
                self.at -= 1;
                Err(self.expected(Reason::GeometryProperty))
            }
        }
    }

    fn relation(&mut self, op: SpatialOp) -> Result<Filter, Error> {
        self.symbol("(")?;
        let turned = self.at_geometry();
        let found = if turned { Some(self.geometry()?) } else { None };
        if !turned {
            self.geometry_property()?;
        }
        self.symbol(",")?;
        let (geometry, crs) = match found {
            Some(found) => {
                self.geometry_property()?;
                found
            }
            None => self.geometry()?,
        };
        self.symbol(")")?;
        let op = match (turned, op) {
            (true, SpatialOp::Within) => SpatialOp::Contains,
            (true, SpatialOp::Contains) => SpatialOp::Within,
            (_, op) => op,
        };
        Ok(Filter::Spatial { op, geometry, crs })
    }

    fn bbox(&mut self) -> Result<Filter, Error> {
        self.symbol("(")?;
        self.geometry_property()?;
        let mut numbers = [0.0; 4];
        for number in &mut numbers {
            self.symbol(",")?;
            *number = self.number()?;
        }
        let mut crs = (self.default_crs(), Axes::EastNorth);
        if self.take_symbol(",") {
            let Some(Token::Text(name)) = self.next() else { return Err(self.expected(Reason::CrsInQuotes)) };
            crs = read_crs(&name, self.reader.scene().axes)?;
        }
        self.symbol(")")?;
        let [a, b, c, d] = numbers;
        let envelope = match crs.1 {
            Axes::EastNorth => Envelope::new(a, b, c, d),
            Axes::NorthEast => Envelope::new(b, a, d, c),
        };
        let envelope = envelope.ok_or_else(|| wrong("BBOX", Reason::Corners))?;
        Ok(Filter::BBox { envelope, crs: crs.0 })
    }

    fn distance(&mut self, within: bool) -> Result<Filter, Error> {
        self.symbol("(")?;
        self.geometry_property()?;
        self.symbol(",")?;
        let (geometry, crs) = self.geometry()?;
        self.symbol(",")?;
        let distance = self.number()?;
        self.symbol(",")?;
        let mut unit = String::new();
        // `statute miles` are two words.
        while let Some(Token::Word(word) | Token::Text(word)) = self.peek() {
            if !unit.is_empty() {
                unit.push(' ');
            }
            unit.push_str(word);
            self.at += 1;
        }
        self.symbol(")")?;
        let factor = metres(&unit).ok_or_else(|| wrong(&unit, Reason::Unit))?;
        if distance < 0.0 {
            return Err(wrong(&distance.to_string(), Reason::Distance));
        }
        Ok(Filter::Distance { within, geometry, crs, metres: distance * factor })
    }

    /// `BEFORE`, `AFTER`, `DURING`, `TEQUALS`, `BEFORE OR DURING`, `DURING OR AFTER`; `None` when there is none.
    fn temporal(&mut self, left: &Operand<'_>) -> Result<Option<Filter>, Error> {
        const OPERATORS: [(&str, TemporalOp); 4] = [
            ("BEFORE", TemporalOp::Before),
            ("AFTER", TemporalOp::After),
            ("DURING", TemporalOp::During),
            ("TEQUALS", TemporalOp::Equals),
        ];
        let Some((_, op)) = OPERATORS.iter().find(|(word, _)| self.take_word(word)) else { return Ok(None) };
        let also = match op {
            TemporalOp::Before if self.or_word("DURING") => Some(TemporalOp::During),
            TemporalOp::During if self.or_word("AFTER") => Some(TemporalOp::After),
            _ => None,
        };
        let field = match left {
            Operand::Property(Property::Field(f)) if f.kind == FieldKind::DateTime => f.id,
            _ => return Err(self.expected(Reason::DateProperty)),
        };
        let text = match self.next() {
            Some(Token::Time(t) | Token::Text(t)) => t,
            _ => {
                self.at -= 1;
                return Err(self.expected(Reason::InstantOrPeriod));
            }
        };
        let relation = |op: TemporalOp| match text.split_once('/') {
            None => {
                let instant = read_instant(&text).ok_or_else(|| wrong(&text, Reason::Instant))?;
                Ok(against_instant(op, field, instant))
            }
            Some((from, to)) => {
                let (begin, end) = period(from, to).ok_or_else(|| wrong(&text, Reason::InstantOrPeriod))?;
                Ok(Filter::Temporal { op, field, begin: Some(begin), end: Some(end) })
            }
        };
        Ok(Some(match also {
            None => relation(*op)?,
            Some(also) => Filter::Or(vec![relation(*op)?, relation(also)?]),
        }))
    }

    /// `OR word`, both or neither.
    fn or_word(&mut self, word: &str) -> bool {
        let found = self.is_word("OR")
            && matches!(self.tokens.get(self.at + 1), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.at += if found { 2 } else { 0 };
        found
    }
}

/// Begin and end of a period, one of which may be a duration (`P1Y`).
fn period(from: &str, to: &str) -> Option<(i64, i64)> {
    let instant = |t: &str| read_instant(t).map(|i: Instant| i.begin);
    let shifted = |from: i64, by: Span| {
        let zoned = Timestamp::from_millisecond(from).ok()?.to_zoned_datetime(TimeZone::UTC);
        Some(zoned.checked_add(by).ok()?.timestamp().as_millisecond())
    };
    let (begin, end) = match (from.starts_with('P'), to.starts_with('P')) {
        (false, false) => (instant(from)?, instant(to)?),
        (false, true) => {
            let begin = instant(from)?;
            (begin, shifted(begin, to.parse().ok()?)?)
        }
        (true, false) => {
            let end = instant(to)?;
            (shifted(end, -from.parse::<Span>().ok()?)?, end)
        }
        (true, true) => return None,
    };
    (begin <= end).then_some((begin, end))
}
