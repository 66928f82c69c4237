#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::cli::{self, job::Task};
use crate::look::files::Disk;
use crate::look::snapshot::snapshot;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A folder with a policy that cannot be read, a project beside it, and a host on which that runs.
fn site(root: &Path) -> (World, Host) {
    let (here, shop) = (root.join("here"), root.join("shop"));
    std::fs::create_dir_all(here.join(policy::FILE_NAMES[0])).unwrap();
    std::fs::create_dir(&shop).unwrap();
    std::fs::write(shop.join("compose.yaml"), "services:\n  web:\n    image: nginx\n    ports:\n      - \"8080:80\"\n").unwrap();
    let fixture = "fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5";
    let mut saved = snapshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture)).unwrap();
    let text = saved.files.get_mut("inspect.json").unwrap();
    let mut containers: Value = serde_json::from_str(text).unwrap();
    for container in containers.as_array_mut().unwrap().iter_mut().filter(|container| container["Name"] == "/web") {
        container["Config"]["Labels"] = json!({
            "com.docker.compose.project": "shop",
            "com.docker.compose.service": "web",
            "com.docker.compose.project.working_dir": shop,
            "com.docker.compose.project.config_files": shop.join("compose.yaml"),
        });
    }
    *text = containers.to_string();
    let world = World { disk: Disk::new(here.clone()), working_directory: here, variables: BTreeMap::new() };
    (world, saved.host())
}

#[test]
fn a_host_that_is_watched_is_judged_as_a_check_of_it_judges() {
    let root = tempfile::tempdir().unwrap();
    let (world, host) = site(&root.path().canonicalize().unwrap());
    let Task::Check(check) = cli::parse(["docker-firewall", "check"].map(Into::into)).unwrap().task else { panic!("no check") };
    let checked = survey(&check, &world, None, Some(&host)).unwrap();
    let (watched, openings) = survey_host(&check, &world, None, &host);
    let known = |survey: &Survey| survey.findings.iter().map(identity).collect::<HashSet<_>>();
    assert_eq!(known(&watched), known(&checked));
    assert_eq!(watched.summary, checked.summary);
    let is_tied = |finding: &&Finding| finding.rule == "bypasses-host-firewall" && finding.path.ends_with("shop/compose.yaml");
    assert_eq!(watched.findings.iter().filter(is_tied).count(), 1);
    let is_unread = |finding: &Finding| finding.message.contains("policy file cannot be read");
    assert!(watched.findings.iter().any(is_unread) && !openings.is_empty());
}
