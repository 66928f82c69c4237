//! Where a walk takes place: the host, its rules, and who sends.

use crate::judge::ground::Ground;
use crate::judge::plan::Plan;
use crate::judge::plan::addresses::Addresses;
use crate::judge::sources::crowd::Crowd;
use crate::judge::sources::groups::Groups;

/// Everything that a packet meets.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) plan: &'a Plan,
    /// The circles of senders that rules ask for, by their number.
    pub(crate) circles: &'a [Addresses],
    pub(crate) crowd: &'a Crowd,
}

impl<'a> Scene<'a> {
    /// The groups in a circle.
    pub(crate) fn within(&self, circle: usize) -> &'a Groups {
        self.crowd.within(circle, self.circles)
    }
}
