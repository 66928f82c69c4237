//! The host that a run looks at: this one, or one that was saved. Every command that judges a host looks here.

use crate::cli::job::Eyes;
use crate::error::Error;
use crate::look;
use crate::model::snapshot::Snapshot;
use crate::model::system::reason;
use std::time::Duration;

/// Looks are this far apart at most, where nobody says that something changed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Looks at a host now, and whenever something changes there; a saved one changes never.
pub(super) fn looks(eyes: &Eyes) -> impl Iterator<Item = Result<Snapshot, Error>> {
    let events = match eyes {
        Eyes::Here(docker) => Some(look::host::events::events(docker, LONGEST_WAIT)),
        Eyes::Saved(_) => None,
    };
    std::iter::once_with(|| look(eyes)).chain(events.into_iter().flatten().map(|()| look(eyes)))
}

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
