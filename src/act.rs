//! The only hands: what changes something outside this process.

pub mod child;
pub mod cut;
pub mod ending;
pub mod folder;
pub mod load;
pub mod memory;
pub mod output;
pub mod tables;
pub mod turn;
pub mod units;
pub mod write;
