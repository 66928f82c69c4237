//! Ranges of addresses, sorted, so that one is found among thousands.

use crate::model::address::{address, number};
use crate::model::packet::Family;
use std::net::IpAddr;

/// Addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Addresses {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Addresses {
    /// The addresses of these ranges, both ends of each inclusive.
    pub(crate) fn of(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> Self {
        let mut all = Self::default();
        for (first, last) in ranges {
            let family = if first.is_ipv6() { &mut all.v6 } else { &mut all.v4 };
            family.push((number(first), number(last)));
        }
        all.v4 = joined(all.v4);
        all.v6 = joined(all.v6);
        all
    }

    /// True if an address is among them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let (ranges, wanted) = (self.ranges(address.is_ipv6()), number(address));
        let at = ranges.partition_point(|(_, last)| *last < wanted);
        ranges.get(at).is_some_and(|(first, _)| *first <= wanted)
    }

    /// True if no address is among them.
    pub(crate) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The ranges of one family, in order; between two there is at least one address.
    pub(crate) fn ranges(&self, is_v6: bool) -> &[(u128, u128)] {
        if is_v6 { &self.v6 } else { &self.v4 }
    }
}

/// Ranges in order, those that touch as one. A range whose ends are in the wrong order holds nothing.
pub(crate) fn joined(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.retain(|(first, last)| first <= last);
    ranges.sort_unstable();
    let mut kept: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match kept.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => kept.push((first, last)),
        }
    }
    kept
}

/// The ranges of addresses that have these bits under a mask; None for more than a few thousand of them.
pub(super) fn under_mask(bits: IpAddr, mask: IpAddr) -> Option<Vec<(IpAddr, IpAddr)>> {
    const MOST: u32 = 12;
    let family = Family::of(bits);
    let width: u32 = if family == Family::V4 { 32 } else { 128 };
    let (bits, mask) = (number(bits) & number(mask), number(mask));
    let low = mask.trailing_zeros().min(width);
    let free: Vec<u32> = (low..width).filter(|at| mask >> at & 1 == 0).collect();
    if free.len() > MOST as usize {
        return None;
    }
    let ends = if low == 128 { u128::MAX } else { (1 << low) - 1 };
    let range = |choice: u32| {
        let chosen = (0..).zip(&free).filter(|(at, _)| choice >> at & 1 == 1).fold(bits, |all, (_, place)| all | 1 << place);
        (address(chosen, family), address(chosen | ends, family))
    };
    Some((0..1_u32 << free.len()).map(range).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mask_that_is_no_prefix_stands_for_several_ranges() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let ranges = under_mask(address("10.0.9.0"), address("255.0.255.0")).unwrap();
        assert_eq!(ranges.len(), 256);
        assert_eq!(ranges[1], (address("10.1.9.0"), address("10.1.9.255")));
        assert_eq!(under_mask(address("10.0.0.1"), address("255.0.0.255")), None, "too many");
        assert_eq!(
            under_mask(address("::"), address("::")).unwrap(),
            [(address("::"), address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))]
        );
        assert_eq!(
            under_mask(address("10.1.2.3"), address("255.255.255.255")).unwrap(),
            [(address("10.1.2.3"), address("10.1.2.3"))]
        );
    }

    #[test]
    fn an_address_is_found_among_ranges_that_touch_overlap_or_stand_apart() {
        let range = |first: &str, last: &str| (first.parse().unwrap(), last.parse().unwrap());
        let all = Addresses::of([
            range("10.0.0.8", "10.0.0.9"),
            range("10.0.0.0", "10.0.0.7"),
            range("10.0.0.4", "10.0.0.5"),
            range("10.0.0.11", "10.0.0.11"),
            range("fd00::1", "fd00::ff"),
        ]);
        assert_eq!(all.ranges(false).len(), 2);
        for (text, is_in) in
            [("10.0.0.0", true), ("10.0.0.9", true), ("10.0.0.10", false), ("10.0.0.11", true), ("fd00::80", true), ("::", false)]
        {
            assert_eq!(all.contains(text.parse().unwrap()), is_in, "{text}");
        }
    }
}
