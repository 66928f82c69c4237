//! Which parts of a compose file have a say in published ports. Everything else is passed over, so that it can hide nothing.

/// How much of a value is read.
#[derive(Debug)]
pub enum Shape {
    /// All of it.
    Whole,
    /// Only that it is there.
    Present,
    /// These keys of a mapping.
    Keys(&'static [(&'static str, Shape)]),
    /// Every value of a mapping, by one shape.
    Each(&'static Shape),
    /// Our label among labels, in either form.
    Labels,
}

/// The label that speaks to us.
pub const LABEL: &str = "docker-firewall.allow";

/// The extension field that speaks to us.
pub const EXTENSION: &str = "x-docker-firewall";

use Shape::{Each, Keys, Labels, Present, Whole};

/// A whole compose file.
pub static PROJECT: Shape =
    Keys(&[("name", Whole), ("services", Each(&SERVICE)), ("networks", Each(&NETWORK)), (EXTENSION, Whole)]);

/// The part that is read first: other files.
pub static INCLUDES: Shape = Keys(&[("include", Whole)]);

static SERVICE: Shape = Keys(&[
    ("ports", Whole),
    ("network_mode", Whole),
    ("networks", Whole),
    ("profiles", Whole),
    ("extends", Whole),
    ("image", Whole),
    ("build", Present),
    ("labels", Labels),
    ("scale", Whole),
    (
        "deploy",
        Keys(&[
            ("replicas", Whole),
            ("mode", Whole),
            ("endpoint_mode", Whole),
            ("placement", Present),
            ("update_config", Present),
            ("rollback_config", Present),
        ]),
    ),
    ("provider", Present),
    (EXTENSION, Whole),
]);

static NETWORK: Shape = Keys(&[
    ("name", Whole),
    ("external", Whole),
    ("internal", Whole),
    ("driver", Whole),
    ("driver_opts", Each(&Whole)),
    ("enable_ipv4", Whole),
    ("enable_ipv6", Whole),
]);

impl Shape {
    /// How much is read of the value under `key`; None: nothing.
    pub fn under(&self, key: &str) -> Option<&Shape> {
        match self {
            Whole => Some(&Whole),
            Each(shape) => Some(shape),
            Keys(keys) => keys.iter().find(|(known, _)| *known == key).map(|(_, shape)| shape),
            Labels => (key == LABEL).then_some(&Whole),
            Present => None,
        }
    }
}
