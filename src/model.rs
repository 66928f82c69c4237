//! Plain values that the stages hand to each other.
//!
//! Nothing in here reads a file, looks at the host or imports another module of ours.

pub mod address;
pub mod baseline;
pub mod change;
pub mod client;
pub mod engine;
pub mod field;
pub mod finding;
pub mod firewall;
pub mod flow;
pub mod guard;
pub mod host;
pub mod kept;
pub mod lock;
pub mod moment;
pub mod nearest;
pub mod opening;
pub mod origin;
pub mod packet;
pub mod policy;
pub mod project;
pub mod publication;
pub mod ruleset;
pub mod setting;
pub mod snapshot;
pub mod source;
pub mod system;
pub mod truth;
pub mod verdict;
