//! Small values as the network tools write them. A text that is not wholly understood gives None.

use crate::model::ruleset::Span;
use ipnet::IpNet;
use std::net::IpAddr;

/// A decimal or hexadecimal number: `16`, `0x10`.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A value and its mask, `0x1/0xff`; without a mask, all bits.
pub(super) fn masked(text: &str) -> Option<(u32, u32)> {
    match text.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(text)?, u32::MAX)),
    }
}

/// An address or a prefix: `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32`.
pub(super) fn net(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else { return Some(IpNet::from(text.parse::<IpAddr>().ok()?)) };
    let address: IpAddr = address.parse().ok()?;
    match length.parse() {
        Ok(length) => IpNet::new(address, length).ok(),
        Err(_) => IpNet::with_netmask(address, length.parse().ok()?).ok(),
    }
    .map(|net| net.trunc())
}

/// The same as a span; a mask need not be a prefix: `10.0.0.1/255.0.0.255`.
pub(super) fn net_span(text: &str) -> Option<Span> {
    if let Some(net) = net(text) {
        return Some(net.into());
    }
    let (address, mask) = text.split_once('/')?;
    let (address, mask): (IpAddr, IpAddr) = (address.parse().ok()?, mask.parse().ok()?);
    (address.is_ipv4() == mask.is_ipv4()).then_some(Span::AddressBits(address, mask))
}

/// The addresses of a short range, in order; a longer one is not spelled out.
pub(super) fn spelled_out(first: IpAddr, last: IpAddr) -> Option<Vec<IpAddr>> {
    const LONGEST: usize = 16;
    let all: Vec<IpAddr> = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            ipnet::Ipv4AddrRange::new(first, last).take(LONGEST + 1).map(IpAddr::from).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            ipnet::Ipv6AddrRange::new(first, last).take(LONGEST + 1).map(IpAddr::from).collect()
        }
        _ => return None,
    };
    (1..=LONGEST).contains(&all.len()).then_some(all)
}

/// An address, a prefix or a range of addresses: `192.0.2.1-192.0.2.9`.
pub(super) fn addresses(text: &str) -> Option<Span> {
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
            (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Span::Address(first, last))
        }
        None => net(text).map(Span::from),
    }
}

/// A port or a range of ports with `separator` between its ends; an end that is left out is the first or the last port.
pub(super) fn ports(text: &str, separator: char) -> Option<(u16, u16)> {
    let end = |text: &str, default| if text.is_empty() { Some(default) } else { text.parse().ok() };
    match text.split_once(separator) {
        Some((first, last)) => Some((end(first, 0)?, end(last, u16::MAX)?)).filter(|(first, last)| first <= last),
        None => text.parse().ok().map(|port| (port, port)),
    }
}

/// The same as a span.
pub(super) fn port_span(text: &str, separator: char) -> Option<Span> {
    ports(text, separator).map(|(first, last)| Span::Number(first.into(), last.into()))
}

/// The name of an interface; one that ends in `wildcard` stands for all that begin so.
pub(super) fn interface(text: &str, wildcard: char) -> Span {
    match text.strip_suffix(wildcard) {
        Some("") => Span::Any,
        Some(prefix) => Span::NamePrefix(prefix.into()),
        None => Span::Name(text.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn prefixes_are_read_with_a_length_or_a_netmask() {
        assert_eq!(net("10.1.2.3/8"), net("10.0.0.0/255.0.0.0"));
        assert_eq!(net("10.0.0.0/255.0.255.0"), None);
        assert_eq!(net("fe80::/10").unwrap().prefix_len(), 10);
        assert_eq!(net("10.0.0.0/33"), None);
    }

    #[test]
    fn a_mask_that_is_no_prefix_is_kept_as_it_is() {
        let (bits, mask) = ("10.0.0.1".parse().unwrap(), "255.0.0.255".parse().unwrap());
        assert_eq!(net_span("10.0.0.1/255.0.0.255"), Some(Span::AddressBits(bits, mask)));
        assert_eq!(net_span("10.0.0.0/255.0.0.0"), net("10.0.0.0/8").map(Span::from));
        assert_eq!(net_span("fe80::/ffff::"), net("fe80::/16").map(Span::from));
        assert_eq!(net_span("10.0.0.1/ffff::1"), None);
    }

    #[test]
    fn only_a_short_range_is_spelled_out() {
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(spelled_out(address("10.0.0.254"), address("10.0.1.1")).unwrap().len(), 4);
        assert_eq!(spelled_out(address("10.0.0.0"), address("10.255.255.255")), None);
        assert_eq!(spelled_out(address("10.0.0.2"), address("10.0.0.1")), None);
    }

    #[test]
    fn open_ends_of_a_port_range_are_the_first_and_the_last_port() {
        assert_eq!(ports(":1023", ':'), Some((0, 1023)));
        assert_eq!(ports("1024:", ':'), Some((1024, 65535)));
        assert_eq!(ports("http", ':'), None);
        assert_eq!(ports("9:1", ':'), None);
    }

    #[test]
    fn marks_have_an_optional_mask() {
        assert_eq!(masked("0x10/0xff"), Some((16, 255)));
        assert_eq!(masked("7"), Some((7, u32::MAX)));
        assert_eq!(masked("7/"), None);
    }
}
