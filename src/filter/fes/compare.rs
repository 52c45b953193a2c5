//! Comparison operators (09-026r2 §7.7).

use super::expression::Operand;
use super::xml::Element;
use super::{Property, Reader, own_id, wrong};
use crate::catalogue::FieldKind;
use crate::error::{Error, Reason};
use crate::filter::{CompareOp, Expr, Filter};
use crate::query::Value;

/// Operators with two operands.
pub const COMPARISONS: [(&str, CompareOp); 6] = [
    ("PropertyIsEqualTo", CompareOp::Eq),
    ("PropertyIsNotEqualTo", CompareOp::Ne),
    ("PropertyIsLessThan", CompareOp::Lt),
    ("PropertyIsLessThanOrEqualTo", CompareOp::Le),
    ("PropertyIsGreaterThan", CompareOp::Gt),
    ("PropertyIsGreaterThanOrEqualTo", CompareOp::Ge),
];

/// The other comparison operators.
pub const TESTS: [&str; 4] = ["PropertyIsLike", "PropertyIsBetween", "PropertyIsNull", "PropertyIsNil"];

impl Reader<'_> {
    pub(super) fn comparison(&self, e: &Element) -> Result<Filter, Error> {
        match e.name.as_str() {
            "PropertyIsLike" => return self.like(e),
            "PropertyIsBetween" => return self.between(e),
            "PropertyIsNull" | "PropertyIsNil" => return self.null(e),
            _ => {}
        }
        let op = COMPARISONS.iter().find(|(name, _)| *name == e.name).map(|(_, op)| *op);
        let op = op.ok_or_else(|| wrong(&e.name, Reason::UnknownOperator))?;
        if let Some(action) = e.attribute("matchAction")
            && !["All", "Any", "One"].iter().any(|a| a.eq_ignore_ascii_case(action))
        {
            return Err(wrong(action, Reason::OneOf("All, Any, One".into())));
        }
        let [left, right] = e.children.as_slice() else { return Err(wrong(&e.name, Reason::TwoOperands)) };
        self.compare(op, &self.operand(left, 0)?, &self.operand(right, 0)?, match_case(e)?)
    }

    /// A comparison of two operands; literals take the type of the other side.
    pub(in crate::filter) fn compare(
        &self,
        op: CompareOp,
        left: &Operand<'_>,
        right: &Operand<'_>,
        match_case: bool,
    ) -> Result<Filter, Error> {
        let absent = |o: &Operand| matches!(o, Operand::Property(Property::Absent));
        if absent(left) || absent(right) {
            return Ok(nothing());
        }
        if let (Operand::Property(Property::Id), Operand::Literal(id))
        | (Operand::Literal(id), Operand::Property(Property::Id)) = (left, right)
        {
            return self.compare_id(op, id, matches!(right, Operand::Property(_)), match_case);
        }
        let kind = left.kind().or(right.kind());
        let left = self.expression(left, kind)?;
        let right = self.expression(right, kind)?;
        Ok(Filter::Compare { op, left, right, match_case })
    }

    /// `@gml:id` against a literal: the layer's prefix is part of the literal, not of the identifier.
    fn compare_id(&self, op: CompareOp, id: &str, flipped: bool, match_case: bool) -> Result<Filter, Error> {
        let ids = || Ok::<_, Error>(own_id(self.scene.catalogue, self.scene.layer, id).ok().flatten());
        match op {
            CompareOp::Eq => Ok(Filter::Ids(ids()?.into_iter().collect())),
            CompareOp::Ne => Ok(Filter::Not(Box::new(Filter::Ids(ids()?.into_iter().collect())))),
            _ => {
                let own = ids()?.ok_or_else(|| wrong(id, Reason::OwnIdentifier))?;
                let (left, right) = (Expr::Id, Expr::Literal(Value::Text(own)));
                let (left, right) = if flipped { (right, left) } else { (left, right) };
                Ok(Filter::Compare { op, left, right, match_case })
            }
        }
    }

    fn like(&self, e: &Element) -> Result<Filter, Error> {
        let [a, b] = e.children.as_slice() else { return Err(wrong(&e.name, Reason::TwoOperands)) };
        let (value, pattern) = match (self.operand(a, 0)?, self.operand(b, 0)?) {
            (Operand::Literal(_), Operand::Literal(_)) => return Err(wrong(&e.name, Reason::PropertyNeeded)),
            (value, Operand::Literal(pattern)) | (Operand::Literal(pattern), value) => (value, pattern),
            _ => return Err(wrong(&e.name, Reason::LiteralPattern)),
        };
        let attribute = |names: &[&str]| names.iter().find_map(|n| e.attribute(n)).filter(|v| !v.is_empty());
        let wild = attribute(&["wildCard"]).ok_or_else(|| wrong(&e.name, Reason::AddAttribute("wildCard".into())))?;
        let single =
            attribute(&["singleChar"]).ok_or_else(|| wrong(&e.name, Reason::AddAttribute("singleChar".into())))?;
        // 1.0 says `escape`; some clients leave it out.
        let escape = attribute(&["escapeChar", "escape"]);
        self.resembles(&value, like_pattern(&pattern, wild, single, escape), match_case(e)?)
    }

    /// A comparison of a text with a pattern of SQL.
    pub(in crate::filter) fn resembles(
        &self,
        value: &Operand<'_>,
        pattern: String,
        match_case: bool,
    ) -> Result<Filter, Error> {
        if *value == Operand::Property(Property::Absent) {
            return Ok(nothing());
        }
        if !matches!(value.kind(), Some(FieldKind::Text) | None) {
            return Err(wrong(&pattern, Reason::TextPattern));
        }
        Ok(Filter::Like { expr: self.expression(value, Some(FieldKind::Text))?, pattern, match_case })
    }

    fn between(&self, e: &Element) -> Result<Filter, Error> {
        let boundary = |name: &str| {
            let found = e.child(name).and_then(|b| b.children.first());
            let found = found.ok_or_else(|| wrong(&e.name, Reason::AddElement(name.to_owned())))?;
            self.operand(found, 0)
        };
        let tested = e.children.iter().find(|c| !c.name.ends_with("Boundary"));
        let tested = self.operand(tested.ok_or_else(|| wrong(&e.name, Reason::TestedProperty))?, 0)?;
        let (lower, upper) = (boundary("LowerBoundary")?, boundary("UpperBoundary")?);
        self.lies_between(&tested, &lower, &upper)
    }

    /// `lower <= tested <= upper`.
    pub(in crate::filter) fn lies_between(
        &self,
        tested: &Operand<'_>,
        lower: &Operand<'_>,
        upper: &Operand<'_>,
    ) -> Result<Filter, Error> {
        if *tested == Operand::Property(Property::Absent) {
            return Ok(nothing());
        }
        let kind = tested.kind().or(lower.kind()).or(upper.kind());
        Ok(Filter::Between {
            expr: self.expression(tested, kind)?,
            lower: self.expression(lower, kind)?,
            upper: self.expression(upper, kind)?,
        })
    }

    /// A value is NULL exactly when its element is `xsi:nil`, so that both operators ask the same. No `nilReason` is
    /// ever given (why a value is missing stands in the status field), so that asking for one finds nothing.
    fn null(&self, e: &Element) -> Result<Filter, Error> {
        let [operand] = e.children.as_slice() else { return Err(wrong(&e.name, Reason::OneOperand)) };
        if e.attribute("nilReason").is_some() {
            self.operand(operand, 0)?;
            return Ok(nothing());
        }
        self.is_null(&self.operand(operand, 0)?)
    }

    /// A test for NULL.
    pub(in crate::filter) fn is_null(&self, operand: &Operand<'_>) -> Result<Filter, Error> {
        match operand {
            Operand::Property(Property::Absent) => Ok(Filter::All),
            Operand::Property(Property::Geometry | Property::Id) => Ok(nothing()),
            other => Ok(Filter::IsNull(self.expression(other, None)?)),
        }
    }
}

/// A filter that no feature satisfies.
pub(in crate::filter) fn nothing() -> Filter {
    Filter::Ids(Vec::new())
}

fn match_case(e: &Element) -> Result<bool, Error> {
    match e.attribute("matchCase") {
        None | Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => Err(wrong(other, Reason::OneOf("true, false".into()))),
    }
}

/// A pattern in the filter's own wild cards ▶ SQL's `%`, `_` and `\`.
pub fn like_pattern(pattern: &str, wild: &str, single: &str, escape: Option<&str>) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let literal = |c: char, out: &mut String| {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    };
    while let Some(c) = rest.chars().next() {
        if let Some(after) = escape.and_then(|e| rest.strip_prefix(e)) {
            match after.chars().next() {
                Some(escaped) => {
                    literal(escaped, &mut out);
                    rest = &after[escaped.len_utf8()..];
                }
                // An escape at the end stands for itself.
                None => {
                    literal(c, &mut out);
                    rest = &rest[c.len_utf8()..];
                }
            }
        } else if let Some(after) = rest.strip_prefix(wild) {
            out.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix(single) {
            out.push('_');
            rest = after;
        } else {
            literal(c, &mut out);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_those_of_sql() {
        for (pattern, wild, single, escape, expected) in [
            ("Commune*", "*", "_", Some("!"), "Commune%"),
            ("a.b*c", "*", ".", Some("!"), "a_b%c"),
            ("100!*%_", "*", ".", Some("!"), "100*\\%\\_"),
            ("a!!b!", "*", ".", Some("!"), "a!b!"),
            ("50\\%", "*", "#", Some("\\"), "50\\%"),
            ("x\\y", "%", "_", None, "x\\\\y"),
            ("é**", "**", "?", None, "é%"),
        ] {
            assert_eq!(like_pattern(pattern, wild, single, escape), expected, "{pattern}");
        }
    }
}
