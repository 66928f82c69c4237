//! A guard as a table of nftables: one text that `nft -f` takes whole or not at all, and the same as the evaluator reads it.
//!
//! In: a [`Guard`]. Out: a [`Script`]. Each rule is put together once, from parts that are text and meaning at the same time. Not here:
//! what is to be let in ([`super::guard`]), and the loading.
//!
//! How it holds:
//! - `forward`, just before the filters of others: what enters from outside and leaves by a bridge of the engine must be a published
//!   port that is permitted, judged by the port that was asked for (`ct original proto-dst`); or an address and port of a container that
//!   is permitted by itself. Both families, whatever the engine's own rules are at that moment.
//! - `input`, just before the filters of others: ports that docker-proxy serves, where nothing permits them, since a host firewall that is
//!   being restarted lets everything in.
//! - Only drops of ours are final: what we let pass, the rules of others still judge.
//! - A network that the engine makes later has a bridge named `br-` and twelve hexadecimal digits (moby
//!   `daemon/libnetwork/drivers/bridge/bridge_linux.go`). nft matches names by their beginnings only: those with three hexadecimal digits
//!   after `br-` are taken for the engine's, unless they were others' when the guard was made. Published ports behind later bridges of
//!   any other name are refused, too: a translated packet to a bridge that was not known as somebody else's; and so are containers there,
//!   where they have addresses as the engine picks them. What comes from such a bridge and such an address is a container's.
//! - A lock that ends by itself lives as long as the elements of a set of the kernel's, which outlives us.

pub(super) mod cut;
mod part;

use super::{Found, Script};
use crate::judge::ours;
use crate::model::guard::{From, Guard, Permit, Place, Port, Ports};
use crate::model::host::Host;
use crate::model::lock::{Backend, Load, TABLE};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Base, Chain, ChainKind, Hook, Origin, Policy, Rule, Table, TableFamily};
use ipnet::IpNet;
use part::Part;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// The chains of our table.
const CHAINS: [&str; 6] = ["forward", "from_outside", "input", "published", "to_container", "to_proxy"];

/// When our chains run: before the filters of others, which run at 0.
const PRIORITY: i32 = -5;

/// Hexadecimal digits behind `br-` that make a bridge's name the engine's.
const DIGITS: usize = 3;

/// The text that takes the table away, whole; it takes effect where there is no table, too.
const REMOVAL: &str = "table inet docker_firewall\ndelete table inet docker_firewall\n";

/// What loads a text, as one transaction.
fn load(text: String) -> Load {
    Load { words: ["nft", "-f", "-"].map(str::to_owned).into(), text }
}

/// The lock of ours that a host has: what tells its rules from others, as far as it says.
pub(super) fn found(host: &Host) -> Option<Found> {
    let table = ours(host)?;
    let rules = table.chains.get("forward").map_or(&[][..], |chain| &chain.rules);
    Some(Found { backend: Backend::Nftables, digest: rules.iter().find_map(|rule| super::digest_in(&rule.text)) })
}

/// What takes it off the kernel.
pub(super) fn removal(host: &Host) -> Option<Load> {
    ours(host).map(|_| load(REMOVAL.to_owned()))
}

/// A table that has our table's name and is not ours.
pub(super) fn foreign(host: &Host) -> Option<String> {
    let mut tables = host.ruleset.tables.iter().filter(|table| ours::is_table(table));
    tables.find(|table| !is_ours(table)).map(|table| format!("a table {}", table.title()))
}

fn ours(host: &Host) -> Option<&Table> {
    host.ruleset.tables.iter().find(|table| ours::is_table(table) && is_ours(table))
}

/// True for a table that has our chains, and no others.
fn is_ours(table: &Table) -> bool {
    table.chains.keys().map(|name| &**name).filter(|name| *name != cut::CHAIN).eq(CHAINS)
}

/// Writes a guard down, and puts it on a host.
pub(super) fn script(guard: &Guard, host: &Host) -> Script {
    let digest = super::digest(guard, &[]);
    let mut writer = Writer::default();
    let names = writer.names(guard);
    let preamble = writer.preamble(guard, &digest);
    writer.forward(&names, &preamble);
    writer.input(guard, &names, &preamble);
    writer.permits(guard);
    let (text, table) = writer.finish();
    let mut host = super::unlocked(host);
    host.ruleset.tables.push(table);
    Script { backend: Backend::Nftables, loads: vec![load(text)], digest, host }
}

/// The beginnings of names that the engine gives to bridges.
fn engine_names() -> impl Iterator<Item = String> {
    (0..16_u32.pow(3)).map(|number| format!("br-{number:0DIGITS$x}"))
}

/// The sets of interface names, still without a direction.
struct Names {
    inside: Part,
    later: Part,
    foreign: Option<Part>,
    /// Senders and destinations in prefixes that the engine takes for new networks.
    pools: Vec<(Part, Part)>,
}

/// Ranges of ports; both ends inclusive.
type Ranges = Vec<(u16, u16)>;

/// A rule that is being written: what it is for, and its parts.
type Line = (&'static str, Vec<Part>);

/// A table that is being written.
#[derive(Default)]
struct Writer {
    sets: String,
    /// Chains in the order in which they are written.
    chains: Vec<(&'static str, Option<Hook>, Vec<Line>)>,
}

impl Writer {
    /// Declares a set; gives its name.
    fn set(&mut self, name: &str, kind: &str, flags: &str, elements: &[String]) -> String {
        let elements = elements.join(", ");
        let _ = writeln!(self.sets, "\tset {name} {{ type {kind}; {flags}elements = {{ {elements} }}; }}");
        name.to_owned()
    }

    fn names(&mut self, guard: &Guard) -> Names {
        let quoted = |names: &BTreeSet<String>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
        self.sets.push_str("\t# The engine's bridges.\n");
        let inside = self.set("inside", "ifname", "", &quoted(&guard.inside));
        self.sets.push_str("\t# The bridges of networks that it makes later.\n");
        let prefixes: Vec<String> = engine_names().map(|name| format!("\"{name}*\"")).collect();
        let later = self.set("later", "ifname", "flags interval; ", &prefixes);
        let foreign = (!guard.foreign.is_empty()).then(|| {
            self.sets.push_str("\t# The bridges of others.\n");
            self.set("foreign", "ifname", "", &quoted(&guard.foreign))
        });
        Names {
            inside: Part::interface(&inside, &guard.inside),
            later: Part::prefixes(&later, engine_names()),
            foreign: foreign.map(|name| Part::interface(&name, &guard.foreign)),
            pools: guard.pools.iter().map(|pool| (Part::sender(*pool), Part::destination(*pool))).collect(),
        }
    }

    /// What each base chain passes over.
    fn preamble(&mut self, guard: &Guard, digest: &str) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        if let Some(lasts) = guard.lasts {
            self.sets.push_str("\t# The lock ends when these are gone.\n");
            let alive = ["ipv4", "ipv6"].map(|family| format!("{family} timeout {}s", lasts.as_secs().max(1)));
            let alive = self.set("alive", "nf_proto", "flags timeout; ", &alive);
            lines.push(("The lock has ended.", vec![Part::family_not_in(&alive), Part::accept()]));
        }
        let mark = Part::comment(&super::mark(digest));
        lines.push(("Connections that were let in.", vec![Part::replies(), Part::accept(), mark]));
        lines
    }

    /// What comes from the engine's bridges is not from outside; everything else goes on in another chain.
    fn from_outside_to(names: &Names, chain: &str) -> Vec<Line> {
        let foreign = names.foreign.iter().map(|foreign| {
            ("A bridge of somebody else is outside, whatever its name looks like.", vec![foreign.entering(), Part::goto(chain)])
        });
        foreign
            .chain([
                ("Containers are not outside.", vec![names.inside.entering(), Part::accept()]),
                ("Nor are those of later networks.", vec![names.later.entering(), Part::accept()]),
            ])
            .chain(names.pools.iter().map(|(from, _)| {
                ("Nor are those behind a later bridge of any name.", vec![Part::enters_by_bridge(), from.clone(), Part::accept()])
            }))
            .chain([("Everybody else is.", vec![Part::goto(chain)])])
            .collect()
    }

    /// What is forwarded: only what goes from outside to a container is looked at.
    fn forward(&mut self, names: &Names, preamble: &[Line]) {
        let mut rules = preamble.to_vec();
        rules.extend(Self::from_outside_to(names, "to_container"));
        self.chains.push(("forward", Some(Hook::Forward), rules));

        let mut rules: Vec<Line> = Vec::new();
        rules.extend(names.foreign.iter().map(|foreign| {
            ("What goes to a bridge of somebody else is not ours to judge.", vec![foreign.leaving(), Part::accept()])
        }));
        rules.push(("To a container.", vec![names.inside.leaving(), Part::goto("from_outside")]));
        rules.push(("To one on a later network.", vec![names.later.leaving(), Part::goto("from_outside")]));
        rules.push((
            "A published port behind a bridge of any name that nobody had when this was made.",
            vec![Part::leaves_by_bridge(), Part::translated(), Part::goto("from_outside")],
        ));
        let pools = names.pools.iter().map(|(_, to)| vec![Part::leaves_by_bridge(), to.clone(), Part::goto("from_outside")]);
        rules.extend(pools.map(|parts| ("Containers behind such a bridge: it has a prefix as the engine picks them.", parts)));
        self.chains.push(("to_container", None, rules));
    }

    /// What comes to the host itself: only what docker-proxy may serve is looked at.
    fn input(&mut self, guard: &Guard, names: &Names, preamble: &[Line]) {
        let mut rules = preamble.to_vec();
        rules.push(("The host itself.", vec![Part::enters_by("lo"), Part::accept()]));
        rules.extend(Self::from_outside_to(names, "to_proxy"));
        self.chains.push(("input", Some(Hook::Input), rules));

        let (ports, comment, end) = match &guard.served {
            Ports::Only(served) => (served, "Ports that docker-proxy serves.", Part::goto("published")),
            Ports::AllBut(held) => (held, "Ports that programs of the host listen on.", Part::accept()),
        };
        let mut by: BTreeMap<(IpNet, Protocol), Ranges> = BTreeMap::new();
        for Port { at, protocol, port } in ports {
            by.entry((*at, *protocol)).or_default().push((*port, *port));
        }
        let mut rules: Vec<Line> = Vec::new();
        for (number, ((at, protocol), ports)) in by.into_iter().enumerate() {
            let set = self.ports(&format!("served_{number}"), &ports);
            let to = if at.prefix_len() == 0 { Part::family(Family::of(at.addr())) } else { Part::destination(at) };
            rules.push((comment, vec![to, Part::protocol(protocol), Part::port(protocol, &set, &ports), end.clone()]));
        }
        if matches!(guard.served, Ports::AllBut(_)) {
            let line = |protocol| {
                ("Every other port, whoever comes to serve it.", vec![Part::protocol(protocol), Part::goto("published")])
            };
            rules.extend(Protocol::PUBLISHED.map(line));
        }
        self.chains.push(("to_proxy", None, rules));
    }

    fn ports(&mut self, name: &str, ports: &[(u16, u16)]) -> String {
        let range = |(first, last): &(u16, u16)| if first == last { first.to_string() } else { format!("{first}-{last}") };
        self.set(name, "inet_service", "flags interval; ", &ports.iter().map(range).collect::<Vec<_>>())
    }

    /// What is let in. Everything else is dropped at the end of each chain.
    fn permits(&mut self, guard: &Guard) {
        let mut published: Vec<Line> = vec![(
            "Ports published on loopback are the host's own business, and neighbours can ask for them (engines before 28).",
            vec![Part::asked_for_loopback(), Part::drop()],
        )];
        let mut from_outside: Vec<Line> =
            vec![("A published port: judged by the port that was asked for.", vec![Part::translated(), Part::goto("published")])];
        for (number, permit) in guard.permits.iter().enumerate() {
            let lines = self.permit(number, permit);
            match permit.to {
                Place::Host(_) => published.extend(lines.into_iter().map(|parts| ("Permitted.", parts))),
                Place::Containers(_) => {
                    from_outside.extend(lines.into_iter().map(|parts| ("Permitted at the container's own address.", parts)));
                }
            }
        }
        for rules in [&mut published, &mut from_outside] {
            rules.push(("All else is refused.", vec![Part::drop()]));
        }
        self.chains.push(("published", None, published));
        self.chains.push(("from_outside", None, from_outside));
    }

    /// A permit: one rule, or one for each family where it names prefixes of both.
    fn permit(&mut self, number: usize, permit: &Permit) -> Vec<Vec<Part>> {
        let set = self.ports(&format!("ports_{number}"), &permit.ports);
        let families = if matches!(permit.from, From::Everyone) { vec![None] } else { vec![Some(Family::V4), Some(Family::V6)] };
        let mut rules = Vec::new();
        for family in families {
            if permit.family.is_some_and(|own| family.is_some_and(|family| family != own)) {
                continue;
            }
            let Some(from) = self.from(number, permit, family) else { continue };
            let mut parts: Vec<Part> = permit.interface.iter().map(|name| Part::enters_by(name)).collect();
            parts.extend(permit.family.filter(|_| family.is_none()).map(Part::family));
            parts.extend(from);
            match permit.to {
                Place::Host(address) => {
                    parts.extend(address.map(Part::asked_for));
                    parts.push(Part::protocol(permit.protocol));
                    parts.push(Part::asked_port(&set, &permit.ports));
                }
                Place::Containers(net) => {
                    parts.push(Part::destination(net));
                    parts.push(Part::protocol(permit.protocol));
                    parts.push(Part::port(permit.protocol, &set, &permit.ports));
                }
            }
            parts.push(Part::accept());
            rules.push(parts);
        }
        rules
    }

    /// What is asked of the senders of a permit, of one family: nothing where they are all; None: there are none of this family.
    fn from(&mut self, number: usize, permit: &Permit, family: Option<Family>) -> Option<Vec<Part>> {
        let (nets, negated) = match &permit.from {
            From::Everyone => return Some(Vec::new()),
            From::Only(nets) => (nets, false),
            From::AllBut(nets) => (nets, true),
        };
        let family = family?;
        let nets: Vec<_> = nets.iter().filter(|net| Family::of(net.addr()) == family).copied().collect();
        if nets.is_empty() {
            // Nobody of this family, or everybody.
            return negated.then(|| vec![Part::family(family)]);
        }
        let (kind, suffix) = if family == Family::V4 { ("ipv4_addr", "4") } else { ("ipv6_addr", "6") };
        let elements: Vec<String> = nets.iter().map(ToString::to_string).collect();
        let set = self.set(&format!("from_{number}_{suffix}"), kind, "flags interval; ", &elements);
        Some(vec![Part::source(family, &set, &nets, negated)])
    }

    /// The text, and the table.
    fn finish(self) -> (String, Table) {
        let chains: Vec<(String, Chain)> = self.chains.into_iter().map(|(name, hook, lines)| chain(name, hook, lines)).collect();
        // The first lines make the deletion possible where there is no table yet; all of it is one transaction.
        let mut text = format!("{REMOVAL}table inet {TABLE} {{\n{}", self.sets);
        // A chain must be there before another one jumps to it.
        chains.iter().rev().for_each(|(chain, _)| text.push_str(chain));
        text.push_str("}\n");
        let chains = chains.into_iter().map(|(_, chain)| (Arc::clone(&chain.name), chain)).collect();
        (text, Table { family: TableFamily::Inet, name: TABLE.to_owned(), origin: Origin::Nft, chains })
    }
}

/// A chain, as text and as the evaluator reads it.
fn chain(name: &str, hook: Option<Hook>, lines: Vec<Line>) -> (String, Chain) {
    let mut text = format!("\tchain {name} {{\n");
    let base =
        hook.map(|hook| Base { hook, kind: ChainKind::Filter, priority: PRIORITY, policy: Policy::Accept, devices: Vec::new() });
    if let Some(hook) = hook {
        let _ = writeln!(text, "\t\ttype filter hook {} priority {PRIORITY}; policy accept;", hook.name());
    }
    let (mut rules, mut last) = (Vec::new(), "");
    for (comment, parts) in lines {
        if comment != last {
            let _ = writeln!(text, "\t\t# {comment}");
            last = comment;
        }
        let words: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let words = words.join(" ");
        let _ = writeln!(text, "\t\t{words}");
        rules.push(Rule { text: words.into(), steps: parts.into_iter().flat_map(|part| part.steps).collect() });
    }
    text.push_str("\t}\n");
    (text, Chain { name: name.into(), base, rules, unread: None })
}
