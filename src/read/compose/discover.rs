//! Which compose files make up the project (compose-go `cli/options.go`, `WithConfigFileEnv`, `WithDefaultConfigPath`).

use super::environment::Variables;
use super::{Request, Texts};
use std::path::{Path, PathBuf};

/// Names that Compose looks for, the first wins.
pub const DEFAULT_NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Names of overrides that Compose adds by itself, the first wins; any goes with any base.
pub const DEFAULT_OVERRIDE_NAMES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Standard input, as a file name.
pub const STDIN: &str = "-";

/// The project directory as far as it follows from the command line: `--project-directory`, the folder of the first file, or the
/// working directory.
pub fn directory(request: &Request, files: &[PathBuf]) -> PathBuf {
    if let Some(directory) = &request.project_directory {
        return request.working_directory.join(directory);
    }
    let first = files.iter().find(|path| path.as_os_str() != STDIN);
    let parent = first.and_then(|path| request.working_directory.join(path).parent().map(Path::to_owned));
    parent.unwrap_or_else(|| request.working_directory.clone())
}

/// The compose files: those of the command line, of COMPOSE_FILE, or those found from the project directory up. Empty: none found.
pub fn files(request: &Request, variables: &Variables, texts: &dyn Texts) -> Vec<PathBuf> {
    let absolute = |path: &Path| if path.as_os_str() == STDIN { path.to_owned() } else { request.working_directory.join(path) };
    if !request.files.is_empty() {
        return request.files.iter().map(|path| absolute(path)).collect();
    }
    if let Some(list) = variables.value("COMPOSE_FILE") {
        let separator = variables.value("COMPOSE_PATH_SEPARATOR").filter(|separator| !separator.is_empty());
        let separator = separator.unwrap_or_else(|| if cfg!(windows) { ";".to_owned() } else { ":".to_owned() });
        return list.split(separator.as_str()).map(|path| absolute(Path::new(path))).collect();
    }
    let start = directory(request, &[]);
    let found = start.ancestors().find_map(|folder| Some((folder, first_of(&DEFAULT_NAMES, folder, texts)?)));
    let Some((folder, base)) = found else { return Vec::new() };
    std::iter::once(base).chain(first_of(&DEFAULT_OVERRIDE_NAMES, folder, texts)).collect()
}

fn first_of(names: &[&str], folder: &Path, texts: &dyn Texts) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| texts.exists(path))
}
