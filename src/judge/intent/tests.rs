#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::judge::Judged;
use crate::model::finding::Subject;
use crate::model::origin::Origin;
use crate::model::policy::{Exception, Means, RuleLevel};
use crate::model::project::Service;
use crate::model::publication::{Entry, Form, PortRange, Published};
use crate::model::source::Source;

const TEXT: &str = "services:\n  web:\n    ports:\n      - 8000-8010:80\n  db:\n    ports:\n      - 5432:5432\n";
const RULE: &str = "published-on-all-interfaces";

fn place(source: &Arc<Source>, text: &str) -> Place {
    let start = u32::try_from(source.text().find(text).expect(text)).unwrap();
    Place { source: Arc::clone(source), span: Span { start, end: start + u32::try_from(text.len()).unwrap() } }
}

fn service(source: &Arc<Source>, name: &str, entry: &str, published: Published) -> Service {
    let origin = Origin::direct(place(source, entry));
    let written = Entry {
        origin: origin.clone(),
        form: Form::Plain,
        text: entry.to_owned(),
        host_ip: None,
        published: None,
        target: None,
        extension: None,
        list_key: None,
        layer: 0,
    };
    let publication = Publication {
        service: name.into(),
        host_ip: None,
        published,
        target: PortRange::single(80),
        protocol: "tcp".to_owned(),
        mode: "ingress".to_owned(),
        entry: written,
    };
    Service {
        name: name.into(),
        origin,
        image: None,
        builds: false,
        network_mode: None,
        networks: Vec::new(),
        profiles: Vec::new(),
        enabled: true,
        scale: None,
        is_provided: false,
        allow_label: None,
        extension: None,
        publications: vec![publication],
        bindings: Vec::new(),
    }
}

fn project() -> Project {
    let source = Source::new("compose.yaml", TEXT);
    let db = service(&source, "db", "5432:5432", Published::Ports(PortRange::single(5432)));
    let web = service(&source, "web", "8000-8010:80", Published::OneOf(PortRange { first: 8000, last: 8010 }));
    Project { services: vec![db, web], sources: vec![source], ..Project::default() }
}

/// One finding for each publication, as a rule would make it.
fn found(project: &Project) -> Vec<Finding> {
    let of = |service: &Service| Finding {
        rule: RULE,
        level: Level::Error,
        path: "compose.yaml".into(),
        place: Some(service.publications[0].entry.origin.place.clone()),
        service: Some(Arc::clone(&service.name)),
        subject: Some(Subject { service: Arc::clone(&service.name), publication: 0, text: service.publications[0].to_string() }),
        message: format!("{} is open to everyone", service.name),
        label: String::new(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: Some(Remedy::BindToLoopback),
        on_host: None,
    };
    project.services.iter().map(of).collect()
}

fn grant(allowance: &str, scope: Scope) -> Grant {
    let source = Source::new("docker-firewall.yaml", allowance);
    let place = place(&source, allowance);
    Grant { allowance: allowance.parse().unwrap(), scope, reason: None, place, means: Means::PolicyFile }
}

fn judged(intent: &Intent) -> Judged {
    let project = project();
    let found = found(&project);
    settle(&Case::new(&project, intent), found.into_iter().map(|finding| (true, finding)))
}

fn of(grants: impl IntoIterator<Item = Grant>) -> Intent {
    Intent { grants: grants.into_iter().collect(), ..Intent::default() }
}

fn services(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.service.as_deref().unwrap()).collect()
}

#[test]
fn without_intent_every_finding_is_left_in_the_order_of_the_file() {
    let judged = judged(&Intent::default());
    assert_eq!(services(&judged.findings), ["web", "db"]);
    assert!(judged.allowed.is_empty() && judged.ledger.services.is_empty());
}

#[test]
fn an_allowance_answers_the_ports_in_its_scope_and_no_others() {
    for (allowance, scope, left) in [
        ("5432/tcp", Scope::Project, vec!["web"]),
        ("5432/tcp", Scope::Service("db".to_owned()), vec!["web"]),
        ("5432/tcp", Scope::Service("web".to_owned()), vec!["web", "db"]),
        ("5432/udp", Scope::Project, vec!["web", "db"]),
        ("any", Scope::Project, vec![]),
        ("any", Scope::Service("web".to_owned()), vec!["db"]),
        ("5000-6000", Scope::Project, vec!["web"]),
        ("80/tcp", Scope::Service("web".to_owned()), vec!["web", "db"]),
    ] {
        assert_eq!(services(&judged(&of([grant(allowance, scope.clone())])).findings), left, "{allowance} for {scope}");
    }
    let entry = project().services[0].publications[0].entry.origin.place.clone();
    assert_eq!(services(&judged(&of([grant("any", Scope::Publication(entry))])).findings), ["web"]);
}

#[test]
fn what_took_a_finding_away_is_named() {
    let judged = judged(&of([grant("5432/tcp", Scope::Project)]));
    assert_eq!(judged.allowed[0].by[0].to_string(), "docker-firewall.yaml:1:1");
    assert_eq!(judged.ledger.used_grants, [true]);
}

#[test]
fn several_allowances_together_answer_a_range() {
    let halves = [grant("8000-8004", Scope::Project), grant("8005-8010", Scope::Service("web".to_owned()))];
    assert_eq!(services(&judged(&of(halves)).findings), ["db"]);
}

#[test]
fn a_range_that_is_allowed_in_part_is_left_and_says_which_ports_are_not() {
    let judged = judged(&of([grant("8002-8004", Scope::Project), grant("8006/tcp from 10.0.0.0/8", Scope::Project)]));
    let help = &judged.findings[0].help[0];
    assert!(help.ends_with("not allowed: 8000-8001/tcp, 8005/tcp, 8007-8010/tcp"), "{help}");
    assert_eq!((judged.findings[0].level, judged.findings[0].remedy.is_some()), (Level::Error, false));
}

#[test]
fn a_limited_allowance_leaves_a_note_without_a_fix_since_the_file_opens_the_port_to_all() {
    let judged = judged(&of([grant("5432/tcp from 10.0.0.0/8", Scope::Project)]));
    let note = judged.findings.iter().find(|finding| finding.level == Level::Note).unwrap();
    assert_eq!(note.message, "db is open to everyone; allowed: 5432/tcp from 10.0.0.0/8");
    assert!(note.remedy.is_none() && matches!(&note.fix, Some(Err(_))) && note.help[0].contains("rules on the host"));
}

#[test]
fn an_unlimited_allowance_outweighs_a_limited_one() {
    let both = [grant("5432/tcp from 10.0.0.0/8", Scope::Project), grant("5432/tcp", Scope::Project)];
    assert_eq!(services(&judged(&of(both)).findings), ["web"]);
    let everywhere = of([grant("5432/tcp from 0.0.0.0/0, ::/0", Scope::Project)]);
    assert_eq!(services(&judged(&everywhere).findings), ["web"]);
}

#[test]
fn a_rule_that_is_not_about_reachable_ports_is_not_answered_by_an_allowance_but_closes_no_allowed_port() {
    let (project, intent) = (project(), of([grant("5432/tcp", Scope::Project)]));
    let findings = found(&project).into_iter().map(|finding| (false, finding));
    let left = settle(&Case::new(&project, &intent), findings).findings;
    let fixable: Vec<_> = left.iter().map(|finding| (finding.service.as_deref(), finding.remedy.is_some())).collect();
    assert_eq!(fixable, [(Some("web"), true), (Some("db"), false)]);
}

#[test]
fn only_any_answers_a_port_that_is_not_known_before_the_start() {
    let mut project = project();
    for service in &mut project.services {
        service.publications[0].published = Published::Ephemeral;
    }
    let left = |allowance| {
        let intent = of([grant(allowance, Scope::Project)]);
        let findings = found(&project).into_iter().map(|finding| (true, finding));
        settle(&Case::new(&project, &intent), findings).findings.len()
    };
    assert_eq!((left("1-65535"), left("any")), (2, 0));
}

#[test]
fn a_comment_answers_its_rule_on_its_line_only() {
    let source = Source::new("compose.yaml", TEXT);
    let exception =
        |rule: &str, line| Exception { rule: rule.into(), reason: "x".into(), place: place(&source, "services"), line };
    let left = |rule, line| {
        let intent = Intent { exceptions: vec![exception(rule, line)], ..Intent::default() };
        let judged = judged(&intent);
        (judged.findings.len(), judged.ledger.used_exceptions[0])
    };
    assert_eq!(left(RULE, 7), (1, true));
    assert_eq!(left(RULE, 6), (2, false));
    assert_eq!(left("host-network", 7), (2, false));
}

#[test]
fn the_policy_sets_levels_and_switches_rules_off() {
    let level = |level| {
        let place = place(&Source::new("docker-firewall.yaml", RULE), RULE);
        let said = RuleLevel { rule: RULE.to_owned(), level, reason: None, place };
        judged(&Intent { levels: vec![said], ..Intent::default() })
    };
    assert!(level(Some(Level::Note)).findings.iter().all(|finding| finding.level == Level::Note));
    let off = level(None);
    assert_eq!((off.findings.len(), off.allowed.len()), (0, 2));
}

#[test]
fn an_allowance_for_a_service_on_the_hosts_network_is_of_use() {
    let mut project = project();
    let origin = project.services[0].origin.clone();
    project.services[0].network_mode = Some(crate::model::origin::Sourced { value: "host".to_owned(), origin });
    let intent = of([grant("80/tcp", Scope::Service("db".to_owned())), grant("80/tcp", Scope::Service("web".to_owned()))]);
    let judged = settle(&Case::new(&project, &intent), std::iter::empty());
    assert_eq!(judged.ledger.used_grants, [true, false]);
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Port by port: a range is whole exactly if every port of it is named.
        #[test]
        fn a_range_is_allowed_exactly_if_each_of_its_ports_is(
            first in 1u32..40, more in 0u32..20, cuts in prop::collection::vec((1u32..60, 0u32..12), 0..6)
        ) {
            let mut project = project();
            let range = PortRange { first, last: first + more };
            project.services[0].publications[0].published = Published::Ports(range);
            let publication = &project.services[0].publications[0];
            let grants: Vec<Grant> =
                cuts.iter().map(|(from, more)| grant(&format!("{from}-{}", from + more), Scope::Project)).collect();
            let matching: Vec<&Grant> = grants.iter().filter(|grant| matches(&grant.allowance, publication)).collect();
            let named = |port: &u32| cuts.iter().any(|(from, more)| (*from..=from + more).contains(port));
            let all = (range.first..=range.last).all(|port| named(&port));
            let some = (range.first..=range.last).any(|port| named(&port));
            match cover(publication, &matching) {
                Cover::Whole(_) => prop_assert!(all),
                Cover::Partly { .. } => prop_assert!(some && !all),
                Cover::Nothing => prop_assert!(!some),
                Cover::Limited(_) => prop_assert!(false, "no grant is limited"),
            }
        }
    }
}
