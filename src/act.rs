//! The only hands: what changes something outside this process.

pub mod folder;
pub mod output;
pub mod write;
