//! From the paths on a command line to the projects to load: folders are searched, files that belong together are put together.
//!
//! Out: the compose files of each project, in the order in which Compose would merge them, and what could not be searched. A folder
//! is searched as git sees it: what git ignores is skipped, links to folders are not followed. Hidden folders are searched
//! (`.devcontainer` has compose files), except those of version control.

use super::files::{LONGEST, STANDARD_INPUT, open};
use super::names::{self, Name};
use crate::model::project::{Problem, ProblemKind};
use ignore::{DirEntry, WalkBuilder};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// What a search found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files of each project; never empty.
    pub projects: Vec<Vec<PathBuf>>,
    /// Folders without any compose file.
    pub empty: Vec<PathBuf>,
    /// What could not be searched.
    pub problems: Vec<Problem>,
}

/// Finds the projects of files and folders, in the order of the arguments and, in a folder, in the order of the paths. `seen` is
/// told of each entry of a folder.
pub fn projects(paths: &[PathBuf], working_directory: &Path, seen: &dyn Fn()) -> Found {
    let mut found = Found::default();
    for argument in paths {
        let path: &PathBuf = &argument.components().filter(|part| *part != Component::CurDir).collect();
        let place = working_directory.join(path);
        if place.is_dir() && path != Path::new(STANDARD_INPUT) {
            let files = search(&place, seen, &mut found.problems);
            if files.is_empty() {
                found.empty.push(argument.clone());
            }
            found.projects.extend(group(files.iter().map(|file| path.join(file.strip_prefix(&place).unwrap_or(file)))));
        } else {
            found.projects.push(alone(path, working_directory));
        }
    }
    let mut known = HashSet::new();
    found.projects.retain(|files| known.insert(files.clone()));
    found
}

/// The compose files in a folder, but not below it.
pub fn compose_files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| path.is_file() && is_compose(path)).collect()
}

/// A file by itself, or, if Compose would load it unasked beside a base file, with that base.
fn alone(path: &Path, working_directory: &Path) -> Vec<PathBuf> {
    let is_beside = |name: &str| working_directory.join(path).with_file_name(name).exists();
    let is_override = path.file_name().is_some_and(|file| names::automatic_override(is_beside).is_some_and(|name| file == name));
    let base = if is_override { names::base(is_beside) } else { None };
    base.map(|name| path.with_file_name(name)).into_iter().chain([path.to_owned()]).collect()
}

/// Puts the default-named override of a folder with its default-named base; every other file is a project of its own.
fn group(files: impl Iterator<Item = PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut folders: BTreeMap<PathBuf, Vec<OsString>> = BTreeMap::new();
    for file in files {
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        folders.entry(folder).or_default().extend(file.file_name().map(ToOwned::to_owned));
    }
    let mut projects = Vec::new();
    for (folder, mut names) in folders {
        names.sort();
        let has = |name: &str| names.iter().any(|file| file == name);
        let pair = names::base(has).zip(names::automatic_override(has));
        for name in &names {
            match pair {
                Some((base, above)) if name == base => projects.push(vec![folder.join(base), folder.join(above)]),
                Some((_, above)) if name == above => {}
                _ => projects.push(vec![folder.join(name)]),
            }
        }
    }
    projects
}

/// The compose files below a folder. Without a repository around it, its own ignore files still count, but not those above.
fn search(folder: &Path, seen: &dyn Fn(), problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let in_repository = folder.canonicalize().is_ok_and(|real| real.ancestors().any(|above| above.join(".git").exists()));
    let mut builder = WalkBuilder::new(folder);
    builder.hidden(false).ignore(false).follow_links(false).require_git(in_repository).parents(in_repository);
    builder.filter_entry(|entry| !matches!(entry.file_name().to_str(), Some(".git" | ".hg" | ".svn" | ".jj")));
    let (mut files, mut links) = (Vec::new(), Vec::new());
    for entry in builder.build() {
        seen();
        match entry {
            Ok(entry) if entry.path_is_symlink() => links.extend(named_link(&entry)),
            Ok(entry) => files.extend(compose_file(entry)),
            Err(error) => problems.push(gap(folder, &error)),
        }
    }
    let known: HashSet<PathBuf> =
        if links.is_empty() { HashSet::new() } else { files.iter().filter_map(|file| file.canonicalize().ok()).collect() };
    files.extend(links.into_iter().filter(|link| !link.canonicalize().is_ok_and(|target| known.contains(&target))));
    files
}

/// A link with the name of a compose file: Compose would follow it. One that leads nowhere is kept too, so that it is reported.
fn named_link(entry: &DirEntry) -> Option<PathBuf> {
    let path = entry.path();
    let is_named = matches!(names::kind(path), Name::Default | Name::Compose);
    (entry.depth() > 0 && is_named && !path.is_dir() && is_compose(path)).then(|| path.to_owned())
}

/// A compose file by its name, or by its looks.
fn compose_file(entry: DirEntry) -> Option<PathBuf> {
    if entry.file_type().is_none_or(|kind| kind.is_dir()) {
        return None;
    }
    let path = entry.into_path();
    is_compose(&path).then_some(path)
}

fn is_compose(path: &Path) -> bool {
    match names::kind(path) {
        Name::Default => true,
        // One that cannot be read is kept, so that it is reported.
        Name::Compose => text_of(path).is_none_or(|text| names::has_services(&text)),
        Name::Stack => text_of(path).is_some_and(|text| names::has_services(&text)),
        Name::Yaml => text_of(path).is_some_and(|text| names::looks_like_compose(&text)),
        Name::Other => false,
    }
}

/// The text of a file that may not be a compose file at all: whatever is wrong with it is no news.
fn text_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

fn gap(folder: &Path, error: &ignore::Error) -> Problem {
    let (path, error) = match error {
        ignore::Error::WithDepth { err, .. } => return gap(folder, err),
        ignore::Error::WithPath { path, err } => (path.as_path(), err.as_ref()),
        other => (folder, other),
    };
    // The walker wraps what the system said; its kind has the words.
    let plain = |error: &io::Error| crate::model::system::reason(&io::Error::from(error.kind()));
    let reason = error.io_error().map_or_else(|| error.to_string(), plain);
    let message = format!("folder cannot be searched: {reason}");
    Problem { kind: ProblemKind::Unreadable, message, path: path.to_owned(), place: None, service: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    const COMPOSE: &str = "services:\n  web:\n    image: nginx\n";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            fs::write(root.path().join(path), text).unwrap();
        }
        root
    }

    fn found(root: &Path, arguments: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = arguments.iter().map(PathBuf::from).collect();
        let found = projects(&paths, root, &|| ());
        let names = |files: &Vec<PathBuf>| files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("+");
        found.projects.iter().map(names).collect()
    }

    #[test]
    fn a_base_and_its_automatic_override_are_one_project_and_all_else_is_alone() {
        let files =
            ["compose.yaml", "compose.override.yml", "docker-compose.yml", "compose.prod.yaml", "sub/compose.override.yaml"];
        let root = tree(&files.map(|file| (file, COMPOSE)));
        let expected =
            ["compose.prod.yaml", "compose.yaml+compose.override.yml", "docker-compose.yml", "sub/compose.override.yaml"];
        assert_eq!(found(root.path(), &["."]), expected);
    }

    #[test]
    fn a_file_is_alone_and_an_automatic_override_brings_its_base() {
        let root =
            tree(&[("a/compose.yaml", COMPOSE), ("a/docker-compose.override.yml", COMPOSE), ("compose.override.yml", COMPOSE)]);
        assert_eq!(found(root.path(), &["a/compose.yaml"]), ["a/compose.yaml"]);
        assert_eq!(found(root.path(), &["a/docker-compose.override.yml"]), ["a/compose.yaml+a/docker-compose.override.yml"]);
        assert_eq!(found(root.path(), &["compose.override.yml"]), ["compose.override.yml"]);
        assert_eq!(found(root.path(), &["none.yml", "none.yml"]), ["none.yml"]);
    }

    #[test]
    fn a_folder_is_searched_as_git_sees_it() {
        let root = tree(&[
            (".gitignore", "/vendor/\n*.local.yml\n"),
            ("vendor/compose.yml", COMPOSE),
            ("compose.local.yml", COMPOSE),
            (".git/compose.yml", COMPOSE),
            (".devcontainer/compose.yml", COMPOSE),
            (".github/workflows/ci.yml", "jobs:\n  a:\n    services:\n      b:\n        image: c\n"),
            ("deploy/web.yml", COMPOSE),
            ("deploy/stack.yaml", "resolver: lts\n"),
            ("docs/docker_compose_up.yaml", "command: docker compose up\n"),
            ("deploy/compose.networks.yml", "networks:\n  a: {}\n"),
        ]);
        assert_eq!(found(root.path(), &["."]), [".devcontainer/compose.yml", "deploy/web.yml"]);
        assert_eq!(found(root.path(), &["deploy", "."]), ["deploy/web.yml", ".devcontainer/compose.yml"]);
    }

    #[test]
    fn ignore_files_above_a_folder_outside_of_any_repository_do_not_count() {
        let root = tree(&[(".gitignore", "*\n"), ("sub/compose.yml", COMPOSE)]);
        assert_eq!(found(root.path(), &["sub"]), ["sub/compose.yml"]);
    }

    #[test]
    fn a_folder_without_compose_files_is_named() {
        let root = tree(&[("readme.txt", "")]);
        assert_eq!(projects(&[PathBuf::from(".")], root.path(), &|| ()).empty, [PathBuf::from(".")]);
    }

    #[test]
    #[cfg(unix)]
    fn links_to_folders_are_not_followed_and_a_dangling_compose_link_is_kept() {
        use std::os::unix::fs::symlink;
        let root = tree(&[("a/compose.yml", COMPOSE)]);
        symlink(root.path(), root.path().join("loop")).unwrap();
        symlink("a", root.path().join("compose.yml")).unwrap();
        symlink("nowhere", root.path().join("docker-compose.yml")).unwrap();
        symlink("nowhere", root.path().join("other.yml")).unwrap();
        symlink("a/compose.yml", root.path().join("compose.yaml")).unwrap();
        assert_eq!(found(root.path(), &["."]), ["docker-compose.yml", "a/compose.yml"]);
    }
}
