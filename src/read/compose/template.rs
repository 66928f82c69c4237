//! Variables in a scalar: `$V`, `${V}`, `${V:-d}`, `${V-d}`, `${V:+a}`, `${V+a}`, `${V:?e}`, `${V?e}`, `$$`.
//!
//! In: a text and a way to look a name up. Out: the finished text, and for each expression which bytes it was and which it became.
//! The rules are those of compose-go `template/template.go`, its corners included: names are `[_a-zA-Z][_a-zA-Z0-9]*`, the earliest
//! operator between the braces counts, defaults nest, and any other `${` is an error.

use crate::model::origin::{Operator, ValueSource};
use std::ops::Range;

/// Looks a variable up: its value and where that comes from; None if it is unset.
pub type Lookup<'a> = dyn Fn(&str) -> Option<(String, ValueSource)> + 'a;

/// A text after substitution.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Substituted {
    /// The text.
    pub text: String,
    /// The expressions in it; one inside the default of another follows the outer one.
    pub expressions: Vec<Expression>,
}

/// One expression.
#[derive(Debug, PartialEq, Eq)]
pub struct Expression {
    /// The variable's name.
    pub name: String,
    /// Its bytes in the text before substitution.
    pub raw: Range<usize>,
    /// The bytes that it became.
    pub resolved: Range<usize>,
    /// Its operator.
    pub operator: Option<Operator>,
    /// Where the value came from.
    pub value: ValueSource,
}

/// Why a text could not be substituted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` that begins no expression.
    #[error("invalid interpolation format: {0:?}; a literal $ is written $$")]
    Invalid(String),
    /// A required variable has no value.
    #[error("required variable {name} is missing a value{}{reason}", if reason.is_empty() { "" } else { ": " })]
    Missing {
        /// The variable.
        name: String,
        /// The message after the operator.
        reason: String,
    },
}

/// Puts the variables' values into `template`.
///
/// # Errors
/// The first that Compose would report; it refuses the whole file then.
pub fn substitute(template: &str, lookup: &Lookup) -> Result<Substituted, TemplateError> {
    let mut work = Work { lookup, template, out: Substituted::default() };
    work.run(template, 0)?;
    Ok(work.out)
}

struct Work<'a> {
    lookup: &'a Lookup<'a>,
    template: &'a str,
    out: Substituted,
}

impl Work<'_> {
    /// Substitutes `text`, which begins at byte `base` of the whole template.
    fn run(&mut self, text: &str, base: usize) -> Result<(), TemplateError> {
        let mut at = 0;
        while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
            self.out.text.push_str(&text[at..dollar]);
            let rest = &text[dollar + 1..];
            at = match rest.chars().next() {
                Some('$') => {
                    self.out.text.push('$');
                    dollar + 2
                }
                Some('{') => dollar + self.braced(&text[dollar..], base + dollar)?,
                Some(first) if is_name_start(first) => {
                    let end = dollar + 1 + name_length(rest);
                    self.plain(&text[dollar + 1..end], base + dollar..base + end);
                    end
                }
                _ => {
                    self.out.text.push('$');
                    dollar + 1
                }
            };
        }
        self.out.text.push_str(&text[at..]);
        Ok(())
    }

    /// An expression without operator.
    fn plain(&mut self, name: &str, raw: Range<usize>) {
        let (value, source) = (self.lookup)(name).unwrap_or((String::new(), ValueSource::Unset));
        self.emit(name, raw, None, &value, source);
    }

    fn emit(&mut self, name: &str, raw: Range<usize>, operator: Option<Operator>, value: &str, source: ValueSource) {
        let start = self.out.text.len();
        self.out.text.push_str(value);
        let resolved = start..self.out.text.len();
        self.out.expressions.push(Expression { name: name.to_owned(), raw, resolved, operator, value: source });
    }

    /// An expression in braces at the start of `text`; gives its length.
    fn braced(&mut self, text: &str, base: usize) -> Result<usize, TemplateError> {
        let invalid = || TemplateError::Invalid(self.template.to_owned());
        let inside = &text[2..];
        let name_end = name_length(inside);
        if name_end == 0 || !inside.starts_with(is_name_start) {
            return Err(invalid());
        }
        let (name, rest) = inside.split_at(name_end);
        if rest.starts_with('}') {
            let length = name_end + 3;
            self.plain(name, base..base + length);
            return Ok(length);
        }
        let (operator, sign) = operator(rest).ok_or_else(invalid)?;
        // The expression must close on its own line: `.` of the reference's pattern matches no line feed.
        let line = &text[..text.find('\n').unwrap_or(text.len())];
        let last_brace = line.rfind('}').ok_or_else(invalid)?;
        let close = closing_brace(&text[..=last_brace]).unwrap_or(last_brace);
        let word_start = 2 + name_end + sign;
        let word = text.get(word_start..close).ok_or_else(invalid)?;
        self.operate(name, operator, word, base..base + close + 1, base + word_start)?;
        Ok(close + 1)
    }

    fn operate(
        &mut self,
        name: &str,
        operator: Operator,
        word: &str,
        raw: Range<usize>,
        word_base: usize,
    ) -> Result<(), TemplateError> {
        let found = (self.lookup)(name);
        let is_full = found.as_ref().is_some_and(|(value, _)| !value.is_empty());
        let is_set = found.is_some();
        let takes_word = match operator {
            Operator::DefaultIfEmpty | Operator::RequiredFull => !is_full,
            Operator::DefaultIfUnset | Operator::Required => !is_set,
            Operator::AlternativeIfFull => is_full,
            Operator::AlternativeIfSet => is_set,
        };
        if !takes_word {
            let (value, source) = found.unwrap_or((String::new(), ValueSource::Unset));
            self.emit(name, raw, Some(operator), &value, source);
            return Ok(());
        }
        if matches!(operator, Operator::RequiredFull | Operator::Required) {
            let reason = substitute(word, self.lookup)?.text;
            return Err(TemplateError::Missing { name: name.to_owned(), reason });
        }
        let is_alternative = matches!(operator, Operator::AlternativeIfFull | Operator::AlternativeIfSet);
        let source = found.map(|(_, source)| source).filter(|_| is_alternative).unwrap_or(ValueSource::Default);
        let (index, start) = (self.out.expressions.len(), self.out.text.len());
        self.emit(name, raw, Some(operator), "", source);
        self.run(word, word_base)?;
        self.out.expressions[index].resolved = start..self.out.text.len();
        Ok(())
    }
}

/// The operator that `rest` begins with, and its length.
fn operator(rest: &str) -> Option<(Operator, usize)> {
    let known = [
        (":-", Operator::DefaultIfEmpty),
        (":+", Operator::AlternativeIfFull),
        (":?", Operator::RequiredFull),
        ("-", Operator::DefaultIfUnset),
        ("+", Operator::AlternativeIfSet),
        ("?", Operator::Required),
    ];
    known.into_iter().find(|(sign, _)| rest.starts_with(sign)).map(|(sign, operator)| (operator, sign.len()))
}

/// The brace that closes the first one; a character right after an opening brace is passed over (`getFirstBraceClosingIndex`).
fn closing_brace(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            b'{' => {
                depth += 1;
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_name_start(first: char) -> bool {
    first == '_' || first.is_ascii_alphabetic()
}

fn name_length(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lookup(name: &str) -> Option<(String, ValueSource)> {
        match name {
            "EMPTY" => Some((String::new(), ValueSource::Process)),
            "A" => Some(("a".to_owned(), ValueSource::Process)),
            "_b1" => Some(("b".to_owned(), ValueSource::Process)),
            _ => None,
        }
    }

    fn text(template: &str) -> String {
        substitute(template, &lookup).map_or_else(|error| error.to_string(), |done| done.text)
    }

    #[test]
    fn every_operator_does_what_the_reference_does() {
        let cases = [
            ("$A-${A}$_b1", "a-ab"),
            ("$$A $ $1 $", "$A $ $1 $"),
            ("${NO}|${EMPTY}", "|"),
            ("${NO:-d}${EMPTY:-d}${A:-d}", "dda"),
            ("${NO-d}${EMPTY-d}${A-d}", "da"),
            ("${NO:+x}${EMPTY:+x}${A:+x}", "x"),
            ("${NO+x}${EMPTY+x}${A+x}", "xx"),
            ("${NO:-${EMPTY:-81}}:80", "81:80"),
            ("${host-ip}", "ip"),
            ("${NO:-8}${NO:-1}:80", "81:80"),
            ("${NO:-}80", "80"),
            ("${A?no}${A:?no}${EMPTY?no}", "aa"),
            ("${NO:-{x}}", "{x}"),
            ("${A:+${A}:}8080", "a:8080"),
        ];
        for (template, expected) in cases {
            assert_eq!(text(template), expected, "{template}");
        }
    }

    #[test]
    fn a_required_variable_without_value_is_an_error_with_its_reason() {
        assert_eq!(text("${NO:?set me, $A}"), "required variable NO is missing a value: set me, a");
        assert_eq!(text("${EMPTY:?}"), "required variable EMPTY is missing a value");
    }

    #[test]
    fn what_begins_no_expression_is_an_error() {
        for template in ["${}", "${1P}", "${A!x}", "${A^^}", "${A", "${A%x}", "${A:-x", "${A:0:2}"] {
            assert!(matches!(substitute(template, &lookup), Err(TemplateError::Invalid(_))), "{template}");
        }
    }

    #[test]
    fn each_expression_knows_what_it_was_and_what_it_became() {
        let template = "${A}:${NO:-$_b1}x";
        let done = substitute(template, &lookup).unwrap();
        let seen: Vec<_> = done.expressions.iter().map(|e| (&template[e.raw.clone()], &done.text[e.resolved.clone()])).collect();
        assert_eq!(seen, [("${A}", "a"), ("${NO:-$_b1}", "b"), ("$_b1", "b")]);
        assert_eq!(done.expressions[1].value, ValueSource::Default);
    }
}
