//! Random rules in the model's own form: sets, maps, concatenations, marks and translations that ask for the sender.

use super::dice::Dice;
use docker_firewall::model::ruleset::{
    Action, Base, Chain, ChainKind, Decision, Hook, Key, Mark, Origin, Policy, Rule, Selector, Set, SetMark, Span, Step, Table,
    TableFamily, Target, Test, Translation,
};
use ipnet::IpNet;
use std::sync::Arc;

const NETS: [&str; 12] = [
    "10.9.0.0/24",
    "10.9.0.2/32",
    "10.0.0.0/8",
    "10.8.0.0/17",
    "203.0.113.0/24",
    "172.31.0.0/24",
    "0.0.0.0/1",
    "fd09::/64",
    "fd00::/8",
    "2001:db8::/32",
    "fd08::2/128",
    "fe80::/10",
];

/// One or two tables.
pub fn random(dice: &mut Dice) -> Vec<Table> {
    (0..=dice.below(2)).map(|at| table(dice, at)).collect()
}

fn table(dice: &mut Dice, at: usize) -> Table {
    let family = [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6, TableFamily::Bridge][dice.below(4)];
    let mut chains: Vec<Chain> = Vec::new();
    let named = |name: String, base, rules| Chain { name: name.into(), base, rules, unread: None };
    for number in 0..3 {
        // Chains jump to those before them only, but now and then to one that is not there.
        let rules = rules(dice, number, None);
        chains.push(named(format!("u{number}"), None, rules));
    }
    for number in 0..=dice.below(3) {
        let hook =
            [Hook::Prerouting, Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Postrouting, Hook::Output][dice.below(6)];
        let priority = [-310, -150, -110, 0, 10][dice.below(5)];
        let policy = if dice.one_in(5) { Policy::Drop } else { Policy::Accept };
        let base = Base { hook, kind: ChainKind::Filter, priority, policy, devices: Vec::new() };
        chains.push(named(format!("b{number}"), Some(base), rules(dice, 3, None)));
    }
    if dice.one_in(2) && family != TableFamily::Bridge {
        let hook = if dice.one_in(3) { Hook::Postrouting } else { Hook::Prerouting };
        let base = Base { hook, kind: ChainKind::Nat, priority: -100, policy: Policy::Accept, devices: Vec::new() };
        chains.push(named("n".to_owned(), Some(base), rules(dice, 0, Some(hook))));
    }
    let chains = chains.into_iter().map(|chain| (chain.name.clone(), chain)).collect();
    Table { family, name: format!("t{at}"), origin: Origin::Nft, chains }
}

/// Now and then so many that they are found by an index.
fn rules(dice: &mut Dice, chains: usize, nat: Option<Hook>) -> Vec<Rule> {
    let count = if dice.one_in(3) { 12 + dice.below(30) } else { dice.below(6) };
    (0..count).map(|number| rule(dice, number, chains, nat)).collect()
}

fn rule(dice: &mut Dice, number: usize, chains: usize, nat: Option<Hook>) -> Rule {
    let mut steps: Vec<Step> = (0..=dice.below(3)).map(|_| Step::Test(test(dice))).collect();
    steps.push(Step::Act(action(dice, chains, nat)));
    if dice.one_in(5) {
        steps.push(Step::Test(test(dice)));
        steps.push(Step::Act(action(dice, chains, nat)));
    }
    Rule { text: format!("rule {number}").into(), steps: steps.into() }
}

fn net(dice: &mut Dice) -> Span {
    dice.pick(&NETS).parse::<IpNet>().unwrap().into()
}

/// A few members, or so many that they are sorted.
fn count(dice: &mut Dice) -> usize {
    if dice.one_in(4) { 6 + dice.below(20) } else { 1 + dice.below(3) }
}

/// A field and a value of it.
fn pair(dice: &mut Dice) -> (Selector, Span) {
    let port = 1001 + u32::try_from(dice.below(5)).unwrap();
    let ports = Span::Number(port, port + u32::from(dice.one_in(4)) * 2);
    let (key, span) = match dice.below(16) {
        0..=3 => (Key::Source, net(dice)),
        4 => (Key::CtSource, net(dice)),
        5 | 6 => (Key::DestinationPort, ports),
        7 => (Key::Destination, net(dice)),
        8 => (Key::CtDestinationPort, ports),
        9 => (Key::InInterface, Span::Name(dice.pick(&["eth0", "eth1", "lo"]).into())),
        10 => (Key::SourceType, Span::number(1 + u32::from(dice.one_in(2)))),
        11 => (Key::ReversePath { here: true, by_mark: dice.one_in(2) }, Span::number(1)),
        12 => (Key::ReversePath { here: false, by_mark: dice.one_in(2) }, Span::number(u32::from(dice.one_in(2)))),
        13 => (Key::Mark, Span::number(u32::try_from(dice.below(4)).unwrap())),
        14 => (Key::CtStateOrNat, Span::AnyBit([8, 1 << 16, 1 << 17][dice.below(3)])),
        _ => (Key::OutInterface, Span::NamePrefix(dice.pick(&["docker", "eth"]).into())),
    };
    (key.into(), span)
}

/// Values of one field, or of two together.
fn test(dice: &mut Dice) -> Test {
    if dice.one_in(25) {
        return Test::Unknown("limit".into());
    }
    let (selectors, members) = members(dice);
    let exceptions = if dice.one_in(10) { members.iter().take(1).cloned().collect() } else { Vec::new() };
    Test::Fields { selectors, among: Arc::new(Set { members, exceptions }), negated: dice.one_in(4) }
}

fn members(dice: &mut Dice) -> (Vec<Selector>, Vec<Vec<Span>>) {
    let selectors: Vec<Selector> = (0..=usize::from(dice.one_in(4))).map(|_| pair(dice).0).collect();
    let value = |dice: &mut Dice, selector: &Selector| loop {
        let (own, span) = pair(dice);
        if own == *selector {
            return if dice.one_in(20) { Span::Any } else { span };
        }
    };
    let count = count(dice);
    let members = (0..count).map(|_| selectors.iter().map(|selector| value(dice, selector)).collect()).collect();
    (selectors, members)
}

fn decision(dice: &mut Dice, chains: usize) -> Decision {
    match dice.below(9) {
        2 => Decision::Drop,
        3 => Decision::Reject,
        4 => Decision::Return,
        5 => Decision::Continue,
        6 | 7 if chains > 0 => Decision::Jump(format!("u{}", dice.below(chains)).into()),
        8 if chains > 0 => {
            let missing = usize::from(dice.one_in(30));
            Decision::Goto(format!("u{}", dice.below(chains + missing)).into())
        }
        _ => Decision::Accept,
    }
}

fn action(dice: &mut Dice, chains: usize, nat: Option<Hook>) -> Action {
    match (dice.below(10), nat) {
        // The kernel translates each end at its own hooks only.
        (0 | 1, Some(Hook::Postrouting)) => Action::Translate(Translation::Source),
        (0 | 1, Some(_)) => Action::Translate(destination(dice)),
        (2, _) => Action::SetMark(set_mark(dice)),
        (3, None) => Action::Untrack,
        (4 | 5, _) => {
            let (selectors, members) = members(dice);
            Action::Lookup { selectors, map: Arc::new(members.into_iter().map(|key| (key, decision(dice, chains))).collect()) }
        }
        (6, _) if dice.one_in(20) => Action::Unknown("queue".into()),
        _ => Action::Decide(decision(dice, chains)),
    }
}

fn set_mark(dice: &mut Dice) -> SetMark {
    let mark = |dice: &mut Dice| if dice.one_in(3) { Mark::Connection } else { Mark::Packet };
    let bits = |dice: &mut Dice| u32::try_from(dice.below(4)).unwrap();
    SetMark { target: mark(dice), keep: !bits(dice), source: mark(dice), pick: bits(dice), flip: bits(dice) }
}

fn destination(dice: &mut Dice) -> Translation {
    if dice.one_in(3) {
        return Translation::Redirect(Some((1004, 1004)));
    }
    let target = |dice: &mut Dice, when: Vec<(Selector, Span)>| Target {
        when,
        address: dice.pick(&["172.31.0.2", "fd31::2", "172.31.0.2"]).parse().ok(),
        ports: [None, Some((1002, 1002)), Some((1001, 1003))][dice.below(3)],
    };
    let mut targets: Vec<Target> = Vec::new();
    for _ in 0..dice.below(3) {
        let when = vec![pair(dice)];
        targets.push(target(dice, when));
    }
    targets.push(target(dice, Vec::new()));
    Translation::Destination(targets)
}
