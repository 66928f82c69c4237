//! Projects that are kept in memory, and what is found in them.

use crate::common::{Memory, ROOT};
use docker_firewall::judge::judge;
use docker_firewall::judge::rules::stale_allow;
use docker_firewall::model::finding::Finding;
use docker_firewall::model::project::Project;
use docker_firewall::model::source::{Place, Source};
use docker_firewall::read::compose::Request;
use docker_firewall::read::policy;
use docker_firewall::remedy::{self, edit};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Files by their path below the project's folder, and how they are loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) texts: BTreeMap<String, String>,
    profiles: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Files {
    /// A project of one compose file.
    pub(crate) fn of(compose: &str) -> Self {
        Self::default().with("compose.yaml", compose)
    }

    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.texts.insert(path.to_owned(), text.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn profile(mut self, name: &str) -> Self {
        self.profiles.push(name.to_owned());
        self
    }

    /// What is found, after what the files themselves allow; a policy file beside the compose file is heeded.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let policy = self.texts.get("docker-firewall.yaml").map(|text| Source::new("docker-firewall.yaml", text.as_str()));
        let project = self.memory().load_with(|request| {
            request.profiles.clone_from(&self.profiles);
            request.environment.clone_from(&self.environment);
        });
        judged(&project, policy.as_ref())
    }

    /// The texts after all fixes that are offered for the project as it is found, and how many findings they mend.
    pub(crate) fn fixed(&self) -> (BTreeMap<String, String>, usize) {
        let (request, memory) = (Request { working_directory: PathBuf::from(ROOT), ..Request::default() }, self.memory());
        let project = memory.load();
        let mut findings = judged(&project, None);
        remedy::propose(&mut findings, &project, &request, &memory, &|project| judged(project, None));
        let fixes: Vec<_> = findings.iter().filter_map(|finding| finding.fix.as_ref()?.as_ref().ok()).collect();
        let mut texts = self.texts.clone();
        for change in edit::apply_all(fixes.iter().flat_map(|fix| &fix.edits)).unwrap().into_values() {
            let path = change.after.path().to_owned();
            texts.insert(path.strip_prefix(ROOT).unwrap_or(&path).display().to_string(), change.after.text().to_owned());
        }
        (texts, fixes.len())
    }

    fn memory(&self) -> Memory {
        Memory::new(self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// `file:line level rule`, in the order of files and lines.
    pub(crate) fn report(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.findings().iter().map(|it| (at(it), format!("{:5} {}", it.level.name(), it.rule))).collect();
        lines.sort();
        lines.into_iter().map(|((path, line), what)| format!("{path}:{line} {what}")).collect()
    }
}

/// What is found in a project, after what its files allow.
pub(crate) fn judged(project: &Project, policy: Option<&Arc<Source>>) -> Vec<Finding> {
    let intent = policy::intent(project, policy);
    let judged = judge(project, &intent);
    let (stale, _) = stale_allow::over_run(&[(&intent, &judged.ledger)], &|_| true);
    judged.findings.into_iter().chain(stale).collect()
}

/// A finding's file, relative to the project, and line; 0 where there is none.
pub(crate) fn at(finding: &Finding) -> (String, u32) {
    let path = finding.path.strip_prefix(ROOT).unwrap_or(&finding.path);
    (path.display().to_string(), finding.place.as_ref().map_or(0, Place::line))
}
