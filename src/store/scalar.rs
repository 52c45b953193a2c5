//! Expressions row by row: arithmetic, functions, comparison of two columns.
//!
//! NULL in gives NULL out. What SQL answers with an error that depends on the data (a division by zero, the logarithm of
//! nothing) is NULL here: an error would tell something about rows that are not shown.

use super::LayerData;
use super::dictionary::compare;
use super::fold::fold;
use crate::catalogue::FieldKind;
use crate::error::{Error, Result};
use crate::filter::{CompareOp, Expr};
use crate::query::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A function that filters may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Name, compared without case.
    pub name: &'static str,
    /// Types of the arguments; `Double` also takes whole numbers.
    pub arguments: &'static [FieldKind],
    /// Type of the result.
    pub returns: FieldKind,
    /// What it gives, for documentation.
    pub summary: &'static str,
}

use FieldKind::{DateTime, Double, Long, Text};

/// The functions of the house (capabilities, `/functions`).
pub const FUNCTIONS: [Function; 12] = [
    Function { name: "abs", arguments: &[Double], returns: Double, summary: "absolute value" },
    Function { name: "ceil", arguments: &[Double], returns: Double, summary: "next whole number up" },
    Function { name: "concat", arguments: &[Text, Text], returns: Text, summary: "one text after the other" },
    Function { name: "day", arguments: &[DateTime], returns: Long, summary: "day of the month, UTC" },
    Function { name: "floor", arguments: &[Double], returns: Double, summary: "next whole number down" },
    Function { name: "length", arguments: &[Text], returns: Long, summary: "number of characters" },
    Function { name: "lower", arguments: &[Text], returns: Text, summary: "text in lower case" },
    Function { name: "month", arguments: &[DateTime], returns: Long, summary: "month 1 to 12, UTC" },
    Function {
        name: "round",
        arguments: &[Double],
        returns: Double,
        summary: "nearest whole number, half away from 0",
    },
    Function { name: "trim", arguments: &[Text], returns: Text, summary: "text without blanks at its ends" },
    Function { name: "upper", arguments: &[Text], returns: Text, summary: "text in upper case" },
    Function { name: "year", arguments: &[DateTime], returns: Long, summary: "year, UTC" },
];

/// An expression whose types have been checked, over the rows of one layer.
pub struct Scalar<'a> {
    data: &'a LayerData,
    expr: &'a Expr,
}

/// What kind of values an expression gives: text, numbers or instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// Instants.
    Instant,
}

impl Class {
    /// Class of a field.
    pub fn of(kind: FieldKind) -> Class {
        match kind {
            FieldKind::Text => Class::Text,
            FieldKind::Int | FieldKind::Long | FieldKind::Double => Class::Number,
            FieldKind::DateTime => Class::Instant,
        }
    }

    /// Class of a value.
    pub fn of_value(value: &Value) -> Class {
        match value {
            Value::Text(_) => Class::Text,
            Value::Int(_) | Value::Double(_) => Class::Number,
            Value::DateTime(_) => Class::Instant,
        }
    }
}

fn fault(reason: impl Into<String>) -> Error {
    Error::Processing { name: "filter".into(), reason: reason.into() }
}

/// The error of two sides that cannot be compared.
pub fn mismatch(a: Class, b: Class) -> Error {
    let name = |c| match c {
        Class::Text => "text",
        Class::Number => "a number",
        Class::Instant => "an instant",
    };
    fault(format!("{} cannot be compared with {}", name(a), name(b)))
}

/// Checks an expression and tells what it gives.
///
/// # Errors
/// [`Error::Processing`]: an unknown function, a wrong number or type of arguments.
pub fn class(data: &LayerData, expr: &Expr) -> Result<Class> {
    match expr {
        Expr::Field(f) => Ok(Class::of(data.column(*f).kind)),
        Expr::Id => Ok(Class::Text),
        Expr::Literal(v) => Ok(Class::of_value(v)),
        Expr::Arithmetic(a, op, b) => {
            if !matches!(op, '+' | '-' | '*' | '/' | '%' | '^' | 'd') {
                return Err(fault(format!("operator {op:?} is not known")));
            }
            match (class(data, a)?, class(data, b)?) {
                (Class::Number, Class::Number) => Ok(Class::Number),
                _ => Err(fault(format!("operator {op:?} needs numbers on both sides"))),
            }
        }
        Expr::Function(name, arguments) => {
            let function = function(name)?;
            if arguments.len() != function.arguments.len() {
                let n = function.arguments.len();
                return Err(fault(format!(
                    "function {} takes {n} argument{}",
                    function.name,
                    if n == 1 { "" } else { "s" }
                )));
            }
            for (argument, kind) in arguments.iter().zip(function.arguments) {
                let (is, wanted) = (class(data, argument)?, Class::of(*kind));
                if is != wanted {
                    return Err(fault(format!("function {}: {:?} expected, {:?} given", function.name, wanted, is)));
                }
            }
            Ok(Class::of(function.returns))
        }
    }
}

fn function(name: &str) -> Result<&'static Function> {
    FUNCTIONS
        .iter()
        .find(|f| f.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| fault(format!("function {:?} is not known", crate::error::printable(name))))
}

impl<'a> Scalar<'a> {
    /// An expression over a layer.
    ///
    /// # Errors
    /// Those of [`class`].
    pub fn new(data: &'a LayerData, expr: &'a Expr) -> Result<(Scalar<'a>, Class)> {
        let class = class(data, expr)?;
        Ok((Scalar { data, expr }, class))
    }

    /// Its value in a row; `None` is NULL.
    pub fn value(&self, row: u32) -> Option<Cow<'a, Value>> {
        self.eval(self.expr, row)
    }

    fn eval(&self, expr: &'a Expr, row: u32) -> Option<Cow<'a, Value>> {
        match expr {
            Expr::Field(f) => self.data.column(*f).value(row).map(Cow::Borrowed),
            Expr::Id => {
                let mut id = String::new();
                self.data.feature_id(row, &mut id);
                Some(Cow::Owned(Value::Text(id)))
            }
            Expr::Literal(v) => Some(Cow::Borrowed(v)),
            Expr::Arithmetic(a, op, b) => {
                let (a, b) = (self.eval(a, row)?, self.eval(b, row)?);
                arithmetic(&a, *op, &b).map(Cow::Owned)
            }
            Expr::Function(name, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.eval(argument, row)?);
                }
                call(&name.to_ascii_lowercase(), &values).map(Cow::Owned)
            }
        }
    }
}

fn number(v: &Value) -> Option<f64> {
    match v {
        Value::Int(n) => Some(*n as f64),
        Value::Double(d) => Some(*d),
        _ => None,
    }
}

fn arithmetic(a: &Value, op: char, b: &Value) -> Option<Value> {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        let whole = match op {
            '+' => a.checked_add(*b),
            '-' => a.checked_sub(*b),
            '*' => a.checked_mul(*b),
            '%' => a.checked_rem(*b),
            'd' => a.checked_div(*b),
            _ => return real(*a as f64, op, *b as f64),
        };
        return whole.map(Value::Int);
    }
    real(number(a)?, op, number(b)?)
}

fn real(a: f64, op: char, b: f64) -> Option<Value> {
    let v = match op {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        '%' => a % b,
        'd' => (a / b).trunc(),
        '^' => a.powf(b),
        _ => return None,
    };
    v.is_finite().then_some(Value::Double(v))
}

fn call(name: &str, arguments: &[Cow<'_, Value>]) -> Option<Value> {
    let instant = |v: &Value| match v {
        Value::DateTime(ms) => {
            let t = jiff::Timestamp::from_millisecond(*ms).ok()?;
            Some(jiff::tz::Offset::UTC.to_datetime(t))
        }
        _ => None,
    };
    Some(match (name, arguments) {
        ("concat", [a, b]) => match (a.as_ref(), b.as_ref()) {
            (Value::Text(a), Value::Text(b)) => Value::Text(format!("{a}{b}")),
            _ => return None,
        },
        (_, [one]) => match (name, one.as_ref()) {
            ("lower", Value::Text(t)) => Value::Text(t.to_lowercase()),
            ("upper", Value::Text(t)) => Value::Text(t.to_uppercase()),
            ("trim", Value::Text(t)) => Value::Text(t.trim_matches(' ').to_owned()),
            ("length", Value::Text(t)) => Value::Int(t.chars().count() as i64),
            ("abs", v) => Value::Double(number(v)?.abs()),
            ("ceil", v) => Value::Double(number(v)?.ceil()),
            ("floor", v) => Value::Double(number(v)?.floor()),
            ("round", v) => Value::Double(number(v)?.round()),
            ("year", v) => Value::Int(instant(v)?.year().into()),
            ("month", v) => Value::Int(instant(v)?.month().into()),
            ("day", v) => Value::Int(instant(v)?.day().into()),
            _ => return None,
        },
        _ => return None,
    })
}

/// Whether a comparison holds.
pub fn holds(op: CompareOp, ordering: Ordering) -> bool {
    match op {
        CompareOp::Eq => ordering.is_eq(),
        CompareOp::Ne => ordering.is_ne(),
        CompareOp::Lt => ordering.is_lt(),
        CompareOp::Le => ordering.is_le(),
        CompareOp::Gt => ordering.is_gt(),
        CompareOp::Ge => ordering.is_ge(),
    }
}

/// Orders two values of one class; text by bytes, or folded.
pub fn order(a: &Value, b: &Value, match_case: bool) -> Ordering {
    match (a, b, match_case) {
        (Value::Text(a), Value::Text(b), false) => fold(a).as_bytes().cmp(fold(b).as_bytes()),
        _ => compare(a, b),
    }
}
