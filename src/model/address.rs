//! Addresses as numbers, for ranges of them, and which of them count on one link only.

use super::packet::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as a number of its family.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address of a number in a family; numbers of v4 have 32 bits, and a higher one stands for the last address.
pub fn address(number: u128, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        Family::V6 => Ipv6Addr::from_bits(number).into(),
    }
}

/// The lowest and the highest address of a family.
pub fn ends(family: Family) -> (IpAddr, IpAddr) {
    (address(0, family), address(u128::MAX, family))
}

/// The address before another one; None before the lowest of its family.
pub fn before(this: IpAddr) -> Option<IpAddr> {
    number(this).checked_sub(1).map(|number| address(number, Family::of(this)))
}

/// The address after another one; None after the highest of its family.
pub fn after(this: IpAddr) -> Option<IpAddr> {
    let family = Family::of(this);
    (this < ends(family).1).then(|| address(number(this) + 1, family))
}

/// True for addresses that count on their own link only (v4's, RFC 3927, count on all: the kernel makes no difference there).
pub fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_follow_each_other_to_the_ends_of_their_family() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(after(address("10.0.0.255")), Some(address("10.0.1.0")));
        assert_eq!(before(address("2001:db8::")), Some(address("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff")));
        for family in [Family::V4, Family::V6] {
            let (lowest, highest) = ends(family);
            assert_eq!((before(lowest), after(highest)), (None, None));
            assert_eq!(after(before(highest).unwrap()), Some(highest));
        }
    }
}
