//! Operands: property references, literals, arithmetic (1.0, 1.1), functions.

use super::xml::Element;
use super::{Property, Reader, read_instant, wrong};
use crate::catalogue::FieldKind;
use crate::error::{Error, Reason};
use crate::filter::Expr;
use crate::filter::expr::FUNCTIONS;
use crate::query::Value;

/// An operand before literals have a type.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::filter) enum Operand<'a> {
    Property(Property<'a>),
    Literal(String),
    /// A literal that holds elements: geometry or time.
    Structure(Element),
    Arithmetic(Box<Operand<'a>>, char, Box<Operand<'a>>),
    /// A function of the house on one text.
    Function(&'static str, Box<Operand<'a>>),
}

impl<'a> Reader<'a> {
    /// Reads an operand.
    pub(super) fn operand(&self, e: &Element, depth: usize) -> Result<Operand<'a>, Error> {
        self.node()?;
        if depth >= self.scene.limits.depth {
            let limit = self.scene.limits.depth as u64;
            return Err(Error::Limit { what: "depth", asked: limit + 1, limit });
        }
        let operator = match e.name.as_str() {
            "ValueReference" | "PropertyName" => return Ok(Operand::Property(self.property(e)?)),
            "Literal" => {
                return Ok(match e.children.first() {
                    Some(inside) => Operand::Structure(inside.clone()),
                    None => Operand::Literal(e.text.clone()),
                });
            }
            "Add" => '+',
            "Sub" => '-',
            "Mul" => '*',
            "Div" => '/',
            "Function" => {
                let name = e.attribute("name").unwrap_or_default().trim().to_ascii_lowercase();
                let known = FUNCTIONS.iter().find(|f| f.name == name);
                let known = known.ok_or_else(|| wrong(&name, Reason::UnknownFunction))?;
                let [argument] = e.children.as_slice() else {
                    return Err(wrong(&name, Reason::OneArgument));
                };
                return Ok(Operand::Function(known.name, Box::new(self.operand(argument, depth + 1)?)));
            }
            other => return Err(wrong(other, Reason::Operand)),
        };
        match e.children.as_slice() {
            [a, b] => {
                let (a, b) = (self.operand(a, depth + 1)?, self.operand(b, depth + 1)?);
                Ok(Operand::Arithmetic(Box::new(a), operator, Box::new(b)))
            }
            _ => Err(wrong(&e.name, Reason::TwoOperands)),
        }
    }

    /// Gives an operand its final form; literals are read as `kind`.
    pub(in crate::filter) fn expression(&self, operand: &Operand<'a>, kind: Option<FieldKind>) -> Result<Expr, Error> {
        match operand {
            Operand::Property(Property::Field(f)) => Ok(Expr::Field(f.id)),
            Operand::Property(Property::Id) => Ok(Expr::Id),
            Operand::Property(Property::Geometry) => Err(Error::Processing {
                name: self.scene.layer.geometry_column.clone(),
                reason: Reason::SpatialOperator,
            }),
            Operand::Property(Property::Absent) => {
                Err(Error::Processing { name: "FILTER".into(), reason: Reason::NoValueHere })
            }
            Operand::Literal(text) => Ok(Expr::Literal(match kind {
                Some(kind) => typed(text, kind)?,
                None => guessed(text),
            })),
            Operand::Structure(e) => match (super::temporal::instant_element(e)?, kind) {
                (Some(instant), None | Some(FieldKind::DateTime)) => Ok(Expr::Literal(Value::DateTime(instant.begin))),
                _ => Err(Error::Processing { name: e.name.clone(), reason: Reason::NotComparable }),
            },
            Operand::Function(name, argument) => match argument.kind() {
                None | Some(FieldKind::Text) => {
                    let argument = self.expression(argument, Some(FieldKind::Text))?;
                    Ok(Expr::Function((*name).to_owned(), vec![argument]))
                }
                Some(_) => Err(wrong(name, Reason::TextArgument)),
            },
            Operand::Arithmetic(a, op, b) => {
                let number = |o: &Operand<'a>| match o.kind() {
                    None | Some(FieldKind::Int | FieldKind::Long | FieldKind::Double) => {
                        self.expression(o, Some(FieldKind::Double))
                    }
                    Some(_) => Err(wrong(&op.to_string(), Reason::Arithmetic)),
                };
                Ok(Expr::Arithmetic(Box::new(number(a)?), *op, Box::new(number(b)?)))
            }
        }
    }
}

impl Operand<'_> {
    /// Type of the values, when it is known from a property.
    pub(in crate::filter) fn kind(&self) -> Option<FieldKind> {
        match self {
            Operand::Property(Property::Field(f)) => Some(f.kind),
            Operand::Property(Property::Id) => Some(FieldKind::Text),
            Operand::Property(_) | Operand::Literal(_) | Operand::Structure(_) => None,
            Operand::Arithmetic(..) => Some(FieldKind::Double),
            Operand::Function(..) => Some(FieldKind::Text),
        }
    }
}

/// Reads a literal as a value of a field's type.
///
/// # Errors
/// [`Error::Invalid`] when it is none.
pub fn typed(text: &str, kind: FieldKind) -> Result<Value, Error> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    match kind {
        FieldKind::Text => Ok(Value::Text(text.to_owned())),
        // A whole number may be compared with 10.5, or be written 1E3.
        FieldKind::Int | FieldKind::Long => match text.trim().parse::<i64>() {
            Ok(n) => Ok(Value::Int(n)),
            Err(_) => number(text).map(Value::Double).ok_or_else(|| wrong(text, Reason::Number)),
        },
        FieldKind::Double => number(text).map(Value::Double).ok_or_else(|| wrong(text, Reason::Number)),
        FieldKind::DateTime => {
            let instant = read_instant(text).ok_or_else(|| wrong(text, Reason::Instant))?;
            Ok(Value::DateTime(instant.begin))
        }
    }
}

/// A literal that no property gives a type: a number if it reads as one, else text.
fn guessed(text: &str) -> Value {
    match typed(text, FieldKind::Int) {
        Ok(value) => value,
        Err(_) => Value::Text(text.to_owned()),
    }
}
