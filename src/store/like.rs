//! `LIKE` patterns.

use crate::filter::expr::fold;

/// SQL `LIKE`: `%` is any run, `_` one character, `\` takes the next character as it is.
pub struct Pattern {
    steps: Vec<Step>,
}

#[derive(PartialEq)]
enum Step {
    Char(char),
    One,
    Run,
}

impl Pattern {
    /// Reads a pattern; with `folded`, literal characters are folded and the texts given to [`Pattern::matches`] must be.
    pub fn new(pattern: &str, folded: bool) -> Pattern {
        let mut steps = Vec::new();
        let mut literal = String::new();
        let flush = |literal: &mut String, steps: &mut Vec<Step>| {
            let text = if folded { fold(literal) } else { std::mem::take(literal) };
            steps.extend(text.chars().map(Step::Char));
            literal.clear();
        };
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => literal.extend(chars.next()),
                '%' | '_' => {
                    flush(&mut literal, &mut steps);
                    match c {
                        '_' => steps.push(Step::One),
                        _ if steps.last() == Some(&Step::Run) => {}
                        _ => steps.push(Step::Run),
                    }
                }
                c => literal.push(c),
            }
        }
        flush(&mut literal, &mut steps);
        Pattern { steps }
    }

    /// Whether a text matches as a whole.
    pub fn matches(&self, text: &str) -> bool {
        // Greedy with one point to come back to: the last run. Never more than text × pattern steps.
        let (mut rest, mut step) = (text, 0);
        let mut back: Option<(&str, usize)> = None;
        loop {
            let next = rest.chars().next();
            match (self.steps.get(step), next) {
                (Some(Step::Run), _) => {
                    step += 1;
                    back = Some((rest, step));
                    continue;
                }
                (Some(Step::One), Some(c)) => {
                    rest = &rest[c.len_utf8()..];
                    step += 1;
                    continue;
                }
                (Some(Step::Char(p)), Some(c)) if *p == c => {
                    rest = &rest[c.len_utf8()..];
                    step += 1;
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((from, after)) = back else { return false };
            let Some(c) = from.chars().next() else { return false };
            rest = &from[c.len_utf8()..];
            step = after;
            back = Some((rest, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_is_that_of_sql() {
        for (pattern, text, is) in [
            ("Li%", "Lille", true),
            ("%ll%", "Lille", true),
            ("L_lle", "Lille", true),
            ("L_lle", "Llle", false),
            ("_", "é", true),
            ("", "", true),
            ("%", "", true),
            ("", "a", false),
            ("100\\%", "100%", true),
            ("100\\%", "1000", false),
            ("a%b%c", "a--b--b--c", true),
            ("a%b%c", "a--c--b", false),
            ("li%", "Lille", false),
            ("%%a_", "xab", true),
        ] {
            assert_eq!(Pattern::new(pattern, false).matches(text), is, "{text:?} like {pattern:?}");
        }
        assert!(Pattern::new("ÉTÉ%", true).matches(&fold("Été indien")));
    }
}
