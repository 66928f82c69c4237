//! The only eyes: what is read of the world. Nothing is judged here, and nothing is changed.

pub mod clock;
pub mod environment;
pub mod files;
pub mod flows;
pub mod host;
pub mod memory;
pub mod names;
pub mod snapshot;
pub mod walk;
