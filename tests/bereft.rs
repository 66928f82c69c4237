//! A host firewall that was there when a lock was made and is not any more: the lock stays as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/hosts.rs"]
mod hosts;
#[path = "common/plans.rs"]
mod plans;

use docker_firewall::model::guard::Wish;
use docker_firewall::model::host::Host;
use docker_firewall::model::lock::{Backend, Refusal};
use docker_firewall::model::ruleset::{
    Action, Base, Chain, ChainKind, Decision, Hook, Origin, Policy, Rule, Step, Table, TableFamily,
};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::remedy::lock::{self, Plan};
use hosts::saved_hosts;
use plans::allowing;
use std::path::Path;

fn plan(host: &Host, wish: &Wish) -> Plan {
    plans::try_plan(host, wish, Backend::Nftables).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// True if a lock that was made on one host stays as it is on the other, though another one would be made there; None: none could be.
fn stays(before: &Host, after: &Host, wish: &Wish) -> Option<bool> {
    let memory = plan(before, wish).memory(wish, 0);
    match plans::try_plan(after, wish, Backend::Nftables) {
        Ok(plan) => Some(!lock::bereft_of(&memory, &plan.guard.permits, wish.refuses_all, &plan.obeyed).is_empty()),
        Err(Refusal::NothingToObey) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The host when firewalld has been stopped.
fn without_firewalld(host: &Host) -> Host {
    let mut host = host.clone();
    host.ruleset.tables.retain(|table| table.name != "firewalld");
    for table in host.ruleset.tables.iter_mut().filter(|table| table.origin != Origin::Nft) {
        // What firewalld 1.3 has in the tables of iptables goes with it.
        let stays = |name: &str| ["DOCKER", "ufw"].iter().any(|owner| name.starts_with(owner));
        table.chains.retain(|name, chain| chain.base.is_some() || stays(name));
    }
    host
}

fn ufw() -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules/ufw");
    let read = |file: &str| (file.to_owned(), std::fs::read_to_string(folder.join(file)).unwrap());
    let files =
        ["iptables-version.txt", "iptables-save.txt", "ip6tables-save.txt", "nft-ruleset.json", "ipset-save.txt"].map(read);
    let tables = Snapshot { files: files.into() }.host().ruleset.tables;
    tables.into_iter().filter(|table| table.name == "filter").collect()
}

/// The host with the rules that ufw writes, before those that are there.
fn with_ufw(host: &Host) -> Host {
    let mut host = host.clone();
    for of_ufw in ufw() {
        let is_its = |table: &&mut Table| (table.family, &table.name) == (of_ufw.family, &of_ufw.name);
        let Some(table) = host.ruleset.tables.iter_mut().find(is_its) else {
            host.ruleset.tables.push(of_ufw);
            continue;
        };
        for (name, chain) in of_ufw.chains.into_iter().filter(|(name, _)| !name.starts_with("DOCKER")) {
            let own = table.chains.entry(name).or_insert_with(|| Chain { rules: Vec::new(), ..chain.clone() });
            own.rules.splice(0..0, chain.rules);
            own.base = chain.base.or(own.base.take());
        }
    }
    host
}

fn rule(text: &str, decision: Decision) -> Rule {
    Rule { text: text.into(), steps: vec![Step::Act(Action::Decide(decision))].into() }
}

/// The same after `ufw default reject incoming` and `routed`: no policy drops.
fn rejecting(host: &Host) -> Host {
    let mut host = host.clone();
    for chain in host.ruleset.tables.iter_mut().flat_map(|table| table.chains.values_mut()) {
        if chain.name.starts_with("ufw") && chain.name.contains("-reject-") {
            chain.rules.push(rule("-j REJECT", Decision::Reject));
        }
        chain.base.iter_mut().for_each(|base| base.policy = Policy::Accept);
    }
    host
}

/// The host after `ufw disable`, which empties ufw's chains and has the policies accept, and leaves the jumps to the chains.
fn with_ufw_disabled(host: &Host) -> Host {
    let mut host = host.clone();
    for chain in host.ruleset.tables.iter_mut().flat_map(|table| table.chains.values_mut()) {
        if chain.name.starts_with("ufw") {
            chain.rules.clear();
        } else if ["INPUT", "FORWARD"].contains(&&*chain.name) {
            chain.base.iter_mut().for_each(|base| base.policy = Policy::Accept);
        }
    }
    host
}

/// The host when ufw has been taken away with all its chains.
fn with_ufw_purged(host: &Host) -> Host {
    let mut host = with_ufw_disabled(host);
    for table in &mut host.ruleset.tables {
        table.chains.retain(|name, _| !name.starts_with("ufw"));
        for chain in table.chains.values_mut() {
            chain.rules.retain(|rule| !rule.steps.iter().any(leads_to_ufw));
        }
    }
    host
}

fn leads_to_ufw(step: &Step) -> bool {
    matches!(step, Step::Act(Action::Decide(Decision::Jump(to) | Decision::Goto(to))) if to.starts_with("ufw"))
}

#[test]
fn a_lock_stays_as_it_is_when_its_only_firewall_is_gone() {
    for (name, snapshot) in saved_hosts() {
        let firewalld = snapshot.host();
        let bare = without_firewalld(&firewalld);
        let ufw = with_ufw(&bare);
        let rejecting = rejecting(&ufw);
        let cases = [
            (&firewalld, bare.clone()),
            (&ufw, with_ufw_disabled(&ufw)),
            (&ufw, with_ufw_purged(&ufw)),
            (&rejecting, with_ufw_disabled(&rejecting)),
        ];
        for (before, after) in cases {
            assert_eq!(stays(before, &after, &Wish::default()), None, "{name}: there is nothing to obey");
            assert_eq!(stays(before, &after, &allowing(&["8080/tcp"])), Some(true), "{name}: nothing but what is allowed");
            let all = Wish { refuses_all: true, ..allowing(&["8080/tcp"]) };
            assert_eq!(stays(before, &after, &all), Some(false), "{name}: it obeys no firewall");
            assert_eq!(stays(&after, before, &allowing(&["8080/tcp"])), Some(false), "{name}: the firewall came later");
        }
    }
}

#[test]
fn rules_that_refuse_nothing_are_not_missed() {
    for (name, snapshot) in saved_hosts() {
        let bare = without_firewalld(&snapshot.host());
        // Rules that let everything pass, and then none.
        let mut open = with_ufw_disabled(&with_ufw(&bare));
        for chain in open.ruleset.tables.iter_mut().flat_map(|table| table.chains.values_mut()) {
            if chain.name.starts_with("ufw") && chain.name.ends_with("-before-input") {
                chain.rules.push(rule("-j ACCEPT", Decision::Accept));
            }
        }
        assert!(!lock::places(&open).is_subset(&lock::places(&bare)), "{name}: there are rules");
        assert_eq!(stays(&open, &bare, &allowing(&["8080/tcp"])), Some(false), "{name}");
    }
}

#[test]
fn a_lock_stays_as_it_is_when_one_of_two_firewalls_is_gone() {
    for (name, snapshot) in saved_hosts() {
        let both = with_ufw(&snapshot.host());
        for wish in [Wish::default(), allowing(&["8080/tcp"])] {
            for after in [without_firewalld(&both), with_ufw_disabled(&both), with_ufw_purged(&both)] {
                assert_eq!(stays(&both, &after, &wish), Some(true), "{name}");
                assert_eq!(stays(&after, &both, &wish), Some(false), "{name}: it came back");
            }
            assert_eq!(stays(&both, &both, &wish), Some(false), "{name}: nothing has changed");
        }
    }
}

/// The table that firewalld has while it reloads.
fn passing() -> Table {
    let chain = |(name, hook): (&str, Hook)| {
        let base = Base { hook, kind: ChainKind::Filter, priority: -310, policy: Policy::Drop, devices: Vec::new() };
        (name.into(), Chain { name: name.into(), base: Some(base), rules: Vec::new(), unread: None })
    };
    let chains = [("filter_input", Hook::Input), ("filter_forward", Hook::Forward)].map(chain).into();
    Table { family: TableFamily::Inet, name: "firewalld_policy_drop".to_owned(), origin: Origin::Nft, chains }
}

#[test]
fn what_firewalld_drops_while_it_reloads_is_not_what_its_owner_means() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let reloading = |host: &Host| {
            let mut host = host.clone();
            host.ruleset.tables.push(passing());
            host
        };
        let (usual, then) = (plan(&host, &Wish::default()), plan(&reloading(&host), &Wish::default()));
        assert_eq!(usual.guard.permits, then.guard.permits, "{name}");
        assert_eq!(usual.obeyed, then.obeyed, "{name}");
        assert_eq!(stays(&host, &reloading(&without_firewalld(&host)), &Wish::default()), None, "{name}: nothing to obey yet");
    }
}
