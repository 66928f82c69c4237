//! The host that a run looks at: this one, or one that was saved.

use crate::cli::job::Eyes;
use crate::error::Error;
use crate::look::snapshot::snapshot;
use crate::model::snapshot::Snapshot;
use crate::model::system::reason;

/// Looks at a host.
///
/// # Errors
/// A saved host that cannot be read.
pub(super) fn look(eyes: &Eyes) -> Result<Snapshot, Error> {
    match eyes {
        Eyes::Saved(folder) => snapshot(folder).map_err(|error| Error::Read { path: folder.clone(), reason: reason(&error) }),
        Eyes::Here => Ok(Snapshot::default()),
    }
}
