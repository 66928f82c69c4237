//! The senders of one door, and what is known of each: which circles they are in, and what the host makes of their addresses. Each
//! question is answered once.

use super::groups::Groups;
use crate::judge::ground::{Ground, kind};
use crate::judge::plan::addresses::Addresses;
use crate::model::address::is_link_local;
use crate::model::packet::Family;
use crate::model::truth::Truth;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::OnceLock;

/// Answers that part groups: no two of them are the same.
pub(crate) type Parts<T> = Vec<(T, Groups)>;

/// Groups of senders that come in by one interface, with one address for each.
pub(crate) struct Crowd {
    pub(crate) interface: Box<str>,
    representatives: Vec<IpAddr>,
    circles: Box<[OnceLock<Groups>]>,
    kinds: OnceLock<Parts<Option<u32>>>,
    /// For packets to other addresses than loopback ones, and to these.
    entries: [OnceLock<Parts<Entry>>; 2],
    /// The way back through the interface, and any way back; for packets without a mark.
    back: [OnceLock<Parts<Option<u32>>>; 2],
    routed: OnceLock<Parts<Vec<bool>>>,
    forwards: OnceLock<Truth>,
}

impl Crowd {
    /// The groups of these addresses. `circles`: how many there are.
    pub(crate) fn of(interface: &str, representatives: Vec<IpAddr>, circles: usize) -> Self {
        Self {
            interface: interface.into(),
            representatives,
            circles: (0..circles).map(|_| OnceLock::new()).collect(),
            kinds: OnceLock::new(),
            entries: [OnceLock::new(), OnceLock::new()],
            back: [OnceLock::new(), OnceLock::new()],
            routed: OnceLock::new(),
            forwards: OnceLock::new(),
        }
    }

    /// All groups.
    pub(crate) fn everybody(&self) -> Groups {
        Groups::of(self.representatives.len(), |_| true)
    }

    /// No group.
    pub(crate) fn nobody(&self) -> Groups {
        Groups::none(self.representatives.len())
    }

    /// The address that stands for a group.
    pub(crate) fn representative(&self, group: usize) -> IpAddr {
        self.representatives[group]
    }

    /// The groups in a circle.
    pub(crate) fn within(&self, number: usize, circles: &[Addresses]) -> &Groups {
        let circle = || Groups::of(self.representatives.len(), |group| circles[number].contains(self.representatives[group]));
        self.circles[number].get_or_init(circle)
    }

    /// All groups by an answer that hangs on the sender alone.
    pub(crate) fn parted<T: PartialEq>(&self, answer: impl Fn(IpAddr) -> T) -> Parts<T> {
        let mut parts: Parts<T> = Vec::new();
        for (group, source) in self.representatives.iter().enumerate() {
            let answer = answer(*source);
            let at = parts.iter().position(|(own, _)| *own == answer).unwrap_or_else(|| {
                parts.push((answer, self.nobody()));
                parts.len() - 1
            });
            parts[at].1.insert(group);
        }
        parts
    }

    /// The types of the senders' addresses.
    pub(crate) fn kinds(&self, ground: &Ground<'_>) -> &Parts<Option<u32>> {
        self.kinds.get_or_init(|| self.parted(|source| ground.address_type(source, None)))
    }

    /// Whether packets of these senders to an address are taken in at all.
    pub(crate) fn entries(&self, ground: &Ground<'_>, destination: IpAddr, mark: u32) -> Cow<'_, Parts<Entry>> {
        let mark = if ground.minds_marks(&self.interface) { mark } else { 0 };
        let asked = Asked { is_for_loopback: destination.is_loopback(), destination: None, mark };
        if mark != 0 || ground.chooses_by_source(Family::of(destination)) {
            let asked = Asked { destination: Some(destination), ..asked };
            return Cow::Owned(self.parted(|source| Entry::of(ground, source, asked, &self.interface)));
        }
        let entry = |source| Entry::of(ground, source, asked, &self.interface);
        Cow::Borrowed(self.entries[usize::from(asked.is_for_loopback)].get_or_init(|| self.parted(entry)))
    }

    /// Whether the way back to the senders leads through a device, or, None, anywhere, as [`back`] writes it: for packets with this
    /// destination and mark.
    pub(crate) fn back(
        &self,
        ground: &Ground<'_>,
        destination: IpAddr,
        device: Option<&str>,
        mark: u32,
    ) -> Cow<'_, Parts<Option<u32>>> {
        if mark != 0
            || device.is_some_and(|device| device != &*self.interface)
            || ground.chooses_by_source(Family::of(destination))
        {
            return Cow::Owned(self.parted(|source| back(ground.leads_back(source, Some(destination), device, mark))));
        }
        let ask = || self.parted(|source| back(ground.leads_back(source, None, device, 0)));
        Cow::Borrowed(self.back[usize::from(device.is_none())].get_or_init(ask))
    }

    /// The senders whose packets stay on their link.
    pub(crate) fn link_local(&self) -> Groups {
        Groups::of(self.representatives.len(), |group| is_link_local(self.representatives[group]))
    }

    /// Whether the host forwards what comes in by the interface. In v6 only `all` counts (net/ipv6/ip6_output.c, `ip6_forward`).
    pub(crate) fn forwards(&self, ground: &Ground<'_>, family: Family) -> Truth {
        *self.forwards.get_or_init(|| {
            let setting = match family {
                Family::V4 => ground
                    .interface_setting(family, &self.interface, "forwarding")
                    .or_else(|| ground.host.setting("net/ipv4/ip_forward")),
                Family::V6 => ground.interface_setting(family, "all", "forwarding"),
            };
            setting.map_or(Truth::Maybe, |value| Truth::from(value != 0))
        })
    }

    /// The senders that policy rules tell apart.
    pub(crate) fn routed(&self, ground: &Ground<'_>, family: Family) -> &Parts<Vec<bool>> {
        let holds = |source: IpAddr| ground.policy(family).filter_map(move |rule| Some(rule.from?.contains(&source))).collect();
        self.routed.get_or_init(|| self.parted(holds))
    }
}

/// What of a packet, beside its sender, decides whether it is taken in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    /// True for packets to loopback addresses.
    pub(crate) is_for_loopback: bool,
    /// Its destination by then; None: any.
    pub(crate) destination: Option<IpAddr>,
    /// Its mark, where marks count.
    pub(crate) mark: u32,
}

/// Whether there is a way back, as a field of the packet: 1, 0, or not known.
fn back(truth: Truth) -> Option<u32> {
    match truth {
        Truth::Yes => Some(1),
        Truth::No => Some(0),
        Truth::Maybe => None,
    }
}

/// Whether a packet is taken in, as far as its sender has a say in it (net/ipv4/fib_frontend.c, `fib_validate_source`; RFC 1812,
/// 5.3.7 and 5.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entry {
    /// It is.
    Passes,
    /// The source is a multicast address.
    Multicast,
    /// 127.0.0.0/8 on a wire, at either end.
    Loopback,
    /// Whether 127.0.0.0/8 is routed is not known.
    LoopbackUnread,
    /// The source is the host's own, or a broadcast address.
    Own,
    /// The host's addresses are not known.
    Unread,
    /// The way back does not lead through the interface.
    WayBack,
    /// How strictly the way back is looked at is not known, and it does not lead through the interface.
    WayBackUnread,
    /// Where the way back leads is not known.
    WayBackUnknown,
}

impl Entry {
    /// What becomes of a packet by an interface.
    pub(crate) fn of(ground: &Ground<'_>, source: IpAddr, asked: Asked, interface: &str) -> Self {
        if source.is_multicast() {
            return Self::Multicast;
        }
        if source.is_ipv6() {
            // net/ipv6/ip6_input.c, `ip6_rcv_core`: ::1 is never on a wire, in either place.
            return if source.is_loopback() { Self::Loopback } else { Self::Passes };
        }
        let local = |name| ["all", interface].map(|device| ground.interface_setting(Family::V4, device, name));
        if source.is_loopback() || asked.is_for_loopback {
            match local("route_localnet") {
                [Some(1..), _] | [_, Some(1..)] => {}
                [None, _] | [_, None] => return Self::LoopbackUnread,
                _ => return Self::Loopback,
            }
        }
        let address_type = ground.address_type(source, None);
        let is_strange = !source.is_loopback() && address_type != Some(kind::UNICAST);
        if is_strange && !matches!(local("accept_local"), [Some(1..), _] | [_, Some(1..)]) {
            return if address_type.is_none() { Self::Unread } else { Self::Own };
        }
        Self::reverse_path(ground, source, asked, interface)
    }

    /// rp_filter: 1 wants the way back through the same interface, 2 any way back; the higher of `all` and the interface counts
    /// (Documentation/networking/ip-sysctl.rst).
    fn reverse_path(ground: &Ground<'_>, source: IpAddr, asked: Asked, interface: &str) -> Self {
        let back = |device| ground.leads_back(source, asked.destination, device, asked.mark);
        let strict = back(Some(interface));
        if strict == Truth::Yes {
            return Self::Passes;
        }
        let settings = ["all", interface].map(|device| ground.interface_setting(Family::V4, device, "rp_filter"));
        let [Some(all), Some(own)] = settings else { return Self::WayBackUnread };
        let fit = match all.max(own) {
            0 => return Self::Passes,
            1 => strict,
            _ => back(None),
        };
        match fit {
            Truth::Yes => Self::Passes,
            Truth::No => Self::WayBack,
            Truth::Maybe => Self::WayBackUnknown,
        }
    }

    /// True if the packet is refused for certain.
    pub(crate) fn is_refused(self) -> bool {
        matches!(self, Self::Multicast | Self::Loopback | Self::Own | Self::WayBack)
    }

    /// Why it is not taken in, or why that is not known.
    pub(crate) fn why(self, source: IpAddr, input: &str) -> String {
        match self {
            Self::Passes => String::new(),
            Self::Multicast => "a multicast address sends nothing".to_owned(),
            Self::Loopback if source.is_ipv6() => "::1 is refused on a wire".to_owned(),
            Self::Loopback => "127.0.0.0/8 is refused on a wire (route_localnet is off)".to_owned(),
            Self::LoopbackUnread => {
                format!("whether {input} routes 127.0.0.0/8 is unread; `sysctl net.ipv4.conf` shows it")
            }
            Self::Own => "its source is an address of the host itself, or a broadcast address".to_owned(),
            Self::Unread => crate::judge::path::UNREAD_ADDRESSES.to_owned(),
            Self::WayBack => format!("the way back to {source} does not lead through {input} (rp_filter)"),
            Self::WayBackUnread => {
                format!("the rp_filter of {input} is unread, and the way back to {source} does not lead there")
            }
            Self::WayBackUnknown => {
                format!("whether the way back to {source} leads through {input} cannot be told (rp_filter)")
            }
        }
    }
}
