//! Values of ours in compose files, as they are written.

use super::origin::{Origin, Sourced};

/// A value of ours in a compose file (`x-docker-firewall`), kept as it is written until the policy reader takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A scalar, after substitution.
    Scalar(Sourced<String>),
    /// A list.
    List(Vec<Setting>, Origin),
    /// A mapping, in the order of the file.
    Mapping(Vec<(Sourced<String>, Setting)>, Origin),
}

impl Setting {
    /// Where it stands.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Scalar(value) => &value.origin,
            Self::List(_, origin) | Self::Mapping(_, origin) => origin,
        }
    }
}
