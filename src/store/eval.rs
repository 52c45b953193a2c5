//! Filters on columns: each leaf is decided once per distinct value, then looked up row by row.
//!
//! Truth is SQL's: a comparison with NULL is unknown. The leaves that only PostGIS decides come with their rows.

use super::like::Pattern;
use super::scalar::{self, Class, Scalar, holds};
use super::snapshot::Column;
use super::spatial::{self, Relation};
use super::truth::{Domain, Truth};
use super::{LayerData, NULL};
use crate::error::{Error, Result};
use crate::filter::expr::fold;
use crate::filter::{CompareOp, Expr, Filter, TemporalOp};
use crate::query::Value;
use fixedbitset::FixedBitSet;
use std::cmp::Ordering;

/// Evaluates filters over some rows of a layer.
pub struct Evaluator<'a> {
    data: &'a LayerData,
    domain: &'a Domain,
    /// Rows that satisfy the hard leaves, in the order in which [`super::sql::hard_leaves`] lists them.
    hard: std::slice::Iter<'a, Vec<u32>>,
}

impl<'a> Evaluator<'a> {
    /// Over the rows of a domain.
    pub fn new(data: &'a LayerData, domain: &'a Domain, hard: &'a [Vec<u32>]) -> Self {
        Evaluator { data, domain, hard: hard.iter() }
    }

    /// Where a filter is true and where it is unknown.
    ///
    /// # Errors
    /// [`Error::Processing`] for values that cannot be compared, [`Error::Internal`] for a hard leaf without its rows.
    pub fn eval(&mut self, filter: &Filter) -> Result<Truth> {
        if super::sql::is_hard(filter, self.data.table.geometry.kind) {
            let rows = self.hard.next().ok_or(Error::Internal)?;
            return Ok(Truth::known(self.domain.of_rows(rows.iter().copied())));
        }
        match filter {
            Filter::All => Ok(Truth::known(self.domain.every())),
            Filter::And(parts) => {
                let mut all = Truth::known(self.domain.every());
                for part in parts {
                    all = all.and(self.eval(part)?);
                }
                Ok(all)
            }
            Filter::Or(parts) => {
                let mut any = Truth::known(self.domain.none());
                for part in parts {
                    any = any.or(self.eval(part)?);
                }
                Ok(any)
            }
            Filter::Not(inner) => Ok(self.eval(inner)?.not()),
            Filter::Compare { op, left, right, match_case } => self.compare(*op, left, right, *match_case),
            Filter::Like { expr, pattern, match_case } => {
                let pattern = Pattern::new(pattern, !match_case);
                self.test(expr, Class::Text, |v| match v {
                    Value::Text(t) if *match_case => pattern.matches(t),
                    Value::Text(t) => pattern.matches(&fold(t)),
                    _ => false,
                })
            }
            Filter::Between { expr, lower, upper } => {
                let low = self.compare(CompareOp::Ge, expr, lower, true)?;
                Ok(low.and(self.compare(CompareOp::Le, expr, upper, true)?))
            }
            Filter::In { expr, list, match_case } => self.member(expr, list, *match_case),
            Filter::IsNull(expr) => self.null(expr),
            Filter::Ids(ids) => {
                let rows = ids.iter().filter_map(|id| self.data.find(id));
                Ok(Truth::known(self.domain.of_rows(rows)))
            }
            Filter::BBox { envelope, crs } => Ok(self.spatial(Relation::of_box(self.data, envelope, *crs)?)),
            Filter::Spatial { op, geometry, crs } => {
                Ok(self.spatial(Relation::of_spatial(self.data, *op, geometry, *crs)?))
            }
            Filter::Distance { within, geometry, crs, metres } => {
                let near = self.spatial(Relation::of_distance(self.data, geometry, *crs, *metres)?);
                Ok(if *within { near } else { near.not() })
            }
            Filter::Temporal { op, field, begin, end } => {
                let (op, begin, end) = (*op, *begin, *end);
                self.test(&Expr::Field(*field), Class::Instant, move |v| match v {
                    Value::DateTime(t) => temporal(op, *t, begin, end),
                    _ => false,
                })
            }
        }
    }

    fn spatial(&self, relation: Relation<'_>) -> Truth {
        Truth::known(match self.domain {
            Domain::List(_) => self.domain.set(|row| relation.test(self.data.feature(row))),
            Domain::All(n) => {
                let rows = spatial::rows(&self.data.table, *n, relation.features());
                let set = self.domain.of_rows(rows);
                if relation.negated() { Truth::known(set).not().yes } else { set }
            }
        })
    }

    /// The column behind an expression, when it is one.
    fn column(&self, expr: &Expr) -> Option<&'a Column> {
        match expr {
            Expr::Field(f) => Some(self.data.column(*f)),
            Expr::Id if !self.data.evolution => {
                Some(self.data.column(self.data.table.key)).filter(|c| Class::of(c.kind) == Class::Text)
            }
            _ => None,
        }
    }

    /// A predicate of one expression's value, unknown where that is NULL.
    fn test(&self, expr: &Expr, class: Class, holds: impl Fn(&Value) -> bool) -> Result<Truth> {
        let (scalar, is) = Scalar::new(self.data, expr)?;
        if is != class {
            return Err(scalar::mismatch(is, class));
        }
        if let Some(column) = self.column(expr) {
            let mut table = vec![false];
            table.extend(column.dictionary.values().iter().map(holds));
            return Ok(self.look_up(column, |code| table[code as usize]));
        }
        Ok(self.row_by_row(|row| scalar.value(row).map(|v| holds(&v))))
    }

    fn look_up(&self, column: &Column, yes: impl Fn(u32) -> bool) -> Truth {
        let yes = self.domain.cells(&column.cells, |code| code != NULL && yes(code));
        Truth::new(yes, self.nulls(column))
    }

    fn nulls(&self, column: &Column) -> FixedBitSet {
        self.domain.cells(&column.cells, |code| code == NULL)
    }

    fn row_by_row(&self, test: impl Fn(u32) -> Option<bool>) -> Truth {
        let mut unknown = self.domain.none();
        let mut place = 0;
        let yes = self.domain.set(|row| {
            let is = test(row);
            if is.is_none() {
                unknown.insert(place);
            }
            place += 1;
            is == Some(true)
        });
        Truth::new(yes, unknown)
    }

    fn compare(&self, op: CompareOp, left: &Expr, right: &Expr, match_case: bool) -> Result<Truth> {
        let ((a, class_a), (b, class_b)) = (Scalar::new(self.data, left)?, Scalar::new(self.data, right)?);
        if class_a != class_b {
            return Err(scalar::mismatch(class_a, class_b));
        }
        let sides = match (left, right) {
            (expr, Expr::Literal(literal)) => Some((expr, literal, op)),
            (Expr::Literal(literal), expr) => Some((expr, literal, flipped(op))),
            _ => None,
        };
        if let Some((expr, literal, op)) = sides
            && let Some(column) = self.column(expr)
        {
            return match literal {
                Value::Text(text) if !match_case => {
                    let text = fold(text);
                    self.test(expr, Class::Text, |v| match v {
                        Value::Text(t) => holds(op, fold(t).as_bytes().cmp(text.as_bytes())),
                        _ => false,
                    })
                }
                literal => Ok(self.ranges(column, op, literal)),
            };
        }
        Ok(self.row_by_row(|row| Some(holds(op, scalar::order(&*a.value(row)?, &*b.value(row)?, match_case)))))
    }

    /// A column against a literal: codes are ranks, so the answer is a range of codes.
    fn ranges(&self, column: &Column, op: CompareOp, literal: &Value) -> Truth {
        let values = column.dictionary.values();
        let below = |most: Ordering| values.partition_point(|v| super::dictionary::compare(v, literal) <= most) as u32;
        // Codes 1 to `less` are smaller than the literal, codes up to `most` smaller or equal.
        let (less, most) = (below(Ordering::Less), below(Ordering::Equal));
        self.look_up(column, |code| match op {
            CompareOp::Eq => less < code && code <= most,
            CompareOp::Ne => code <= less || most < code,
            CompareOp::Lt => code <= less,
            CompareOp::Le => code <= most,
            CompareOp::Gt => most < code,
            CompareOp::Ge => less < code,
        })
    }

    fn member(&self, expr: &Expr, list: &[Value], match_case: bool) -> Result<Truth> {
        let (_, class) = Scalar::new(self.data, expr)?;
        if let Some(other) = list.iter().find(|v| Class::of_value(v) != class) {
            return Err(scalar::mismatch(class, Class::of_value(other)));
        }
        if let (Some(column), true) = (self.column(expr), match_case || class != Class::Text) {
            let mut codes: Vec<u32> = list.iter().filter_map(|v| column.dictionary.code_of(v)).collect();
            codes.sort_unstable();
            return Ok(self.look_up(column, |code| codes.binary_search(&code).is_ok()));
        }
        let folded = |v: &Value| match v {
            Value::Text(t) if !match_case => Value::Text(fold(t)),
            v => v.clone(),
        };
        let mut list: Vec<Value> = list.iter().map(folded).collect();
        list.sort_unstable_by(super::dictionary::compare);
        self.test(expr, class, |v| {
            let v = folded(v);
            list.binary_search_by(|x| super::dictionary::compare(x, &v)).is_ok()
        })
    }

    fn null(&self, expr: &Expr) -> Result<Truth> {
        if let Some(column) = self.column(expr) {
            return Ok(Truth::known(self.nulls(column)));
        }
        let (scalar, _) = Scalar::new(self.data, expr)?;
        Ok(Truth::known(self.domain.set(|row| scalar.value(row).is_none())))
    }
}

fn flipped(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq | CompareOp::Ne => op,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}

/// An instant against an instant or a period (OGC 09-026r2 table 11, ISO 19108). An instant has no extent: it contains
/// nothing, overlaps nothing, and relations between two periods do not hold for it.
fn temporal(op: TemporalOp, t: i64, begin: Option<i64>, end: Option<i64>) -> bool {
    let period = begin != end || begin.is_none();
    match op {
        TemporalOp::After => end.is_some_and(|e| t > e),
        TemporalOp::Before => begin.is_some_and(|b| t < b),
        TemporalOp::During => period && begin.is_none_or(|b| t > b) && end.is_none_or(|e| t < e),
        TemporalOp::Begins => period && begin == Some(t),
        TemporalOp::Ends => period && end == Some(t),
        TemporalOp::Equals => !period && begin == Some(t),
        TemporalOp::AnyInteracts => begin.is_none_or(|b| t >= b) && end.is_none_or(|e| t <= e),
        TemporalOp::BegunBy
        | TemporalOp::EndedBy
        | TemporalOp::Contains
        | TemporalOp::Meets
        | TemporalOp::MetBy
        | TemporalOp::Overlaps
        | TemporalOp::OverlappedBy => false,
    }
}
