//! A rule of iptables-save in its parts, to hold it against another view of the same rule.

use super::words::Line;
use super::{Context, matches};
use crate::model::packet::Family;
use crate::model::ruleset::Step;
use crate::read::changes::Changes;

/// What a rule says, apart by who says it.
pub(in crate::read) struct Parts {
    /// The tests of the options that belong to no match: `-s`, `-i`, `-p`.
    pub(in crate::read) header: Vec<Step>,
    /// The names of the matches, with their tests; what an ipset holds is not known here.
    pub(in crate::read) matches: Vec<(String, Vec<Step>)>,
    /// The name of the target, or the chain.
    pub(in crate::read) target: Option<String>,
}

impl Parts {
    /// Reads `-A CHAIN …`; None for anything else.
    pub(in crate::read) fn read(text: &str, family: Family) -> Option<Self> {
        let line = Line::read(text)?;
        let changes = Changes::default();
        let context = Context { family, sets: None, changes: &changes, save: "", moment: None };
        let mut groups = line.matches.into_iter().map(|group| {
            let steps = matches::of_group(&group, false, &context);
            (group.name, steps)
        });
        let (_, header) = groups.next()?;
        Some(Self { header, matches: groups.collect(), target: line.target.map(|target| target.name) })
    }
}
