//! What scalar expressions mean: arithmetic, the functions of the house, NULL.
//!
//! This is the one definition. Columns are evaluated with it, and statements for PostGIS are written to give the same.
//!
//! Arithmetic is that of double precision numbers, whatever the fields hold (OGC 21-065r2 §7.6 has `div` beside `/`, so `/`
//! never truncates). A result that is no number (division by zero, overflow) is NULL, as is one with a NULL operand.

use super::Expr;
use crate::catalogue::FieldId;
use crate::query::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Operators of [`Expr::Arithmetic`]: `÷` stands for CQL2's `div`, division truncated toward zero.
pub const OPERATORS: [char; 7] = ['+', '-', '*', '/', '%', '^', '÷'];

/// A function of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Name in [`Expr::Function`], lower case.
    pub name: &'static str,
    /// What it does, French and English.
    pub text: [&'static str; 2],
}

/// The functions of the house. All take one text and give a text.
pub const FUNCTIONS: [Function; 2] = [
    Function { name: "casei", text: ["Le texte sans distinction de casse.", "The text with its case folded."] },
    Function { name: "accenti", text: ["Le texte sans signes diacritiques.", "The text without diacritics."] },
];

/// Folds case as Unicode's full case folding does for the scripts of Europe: upper case first, so that `ß` becomes `ss`.
pub fn case_fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Takes diacritics away: `é` ▶ `e`, `ç` ▶ `c`, `ø` ▶ `o`.
pub fn strip_accents(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            // Letters whose stroke is no combining mark of Unicode.
            'ø' => 'o',
            'Ø' => 'O',
            'đ' => 'd',
            'Đ' => 'D',
            'ł' => 'l',
            'Ł' => 'L',
            'ħ' => 'h',
            'Ħ' => 'H',
            'ŧ' => 't',
            'Ŧ' => 'T',
            'ı' => 'i',
            c => c,
        })
        .nfc()
        .collect()
}

/// What text is compared by when `match_case` is false: case folded, no diacritics.
pub fn fold(text: &str) -> String {
    strip_accents(&case_fold(text))
}

/// Value of a function; `None` is NULL.
pub fn call(name: &str, arguments: &[Option<Value>]) -> Option<Value> {
    match (name, arguments) {
        ("casei", [Some(Value::Text(t))]) => Some(Value::Text(case_fold(t))),
        ("accenti", [Some(Value::Text(t))]) => Some(Value::Text(strip_accents(t))),
        _ => None,
    }
}

/// Value of an operation; `None` is NULL.
pub fn arithmetic(left: f64, operator: char, right: f64) -> Option<f64> {
    let value = match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        '%' => left % right,
        '^' => left.powf(right),
        '÷' => (left / right).trunc(),
        _ => return None,
    };
    value.is_finite().then_some(value)
}

impl Expr {
    /// Value for one feature; `None` is NULL. `field` gives the values of fields, `id` the feature identifier.
    pub fn eval(
        &self,
        field: &mut dyn FnMut(FieldId) -> Option<Value>,
        id: &mut dyn FnMut() -> String,
    ) -> Option<Value> {
        match self {
            Expr::Field(f) => field(*f),
            Expr::Id => Some(Value::Text(id())),
            Expr::Literal(v) => Some(v.clone()),
            Expr::Arithmetic(left, operator, right) => {
                let (left, right) = (number(&left.eval(field, id)?)?, number(&right.eval(field, id)?)?);
                arithmetic(left, *operator, right).map(Value::Double)
            }
            Expr::Function(name, arguments) => {
                let values: Vec<Option<Value>> = arguments.iter().map(|a| a.eval(field, id)).collect();
                call(name, &values)
            }
        }
    }
}

/// A value as a number.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Double(v) => Some(*v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(e: &Expr) -> Option<Value> {
        let mut field = |f: FieldId| (f.0 == 0).then_some(Value::Int(7));
        e.eval(&mut field, &mut || "59350.2024".to_owned())
    }

    fn op(left: Expr, o: char, right: f64) -> Expr {
        Expr::Arithmetic(Box::new(left), o, Box::new(Expr::Literal(Value::Double(right))))
    }

    #[test]
    fn arithmetic_never_truncates_and_knows_null() {
        let seven = || Expr::Field(FieldId(0));
        for (operator, result) in [('+', 9.0), ('-', 5.0), ('*', 14.0), ('/', 3.5), ('%', 1.0), ('^', 49.0), ('÷', 3.0)]
        {
            assert_eq!(eval(&op(seven(), operator, 2.0)), Some(Value::Double(result)), "{operator}");
        }
        assert_eq!(eval(&op(seven(), '/', 0.0)), None);
        assert_eq!(eval(&op(Expr::Field(FieldId(1)), '+', 1.0)), None);
        assert_eq!(eval(&op(Expr::Id, '+', 1.0)), None);
    }

    #[test]
    fn folding_takes_case_and_accents_apart() {
        assert_eq!(case_fold("Mons-en-Barœul ÉTÉ Straße"), "mons-en-barœul été strasse");
        assert_eq!(strip_accents("Où, ça, Noël, Łódź, œuvre"), "Ou, ca, Noel, Lodz, œuvre");
        assert_eq!(fold("ÉLAN"), fold("elan"));
        assert_ne!(case_fold("ÉLAN"), case_fold("elan"));
        let casei = |e| Expr::Function("casei".into(), vec![e]);
        assert_eq!(eval(&casei(Expr::Literal(Value::Text("LOMME".into())))), Some(Value::Text("lomme".into())));
        assert_eq!(eval(&casei(Expr::Field(FieldId(1)))), None);
    }
}
