//! The host that a run looks at: this one, or one that was saved. Every command that judges a host looks here.

use crate::cli::job::Eyes;
use crate::error::Error;
use crate::look;
use crate::model::snapshot::Snapshot;
use crate::model::system::reason;

/// Looks at a host.
///
/// # Errors
/// A saved host that cannot be read; an engine on another machine than the rules.
pub(super) fn look(eyes: &Eyes) -> Result<Snapshot, Error> {
    let seen = match eyes {
        Eyes::Saved(folder) => {
            look::snapshot::snapshot(folder).map_err(|error| Error::Read { path: folder.clone(), reason: reason(&error) })?
        }
        Eyes::Here(docker) => look::host::host(docker),
    };
    match seen.elsewhere() {
        Some(why) => Err(Error::Elsewhere(why)),
        None => Ok(seen),
    }
}
