//! Plain values that the stages hand to each other.
//!
//! Nothing in here reads a file, looks at the host or imports another module of ours.

pub mod baseline;
pub mod finding;
pub mod nearest;
pub mod origin;
pub mod policy;
pub mod project;
pub mod publication;
pub mod setting;
pub mod source;
pub mod system;
