//! The host that a run looks at: this one, or one that was saved. Every command that judges a host looks here.

use crate::cli::job::Eyes;
use crate::error::Error;
use crate::look;
use crate::look::host::events::Pace;
use crate::model::snapshot::Snapshot;
use crate::model::system::reason;
use std::time::Duration;

/// For those who read of changes: a container that starts is one. Where nobody says that something changed, looks are half a minute apart.
const READING: Pace =
    Pace { silence: Duration::from_millis(400), longest_burst: Duration::from_secs(3), longest_wait: Duration::from_secs(30) };

/// For a lock, which must not be gone for long.
pub(super) const KEEPING: Pace =
    Pace { silence: Duration::from_millis(50), longest_burst: Duration::from_millis(200), ..READING };

/// Looks at a host now, and whenever something changes there; a saved one changes never.
pub(super) fn looks(eyes: &Eyes) -> impl Iterator<Item = Result<Snapshot, Error>> {
    std::iter::once_with(|| look(eyes)).chain(changes(eyes, READING).map(|()| look(eyes)))
}

/// Waits for changes on a host, each burst of them once; a saved one changes never.
pub(super) fn changes(eyes: &Eyes, pace: Pace) -> impl Iterator<Item = ()> {
    let events = match eyes {
        Eyes::Here(docker) => Some(look::host::events::events(docker, pace)),
        Eyes::Saved(_) => None,
    };
    events.into_iter().flatten()
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
