//! Three-valued truth: what is not known stays not known.

/// Whether something holds, after Kleene: unknown parts make the whole unknown only where they could change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It certainly does not hold.
    No,
    /// It cannot be told.
    Maybe,
    /// It certainly holds.
    Yes,
}

impl Truth {
    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one holds.
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// `self` where `negated` is false, its opposite where it is true.
    pub fn negate_if(self, negated: bool) -> Self {
        match (self, negated) {
            (Self::No, true) => Self::Yes,
            (Self::Yes, true) => Self::No,
            (truth, _) => truth,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{Maybe, No, Yes};

    #[test]
    fn an_unknown_part_matters_only_where_it_could_change_the_whole() {
        assert_eq!(No.and(Maybe), No);
        assert_eq!(Yes.and(Maybe), Maybe);
        assert_eq!(Yes.or(Maybe), Yes);
        assert_eq!(No.or(Maybe), Maybe);
    }

    #[test]
    fn the_opposite_of_unknown_is_unknown() {
        assert_eq!(Maybe.negate_if(true), Maybe);
        assert_eq!(Yes.negate_if(true), No);
        assert_eq!(No.negate_if(false), No);
    }
}
