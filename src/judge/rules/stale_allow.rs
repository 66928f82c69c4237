//! `stale-allow`: an allowance, an exception or a word on a rule that does nothing.
//!
//! In: the intents of all projects of a run, each with the ledger of what was of use. Out: findings. Why over the whole run: one policy
//! file speaks about all compose files beside it, and a compose file may be part of several projects; what is idle in one of them may
//! be of use in another.

use super::{Rule, TABLE, find};
use crate::judge::Allowed;
use crate::judge::intent::{Intent, Ledger, set_level};
use crate::model::finding::{Finding, Level};
use crate::model::nearest::nearest;
use crate::model::policy::{Exception, Grant, Means, Mistake, RuleLevel, Scope};
use crate::model::source::{Place, Span};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The rule. Its check finds nothing in a single project: see [`over_run`].
pub static RULE: Rule = Rule {
    name: "stale-allow",
    summary: "an allowance or an exception does nothing: it matches nothing, or cannot be understood",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/stale-allow.md"),
    project: Some(|_| Vec::new()),
    host: None,
};

/// Says what of the intents of a run is of no use. `is_whole` answers for the path of a policy file: true if every compose file that
/// it is about was judged, so that what matches nothing matches nothing anywhere.
///
/// Gives what is left to say, and what a comment or the policy took away.
pub fn over_run(run: &[(&Intent, &Ledger)], is_whole: &dyn Fn(&Path) -> bool) -> (Vec<Finding>, Vec<Allowed>) {
    let seen = Seen::of(run);
    let mut said = HashSet::new();
    let (mut left, mut allowed) = (Vec::new(), Vec::new());
    let mut answered = HashSet::new();
    for (intent, ledger) in run {
        let mut findings: Vec<Finding> = intent.mistakes.iter().map(of_mistake).collect();
        findings.extend(intent.levels.iter().filter_map(of_level));
        findings.extend(intent.grants.iter().filter_map(|grant| seen.of_grant(grant, ledger, is_whole)));
        findings.extend(
            intent.exceptions.iter().filter(|exception| exception.rule != RULE.name).filter_map(|it| seen.of_exception(it)),
        );
        let own = own_exceptions(intent);
        for mut finding in findings.into_iter().filter(|finding| said.insert(identity(finding))) {
            let mut by = answered_by(&finding, &own, &mut answered);
            if by.is_empty() {
                by.extend(set_level(&mut finding, intent));
            }
            if by.is_empty() {
                left.push(finding);
            } else {
                allowed.push(Allowed { finding, by });
            }
        }
    }
    let own = run.iter().flat_map(|(intent, _)| &intent.exceptions).filter(|exception| exception.rule == RULE.name);
    let idle = own.filter(|exception| !answered.contains(&key(&exception.place, exception.rule.clone())));
    left.extend(idle.filter_map(|exception| seen.of_exception(exception)).filter(|finding| said.insert(identity(finding))));
    left.sort_by_key(|finding| (finding.path.clone(), finding.place.as_ref().map(|place| place.span)));
    (left, allowed)
}

/// What a finding of this rule is known by: the same text may be part of several projects.
fn identity(finding: &Finding) -> (PathBuf, Option<Span>, String) {
    (finding.path.clone(), finding.place.as_ref().map(|place| place.span), finding.message.clone())
}

/// Comments that except this rule, as they may any other, by their file and the line that they speak about.
fn own_exceptions(intent: &Intent) -> HashMap<(PathBuf, u32), Vec<&Exception>> {
    let mut own: HashMap<_, Vec<_>> = HashMap::new();
    for exception in intent.exceptions.iter().filter(|exception| exception.rule == RULE.name) {
        own.entry((exception.place.path().to_owned(), exception.line)).or_default().push(exception);
    }
    own
}

/// The comments that answer a finding, noted as such.
fn answered_by<'a>(
    finding: &Finding,
    own: &HashMap<(PathBuf, u32), Vec<&'a Exception>>,
    answered: &mut HashSet<Key<'a>>,
) -> Vec<Place> {
    let Some(place) = &finding.place else { return Vec::new() };
    let here = own.get(&(place.path().to_owned(), place.line())).into_iter().flatten();
    here.map(|exception| {
        answered.insert(key(&exception.place, exception.rule.clone()));
        exception.place.clone()
    })
    .collect()
}

/// What an allowance or an exception is known by, in whichever project it acts: its place and its text.
type Key<'a> = (&'a Path, Span, String);

/// What is known of a run as a whole.
struct Seen<'a> {
    /// Allowances and exceptions that were of use somewhere, by place and text.
    used: HashSet<Key<'a>>,
    /// For each policy file, the services of the projects that it was read for.
    policies: HashMap<&'a Path, Policy<'a>>,
}

#[derive(Default)]
struct Policy<'a> {
    services: BTreeSet<&'a str>,
    has_gaps: bool,
}

impl<'a> Seen<'a> {
    fn of(run: &[(&'a Intent, &'a Ledger)]) -> Self {
        let mut seen = Self { used: HashSet::new(), policies: HashMap::new() };
        for (intent, ledger) in run {
            for (grant, used) in intent.grants.iter().zip(&ledger.used_grants) {
                if *used {
                    seen.used.insert(key(&grant.place, grant.allowance.to_string()));
                }
            }
            for (exception, used) in intent.exceptions.iter().zip(&ledger.used_exceptions) {
                if *used {
                    seen.used.insert(key(&exception.place, exception.rule.clone()));
                }
            }
            let files: HashSet<&Path> =
                intent.grants.iter().filter(|grant| is_of_file(grant)).map(|grant| grant.place.path()).collect();
            for file in files {
                let policy = seen.policies.entry(file).or_default();
                policy.services.extend(ledger.services.iter().map(|name| &**name));
                policy.has_gaps |= !ledger.is_complete;
            }
        }
        seen
    }

    fn is_used(&self, place: &'a Place, text: String) -> bool {
        self.used.contains(&key(place, text))
    }

    fn of_grant(&self, grant: &'a Grant, ledger: &Ledger, is_whole: &dyn Fn(&Path) -> bool) -> Option<Finding> {
        if self.is_used(&grant.place, grant.allowance.to_string()) {
            return None;
        }
        let path = grant.place.path();
        let policy = self.policies.get(path).filter(|_| is_of_file(grant));
        let can_tell = policy.map_or(ledger.is_complete, |policy| !policy.has_gaps);
        let sees_all = policy.is_none() || is_whole(path);
        match &grant.scope {
            _ if !can_tell => None,
            Scope::Service(name) if policy.is_some_and(|policy| !policy.services.contains(&**name)) => {
                let policy = policy.filter(|_| sees_all)?;
                let message = format!("the allowance {} is for a service `{name}` that is not there", grant.allowance);
                let near = nearest(name, policy.services.iter().copied());
                Some(finding(
                    &grant.place,
                    message,
                    "no such service",
                    near.map(|near| format!("the nearest service is `{near}`")),
                ))
            }
            Scope::Project if !sees_all => None,
            scope => Some(unmatched(grant, scope)),
        }
    }

    fn of_exception(&self, exception: &'a Exception) -> Option<Finding> {
        if find(&exception.rule).is_none() {
            return Some(unknown_rule(&exception.place, &exception.rule));
        }
        if self.is_used(&exception.place, exception.rule.clone()) {
            return None;
        }
        let message = format!("the exception silences nothing: {} finds nothing on line {}", exception.rule, exception.line);
        Some(finding(&exception.place, message, "silences nothing", Some("remove the comment".to_owned())))
    }
}

fn key(place: &Place, text: String) -> Key<'_> {
    (place.path(), place.span, text)
}

fn is_of_file(grant: &Grant) -> bool {
    grant.means == Means::PolicyFile
}

fn unmatched(grant: &Grant, scope: &Scope) -> Finding {
    let whose = match scope {
        Scope::Project => "no published port of the project".to_owned(),
        Scope::Service(name) => format!("no published port of {name}"),
        Scope::Container(name) => format!("no published port of container {name}"),
        Scope::Publication(_) => "not the port that it stands at".to_owned(),
    };
    let message = format!("the allowance {} matches {whose}", grant.allowance);
    let help = "an allowance names the host port; remove it if the port is gone".to_owned();
    finding(&grant.place, message, "matches nothing", Some(help))
}

fn of_mistake(mistake: &Mistake) -> Finding {
    finding(&mistake.place, mistake.message.clone(), "allows nothing", mistake.help.clone())
}

fn of_level(level: &RuleLevel) -> Option<Finding> {
    find(&level.rule).is_none().then(|| unknown_rule(&level.place, &level.rule))
}

fn unknown_rule(place: &Place, name: &str) -> Finding {
    let near = nearest(name, TABLE.iter().map(|rule| rule.name));
    let help = near.map(|near| format!("the nearest is `{near}`"));
    finding(place, format!("no rule is called `{name}`"), "no such rule", help)
}

fn finding(place: &Place, message: String, label: &str, help: Option<String>) -> Finding {
    Finding {
        rule: RULE.name,
        level: RULE.level,
        path: place.path().to_owned(),
        place: Some(place.clone()),
        service: None,
        subject: None,
        message,
        label: label.to_owned(),
        related: Vec::new(),
        help: help.into_iter().collect(),
        fix: None,
        remedy: None,
        on_host: None,
    }
}
