//! Whether a rule's test holds for a packet.

use super::fit::Fit;
use super::scene::Scene;
use super::world::{Device, State, Tracking, World};
use crate::judge::plan::{Decision, Exact, Finder, Inside, Map, Member, Members, Part, Test};
use crate::judge::sources::crowd::Parts;
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Span, ct_state};
use crate::model::truth::Truth;
use std::borrow::Cow;
use std::net::IpAddr;

/// The ports that any client may take as its own; which one, nobody knows.
const CLIENT_PORTS: (u32, u32) = (1024, 65535);

/// What a field holds.
enum Field<'a> {
    /// The packet has no such field.
    Absent,
    /// It could be anything.
    Unknown,
    /// A number; only the bits of the mask are known.
    Number(u32, u32),
    /// A number of this range.
    Within(u32, u32),
    Address(IpAddr),
    Name(&'a str),
    /// The address of the sender.
    Sender,
    /// A number that hangs on the sender; None: it could be any.
    BySender(Cow<'a, Parts<Option<u32>>>),
}

/// Whether a test holds.
///
/// A field that the packet has not ends the rule, negated or not (net/netfilter/nf_tables_core.c, NFT_BREAK).
pub(super) fn holds(scene: Scene<'_>, test: &Test, world: &World<'_>) -> Fit {
    match test {
        Test::Unknown => Fit::All(Truth::Maybe),
        Test::Fields { selectors, among, negated } => {
            // Most tests look at one field: nothing is gathered for them.
            let (one, many);
            let fields: &[Field<'_>] = if let [selector] = &**selectors {
                one = [field(scene, selector.key, &world.state)];
                &one
            } else {
                many = selectors.iter().map(|selector| field(scene, selector.key, &world.state)).collect::<Vec<_>>();
                &many
            };
            if fields.iter().any(|field| matches!(field, Field::Absent)) {
                return Fit::All(Truth::No);
            }
            Asked { scene, selectors, fields, world }.contains(among).negate_if(*negated, &world.groups)
        }
    }
}

/// The decisions of the entries of a map that fit or may fit, in order, up to the first that surely fits for all.
pub(super) fn fitting(scene: Scene<'_>, selectors: &[Selector], map: &Map, world: &World<'_>) -> Vec<(Fit, Decision)> {
    let fields: Vec<Field<'_>> = selectors.iter().map(|selector| field(scene, selector.key, &world.state)).collect();
    let asked = Asked { scene, selectors, fields: &fields, world };
    let mut all = Vec::new();
    asked.each(map.entries.len(), map.finder.as_ref(), |at| {
        let (member, decision) = &map.entries[at];
        let fit = asked.member(member);
        let is_enough = fit == Fit::All(Truth::Yes);
        if fit != Fit::All(Truth::No) {
            all.push((fit, *decision));
        }
        is_enough
    });
    all
}

/// Whether one field fits.
pub(super) fn fits_one(scene: Scene<'_>, selector: Selector, part: &Part, world: &World<'_>) -> Fit {
    let fields = [field(scene, selector.key, &world.state)];
    Asked { scene, selectors: &[selector], fields: &fields, world }.part(&fields[0], selector, part)
}

/// Fields of a packet that are held against members.
struct Asked<'q> {
    scene: Scene<'q>,
    selectors: &'q [Selector],
    fields: &'q [Field<'q>],
    world: &'q World<'q>,
}

impl Asked<'_> {
    fn contains(&self, members: &Members) -> Fit {
        let inside = self.inside(&members.inside);
        let Some(exceptions) = members.exceptions.as_ref().filter(|_| inside != Fit::All(Truth::No)) else { return inside };
        let among = &self.world.groups;
        let (_, excepted) = self.inside(exceptions).sets(among);
        inside.and(Fit::Some { yes: among.without(&excepted), possible: among.clone() })
    }

    fn inside(&self, inside: &Inside) -> Fit {
        match (inside, self.fields) {
            (Inside::One(part), [field]) => self.part(field, self.selectors[0], part),
            (Inside::Listed(members, finder), _) => {
                let mut fit = Fit::All(Truth::No);
                self.each(members.len(), finder.as_ref(), |at| {
                    let so_far = std::mem::replace(&mut fit, Fit::All(Truth::No));
                    fit = so_far.or(self.member(&members[at]), &self.world.groups);
                    fit == Fit::All(Truth::Yes)
                });
                fit
            }
            (Inside::Addresses(addresses), [Field::Address(address)]) => Fit::All(addresses.contains(*address).into()),
            (Inside::Numbers(ranges), [Field::Number(number, u32::MAX)]) => {
                let at = ranges.partition_point(|(_, high)| high < number);
                Fit::All(ranges.get(at).is_some_and(|(low, _)| low <= number).into())
            }
            (Inside::Numbers(ranges), [Field::Within(first, last)]) => {
                Fit::All(among_clients((*first, *last), ranges.iter().copied()))
            }
            (Inside::Names(names), [Field::Name(name)]) => Fit::All(names.contain(name).into()),
            (Inside::Senders(circle), [field]) => self.senders(field, *circle),
            (Inside::One(_) | Inside::Addresses(_) | Inside::Numbers(_) | Inside::Names(..) | Inside::Senders(_), _) => {
                Fit::All(Truth::Maybe)
            }
        }
    }

    /// Goes through members until `is_enough`; those that surely do not fit are left out where a finder knows them.
    fn each(&self, count: usize, finder: Option<&Finder>, is_enough: impl FnMut(usize) -> bool) {
        match finder.and_then(|finder| Some((finder, exact(&self.fields[finder.at])?))) {
            Some((finder, value)) => finder.possible(value).any(is_enough),
            None => (0..count).any(is_enough),
        };
    }

    fn member(&self, member: &Member) -> Fit {
        let parts = self.selectors.iter().zip(self.fields).zip(member);
        let mut fit = Fit::All(Truth::Yes);
        for ((selector, field), part) in parts {
            fit = fit.and(self.part(field, *selector, part));
            if fit == Fit::All(Truth::No) {
                break;
            }
        }
        fit
    }

    fn part(&self, field: &Field<'_>, selector: Selector, part: &Part) -> Fit {
        match (part, field) {
            (Part::Senders(circle), field) => self.senders(field, *circle),
            (Part::Span(span), Field::BySender(parts)) => Fit::by(parts, &self.world.groups, |number| {
                let field = number.map_or(Field::Unknown, exactly);
                fits(&field, selector.mask, span)
            }),
            (Part::Span(span), field) => Fit::All(fits(field, selector.mask, span)),
        }
    }

    fn senders(&self, field: &Field<'_>, circle: usize) -> Fit {
        match field {
            Field::Sender => Fit::only(self.scene.within(circle)),
            Field::Unknown if !self.scene.circles[circle].is_empty() => Fit::All(Truth::Maybe),
            _ => Fit::All(Truth::No),
        }
    }
}

/// The value of a field that is known for certain.
fn exact<'a>(field: &'a Field<'_>) -> Option<Exact<'a>> {
    match field {
        Field::Number(number, u32::MAX) => Some(Exact::Number(*number)),
        Field::Address(address) => Some(Exact::Address(*address)),
        Field::Name(name) => Some(Exact::Name(name)),
        _ => None,
    }
}

fn fits(field: &Field<'_>, mask: Option<u32>, span: &Span) -> Truth {
    match (field, span) {
        (Field::Absent, _) => Truth::No,
        (_, Span::Any) => Truth::Yes,
        (Field::Address(address), Span::Address(first, last)) => {
            Truth::from(address.is_ipv4() == first.is_ipv4() && first <= address && address <= last)
        }
        (Field::Address(address), Span::AddressBits(bits, mask)) => Truth::from(has_bits(*address, *bits, *mask)),
        (Field::Name(name), Span::Name(wanted)) => Truth::from(**name == **wanted),
        (Field::Name(name), Span::NamePrefix(prefix)) => Truth::from(name.starts_with(&**prefix)),
        (Field::Number(value, known), span) => number(*value, *known, mask.unwrap_or(u32::MAX), span),
        (Field::Within(first, last), Span::Number(low, high)) if mask.is_none() => {
            among_clients((*first, *last), [(*low, *high)].into_iter())
        }
        // A mask of too many ranges for a circle of senders.
        (Field::Within(..) | Field::Unknown, _) | (Field::Sender, Span::AddressBits(..)) => Truth::Maybe,
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

/// Whether a client's port is in one of these ranges. A client may take a privileged port too; none has port 0 (RFC 6335, section 6),
/// which Shorewall refuses on every host.
fn among_clients((first, last): (u32, u32), mut ranges: impl Iterator<Item = (u32, u32)> + Clone) -> Truth {
    if ranges.clone().all(|(_, high)| high == 0) {
        return Truth::No;
    }
    Truth::Maybe.or(ranges.any(|(low, high)| low <= first && last <= high).into())
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
fn field<'a>(scene: Scene<'a>, key: Key, state: &State<'a>) -> Field<'a> {
    let is_answer = state.tracking == Tracking::Answer;
    match key {
        Key::InInterface => name(state.input),
        Key::OutInterface => name(state.output),
        Key::InKind => kind(scene, state.input),
        Key::OutKind => kind(scene, state.output),
        Key::Family => exactly(state.family.number()),
        Key::Protocol => exactly(state.protocol.0.into()),
        Key::Source if state.is_masked => Field::Unknown,
        Key::Source => Field::Sender,
        Key::Destination => Field::Address(state.destination),
        Key::SourcePort if state.protocol.has_ports() && is_answer => exactly(state.original.1.into()),
        Key::DestinationPort if state.protocol.has_ports() && is_answer => Field::Within(CLIENT_PORTS.0, CLIENT_PORTS.1),
        Key::SourcePort if state.protocol.has_ports() => Field::Within(CLIENT_PORTS.0, CLIENT_PORTS.1),
        Key::DestinationPort if state.protocol.has_ports() => state.port.map_or(Field::Unknown, |port| exactly(port.into())),
        // Of an answer's flags only ACK is sure.
        Key::TcpFlags if state.protocol == Protocol::TCP && is_answer => Field::Number(16, 16),
        // A SYN may ask for congestion notification (ECE and CWR).
        Key::TcpFlags if state.protocol == Protocol::TCP => Field::Number(2, 0x3f),
        Key::IcmpType | Key::IcmpCode if matches!(state.protocol, Protocol::ICMP | Protocol::ICMPV6) => Field::Unknown,
        Key::SourcePort | Key::DestinationPort | Key::TcpFlags | Key::IcmpType | Key::IcmpCode => Field::Absent,
        // Whether the packet may be fragmented on its way is its sender's choice (bit 0x4000).
        Key::Fragment => Field::Number(0, !0x4000),
        // What the connection's first packet was marked with is not known of its answers.
        Key::Mark | Key::CtMark if is_answer => Field::Unknown,
        Key::Mark => exactly(state.mark),
        Key::Opaque => Field::Unknown,
        Key::Owner if state.input == Some("") => Field::Unknown,
        Key::Owner | Key::Ipsec => exactly(0),
        Key::InBridge => bridge(scene, state.input, state.bridge),
        Key::OutBridge => bridge(scene, state.output, state.bridge),
        Key::PacketType | Key::DestinationType | Key::DestinationTypeHere => {
            routed(scene, key, state).map_or(Field::Unknown, exactly)
        }
        Key::SourceType => senders(state, |_| Cow::Borrowed(scene.crowd.kinds(scene.ground))),
        Key::ReversePath { here, by_mark } => senders(state, |input| {
            let mark = if by_mark { state.mark } else { 0 };
            scene.crowd.back(scene.ground, state.destination, here.then_some(input), mark)
        }),
        Key::Bridged => whether(state.input.map_or(Truth::Maybe, |input| scene.ground.is_bridged(input, state.family))),
        Key::ByPort => whether(state.input.map_or(Truth::Maybe, |input| scene.ground.shows_port(input, state.family))),
        _ => connection(key, state),
    }
}

fn name(device: Device<'_>) -> Field<'_> {
    device.map_or(Field::Unknown, Field::Name)
}

/// The kind of an interface (net/netfilter/nft_meta.c, `nft_meta_get_eval_kind`).
fn kind<'a>(scene: Scene<'a>, device: Device<'_>) -> Field<'a> {
    match device.and_then(|device| scene.ground.link(device)) {
        Some(link) => Field::Name(link.kind.as_deref().unwrap_or_default()),
        None => Field::Unknown,
    }
}

/// The bridge that an interface is a port of (net/bridge/netfilter/nft_meta_bridge.c, `nft_meta_get_bridge`).
fn bridge<'a>(scene: Scene<'a>, port: Device<'_>, bridge: Device<'a>) -> Field<'a> {
    let Some(port) = port else { return name(bridge) };
    let master = scene.ground.link(port).and_then(|link| link.master.as_deref());
    master.filter(|master| scene.ground.is_bridge(master)).map_or(Field::Absent, Field::Name)
}

fn exactly<'a>(number: u32) -> Field<'a> {
    Field::Number(number, u32::MAX)
}

fn whether<'a>(truth: Truth) -> Field<'a> {
    match truth {
        Truth::Yes => exactly(1),
        Truth::No => exactly(0),
        Truth::Maybe => Field::Unknown,
    }
}

/// What connection tracking knows. Without a tracked connection only its state can be asked for.
fn connection<'a>(key: Key, state: &State<'a>) -> Field<'a> {
    let bit = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
    let Some(connection) = state.connection() else { return Field::Unknown };
    match key {
        Key::CtState => exactly(connection),
        Key::CtStateOrNat => {
            exactly(connection | bit(state.nat.destination, ct_state::DNAT) | bit(state.nat.source, ct_state::SNAT))
        }
        _ if !matches!(state.tracking, Tracking::New | Tracking::Answer) => Field::Absent,
        // IPS_SEEN_REPLY, IPS_CONFIRMED and IPS_SRC_NAT; whether it is IPS_ASSURED is not followed.
        Key::CtStatus if state.tracking == Tracking::Answer => Field::Number(2 | 8 | 16, !0x184),
        Key::CtDirection if state.tracking == Tracking::Answer => exactly(1),
        Key::CtSource if state.tracking == Tracking::Answer => Field::Unknown,
        // IPS_DST_NAT and IPS_SRC_NAT. IPS_SRC_NAT_DONE and IPS_DST_NAT_DONE say that the nat chains were asked; that is not followed.
        Key::CtStatus => Field::Number(bit(state.nat.destination, 32) | bit(state.nat.source, 16), !0x180),
        Key::CtDirection => exactly(0),
        Key::CtProtocol => exactly(state.protocol.0.into()),
        Key::CtFamily => exactly(state.family.number()),
        Key::CtMark => exactly(state.ct_mark),
        Key::CtReplyDestination if state.is_masked => Field::Unknown,
        Key::CtSource | Key::CtReplyDestination => Field::Sender,
        Key::CtDestination => Field::Address(state.original.0),
        Key::CtReplyDestinationPort if state.nat.source => Field::Unknown,
        Key::CtSourcePort | Key::CtReplyDestinationPort => Field::Within(CLIENT_PORTS.0, CLIENT_PORTS.1),
        Key::CtDestinationPort => exactly(state.original.1.into()),
        // Whoever the packet is for now, answers (net/netfilter/nf_nat_core.c, `nf_nat_setup_info`).
        Key::CtReplySource => Field::Address(state.destination),
        Key::CtReplySourcePort => state.port.map_or(Field::Unknown, |port| exactly(port.into())),
        _ => Field::Unknown,
    }
}

/// What the routing table says of the packet's receiver.
fn routed(scene: Scene<'_>, key: Key, state: &State<'_>) -> Option<u32> {
    match key {
        Key::DestinationType => scene.ground.address_type(state.destination, None),
        Key::DestinationTypeHere => scene.ground.address_type(state.destination, Some(state.input?)),
        _ => match scene.ground.address_type(state.destination, None)? {
            3 => Some(1),
            5 => Some(2),
            _ => Some(0),
        },
    }
}

/// What the routing table says of the senders of a packet that came by an interface.
fn senders<'a>(state: &State<'_>, answer: impl FnOnce(&str) -> Cow<'a, Parts<Option<u32>>>) -> Field<'a> {
    match state.input.filter(|_| !state.is_masked) {
        Some(input) => Field::BySender(answer(input)),
        None => Field::Unknown,
    }
}
