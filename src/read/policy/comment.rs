//! `# docker-firewall: allow <rule>, <rule> -- reason`
//!
//! In: a comment that speaks to us. Out: one exception for each rule, or the mistake in it; a comment with a mistake silences nothing.
//! Not here: whether a rule of that name exists, which the judge knows.

use super::grammar::{self, About};
use super::settings::mistake;
use crate::model::policy::{Exception, Intent, Mistake};
use crate::model::project::Pragma;
use crate::model::source::{Place, Span};

const FORM: &str = "write `# docker-firewall: allow RULE -- reason`";

/// Takes one comment.
pub(super) fn read(pragma: &Pragma, intent: &mut Intent) {
    match exceptions(pragma) {
        Ok(exceptions) => intent.exceptions.extend(exceptions),
        Err(mistake) => intent.mistakes.push(mistake),
    }
}

fn exceptions(pragma: &Pragma) -> Result<Vec<Exception>, Mistake> {
    let refused = |message: &str, help: &str| mistake(&pragma.place, message, Some(help));
    let (order, reason) = split_reason(&pragma.text);
    let (verb, names) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
    if verb != "allow" {
        return Err(refused(&format!("the comment orders `{verb}`, which is not understood"), FORM));
    }
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    for name in &names {
        check_name(name, pragma)?;
    }
    let Some(reason) = reason else {
        return Err(refused("the comment gives no reason, so it silences nothing", FORM));
    };
    let exception = |name: &&str| Exception {
        rule: (*name).to_owned(),
        reason: reason.to_owned(),
        place: place_of(name, &pragma.place),
        line: pragma.line,
    };
    Ok(names.iter().map(exception).collect())
}

/// The order, and the reason after ` -- ` where there is one.
fn split_reason(text: &str) -> (&str, Option<&str>) {
    let at = text.match_indices("--").map(|(at, _)| at).find(|at| text[..*at].ends_with(char::is_whitespace));
    let Some(at) = at else { return (text.trim(), None) };
    let reason = text[at..].trim_start_matches('-').trim();
    (text[..at].trim(), Some(reason).filter(|reason| !reason.is_empty()))
}

fn check_name(name: &str, pragma: &Pragma) -> Result<(), Mistake> {
    let refused = |message: String, help: &str| Err(mistake(&pragma.place, &message, Some(help)));
    if name.is_empty() {
        return refused("the comment names no rule".to_owned(), FORM);
    }
    if name.contains(char::is_whitespace) && name.split_whitespace().all(is_rule_name) {
        return refused(format!("`{name}` is no rule"), "put commas between rules, and `--` before the reason");
    }
    if is_rule_name(name) {
        return Ok(());
    }
    if grammar::allowance(name, About::Ports).is_ok() {
        let help = "a comment names a rule; a port is allowed by `x-docker-firewall`, by the label or in the policy file";
        return refused(format!("`{name}` is a port, not a rule"), help);
    }
    refused(format!("`{name}` is no rule"), FORM)
}

/// True for what a rule could be called: lower-case words joined by hyphens.
fn is_rule_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The rule's name inside the comment.
fn place_of(name: &str, comment: &Place) -> Place {
    let text = comment.text();
    let order = text.find("allow").map_or(0, |at| at + "allow".len());
    let is_whole = |at: usize| {
        let is_edge = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_lowercase() || c == '-');
        is_edge(text[..at].chars().next_back()) && is_edge(text[at + name.len()..].chars().next())
    };
    let mut found = text.match_indices(name).map(|(at, _)| at).filter(|at| *at >= order && is_whole(*at));
    let Some(Ok(at)) = found.next().map(u32::try_from) else { return comment.clone() };
    let start = comment.span.start + at;
    comment.with_span(Span { start, end: start + u32::try_from(name.len()).unwrap_or(0) })
}
