//! What an owner is told before a lock is made: when it does not hold, by the nature of the host.
//!
//! In: a host, and the plan of a lock. Out: sentences. Not here: what stands against the lock on this host; that is its proof's
//! matter.

use super::Plan;
use crate::model::host::Host;
use crate::model::lock::Backend;
use std::time::Duration;

/// What the owner should know of this lock. A table of nftables of its own keeps through all of this.
pub fn cautions(host: &Host, plan: &Plan) -> Vec<String> {
    match plan.script.backend {
        Backend::Nftables => Vec::new(),
        Backend::DockerUser => of_chains(host, plan.guard.lasts),
    }
}

/// What the owner should know of chains of iptables that end after so long.
fn of_chains(host: &Host, lasts: Option<Duration>) -> Vec<String> {
    let clock = lasts.map(|_| {
        "the lock ends by this machine's clock, and sooner or later if that is set; its chains stay, and let everything pass, until \
         `docker firewall unlock` takes them away"
            .to_owned()
    });
    flushed(host).into_iter().chain(misplaced(host)).chain(moved(host)).chain(clock).collect()
}

/// firewalld empties the tables of iptables (`src/firewall/core/fw.py`, `_flush`; since 2.0.0 not those that it does not use, commit
/// b7faa74d).
fn flushed(host: &Host) -> Option<String> {
    let firewalld = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running)?;
    let version = firewalld.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let does = match firewalld.keeps_others_rules() {
        Some(true) => return None,
        Some(false) => "empties",
        None => "may empty",
    };
    Some(format!(
        "firewalld{version} {does} the tables of iptables whenever it starts, reloads or stops, and the lock goes with them: published \
         ports are as the engine opens them until `docker firewall lock` is run again; with `--backend nftables` it stays"
    ))
}

/// An engine writes its rules anew when firewalld has started or reloaded, those of its networks at the top of FORWARD and its jump to
/// `DOCKER-USER` after them (libnetwork `firewall_linux.go`; before 28.0.0 some stay before the jump until the next network is
/// made, moby 0773f66b3e and 0ef2b24c80): in the lab 20.10, 26.1 and 28.5 took about a second for that.
fn misplaced(host: &Host) -> Option<String> {
    host.firewalld.as_ref().filter(|firewalld| firewalld.is_running)?;
    let release = host.engine.as_ref()?.release.map(|(major, minor, _)| format!(" {major}.{minor}")).unwrap_or_default();
    Some(format!(
        "engine{release} puts rules of its own before its jump to DOCKER-USER each time that firewalld starts or reloads, and published \
         ports are open until it has moved the jump, for seconds; with `--backend nftables` they are not"
    ))
}

/// An engine before 28.0.0 takes its jump to `DOCKER-USER` out of FORWARD and puts it back whenever it makes a network, which it does at its
/// start, too (libnetwork `controller.go`, `NewNetwork`, `arrangeUserFilterRule`); for up to 50 ms of that, 20.10 and 26.1 in the lab.
fn moved(host: &Host) -> Option<String> {
    let release = host.engine.as_ref()?.release.filter(|release| *release < (28, 0, 0))?;
    Some(format!(
        "engine {}.{} takes its jump to DOCKER-USER away for a moment each time that it starts or makes a network, and published ports are \
         open for that long; with `--backend nftables` they are not",
        release.0, release.1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::engine::Engine;
    use crate::model::firewall::Firewalld;

    fn host(firewalld: &str, release: (u32, u32, u32)) -> Host {
        Host {
            firewalld: Some(Firewalld {
                is_running: true,
                version: Some(firewalld.to_owned()),
                direct_rules: Some(0),
                ..Firewalld::default()
            }),
            engine: Some(Engine { release: Some(release), ..Engine::default() }),
            ..Host::default()
        }
    }

    #[test]
    fn who_flushes_iptables_is_named_before_the_lock() {
        let told = |host: &Host| of_chains(host, None);
        let old = told(&host("1.3.3", (20, 10, 24)));
        assert!(old[0].starts_with("firewalld 1.3.3 empties the tables of iptables") && old[1].starts_with("engine 20.10 puts"));
        assert_eq!(told(&host("2.3.1", (26, 1, 5))).len(), 2);
        let new = told(&host("2.5.2", (28, 5, 2)));
        assert!(new.len() == 1 && new[0].starts_with("engine 28.5 puts rules of its own before its jump"));
    }

    #[test]
    fn an_engine_that_moves_its_jump_when_it_makes_a_network_is_named_on_every_host() {
        let without_firewalld = |release| Host { firewalld: None, ..host("2.5.2", release) };
        let told = |release| of_chains(&without_firewalld(release), None);
        assert!(told((26, 1, 5))[0].contains("each time that it starts or makes a network"));
        assert!(told((28, 0, 0)).is_empty());
    }

    #[test]
    fn an_end_by_the_clock_is_said() {
        let lasts = Some(Duration::from_secs(60));
        assert!(of_chains(&Host::default(), lasts)[0].contains("by this machine's clock"));
    }
}
