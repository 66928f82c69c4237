//! Text to values. Pure: texts come in through [`compose::Texts`] or a [`crate::model::snapshot::Snapshot`], nothing here opens a file.

pub mod baseline;
pub mod compose;
pub(crate) mod iptables;
pub mod policy;
pub mod snapshot;
pub mod yaml;

mod changes;
mod docker;
mod firewalld;
mod ipset;
mod net;
mod nft;
mod values;
