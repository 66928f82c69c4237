//! Says for every published container port whether it gets past the host firewall, and closes it.
//!
//! The stages, in the order in which data passes them; none calls an earlier one:
//!
//! 1. [`look`] sees the world: files, environment.
//! 2. [`read`] turns text into the values of [`model`].
//! 3. [`judge`] turns values into findings.
//! 4. [`remedy`] turns findings into edits, and a host into a lock, each proven by judging the result.
//! 5. [`report`] prints; [`act`] writes files, loads rules, runs commands.
//!
//! [`cli`] turns arguments into a job before all that; [`run`] does the job: it alone calls all stages.

pub mod act;
pub mod cli;
pub mod error;
pub mod judge;
pub mod look;
pub mod model;
pub mod read;
pub mod remedy;
pub mod report;
pub mod run;

// What the eyes and the hands both work with.
mod netlink;
mod own;
mod tool;
