//! A set of groups of senders, by their numbers.

/// How many groups stand in the first part, which needs no memory of its own.
const FIRST: usize = 128;

/// Some of the groups of one interface and family. Only sets of the same groups are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    /// A bit for each of the first groups.
    first: u128,
    /// A bit for each of the others, lowest word first.
    others: Box<[u64]>,
}

impl Groups {
    /// None of `count` groups.
    pub(crate) fn none(count: usize) -> Self {
        Self { first: 0, others: vec![0; count.saturating_sub(FIRST).div_ceil(64)].into() }
    }

    /// The groups that `is_in` holds for, of `count`.
    pub(crate) fn of(count: usize, is_in: impl Fn(usize) -> bool) -> Self {
        let mut groups = Self::none(count);
        (0..count).filter(|group| is_in(*group)).for_each(|group| groups.insert(group));
        groups
    }

    /// Puts a group in.
    pub(crate) fn insert(&mut self, group: usize) {
        match group.checked_sub(FIRST) {
            None => self.first |= 1 << group,
            Some(other) => self.others[other / 64] |= 1 << (other % 64),
        }
    }

    /// True if no group is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.first == 0 && self.others.iter().all(|word| *word == 0)
    }

    /// The groups in both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let others = self.others.iter().zip(&other.others).map(|(own, other)| own & other).collect();
        Self { first: self.first & other.first, others }
    }

    /// The groups in either.
    pub(crate) fn or(&self, other: &Self) -> Self {
        let others = self.others.iter().zip(&other.others).map(|(own, other)| own | other).collect();
        Self { first: self.first | other.first, others }
    }

    /// The groups that are not in the other.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let others = self.others.iter().zip(&other.others).map(|(own, other)| own & !other).collect();
        Self { first: self.first & !other.first, others }
    }

    /// The numbers of the groups, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let found = self.from(next)?;
            next = found + 1;
            Some(found)
        })
    }

    /// The first group from a number on.
    fn from(&self, group: usize) -> Option<usize> {
        if group < FIRST {
            let rest = self.first >> group;
            if rest != 0 {
                return Some(group + rest.trailing_zeros() as usize);
            }
        }
        let from = group.saturating_sub(FIRST);
        let mut rest = self.others.get(from / 64).map_or(0, |word| word >> (from % 64) << (from % 64));
        for at in from / 64..self.others.len() {
            if rest != 0 {
                return Some(FIRST + at * 64 + rest.trailing_zeros() as usize);
            }
            rest = self.others.get(at + 1).copied().unwrap_or(0);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_few_and_of_many_groups_are_put_together_alike() {
        for count in [5, 128, 129, 300] {
            let even = Groups::of(count, |group| group % 2 == 0);
            let third = Groups::of(count, |group| group % 3 == 0);
            let numbers = |groups: &Groups| groups.iter().collect::<Vec<_>>();
            let wanted = |is_in: &dyn Fn(usize) -> bool| (0..count).filter(|group| is_in(*group)).collect::<Vec<_>>();
            assert_eq!(numbers(&even.and(&third)), wanted(&|group| group % 6 == 0), "{count}");
            assert_eq!(numbers(&even.or(&third)), wanted(&|group| group % 2 == 0 || group % 3 == 0), "{count}");
            assert_eq!(numbers(&even.without(&third)), wanted(&|group| group % 2 == 0 && group % 3 != 0), "{count}");
            assert!(even.without(&even).is_empty() && !even.is_empty());
        }
    }
}
