//! The compose files that running containers were made from.
//!
//! In: a host, and what is found on it. Out: the same findings, pointing at the entries that ask for the ports, with fixes of the files;
//! and where the files and what runs differ. Labels name the files, and whoever may start containers writes labels: only plain files
//! that are called like compose files are read, nothing of them is shown but entries of `ports`, and no path goes anywhere else.

use super::world::World;
use crate::judge::written::Started;
use crate::judge::{self, rules::drift};
use crate::model::engine::ComposeOrigin;
use crate::model::finding::Finding;
use crate::model::host::Host;
use crate::model::policy::Intent;
use crate::model::project::{ProblemKind, Project};
use crate::read::compose::{self, Request};
use crate::remedy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Ties findings to the files of the projects. `is_looked_at` answers for a compose file, by the name that people see: true if this
/// run may read it.
pub(super) fn tie(mut findings: Vec<Finding>, host: &Host, world: &World, is_looked_at: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    for (origin, publishers) in projects(host) {
        let may_read = |file: &PathBuf| is_compose_file(file, world) && is_looked_at(&world.disk.shown(file));
        let is_whole = !origin.files.is_empty() && origin.files.iter().all(may_read);
        if !is_whole || !origin.env_files.iter().all(|file| world.disk.is_plain_file(file)) {
            continue;
        }
        let request = request(origin, world);
        let project = compose::load(&request, &world.disk);
        if project.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::Unreadable | ProblemKind::Remote)) {
            continue;
        }
        let started = Started { project: &project, host, publishers: &publishers };
        findings.extend(drift::of(&started));
        let (mut own, rest): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(|finding| finding.file().is_none());
        started.point(&mut own);
        let (mut tied, untied): (Vec<Finding>, Vec<Finding>) = own.into_iter().partition(|finding| finding.file().is_some());
        mend(&mut tied, &project, &request, world);
        findings = rest;
        findings.extend(tied);
        findings.extend(untied);
    }
    findings
}

/// The projects that containers were made from, each with its containers, as positions in [`Host::publishers`].
fn projects(host: &Host) -> Vec<(&ComposeOrigin, Vec<usize>)> {
    let mut projects: BTreeMap<_, (&ComposeOrigin, Vec<usize>)> = BTreeMap::new();
    for (at, publisher) in host.publishers.iter().enumerate() {
        if let Some(origin) = &publisher.compose {
            let key = (&origin.project, &origin.directory, &origin.files, &origin.env_files);
            projects.entry(key).or_insert_with(|| (origin, Vec::new())).1.push(at);
        }
    }
    projects.into_values().collect()
}

/// True for a plain file, no link, with the name of a YAML file.
fn is_compose_file(file: &Path, world: &World) -> bool {
    let is_yaml = file.extension().is_some_and(|end| end == "yml" || end == "yaml");
    file.is_absolute() && is_yaml && world.disk.is_plain_file(file)
}

fn request(origin: &ComposeOrigin, world: &World) -> Request {
    Request {
        files: origin.files.clone(),
        env_files: origin.env_files.clone(),
        // Whatever runs was switched on.
        profiles: vec!["*".to_owned()],
        project_directory: Some(origin.directory.clone()),
        project_name: Some(origin.project.clone()),
        working_directory: world.working_directory.clone(),
        environment: world.variables.clone(),
    }
}

/// Proposes fixes of the files. What the project's own rules say is known, and not asked to be mended.
fn mend(tied: &mut Vec<Finding>, project: &Project, request: &Request, world: &World) {
    let judge = |project: &Project| judge::judge(project, &Intent::default()).findings;
    let mut all = judge(project);
    for finding in &mut all {
        finding.remedy = None;
    }
    let known = all.len();
    all.append(tied);
    remedy::propose(&mut all, project, request, &world.disk, &judge);
    *tied = all.split_off(known);
}
