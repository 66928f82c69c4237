//! number-surprise: octal, hexadecimal, underscores, plus signs, base 60.

use super::{Case, Rule};
use crate::judge::words;
use crate::model::finding::{Finding, Level};
use crate::model::origin::Origin;
use crate::model::project::Service;
use crate::model::publication::{Form, Publication, Published};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "number-surprise",
    summary: "a port is not the number that it looks like",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/number-surprise.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    case.project.services.iter().flat_map(of_service).collect()
}

fn of_service(service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, publication) in service.publications.iter().enumerate() {
        let surprises = another_base(publication).chain(plus_sign(publication)).chain(base_sixty(publication));
        for Surprise { origin, written, level, message, label, help } in surprises {
            let message = format!("entry `{written}` of service {} {message}", service.name);
            let mut finding = words::moved_to(&origin.place, RULE.about(service, index, level, message, label));
            finding.help.push(help);
            findings.push(finding);
        }
    }
    findings
}

/// A number that is not what it looks like.
struct Surprise<'a> {
    origin: &'a Origin,
    written: String,
    level: Level,
    /// After "entry `0120` of service web".
    message: String,
    label: String,
    help: String,
}

/// YAML numbers that are written in another base, or with underscores.
fn another_base(publication: &Publication) -> impl Iterator<Item = Surprise<'_>> {
    let surprising = numbers(publication).filter(|(_, written, value)| {
        let looks_like_number = written.starts_with(|first: char| first.is_ascii_digit() || first == '+');
        looks_like_number && *written != value.to_string() && !written.contains(['-', ':', '$'])
    });
    surprising.map(|(origin, written, value)| {
        let has_underscore = written.contains('_');
        let why = if has_underscore { "YAML leaves underscores out of numbers" } else { "YAML does not read it as decimal" };
        Surprise {
            origin,
            written: written.to_owned(),
            level: RULE.level,
            message: format!("is port {value}: {why}"),
            label: format!("this is {value}"),
            help: format!("write {value} if that is what is meant; in quotes a number stays as it is written"),
        }
    })
}

/// The scalars that YAML takes for numbers, with what they are written as, and what they came out as.
fn numbers(publication: &Publication) -> impl Iterator<Item = (&Origin, &str, u32)> {
    let entry = &publication.entry;
    let host_port = match &publication.published {
        Published::Ports(ports) if ports.count() == 1 => Some(ports.first),
        _ => None,
    };
    let short = (entry.form == Form::Number).then_some((&entry.origin, publication.target.first));
    let published = entry.published.as_ref().zip(host_port);
    let target = entry.target.as_ref().map(|origin| (origin, publication.target.first));
    let scalars = [short, published, target].into_iter().flatten();
    scalars.map(|(origin, value)| (origin, origin.place.text(), value))
}

/// Compose 2.40 refuses a plus sign, later ones do not (go-connections 0.6).
fn plus_sign(publication: &Publication) -> Option<Surprise<'_>> {
    let entry = &publication.entry;
    let is_short = !matches!(entry.form, Form::Long | Form::Number);
    let has_plus = entry.text.split([':', '-', '/']).any(|part| part.starts_with('+'));
    (is_short && has_plus).then(|| Surprise {
        origin: &entry.origin,
        written: entry.text.clone(),
        level: RULE.level,
        message: "depends on the version: Compose 5 reads past the plus sign, Compose 2.40 refuses it".to_owned(),
        label: "a plus sign".to_owned(),
        help: "leave the plus sign out".to_owned(),
    })
}

/// `22:22` without quotes is a number to base 60 for readers of YAML 1.1 (podman-compose issue 736).
fn base_sixty(publication: &Publication) -> Option<Surprise<'_>> {
    let entry = &publication.entry;
    let written = Some(entry.origin.place.text()).filter(|_| entry.form == Form::Plain)?;
    let (high, low) = written.split_once(':')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(high) || high.starts_with('0') || !is_number(low) || low.len() > 2 {
        return None;
    }
    let low: u64 = low.parse().ok().filter(|low| *low < 60)?;
    let value = high.parse::<u64>().ok()?.checked_mul(60)?.checked_add(low)?;
    Some(Surprise {
        origin: &entry.origin,
        written: written.to_owned(),
        level: Level::Note,
        message: format!("is the number {value} for readers of YAML 1.1, podman-compose among them"),
        label: "base 60 in YAML 1.1".to_owned(),
        help: format!("write `\"{written}\"`"),
    })
}
