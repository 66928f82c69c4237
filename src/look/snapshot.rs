//! A saved host: the texts of a folder.
//!
//! Only the files of the form are opened, and only plain ones. Not here: what they mean.

use super::files;
use crate::model::snapshot::{FILES, Snapshot};
use crate::tool::LONGEST;
use std::io;
use std::path::Path;

/// The texts of a folder. A file that is not there is left out: nobody looked.
///
/// # Errors
/// A file that is there and cannot be read; [`io::ErrorKind::NotFound`] for a folder with none of the files.
pub fn snapshot(folder: &Path) -> io::Result<Snapshot> {
    let mut snapshot = Snapshot::default();
    for (name, _) in FILES {
        match files::text(&folder.join(name), LONGEST) {
            Ok(text) => {
                snapshot.files.insert(name.to_owned(), text);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{name}: {error}"))),
        }
    }
    if snapshot.files.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it holds no saved host"));
    }
    Ok(snapshot)
}
