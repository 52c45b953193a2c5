//! Expressions row by row: arithmetic, functions, comparison of two columns. What they mean is said in `filter::expr`.

use super::LayerData;
use super::dictionary::compare;
use crate::catalogue::FieldKind;
use crate::error::{Error, Reason, Result};
use crate::filter::expr::{FUNCTIONS, OPERATORS, arithmetic, call, fold, number};
use crate::filter::{CompareOp, Expr};
use crate::query::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

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

fn fault(reason: Reason) -> Error {
    Error::Processing { name: "FILTER".into(), reason }
}

/// The error of two sides that cannot be compared.
pub fn mismatch(a: Class, b: Class) -> Error {
    let noun = |c| match c {
        Class::Text => Reason::AText,
        Class::Number => Reason::ANumber,
        Class::Instant => Reason::AnInstant,
    };
    fault(Reason::Incomparable(Box::new(noun(a)), Box::new(noun(b))))
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
            if !OPERATORS.contains(op) {
                return Err(fault(Reason::UnknownOperator));
            }
            match (class(data, a)?, class(data, b)?) {
                (Class::Number, Class::Number) => Ok(Class::Number),
                _ => Err(fault(Reason::Arithmetic)),
            }
        }
        Expr::Function(name, arguments) => {
            if !FUNCTIONS.iter().any(|f| f.name == name) {
                return Err(fault(Reason::NoFunction(crate::error::printable(name))));
            }
            match &arguments[..] {
                [one] if class(data, one)? == Class::Text => Ok(Class::Text),
                _ => Err(fault(Reason::Takes(name.clone(), Box::new(Reason::AText)))),
            }
        }
    }
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
                let (a, b) = (number(&*self.eval(a, row)?)?, number(&*self.eval(b, row)?)?);
                arithmetic(a, *op, b).map(|v| Cow::Owned(Value::Double(v)))
            }
            Expr::Function(name, arguments) => {
                let value = |e| self.eval(e, row).map(Cow::into_owned);
                let values: Vec<Option<Value>> = arguments.iter().map(value).collect();
                call(name, &values).map(Cow::Owned)
            }
        }
    }
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
