//! Locks that are planned for saved hosts.
//!
//! In: a host, what is wanted, whose rules. Out: the plan, or why there is none.

use docker_firewall::judge::court::Court;
use docker_firewall::judge::doors::Door;
use docker_firewall::judge::hosts::Sight;
use docker_firewall::model::guard::Wish;
use docker_firewall::model::host::Host;
use docker_firewall::model::lock::{Backend, Refusal};
use docker_firewall::remedy::lock::{self, Plan};

pub(crate) fn sights(court: &Court, doors: &[Door]) -> Vec<Sight> {
    doors.iter().map(|door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() }).collect()
}

pub(crate) fn try_plan(host: &Host, wish: &Wish, backend: Backend) -> Result<Plan, Refusal> {
    lock::plan(host, wish, backend, &sights)
}

pub(crate) fn allowing(texts: &[&str]) -> Wish {
    Wish { allowed: texts.iter().map(|text| text.parse().unwrap()).collect(), ..Wish::default() }
}
