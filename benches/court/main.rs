//! What judging a host costs, reading aside: every way in to everything that it publishes, from every group of senders, as it is and as
//! it is meant; and what a lock costs, from the host to its rules and their proof. `cargo bench --bench court`.

mod texts;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use docker_firewall::judge::court::Court;
use docker_firewall::judge::doors::{self, Door};
use docker_firewall::judge::hosts::Sight;
use docker_firewall::model::guard::Wish;
use docker_firewall::model::host::Host;
use docker_firewall::model::lock::Backend;
use docker_firewall::model::packet::Family;
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::remedy::lock;
use std::hint::black_box;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Judges every way in, on all processors.
fn judge(court: &Court, doors: &[Door]) -> Vec<Sight> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(door) = doors.get(at) else { return done };
            done.push((at, Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() }));
        }
    };
    let mut sights: Vec<(usize, Sight)> = thread::scope(|scope| {
        let helpers: Vec<_> = (1..thread::available_parallelism().map_or(1, NonZero::get)).map(|_| scope.spawn(share)).collect();
        let mut sights = share();
        sights.extend(helpers.into_iter().filter_map(|helper| helper.join().ok()).flatten());
        sights
    });
    sights.sort_by_key(|(at, _)| *at);
    sights.into_iter().map(|(_, sight)| sight).collect()
}

fn count(host: &Host) -> usize {
    host.ruleset.tables.iter().flat_map(|table| table.chains.values()).map(|chain| chain.rules.len()).sum()
}

fn bench(criterion: &mut Criterion, name: &str, snapshot: &Snapshot) {
    let host = snapshot.host();
    assert!(host.unread.is_empty(), "{:?}", host.unread);
    let court = Court::of(&host);
    let doors = doors::of(&host);
    let groups: Vec<usize> = [Family::V4, Family::V6]
        .into_iter()
        .flat_map(|family| ["eth0", "eth1"].map(|by| court.senders(by, family).len()))
        .collect();
    println!(
        "{name}: {} publications, {} rules, {} ways in, groups of senders {groups:?}",
        host.publishers.len(),
        count(&host),
        doors.len()
    );
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function("prepare", |bencher| bencher.iter(|| Court::of(black_box(&host))));
    let senders = |court: Court| [Family::V4, Family::V6].map(|family| ["eth0", "eth1"].map(|by| court.senders(by, family)));
    group.bench_function("group the senders", |bencher| {
        bencher.iter_batched(|| Court::of(&host), senders, BatchSize::PerIteration);
    });
    group.bench_function("prepare and judge all", |bencher| {
        bencher.iter(|| {
            let court = Court::of(black_box(&host));
            judge(&court, &doors::of(&host))
        });
    });
    for backend in [Backend::Nftables, Backend::DockerUser] {
        // Without a chain of the engine for its owner, there is none by docker-user.
        let plan = || lock::plan(black_box(&host), &Wish::default(), backend, &judge);
        if plan().is_ok() {
            group.bench_function(format!("plan a lock, {}", backend.name()), |bencher| bencher.iter(plan));
        }
    }
    group.bench_function("one way in", |bencher| {
        let mut next = 0;
        bencher.iter(|| {
            next = (next + 1) % doors.len();
            court.rule_on(&doors[next].interface, doors[next].to)
        });
    });
    group.finish();
}

fn hosts(criterion: &mut Criterion) {
    bench(criterion, "large, iptables", &texts::iptables(texts::LARGE));
    bench(criterion, "large, nftables", &texts::nftables(texts::LARGE));
    bench(criterion, "small, iptables", &texts::iptables(texts::SMALL));
}

criterion_group!(benches, hosts);
criterion_main!(benches);
