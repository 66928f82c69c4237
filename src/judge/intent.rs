//! What the owner means to be open, held against what is found.

use crate::model::policy::{Exception, Grant};

/// Everything that says what is meant to be open.
#[derive(Debug, Default)]
pub struct Intent {
    /// Allowances: extension fields, labels, policy files.
    pub grants: Vec<Grant>,
    /// Comments that switch a rule off at one place.
    pub exceptions: Vec<Exception>,
}
