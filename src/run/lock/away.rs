//! Takes a lock off the host, and with it what was made for it.

use crate::act::{load, tables};
use crate::error::Error;
use crate::model::host::Host;
use crate::model::lock::Backend;
use crate::remedy::lock;

/// Takes away every lock that is there; one backend's may stay. Gives what of it is left over and why; it does nothing any more.
///
/// # Errors
/// The rules cannot be taken away.
pub(super) fn take(host: &Host, but: Option<Backend>) -> Result<Vec<Error>, Error> {
    load::load(&lock::removal(host, but)).map_err(Error::Load)?;
    let failed = lock::made_tables(host, but).into_iter().filter_map(|family| {
        let source = tables::remove_empty(family, "filter", None).err()?;
        Some(Error::EmptyTable { table: format!("{} filter", family.name()), source })
    });
    Ok(failed.collect())
}
