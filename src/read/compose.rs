//! Compose files to a [`Project`]: what `docker compose` would publish, ports only, and leniently.
//!
//! In: a [`Request`] and the texts behind [`Texts`]. Out: a project, with its problems in it. Not here: whether a port should be
//! open, and anything of a compose file that has no say in published ports.

mod cleared;
mod convert;
pub mod discover;
pub mod dotenv;
pub mod entry;
mod environment;
mod extends;
mod include;
mod layers;
mod merge;
mod ports;
mod pragmas;
mod project;
mod setting;
mod shape;
pub mod template;
mod value;

use crate::model::project::{Problem, ProblemKind, Project};
use crate::model::source::{Source, Span};
use crate::read::yaml::{Kind, NodeId, Tree};
use environment::Variables;
use layers::{Loader, Scope};
pub(super) use pragmas::pragmas;
use project::Frame;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use value::Map;

/// The keys that Compose knows at the top of a file, `x-…` aside; a file without any is one of its first format.
const SECTIONS: [&str; 9] = ["services", "include", "name", "version", "networks", "volumes", "configs", "secrets", "models"];

/// Where texts come from: the disk, or the disk with edits laid over it (a proof).
pub trait Texts: Sync {
    /// Reads a whole file. The source's path is what people are to see.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] for a file that is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<Arc<Source>>;

    /// True if something is there, of whatever kind.
    fn exists(&self, path: &Path) -> bool;

    /// True if a folder is there.
    fn is_directory(&self, path: &Path) -> bool;
}

/// What to load, in the words of the docker client.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `-f`: the compose files, in order; `-` is standard input. Empty: COMPOSE_FILE, or discovery from the working directory up.
    pub files: Vec<PathBuf>,
    /// `--env-file`, in order.
    pub env_files: Vec<PathBuf>,
    /// `--profile`; empty: COMPOSE_PROFILES.
    pub profiles: Vec<String>,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// The working directory, absolute.
    pub working_directory: PathBuf,
    /// The process environment.
    pub environment: BTreeMap<String, String>,
}

/// Loads a project. Never fails: what cannot be read is among the project's problems, and all else is there.
pub fn load(request: &Request, texts: &dyn Texts) -> Project {
    let mut loader = Loader::new(texts, &request.working_directory);
    let mut variables = Variables::new(&request.environment);
    let start = discover::directory(request, &request.files);
    add_env_files(request, &start, &mut variables, &mut loader);
    let files = discover::files(request, &variables, texts);
    let directory = discover::directory(request, &files);
    let found_in = if request.project_directory.is_none() { directory.clone() } else { start.clone() };
    if found_in != start && request.env_files.is_empty() {
        add_env_files(request, &found_in, &mut variables, &mut loader);
    }
    if files.is_empty() {
        let message = "no compose file here or in any folder above".to_owned();
        let path = request.working_directory.clone();
        loader.problems.push(Problem { kind: ProblemKind::Unreadable, message, path, place: None, service: None });
    }
    let sources: Vec<_> = files.iter().filter_map(|path| Some((path, loader.read(path, None)?))).collect();
    let trees: Vec<_> = sources.iter().map(|(path, source)| (*path, source, loader.parse(source))).collect();
    let name = project_name(request, &directory, &trees, &variables);
    variables.project_name = Some(name.clone());
    let profiles = active_profiles(request, &variables);
    let scope = Scope { directory: directory.clone(), variables, included: Vec::new(), generation: 0 };
    let mut map = Map::default();
    for (path, source, tree) in &trees {
        if tree.documents.is_empty() {
            let is_broken = tree.faults.iter().any(|fault| fault.is_fatal);
            if !is_broken {
                loader.refuse("empty compose file", source, Span::default());
            }
        }
        loader.load_tree(path, source, tree, &scope, &mut map);
    }
    if !trees.is_empty() && map.get("services").is_none() {
        note_missing_services(&trees, &mut loader);
    }
    let is_stack_by_name = files.iter().any(|path| names_a_stack(path));
    project::assemble(&map, Frame { name, directory, profiles, is_stack_by_name }, loader)
}

fn add_env_files(request: &Request, directory: &Path, variables: &mut Variables, loader: &mut Loader) {
    let files = environment::env_files(request, directory, loader.texts, &mut loader.problems);
    variables.add_files(&files, loader.texts, &mut loader.sources, &mut loader.problems);
}

/// `-p`, else COMPOSE_PROJECT_NAME, else the last `name:` of the files, else the project directory's name; cut down to `[a-z0-9_-]`.
fn project_name(request: &Request, directory: &Path, trees: &[(&PathBuf, &Arc<Source>, Tree)], variables: &Variables) -> String {
    let given = request.project_name.clone().or_else(|| variables.value("COMPOSE_PROJECT_NAME"));
    if let Some(given) = given.filter(|name| !name.is_empty()) {
        return given;
    }
    let roots = trees.iter().flat_map(|(_, _, tree)| tree.documents.iter().map(move |root| (tree, *root)));
    let written = roots.filter_map(|(tree, root)| top_level_text(tree, root, "name")).filter(|name| !name.is_empty());
    let written = written.fold(None, |_, name| Some(name));
    let written = written.map(|name| match template::substitute(name, &|name: &str| variables.get(name)) {
        Ok(done) => done.text,
        Err(_) => name.to_owned(),
    });
    let folder = || directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = written.map(|name| normalised(&name)).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| normalised(&folder()))
}

fn normalised(name: &str) -> String {
    let allowed =
        |character: &char| character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '_' | '-');
    let kept: String = name.to_lowercase().chars().filter(allowed).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

fn top_level_text<'t>(tree: &'t Tree, root: NodeId, wanted: &str) -> Option<&'t str> {
    let Kind::Mapping(entries) = &tree.node(root).kind else { return None };
    entries.iter().find(|(key, _)| tree.text(*key) == Some(wanted)).and_then(|(_, value)| tree.text(*value))
}

/// The empty profile is active where no other is named: `profiles: ["${PROFILE}"]` without a value starts the service (compose-go
/// `cli/options.go`, WithDefaultProfiles).
fn active_profiles(request: &Request, variables: &Variables) -> Vec<String> {
    if !request.profiles.is_empty() {
        return request.profiles.clone();
    }
    let listed = variables.value("COMPOSE_PROFILES").unwrap_or_default();
    listed.split(',').map(|profile| profile.trim().to_owned()).collect()
}

/// Files of Compose's first format have services at the top; Compose refuses them.
fn note_missing_services(trees: &[(&PathBuf, &Arc<Source>, Tree)], loader: &mut Loader) {
    for (_, source, tree) in trees {
        let Some(root) = tree.documents.first() else { continue };
        let Kind::Mapping(entries) = &tree.node(*root).kind else { continue };
        let is_section = |key: &str| SECTIONS.contains(&key) || key.starts_with("x-");
        let has_section = entries.iter().any(|(key, _)| tree.text(*key).is_some_and(is_section));
        if !has_section && !entries.is_empty() && tree.faults.is_empty() {
            loader.refuse("no services section: Compose refuses files of its first format", source, tree.node(entries[0].0).span);
        }
    }
}

fn names_a_stack(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    stem.split(['-', '_', '.']).any(|word| word == "stack" || word == "swarm")
}
