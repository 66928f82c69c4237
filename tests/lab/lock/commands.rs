//! `lock -- CMD`, `--all`, `--for` and `--cut`, with packets.
//!
//! In: a host of the lab. Out: claims on a [`Sheet`].
//!
//! [`Sheet`]: crate::lock::sheet::Sheet

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::engine::IMAGE;
use crate::hosts::Host;
use crate::lock::must::place;
use crate::lock::program::{self, Done, bare};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::{cut, must};
use crate::probe::{Knocks, Origin, Outcome, Probe};

/// Judges the lock's ways of running on one host; true when every claim held.
pub(crate) fn command(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::whole(host, "commands on")?;
    for backend in program::backends() {
        let Some(_) = stand.lock(backend)? else { continue };
        stand.unlock("a first lock")?;
        statuses(&mut stand, backend)?;
        signals(&mut stand, backend)?;
        failure(&mut stand, backend)?;
        everything(&mut stand, backend)?;
        for_a_while(&mut stand, backend)?;
        cut::cut(&mut stand, backend)?;
    }
    Ok(stand.sheet.end())
}

/// A script that runs after `lock … --`.
fn under(stand: &Stand, backend: &'static str, command: &[&str]) -> Result<Done> {
    program::firewall(&stand.site.island, &[&stand.words(backend)[..], &["--"], command].concat())
}

/// The status of the command is the lock's, as `env` has it; the lock holds afterwards.
fn statuses(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let commands: &[(&[&str], &[i32])] = &[
        (&["true"], &[0]),
        (&["sh", "-c", "exit 7"], &[7]),
        (&["/nowhere"], &[127]),
        (&["/etc/passwd"], &[126]),
        (&["sh", "-c", "kill -TERM $$"], &[128 + 15]),
    ];
    for (command, codes) in commands {
        let done = under(stand, backend, command)?;
        stand.sheet.claim(done.code.is_some_and(|code| codes.contains(&code)), || {
            format!("{backend}: lock -- {command:?}: {codes:?} expected, {done}")
        });
    }
    let done = program::script(
        &stand.site.island,
        &format!("echo word | {}", bare(&[&stand.words(backend)[..], &["--", "cat"]].concat())),
    )?;
    stand
        .sheet
        .claim(done.printed.contains("word\n"), || format!("{backend}: lock -- cat does not print what it is given: {done}"));
    stand.ends(&format!("{backend}: status after lock -- CMD"), &["status"], 0)?;
    stand.unlock("lock -- CMD")
}

/// A signal to the lock is one to the command.
fn signals(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let command = "sh -c 'trap \"echo got >/tmp/got; exit 5\" TERM INT; echo >/tmp/began; while :; do sleep 0.1; done'";
    for signal in ["TERM", "INT"] {
        let locked = bare(&stand.words(backend));
        // A shell without a terminal starts what runs beside it deaf to INT.
        let text = format!(
            "rm -f /tmp/got /tmp/began; env --default-signal=INT {locked} -- {command} & pid=$!; \
             while [ ! -e /tmp/began ]; do sleep 0.1; kill -0 $pid || exit 99; done; kill -{signal} $pid; wait $pid; exit $?"
        );
        let done = program::script(&stand.site.island, &text)?;
        let got = stand.site.island.run(&["cat", "/tmp/got"]).is_ok();
        stand.sheet.claim(done.is(5) && got, || format!("{backend}: {signal} to lock -- CMD: 5 of CMD's trap expected, {done}"));
    }
    stand.unlock("signals")
}

/// Where we fail before the command, it is not run.
fn failure(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let foreign = "nft add table inet docker_firewall; nft add chain inet docker_firewall theirs; iptables -N DFW; iptables -A DFW -j RETURN";
    program::script(&stand.site.island, foreign)?;
    let done = under(stand, backend, &["touch", "/tmp/ran"])?;
    let ran = stand.site.island.run(&["rm", "/tmp/ran"]).is_ok();
    program::script(&stand.site.island, "nft delete table inet docker_firewall; iptables -F DFW; iptables -X DFW")?;
    stand
        .sheet
        .claim(done.is(125) && !ran, || format!("{backend}: our own failure before CMD: 125 expected, CMD run: {ran}, {done}"));
    stand.unchanged("a failure before CMD changed the rules")
}

/// `--all -- CMD`: nothing answers while it runs, nor what it publishes itself; the host's own services do. If it fails, so it stays.
fn everything(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let doors = doors(stand);
    let own = own_service(stand);
    let _plain = stand.site.listen(&own)?;
    let asked: Vec<_> = doors.iter().chain(&own).cloned().collect();
    let step = "while [ ! -e /tmp/$1 ]; do sleep 0.05; done";
    let newly = format!("docker run --detach --name newly --publish 8130:80 {IMAGE} newly tcp/80");
    let command = format!("set -- go; touch /tmp/closed; {step}; {newly}; sleep 1; touch /tmp/published; set -- end; {step}");
    stand.site.island.run(&["rm", "-f", "/tmp/closed", "/tmp/go", "/tmp/published", "/tmp/end"])?;
    let words = ["lock", "--backend", backend, "--all", "--", "sh", "-c", &command];
    let running = program::begin(&stand.site.island, &words)?;
    let closed = await_file(stand, "/tmp/closed");
    let knocker = stand.site.knock(&asked)?;
    stand.site.island.run(&["touch", "/tmp/go"])?;
    let published = await_file(stand, "/tmp/published");
    let knocks = knocker.stop()?;
    stand.site.island.run(&["touch", "/tmp/end"])?;
    let done = running.end()?;
    stand.sheet.claim(closed.is_ok() && published.is_ok() && done.is(0), || format!("{backend}: lock --all -- CMD: {done}"));

    let (shut, open) = knocks.split_at(doors.len());
    let line = |(door, found): (&Probe, &Knocks)| format!("{}: {} of {}", place(door), found.answered, found.tried);
    let answered: Vec<_> = doors.iter().zip(shut).filter(|(_, found)| found.answered > 0).map(line).collect();
    stand.sheet.none(&format!("{backend}: doors that answered under lock --all -- CMD"), &answered);
    let tried: usize = shut.iter().map(|found| found.tried).sum();
    fact(format_args!("{backend}: {tried} knocks under lock --all -- CMD at {} doors", doors.len()));
    let lost: Vec<_> = own.iter().zip(open).filter(|(_, found)| found.answered * 2 < found.tried).map(line).collect();
    stand.sheet.none(&format!("{backend}: services of the host that lock --all shut"), &lost);

    // Where the firewall refuses nothing and nobody allowed anything, no lock is left to obey.
    let status = if stand.case.is_bare { 3 } else { 0 };
    stand.ends(&format!("{backend}: status after lock --all -- CMD"), &["status"], status)?;
    allowed(stand, &format!("{backend}: after lock --all -- CMD ended well"), true)?;
    let failed = program::firewall(&stand.site.island, &["lock", "--backend", backend, "--all", "--", "false"])?;
    stand.sheet.claim(failed.is(1), || format!("{backend}: lock --all -- false: 1 expected, {failed}"));
    allowed(stand, &format!("{backend}: after lock --all -- CMD failed"), false)?;
    stand.site.island.run(&["docker", "rm", "-f", "newly"])?;
    stand.unlock("lock --all -- CMD")
}

/// Claims that the door which the host's firewall permits is open, or that it is not.
fn allowed(stand: &mut Stand, when: &str, is_open: bool) -> Result<()> {
    let doors: Vec<_> = doors(stand).into_iter().filter(|door| door.port == 8084 && door.dst.is_ipv4()).collect();
    let answers = stand.site.ask(&doors)?;
    for (door, now) in doors.iter().zip(&answers) {
        stand.sheet.claim(now.open() == is_open, || format!("{when}: open: {is_open} expected, {}", must::told(door, now)));
    }
    Ok(())
}

/// How long a lock with an end is to hold: long enough to be asked twice, as silence is.
const FOR: &str = "8s";
const OVER: Duration = Duration::from_secs(10);

/// `--for 8s`: it holds, and ends by itself, also when the program was killed.
fn for_a_while(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let doors: Vec<_> = doors(stand).into_iter().filter(|door| door.port == 8080 && door.dst.is_ipv4()).collect();
    let words = [&stand.words(backend)[..], &["--for", FOR]].concat();
    let start = Instant::now();
    let done = program::firewall(&stand.site.island, &words)?;
    stand.sheet.claim(done.is(0), || format!("{backend}: lock --for {FOR}: {done}"));
    if start.elapsed() < Duration::from_secs(4) {
        let shut = stand.site.ask(&doors)?;
        stand.sheet.claim(shut.iter().all(|now| !now.open()), || format!("{backend}: lock --for {FOR} leaves open: {shut:?}"));
    }
    thread::sleep(OVER.saturating_sub(start.elapsed()) + Duration::from_secs(2));
    let open = stand.site.ask(&doors)?;
    stand
        .sheet
        .claim(open.iter().all(Outcome::open), || format!("{backend}: lock --for {FOR} closes longer than that: {open:?}"));
    let status = program::firewall(&stand.site.island, &["status"])?;
    stand.sheet.claim(!status.is(0), || format!("{backend}: status after lock --for {FOR} is over: {status}"));
    stand.unlock("lock --for")?;

    let killed = format!("timeout -s KILL 6 {}", bare(&[&words[..], &["--", "sleep", "60"]].concat()));
    program::script(&stand.site.island, &killed)?;
    thread::sleep(OVER);
    let open = stand.site.ask(&doors)?;
    let is_over = open.iter().all(Outcome::open);
    // Rules of iptables have no end of their own: there the lock says what stays.
    stand.sheet.claim(is_over || backend == "docker-user" && done.says("docker-user"), || {
        format!("{backend}: lock --for {FOR}, killed, still closes: {open:?}; it said {done}")
    });
    stand.unlock("lock --for that was killed")
}

/// Doors of containers, of one that will be started too, over both families where the link has them.
fn doors(stand: &Stand) -> Vec<Probe> {
    let near = stand.site.neighbours[0].link;
    let mut doors = Vec::new();
    for own in near.host_addresses() {
        let src = near.sources().into_iter().find(|src| src.is_ipv4() == own.is_ipv4());
        let to = |port| Some(Probe::new("tcp", src?, own, port, Origin::Link(near.name.to_owned())));
        doors.extend([8080, 8084, 8130].into_iter().filter_map(to));
    }
    doors
}

/// A service of the host itself: ssh.
fn own_service(stand: &Stand) -> Vec<Probe> {
    doors(stand).into_iter().filter(|door| door.port == 8080).map(|door| Probe { port: 22, ..door }).collect()
}

/// Waits for a file of the host.
fn await_file(stand: &Stand, path: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while stand.site.island.run(&["test", "-e", path]).is_err() {
        ensure!(Instant::now() < end, "{path} does not come");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
