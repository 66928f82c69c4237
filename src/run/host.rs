//! The host that a run looks at: this one, or one that was saved.

use crate::cli::job::Eyes;
use crate::error::Error;
use crate::look::snapshot::snapshot;
use crate::model::snapshot::Snapshot;
use crate::model::system::reason;
use std::thread;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(3);

/// Looks at a host again and again.
pub(super) fn looks(eyes: &Eyes) -> impl Iterator<Item = Result<Snapshot, Error>> {
    let again = std::iter::repeat_with(|| {
        thread::sleep(PAUSE);
        look(eyes)
    });
    std::iter::once_with(|| look(eyes)).chain(again)
}

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
