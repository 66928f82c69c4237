//! What is said of a lock whose firewall has gone.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::lock::Backend;
use crate::report;
use crate::report::style::Style;
use std::path::Path;

const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");

fn memory(host: &Host, wish: &Wish) -> Memory {
    lock::plan(host, wish, Backend::Nftables, &judged_by).unwrap().memory(wish, 0)
}

/// What `status` says of a lock that is there, and how it ends.
fn told(memory: &Memory, host: &Host) -> (String, u8) {
    let (holds, stale) = judged(memory, host);
    let standing = Standing { backends: vec![memory.backend], memory: Some(memory.clone()), holds, stale };
    (report::lock::status(&standing, 60, &Style::default()), exit_status(&standing))
}

#[test]
fn a_lock_whose_firewall_has_gone_is_stale_and_is_not_said_to_be_broken() {
    let host = look::snapshot::snapshot(Path::new(HOST)).unwrap().host();
    for wish in [Wish::default(), Wish { allowed: vec!["8080/tcp".parse().unwrap()], ..Wish::default() }] {
        let memory = memory(&host, &wish);
        let locked = lock::plan(&host, &wish, Backend::Nftables, &judged_by).unwrap().script.host;
        assert_eq!(told(&memory, &locked).1, 0);
        let mut bare = locked.clone();
        bare.ruleset.tables.retain(|table| table.name != "firewalld");
        let (text, status) = told(&memory, &bare);
        assert_eq!(status, 1, "{text}");
        assert!(text.contains("whether it holds cannot be told: rules of the host firewall"), "{text}");
        assert!(
            text.contains("it is stale: rules of the host firewall that it obeys are gone (inet firewalld filter_"),
            "{text}"
        );
        assert!(text.ends_with(" more); it stays as it was made\n"), "{text}");
    }
}
