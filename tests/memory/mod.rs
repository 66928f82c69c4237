//! Compose files in memory, and a judge that knows one rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use docker_firewall::model::finding::{Edit, Finding, Level, Remedy, Subject};
use docker_firewall::model::project::Project;
use docker_firewall::model::publication::Reach;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{Request, Texts, load};
use docker_firewall::remedy::{self, edit};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files by their path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory(pub(crate) BTreeMap<PathBuf, String>);

impl Texts for Memory {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        self.0.get(path).map(|text| Source::new(path, text.as_str())).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.0.keys().any(|known| known.parent() == Some(path))
    }
}

impl Memory {
    /// Files in the folder `/project`.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(name, text)| (Path::new("/project").join(name), (*text).to_owned())).collect())
    }

    /// The text of a file in `/project`.
    pub(crate) fn text(&self, name: &str) -> &str {
        &self.0[&Path::new("/project").join(name)]
    }

    /// The files after all fixes are applied.
    pub(crate) fn edited(&self, findings: &[Finding]) -> Self {
        let mut files = self.0.clone();
        for (path, change) in edit::apply_all(edits(findings)).expect("the fixes of a project fit each other") {
            assert_eq!(files[&path], change.before.text());
            files.insert(path, change.after.text().to_owned());
        }
        Self(files)
    }
}

/// The request for what is found in `/project`.
pub(crate) fn request() -> Request {
    Request { working_directory: PathBuf::from("/project"), ..Request::default() }
}

/// Every publication that is open to all is to be bound to loopback.
pub(crate) fn open_ports(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &project.services {
        for (index, publication) in service.publications.iter().enumerate() {
            if publication.reach().is_wildcard() {
                findings.push(finding(project, &service.name, index, Remedy::BindToLoopback));
            }
        }
    }
    findings
}

/// A finding about a publication.
pub(crate) fn finding(project: &Project, service: &str, index: usize, remedy: Remedy) -> Finding {
    let service = project.services.iter().find(|known| &*known.name == service).expect("the service is there");
    let publication = &service.publications[index];
    let place = publication.entry.origin.place.clone();
    Finding {
        rule: "published-on-all-interfaces",
        level: Level::Warn,
        path: place.path().to_owned(),
        place: Some(place),
        service: Some(Arc::clone(&service.name)),
        subject: Some(Subject { service: Arc::clone(&service.name), publication: index, text: publication.to_string() }),
        message: format!("{publication} is open to all"),
        label: String::new(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: Some(remedy),
        on_host: None,
    }
}

/// The findings of [`open_ports`] with their fixes.
pub(crate) fn fixed(request: &Request, files: &dyn Texts) -> Vec<Finding> {
    let project = load(request, files);
    let mut findings = open_ports(&project);
    remedy::propose(&mut findings, &project, request, files, &open_ports);
    findings
}

/// All edits that are offered.
pub(crate) fn edits(findings: &[Finding]) -> Vec<&Edit> {
    findings.iter().filter_map(|finding| finding.fix.as_ref()?.as_ref().ok()).flat_map(|fix| &fix.edits).collect()
}

/// The reasons why nothing is offered.
pub(crate) fn refusals(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter_map(|finding| finding.fix.as_ref()?.as_ref().err()).map(|refusal| refusal.reason.as_str()).collect()
}

/// What each binding of a project is, with the host address of those in `bound` as it should be after a fix.
pub(crate) fn bindings(project: &Project, bound: &[&Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for service in &project.services {
        for binding in &service.bindings {
            let publication = &service.publications[binding.publication];
            let is_bound = bound
                .iter()
                .filter_map(|finding| finding.subject.as_ref())
                .any(|subject| subject.service == service.name && subject.publication == binding.publication);
            let address = match (is_bound, publication.reach()) {
                (true, Reach::EveryV6) => "::1",
                (true, _) => "127.0.0.1",
                (false, _) => publication.host_ip.as_deref().unwrap_or("*"),
            };
            let (published, target, mode) = (&binding.published, binding.target, &publication.mode);
            lines.push(format!("{} {address} {published:?} {target}/{} {mode}", service.name, publication.protocol));
        }
    }
    lines.sort();
    lines
}

/// True if `after` is `before` with the replacements in the places of the edits, and nothing else.
pub(crate) fn only_own_bytes<'a>(before: &str, after: &str, edits: impl IntoIterator<Item = &'a Edit>) -> bool {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.place.span);
    let (mut rest, mut done) = (Some(after), 0);
    for edit in edits {
        let span = edit.place.span.range();
        rest = rest.and_then(|rest| rest.strip_prefix(&before[done..span.start])?.strip_prefix(edit.replacement.as_str()));
        done = span.end;
    }
    rest == Some(&before[done..])
}
