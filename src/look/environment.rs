//! The working directory and the environment of the process.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// The variables of the process. Those that are not UTF-8 are left out: no compose file can name their value.
pub fn variables() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// The file of the program that runs.
///
/// # Errors
/// What the system says.
pub fn executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The working directory, by the name under which the user went there: `PWD`, where it leads to the same folder (Go's `os.Getwd`,
/// which Compose uses). It decides the project's name in a folder that was entered through a link.
///
/// # Errors
/// What the system says; the folder may have been removed.
pub fn working_directory() -> io::Result<PathBuf> {
    let real = std::env::current_dir()?;
    let named = std::env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(named.filter(|path| path.canonicalize().ok() == real.canonicalize().ok()).unwrap_or(real))
}
