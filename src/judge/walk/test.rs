//! Whether a rule's test holds for a packet.

use super::super::ground::Ground;
use super::world::{State, Tracking, World};
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Set, Span, Test, ct_state};
use crate::model::truth::Truth;
use std::net::IpAddr;
use std::sync::Arc;

/// The ports that any client may take as its own; which one, nobody knows.
const CLIENT_PORTS: (u32, u32) = (1024, 65535);

/// What a field holds.
enum Field {
    /// The packet has no such field.
    Absent,
    /// It could be anything.
    Unknown,
    /// A number; only the bits of the mask are known.
    Number(u32, u32),
    /// A number of this range.
    Within(u32, u32),
    Address(IpAddr),
    Name(Arc<str>),
}

/// Whether a test holds.
///
/// A field that the packet has not ends the rule, negated or not (net/netfilter/nf_tables_core.c, NFT_BREAK).
pub(super) fn holds(ground: &Ground<'_>, test: &Test, world: &World) -> Truth {
    match test {
        Test::Unknown(_) => Truth::Maybe,
        Test::Fields { selectors, among, negated } => {
            // Most tests look at one field: nothing is gathered for them.
            let (one, many);
            let fields: &[Field] = if let [selector] = selectors.as_slice() {
                one = [field(ground, selector.key, &world.state)];
                &one
            } else {
                many = selectors.iter().map(|selector| field(ground, selector.key, &world.state)).collect::<Vec<_>>();
                &many
            };
            if fields.iter().any(|field| matches!(field, Field::Absent)) {
                return Truth::No;
            }
            contains(among, selectors, fields).negate_if(*negated)
        }
    }
}

/// Whether each field fits its span.
pub(super) fn all_fit(ground: &Ground<'_>, selectors: &[Selector], spans: &[Span], world: &World) -> Truth {
    let fields: Vec<Field> = selectors.iter().map(|selector| field(ground, selector.key, &world.state)).collect();
    member(selectors, &fields, spans)
}

/// Whether one field fits one span.
pub(super) fn fits_one(ground: &Ground<'_>, selector: Selector, span: &Span, world: &World) -> Truth {
    fits(&field(ground, selector.key, &world.state), selector.mask, span)
}

fn contains(set: &Set, selectors: &[Selector], fields: &[Field]) -> Truth {
    let any = |members: &[Vec<Span>]| {
        let mut truth = Truth::No;
        for spans in members {
            truth = truth.or(member(selectors, fields, spans));
            if truth == Truth::Yes {
                break;
            }
        }
        truth
    };
    let inside = any(&set.members);
    if inside != Truth::No && any(&set.exceptions) != Truth::No { Truth::Maybe } else { inside }
}

fn member(selectors: &[Selector], fields: &[Field], spans: &[Span]) -> Truth {
    let parts = selectors.iter().zip(fields).zip(spans);
    parts.fold(Truth::Yes, |truth, ((selector, field), span)| truth.and(fits(field, selector.mask, span)))
}

fn fits(field: &Field, mask: Option<u32>, span: &Span) -> Truth {
    match (field, span) {
        (Field::Absent, _) => Truth::No,
        (_, Span::Any) => Truth::Yes,
        (Field::Address(address), Span::Address(first, last)) => {
            Truth::from(address.is_ipv4() == first.is_ipv4() && first <= address && address <= last)
        }
        (Field::Address(address), Span::AddressBits(bits, mask)) => Truth::from(has_bits(*address, *bits, *mask)),
        (Field::Name(name), Span::Name(wanted)) => Truth::from(name == wanted),
        (Field::Name(name), Span::NamePrefix(prefix)) => Truth::from(name.starts_with(&**prefix)),
        (Field::Number(value, known), span) => number(*value, *known, mask.unwrap_or(u32::MAX), span),
        (Field::Within(first, last), Span::Number(low, high)) if mask.is_none() => {
            Truth::Maybe.or(Truth::from(low <= first && last <= high))
        }
        (Field::Within(..) | Field::Unknown, _) => Truth::Maybe,
        _ => Truth::No,
    }
}

/// True if an address has these bits under the mask.
fn has_bits(address: IpAddr, bits: IpAddr, mask: IpAddr) -> bool {
    match (address, bits, mask) {
        (IpAddr::V4(address), IpAddr::V4(bits), IpAddr::V4(mask)) => address & mask == bits & mask,
        (IpAddr::V6(address), IpAddr::V6(bits), IpAddr::V6(mask)) => address & mask == bits & mask,
        _ => false,
    }
}

/// A number of which only the bits in `known` are known, looked at through `mask`.
fn number(value: u32, known: u32, mask: u32, span: &Span) -> Truth {
    match *span {
        Span::AnyBit(bits) if value & known & mask & bits != 0 => Truth::Yes,
        Span::AnyBit(bits) if mask & bits & !known == 0 => Truth::No,
        Span::Number(low, high) if mask & !known == 0 => Truth::from((low..=high).contains(&(value & mask))),
        Span::Number(only, high) if only == high && (only ^ value) & known & mask != 0 => Truth::No,
        Span::AnyBit(_) | Span::Number(..) => Truth::Maybe,
        _ => Truth::No,
    }
}

/// The value of a field.
fn field(ground: &Ground<'_>, key: Key, state: &State) -> Field {
    match key {
        Key::InInterface => Field::Name(state.input.clone()),
        Key::OutInterface => Field::Name(state.output.clone()),
        Key::Family => exactly(state.family.number()),
        Key::Protocol => exactly(state.protocol.0.into()),
        Key::Source => state.source.map_or(Field::Unknown, Field::Address),
        Key::Destination => Field::Address(state.destination),
        Key::SourcePort if state.protocol.has_ports() => Field::Within(CLIENT_PORTS.0, CLIENT_PORTS.1),
        Key::DestinationPort if state.protocol.has_ports() => state.port.map_or(Field::Unknown, |port| exactly(port.into())),
        // A SYN may ask for congestion notification (ECE and CWR).
        Key::TcpFlags if state.protocol == Protocol::TCP => Field::Number(2, 0x3f),
        Key::IcmpType | Key::IcmpCode if matches!(state.protocol, Protocol::ICMP | Protocol::ICMPV6) => Field::Unknown,
        Key::SourcePort | Key::DestinationPort | Key::TcpFlags | Key::IcmpType | Key::IcmpCode => Field::Absent,
        // Whether the packet may be fragmented on its way is its sender's choice (bit 0x4000).
        Key::Fragment => Field::Number(0, !0x4000),
        Key::Mark => exactly(state.mark),
        Key::Opaque => Field::Unknown,
        Key::Owner if state.input.is_empty() => Field::Unknown,
        Key::Owner | Key::Ipsec => exactly(0),
        Key::InBridge => bridge(ground, &state.input),
        Key::OutBridge => bridge(ground, &state.output),
        Key::PacketType | Key::SourceType | Key::DestinationType | Key::DestinationTypeHere => {
            routed(ground, key, state).map_or(Field::Unknown, exactly)
        }
        Key::ReversePath | Key::AnyReversePath | Key::Bridged => match way_back(ground, key, state) {
            Truth::Yes => exactly(1),
            Truth::No => exactly(0),
            Truth::Maybe => Field::Unknown,
        },
        _ => connection(key, state),
    }
}

/// The bridge that an interface is a port of (net/bridge/netfilter/nft_meta_bridge.c, `nft_meta_get_bridge`).
fn bridge(ground: &Ground<'_>, port: &str) -> Field {
    let master = ground.host.link(port).and_then(|link| link.master.as_deref()).and_then(|name| ground.host.link(name));
    match master {
        Some(bridge) if bridge.kind.as_deref() == Some("bridge") => Field::Name(bridge.name.clone()),
        _ => Field::Absent,
    }
}

fn exactly(number: u32) -> Field {
    Field::Number(number, u32::MAX)
}

/// What connection tracking knows. Without a tracked connection only its state can be asked for.
fn connection(key: Key, state: &State) -> Field {
    let bit = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
    match key {
        Key::CtState => exactly(state.connection()),
        Key::CtStateOrNat => {
            exactly(state.connection() | bit(state.nat.destination, ct_state::DNAT) | bit(state.nat.source, ct_state::SNAT))
        }
        _ if state.tracking != Tracking::New => Field::Absent,
        // IPS_DST_NAT and IPS_SRC_NAT. IPS_SRC_NAT_DONE and IPS_DST_NAT_DONE say that the nat chains were asked; that is not followed.
        Key::CtStatus => Field::Number(bit(state.nat.destination, 32) | bit(state.nat.source, 16), !0x180),
        Key::CtDirection => exactly(0),
        Key::CtMark => exactly(state.ct_mark),
        Key::CtSource => Field::Address(state.original.0),
        Key::CtDestination => Field::Address(state.original.1),
        Key::CtReplyDestinationPort if state.nat.source => Field::Unknown,
        Key::CtSourcePort | Key::CtReplyDestinationPort => Field::Within(CLIENT_PORTS.0, CLIENT_PORTS.1),
        Key::CtDestinationPort => exactly(state.original.2.into()),
        // Whoever the packet is for now, answers (net/netfilter/nf_nat_core.c, `nf_nat_setup_info`).
        Key::CtReplySource => Field::Address(state.destination),
        Key::CtReplySourcePort => state.port.map_or(Field::Unknown, |port| exactly(port.into())),
        Key::CtReplyDestination => state.source.map_or(Field::Unknown, Field::Address),
        _ => Field::Unknown,
    }
}

/// What the routing table says of the packet's addresses.
fn routed(ground: &Ground<'_>, key: Key, state: &State) -> Option<u32> {
    match key {
        Key::SourceType => ground.address_type(state.source?, None),
        Key::DestinationType => ground.address_type(state.destination, None),
        Key::DestinationTypeHere => ground.address_type(state.destination, Some(&state.input)),
        _ => match ground.address_type(state.destination, None)? {
            3 => Some(1),
            5 => Some(2),
            _ => Some(0),
        },
    }
}

fn way_back(ground: &Ground<'_>, key: Key, state: &State) -> Truth {
    match (key, state.source) {
        (Key::Bridged, _) => ground.is_bridged(state),
        (_, None) => Truth::Maybe,
        (Key::ReversePath, Some(source)) => ground.leads_back(source, Some(&state.input), state.mark),
        (_, Some(source)) => ground.leads_back(source, None, state.mark),
    }
}
