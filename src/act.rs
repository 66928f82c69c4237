//! The only hands: what changes something outside this process.

pub mod write;
