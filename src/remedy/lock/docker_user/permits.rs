//! Which ports are let in, as chains that part packets by protocol, interface, port, address and sender, in this order.
//!
//! Each part is about packets that no other one is about, so that a chain may be left by going to another one (`-g`) for good. Chains
//! with the same rules are one.

use super::chains::{Chains, Rules, Target};
use crate::model::guard::{From, Guard, Permit, Place, Port, Ports};
use crate::model::packet::{Family, Protocol};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// As many ports are compared one after the other; of more, first the range that they are in.
const IN_A_ROW: usize = 10;

/// What is said of packets that nothing permits.
const REFUSED: &str = "All else is refused.";

/// What is asked of a packet's port and address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// What its sender asked for, before any translation.
    For,
    /// What it is sent to now.
    Now,
}

/// Packets of one family that are treated alike.
#[derive(Clone)]
struct Entry {
    interface: Option<String>,
    address: Option<IpAddr>,
    protocol: Protocol,
    ports: (u16, u16),
    from: From,
}

/// What becomes of packets that an entry is about, and of the others.
struct Ends {
    asked: Asked,
    why: &'static str,
    yes: Target,
    no: Target,
    /// What is said of the others.
    rest: &'static str,
}

/// Ports that one thing becomes of.
type Span = (u16, u16, Target);

/// The entries of permits, of those that a place is told for.
fn entries(permits: &[Permit], family: Family, address: impl Fn(&Place) -> Option<Option<IpAddr>>) -> Vec<Entry> {
    let of_family = permits.iter().filter(|permit| permit.family.is_none_or(|own| own == family));
    let here = of_family.filter_map(|permit| Some((permit, address(&permit.to)?)));
    let entry = |(permit, address): (&Permit, Option<IpAddr>), ports: (u16, u16)| Entry {
        interface: permit.interface.clone(),
        address,
        protocol: permit.protocol,
        ports,
        from: permit.from.clone(),
    };
    here.flat_map(|it| it.0.ports.iter().map(move |ports| entry(it, *ports))).collect()
}

impl Chains {
    /// Published ports.
    pub(super) fn host_ports(&mut self, rules: &mut Rules, guard: &Guard, family: Family) {
        let entries = entries(&guard.permits, family, |place| match place {
            Place::Host(None) => Some(None),
            Place::Host(Some(address)) => (Family::of(*address) == family).then_some(Some(*address)),
            Place::Containers(_) => None,
        });
        let ends =
            Ends { asked: Asked::For, why: "Permitted: by protocol.", yes: Target::Return, no: Target::Drop, rest: REFUSED };
        self.by_protocol(rules, &entries, &ends, family);
    }

    /// Containers at their own addresses.
    pub(super) fn containers(&mut self, rules: &mut Rules, guard: &Guard, family: Family) {
        let nets = guard.permits.iter().filter_map(|permit| match permit.to {
            Place::Containers(net) if Family::of(net.addr()) == family => Some(net.trunc()),
            _ => None,
        });
        let mut nets: Vec<IpNet> = nets.collect::<BTreeSet<_>>().into_iter().collect();
        // A net comes before those that it is in.
        nets.sort_by_key(|net| std::cmp::Reverse(net.prefix_len()));
        let why = "Permitted at the container's own address: by protocol.";
        let ends = Ends { asked: Asked::Now, why, yes: Target::Return, no: Target::Drop, rest: REFUSED };
        for net in nets {
            let entries = entries(&guard.permits, family, |place| match place {
                Place::Containers(own) if own.contains(&net) => Some(None),
                _ => None,
            });
            let mut inside = Rules::default();
            self.by_protocol(&mut inside, &entries, &ends, family);
            inside.add(REFUSED, "", Target::Drop);
            let target = self.decide(inside);
            rules.add("At containers' own addresses, some of their ports are permitted.", format!("-d {net}"), target);
        }
    }

    /// Ports of the host that docker-proxy may serve. `judged`: where it is decided about them.
    pub(super) fn served(&mut self, rules: &mut Rules, guard: &Guard, family: Family, judged: &Target) {
        let (ports, why, yes, no, rest) = match &guard.served {
            Ports::Only(ports) => {
                let why = "Ports that docker-proxy serves: by protocol.";
                (ports, why, judged.clone(), Target::Return, "All else is for programs of the host.")
            }
            Ports::AllBut(ports) => {
                let why = "Ports that programs of the host listen on: by protocol.";
                (ports, why, Target::Return, judged.clone(), "Every other port, whoever comes to serve it.")
            }
        };
        let here = ports.iter().filter(|port| Family::of(port.at.addr()) == family);
        let entry = |Port { at, protocol, port }: &Port| Entry {
            interface: None,
            address: (at.prefix_len() > 0).then_some(at.addr()),
            protocol: *protocol,
            ports: (*port, *port),
            from: From::Everyone,
        };
        let entries: Vec<Entry> = here.map(entry).collect();
        let ends = Ends { asked: Asked::Now, why, yes, no, rest };
        self.by_protocol(rules, &entries, &ends, family);
        if matches!(guard.served, Ports::AllBut(_)) {
            for protocol in
                Protocol::PUBLISHED.into_iter().filter(|protocol| entries.iter().all(|entry| entry.protocol != *protocol))
            {
                rules.add(rest, format!("-p {protocol}"), judged.clone());
            }
        }
    }

    fn by_protocol(&mut self, rules: &mut Rules, entries: &[Entry], ends: &Ends, family: Family) {
        for protocol in Protocol::PUBLISHED {
            let own: Vec<&Entry> = entries.iter().filter(|entry| entry.protocol == protocol).collect();
            if !own.is_empty() {
                let target = self.by_interface(&own, ends, family);
                rules.add(ends.why, format!("-p {protocol}"), target);
            }
        }
    }

    fn by_interface(&mut self, entries: &[&Entry], ends: &Ends, family: Family) -> Target {
        let named: BTreeSet<&String> = entries.iter().filter_map(|entry| entry.interface.as_ref()).collect();
        let of = |name: Option<&String>| -> Vec<&Entry> {
            entries.iter().copied().filter(|entry| entry.interface.is_none() || entry.interface.as_ref() == name).collect()
        };
        let mut rules = Rules::default();
        for name in named {
            let target = self.by_port(&of(Some(name)), ends, family);
            rules.add("By the interface that it comes in by.", format!("-i {name}"), target);
        }
        let rest = self.by_port(&of(None), ends, family);
        rules.add("By any other.", "", rest);
        self.decide(rules)
    }

    fn by_port(&mut self, entries: &[&Entry], ends: &Ends, family: Family) -> Target {
        let mut starts: BTreeSet<u32> = BTreeSet::new();
        for (first, last) in entries.iter().map(|entry| entry.ports) {
            starts.extend([u32::from(first), u32::from(last) + 1]);
        }
        let starts: Vec<u32> = starts.into_iter().collect();
        let mut known: BTreeMap<Vec<usize>, Target> = BTreeMap::new();
        let mut spans: Vec<Span> = Vec::new();
        for pair in starts.windows(2) {
            let (Ok(first), Ok(last)) = (u16::try_from(pair[0]), u16::try_from(pair[1] - 1)) else { continue };
            let holds = |at: &usize| entries[*at].ports.0 <= first && last <= entries[*at].ports.1;
            let own: Vec<usize> = (0..entries.len()).filter(holds).collect();
            let among: Vec<&Entry> = own.iter().map(|at| entries[*at]).collect();
            let target = known.entry(own).or_insert_with(|| self.by_address(&among, ends, family)).clone();
            match spans.last_mut() {
                Some(before) if before.2 == target && before.1.checked_add(1) == Some(first) => before.1 = last,
                _ => spans.push((first, last, target)),
            }
        }
        spans.retain(|(_, _, target)| *target != ends.no);
        let protocol = entries.first().map_or(Protocol::TCP, |entry| entry.protocol);
        self.search(&spans, protocol, ends)
    }

    /// Compares a port with spans that are in order; where they are many, first with the ranges that they are in.
    fn search(&mut self, spans: &[Span], protocol: Protocol, ends: &Ends) -> Target {
        let asked = |first: u16, last: u16| {
            let ports = if first == last { first.to_string() } else { format!("{first}:{last}") };
            match ends.asked {
                Asked::For => format!("-m conntrack --ctorigdstport {ports} --ctdir ORIGINAL"),
                Asked::Now => format!("-p {protocol} -m {protocol} --dport {ports}"),
            }
        };
        let mut rules = Rules::default();
        if spans.len() <= IN_A_ROW {
            for (first, last, target) in spans {
                rules.add("By port.", asked(*first, *last), target.clone());
            }
        } else {
            // The fewest chains: all but the last ones are full.
            let mut size = IN_A_ROW;
            while size * IN_A_ROW < spans.len() {
                size *= IN_A_ROW;
            }
            for part in spans.chunks(size) {
                let target = self.search(part, protocol, ends);
                let (first, last) = (part[0].0, part[part.len() - 1].1);
                rules.add("By port; first, roughly.", asked(first, last), target);
            }
        }
        rules.add(ends.rest, "", ends.no.clone());
        self.decide(rules)
    }

    fn by_address(&mut self, entries: &[&Entry], ends: &Ends, family: Family) -> Target {
        let addresses: BTreeSet<IpAddr> = entries.iter().filter_map(|entry| entry.address).collect();
        let of = |address: Option<IpAddr>| -> Vec<&From> {
            let own = entries.iter().filter(|entry| entry.address.is_none() || entry.address == address);
            own.map(|entry| &entry.from).collect()
        };
        let mut rules = Rules::default();
        for address in addresses {
            let target = self.by_sender(&of(Some(address)), ends, family);
            let tests = match ends.asked {
                Asked::For => format!("-m conntrack --ctorigdst {address} --ctdir ORIGINAL"),
                Asked::Now => format!("-d {}", IpNet::from(address)),
            };
            rules.add("By address.", tests, target);
        }
        let rest = self.by_sender(&of(None), ends, family);
        rules.add("At any other.", "", rest);
        self.decide(rules)
    }

    fn by_sender(&mut self, from: &[&From], ends: &Ends, family: Family) -> Target {
        if from.iter().any(|from| **from == From::Everyone) {
            return ends.yes.clone();
        }
        let here = |nets: &[IpNet]| -> Vec<IpNet> {
            nets.iter().filter(|net| Family::of(net.addr()) == family).map(IpNet::trunc).collect()
        };
        let mut rules = Rules::default();
        let mut but: Option<Vec<IpNet>> = None;
        for from in from {
            match from {
                From::Everyone => {}
                From::Only(nets) => {
                    for net in here(nets) {
                        rules.add("By sender.", format!("-s {net}"), ends.yes.clone());
                    }
                }
                From::AllBut(nets) => but = Some(but.map_or_else(|| here(nets), |but| common(&but, &here(nets)))),
            }
        }
        for net in but.iter().flatten() {
            rules.add("Everyone but these.", format!("-s {net}"), ends.no.clone());
        }
        let end = if but.is_some() { &ends.yes } else { &ends.no };
        rules.add("Everyone else.", "", end.clone());
        self.decide(rules)
    }
}

/// What is in one of these prefixes and in one of those.
fn common(some: &[IpNet], others: &[IpNet]) -> Vec<IpNet> {
    let both = some.iter().flat_map(|one| {
        others.iter().filter_map(
            move |other| {
                if one.contains(other) { Some(*other) } else { other.contains(one).then_some(*one) }
            },
        )
    });
    both.collect::<BTreeSet<_>>().into_iter().collect()
}
