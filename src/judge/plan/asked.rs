//! Which circles of senders the rules of a plan ask for.

use super::members::{Inside, Member, Members, Part};
use super::{Action, Chain, Decision, Idle, Plan, Step, Test, Translation};
use std::collections::BTreeSet;

impl Plan {
    /// The circles that a walk asks for which passes over idle chains. `is_own`: the packets are the host's own, and come back in.
    pub(crate) fn circles(&self, is_own: bool) -> BTreeSet<usize> {
        let mut circles = BTreeSet::new();
        let mut walked: BTreeSet<(usize, usize)> = BTreeSet::new();
        let is_idle = |idle| idle == Idle::Always || idle == Idle::AtTheEnd && !is_own;
        let called = self.orders.all().filter(|called| !is_idle(called.idle));
        let mut waiting: Vec<(usize, usize)> = called.map(|called| (called.table, called.chain)).collect();
        while let Some((table, at)) = waiting.pop() {
            if walked.insert((table, at)) {
                let chain = &self.tables[table].chains[at];
                of_chain(chain, &mut circles);
                waiting.extend(calls(chain).map(|target| (table, target)));
            }
        }
        circles
    }
}

/// The chains that a chain calls.
fn calls(chain: &Chain) -> impl Iterator<Item = usize> {
    let decisions = chain.rules.iter().flat_map(|rule| &rule.steps).flat_map(|step| match step {
        Step::Act(Action::Decide(decision)) => vec![*decision],
        Step::Act(Action::Lookup { map, .. }) => map.entries.iter().map(|(_, decision)| *decision).collect(),
        _ => Vec::new(),
    });
    let target = |decision| match decision {
        Decision::Jump(target) | Decision::Goto(target) => target,
        _ => None,
    };
    decisions.filter_map(target)
}

fn of_chain(chain: &Chain, circles: &mut BTreeSet<usize>) {
    for step in chain.rules.iter().flat_map(|rule| &rule.steps) {
        match step {
            Step::Test(Test::Fields { among, .. }) => of_members(among, circles),
            Step::Act(Action::Lookup { map, .. }) => map.entries.iter().for_each(|(member, _)| of_member(member, circles)),
            Step::Act(Action::Translate(Translation::Destination(targets))) => {
                targets.iter().flat_map(|target| &target.when).for_each(|(_, part)| of_part(part, circles));
            }
            _ => {}
        }
    }
}

fn of_members(members: &Members, circles: &mut BTreeSet<usize>) {
    for inside in [Some(&members.inside), members.exceptions.as_ref()].into_iter().flatten() {
        match inside {
            Inside::Senders(circle) => {
                circles.insert(*circle);
            }
            Inside::Listed(members, _) => members.iter().for_each(|member| of_member(member, circles)),
            Inside::One(part) => of_part(part, circles),
            Inside::Addresses(_) | Inside::Numbers(_) | Inside::Names(..) => {}
        }
    }
}

fn of_member(member: &Member, circles: &mut BTreeSet<usize>) {
    member.iter().for_each(|part| of_part(part, circles));
}

fn of_part(part: &Part, circles: &mut BTreeSet<usize>) {
    if let Part::Senders(circle) = part {
        circles.insert(*circle);
    }
}
