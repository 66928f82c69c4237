//! The compose files that running containers were made from.
//!
//! In: a host, and what is found on it. Out: the same findings, pointing at the entries that ask for the ports, with fixes of the files;
//! and where the files and what runs differ. Labels name the files, and whoever may start containers writes labels: only plain files
//! that are called like compose files are read, nothing of them is shown but entries of `ports`, and no path goes anywhere else.

use super::world::World;
use crate::judge::written::Started;
use crate::judge::{self, rules::drift};
use crate::model::engine::ComposeOrigin;
use crate::model::finding::{Finding, Refusal};
use crate::model::host::Host;
use crate::model::policy::Intent;
use crate::model::project::{ProblemKind, Project};
use crate::read::compose::{self, Request};
use crate::remedy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which files a run deals with, by the names that people see.
pub(super) struct Files<'a> {
    /// True for a file that this run may read.
    pub(super) may_read: &'a dyn Fn(&Path) -> bool,
    /// True for a file that this run was told to check: only such are mended, since whoever may start a container may name any other.
    pub(super) is_checked: &'a dyn Fn(&Path) -> bool,
}

/// Ties findings to the files of the projects.
pub(super) fn tie(mut findings: Vec<Finding>, host: &Host, world: &World, files: &Files) -> Vec<Finding> {
    for (origin, publishers) in projects(host) {
        let may_read = |file: &PathBuf| is_compose_file(file, world) && (files.may_read)(&world.disk.shown(file));
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
        for finding in &mut tied {
            keep_to(files, finding);
        }
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

/// Takes back a fix of a file that only a label names.
fn keep_to(files: &Files, finding: &mut Finding) {
    let Some(Ok(fix)) = &finding.fix else { return };
    let other = fix.edits.iter().map(|edit| edit.place.path()).find(|path| !(files.is_checked)(path));
    if let Some(path) = other {
        let reason = format!("only a label names the file; `check --fix {}` mends it", path.display());
        finding.fix = Some(Err(Refusal { reason }));
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
