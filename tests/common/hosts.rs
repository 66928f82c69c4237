//! The saved hosts of `fixtures/hosts`.
//!
//! In: nothing. Out: each host's name and its files, in the order of the names.

use docker_firewall::model::snapshot::Snapshot;
use std::path::{Path, PathBuf};

pub(crate) fn saved_hosts() -> impl Iterator<Item = (String, Snapshot)> {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.into_iter().map(|folder| (name(&folder), snapshot(&folder)))
}

fn snapshot(folder: &Path) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        snapshot.files.insert(name(&path), std::fs::read_to_string(&path).unwrap());
    }
    snapshot
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
