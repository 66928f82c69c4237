//! Whether something holds, for packets of many senders at once.

use crate::judge::sources::crowd::Parts;
use crate::judge::sources::groups::Groups;
use crate::model::truth::Truth;

/// Whether something holds for each of some groups of senders, after Kleene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The same for all.
    All(Truth),
    /// For these groups it certainly holds; for these it holds or may hold; for the rest it does not.
    Some { yes: Groups, possible: Groups },
}

impl Fit {
    /// It holds for those in `yes` only.
    pub(crate) fn only(yes: &Groups) -> Self {
        Self::Some { yes: yes.clone(), possible: yes.clone() }
    }

    /// By an answer that parts the groups.
    pub(crate) fn by<T>(parts: &Parts<T>, among: &Groups, truth: impl Fn(&T) -> Truth) -> Self {
        let no = Self::All(Truth::No);
        let part = |(answer, groups): &(T, Groups)| Self::only(groups).and(Self::All(truth(answer)));
        match parts.as_slice() {
            [(answer, _)] => Self::All(truth(answer)),
            parts => parts.iter().map(part).fold(no, |all, one| all.or(one, among)),
        }
    }

    /// True if it holds for none of these.
    pub(crate) fn is_impossible(&self, among: &Groups) -> bool {
        match self {
            Self::All(truth) => *truth == Truth::No,
            Self::Some { possible, .. } => possible.and(among).is_empty(),
        }
    }

    /// The groups for which it holds, and those for which it holds or may.
    pub(crate) fn sets(self, among: &Groups) -> (Groups, Groups) {
        match self {
            Self::All(Truth::Yes) => (among.clone(), among.clone()),
            Self::All(Truth::Maybe) => (among.without(among), among.clone()),
            Self::All(Truth::No) => (among.without(among), among.without(among)),
            Self::Some { yes, possible } => (yes.and(among), possible.and(among)),
        }
    }

    /// Both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(one), Self::All(other)) => Self::All(one.and(other)),
            (Self::All(Truth::Yes), fit) | (fit, Self::All(Truth::Yes)) => fit,
            (Self::All(Truth::No), _) | (_, Self::All(Truth::No)) => Self::All(Truth::No),
            (Self::All(Truth::Maybe), Self::Some { yes, possible }) | (Self::Some { yes, possible }, Self::All(Truth::Maybe)) => {
                Self::Some { yes: yes.without(&yes), possible }
            }
            (Self::Some { yes, possible }, Self::Some { yes: own, possible: others }) => {
                Self::Some { yes: yes.and(&own), possible: possible.and(&others) }
            }
        }
    }

    /// At least one holds; it is asked for the groups in `among` only.
    pub(crate) fn or(self, other: Self, among: &Groups) -> Self {
        match (self, other) {
            (Self::All(one), Self::All(other)) => Self::All(one.or(other)),
            (Self::All(Truth::No), fit) | (fit, Self::All(Truth::No)) => fit,
            (Self::All(Truth::Yes), _) | (_, Self::All(Truth::Yes)) => Self::All(Truth::Yes),
            (one, other) => {
                let ((yes, possible), (own, others)) = (one.sets(among), other.sets(among));
                Self::Some { yes: yes.or(&own), possible: possible.or(&others) }
            }
        }
    }

    /// The same where `negated` is false, its opposite where it is true; it is asked for the groups in `among` only.
    pub(crate) fn negate_if(self, negated: bool, among: &Groups) -> Self {
        match self {
            Self::All(truth) => Self::All(truth.negate_if(negated)),
            Self::Some { yes, possible } if negated => {
                Self::Some { yes: among.without(&possible), possible: among.without(&yes) }
            }
            fit @ Self::Some { .. } => fit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Truth::{Maybe, No, Yes};

    /// What a fit says of nine groups, each of which stands for two truths.
    fn truths(fit: &Fit, among: &Groups) -> Vec<Truth> {
        let (yes, possible) = fit.clone().sets(among);
        let is_in = |groups: &Groups, group| groups.iter().any(|own| own == group);
        let truth = |group| match (is_in(&yes, group), is_in(&possible, group)) {
            (true, _) => Yes,
            (false, true) => Maybe,
            (false, false) => No,
        };
        (0..9).map(truth).collect()
    }

    #[test]
    fn many_truths_are_put_together_as_single_ones_are() {
        let all = [No, Maybe, Yes];
        let among = Groups::of(9, |_| true);
        let fit = |truth: &dyn Fn(usize) -> Truth| Fit::Some {
            yes: Groups::of(9, |group| truth(group) == Yes),
            possible: Groups::of(9, |group| truth(group) != No),
        };
        let (first, second) = (|group: usize| all[group / 3], |group: usize| all[group % 3]);
        let same = |wanted: &dyn Fn(usize) -> Truth, fit: Fit| {
            assert_eq!(truths(&fit, &among), (0..9).map(wanted).collect::<Vec<_>>(), "{fit:?}");
        };
        same(&|group| first(group).and(second(group)), fit(&first).and(fit(&second)));
        same(&|group| first(group).or(second(group)), fit(&first).or(fit(&second), &among));
        same(&|group| first(group).negate_if(true), fit(&first).negate_if(true, &among));
        for truth in all {
            same(&|group| first(group).and(truth), fit(&first).and(Fit::All(truth)));
            same(&|group| first(group).or(truth), Fit::All(truth).or(fit(&first), &among));
        }
    }
}
