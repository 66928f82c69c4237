//! A guard as chains in the tables of iptables.

use super::{Found, Script};
use crate::model::guard::Guard;
use crate::model::host::Host;
use crate::model::lock::{Load, Refusal};

/// Writes a guard down, and puts it on a host.
///
/// # Errors
/// [`Refusal::NoChain`].
pub(super) fn script(_guard: &Guard, _host: &Host) -> Result<Script, Refusal> {
    Err(Refusal::NoChain)
}

/// The lock of ours that a host has: what tells its rules from others, as far as it says.
pub(super) fn found(_host: &Host) -> Option<Found> {
    None
}

/// Takes it off.
pub(super) fn strip(_host: &mut Host) {}

/// What takes it off the kernel.
pub(super) fn removal(_host: &Host) -> Vec<Load> {
    Vec::new()
}

/// A chain that has the name of one of ours and is not ours.
pub(super) fn foreign(_host: &Host) -> Option<String> {
    None
}
