//! The short syntax of a port: `[[IP:][HOST]:]CONTAINER[/PROTOCOL]`.
//!
//! In: a text after substitution. Out: its parts, or the reason for which Compose refuses it, in Compose's words. The rules are those
//! of go-connections 0.7 (`nat/nat.go`, `nat/parse.go`), the parser of Compose 5.

use crate::model::publication::{PortRange, Published};
use std::net::IpAddr;
use std::ops::Range;

/// A short entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The host address, without brackets.
    pub host_ip: Option<String>,
    /// The host port.
    pub published: Published,
    /// The container port or ports.
    pub target: PortRange,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// The bytes of the host port in the text; empty where there is none.
    pub published_bytes: Range<usize>,
    /// The bytes of the host address in the text, brackets included; empty where there is none.
    pub host_ip_bytes: Range<usize>,
}

/// Takes a short entry apart.
///
/// # Errors
/// The message of the loader.
pub fn parse(text: &str) -> Result<Short, String> {
    let (front, container) = text.rsplit_once(':').map_or(("", text), |(front, container)| (front, container));
    let has_host_part = container.len() < text.len();
    let (address, host_port) = front.rsplit_once(':').unwrap_or(("", front));
    let address_end = address.len();
    let (ports, protocol) = container.split_once('/').unwrap_or((container, ""));
    if ports.is_empty() {
        return Err(format!("no port specified: {text}<empty>"));
    }
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid proto: {protocol}"));
    }
    let host_ip = host_address(address)?;
    let target = range(ports).ok_or_else(|| format!("invalid containerPort: {ports}"))?;
    let published = if host_port.is_empty() {
        Published::Ephemeral
    } else {
        let host = range(host_port).ok_or_else(|| format!("invalid hostPort: {host_port}"))?;
        published(host, target)
            .ok_or_else(|| format!("invalid ranges specified for container and host Ports: {ports} and {host_port}"))?
    };
    let port_start = if front.len() > host_port.len() { address_end + 1 } else { 0 };
    let published_bytes = if has_host_part { port_start..port_start + host_port.len() } else { 0..0 };
    Ok(Short { host_ip, published, target, protocol, published_bytes, host_ip_bytes: 0..address_end })
}

/// A host range before one container port is a choice; before a range it must have as many ports.
fn published(host: PortRange, target: PortRange) -> Option<Published> {
    match (host.count(), target.count()) {
        (host_count, target_count) if host_count == target_count => Some(Published::Ports(host)),
        (_, 1) => Some(Published::OneOf(host)),
        _ => None,
    }
}

/// `net.ParseIP`: no zone, no leading zeros, no name; brackets are taken off first.
fn host_address(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(|| format!("invalid IP address {text}: missing ']' in address"))?,
        None => text,
    };
    if bare.is_empty() {
        return Ok(None);
    }
    match bare.parse::<IpAddr>() {
        Ok(_) => Ok(Some(bare.to_owned())),
        Err(_) => Err(format!("invalid IP address: {bare}")),
    }
}

/// `N` or `N-M`, decimal, 0 to 65535, ascending.
pub fn range(text: &str) -> Option<PortRange> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) if first != last => (number(first)?, number(last)?),
        Some((first, _)) => (number(first)?, number(first)?),
        None => (number(text)?, number(text)?),
    };
    (first <= last).then_some(PortRange { first, last })
}

/// Go's `strconv.ParseInt(text, 10, 0)` within 0 to 65535: an optional sign, digits, nothing else.
fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port <= 65535)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Err(error) => error,
            Ok(short) => format!("{:?} {:?} {}/{}", short.host_ip, short.published, short.target, short.protocol),
        }
    }

    #[test]
    fn the_bytes_of_the_parts_are_where_they_stand() {
        for (text, address, port) in
            [("[::1]:81:80", "[::1]", "81"), ("81:80", "", "81"), ("80", "", ""), (":::82:80", "::", "82"), ("::80", "", "")]
        {
            let short = parse(text).unwrap();
            assert_eq!((&text[short.host_ip_bytes], &text[short.published_bytes]), (address, port), "{text}");
        }
    }

    #[test]
    fn entries_are_taken_apart_as_the_loader_does() {
        for (text, expected) in [
            ("80", "None Ephemeral 80/tcp"),
            (":84:84/UDP", "None Ports(PortRange { first: 84, last: 84 }) 84/udp"),
            ("0120:0080", "None Ports(PortRange { first: 120, last: 120 }) 80/tcp"),
            ("8000-8002:90", "None OneOf(PortRange { first: 8000, last: 8002 }) 90/tcp"),
            ("::1:82:82", "Some(\"::1\") Ports(PortRange { first: 82, last: 82 }) 82/tcp"),
            ("[0.0.0.0]:80:80", "Some(\"0.0.0.0\") Ports(PortRange { first: 80, last: 80 }) 80/tcp"),
            ("84:", "no port specified: 84:<empty>"),
            ("/tcp", "no port specified: /tcp<empty>"),
            ("localhost:80:80", "invalid IP address: localhost"),
            ("::80:80", "invalid IP address: :"),
            ("1.2.3.4:80", "invalid hostPort: 1.2.3.4"),
            ("80 : 80", "invalid containerPort:  80"),
            ("80:80/tcp/udp", "invalid proto: tcp/udp"),
            ("0x50:80", "invalid hostPort: 0x50"),
            ("80:65536", "invalid containerPort: 65536"),
            ("8000-8003:9000-9002", "invalid ranges specified for container and host Ports: 9000-9002 and 8000-8003"),
            ("6061/tcp:6061", "invalid hostPort: 6061/tcp"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
