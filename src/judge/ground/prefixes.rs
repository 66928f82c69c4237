//! Things under address prefixes, found by an address.

use ipnet::IpNet;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

/// Numbers of things, each under a prefix.
#[derive(Default)]
pub(super) struct Prefixes {
    things: HashMap<IpNet, Vec<usize>>,
    /// The lengths that prefixes have, longest first: v4, v6.
    lengths: [Vec<u8>; 2],
}

impl Prefixes {
    /// Puts a thing under a prefix; bits of the address behind its length play no part.
    pub(super) fn insert(&mut self, prefix: IpNet, thing: usize) {
        let lengths = &mut self.lengths[usize::from(prefix.addr().is_ipv6())];
        if let Err(at) = lengths.binary_search_by_key(&Reverse(prefix.prefix_len()), |length| Reverse(*length)) {
            lengths.insert(at, prefix.prefix_len());
        }
        self.things.entry(prefix.trunc()).or_default().push(thing);
    }

    /// What stands under each prefix that holds an address, with its length; longest first.
    pub(super) fn by_length(&self, address: IpAddr) -> impl Iterator<Item = (u8, &[usize])> {
        self.lengths[usize::from(address.is_ipv6())].iter().filter_map(move |length| {
            let prefix = IpNet::new(address, *length).ok()?.trunc();
            Some((*length, self.things.get(&prefix)?.as_slice()))
        })
    }

    /// All that stands under prefixes that hold an address.
    pub(super) fn containing(&self, address: IpAddr) -> impl Iterator<Item = usize> {
        self.by_length(address).flat_map(|(_, things)| things.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_finds_all_prefixes_that_hold_it_the_longest_first() {
        let mut prefixes = Prefixes::default();
        for (at, prefix) in ["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "10.1.0.0/16", "fd00::/8"].iter().enumerate() {
            prefixes.insert(prefix.parse().unwrap(), at);
        }
        assert_eq!(prefixes.containing("10.1.2.3".parse().unwrap()).collect::<Vec<_>>(), [1, 3, 0, 2]);
        assert_eq!(prefixes.containing("fd00::1".parse().unwrap()).collect::<Vec<_>>(), [4]);
        assert_eq!(prefixes.containing("fe80::1".parse().unwrap()).count(), 0);
    }
}
