//! A lock, for people: its rules, what it does, whether it holds.
//!
//! In: what a plan tells. Out: text. Not here: the making of it.

use super::changes::utc;
use super::escaped;
use super::style::{Style, Tone};
use super::visible::visible;
use crate::model::flow::Flow;
use crate::model::guard::{From, Permit, Place};
use crate::model::lock::{Account, Backend, Line, Load, Memory, Refusal, Standing};
use crate::model::packet::Family;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// What is told of a lock.
pub struct Told<'a> {
    /// Whose rules it is written in.
    pub backend: Backend,
    /// What it does.
    pub account: &'a Account,
    /// What the host firewall may or may not permit: it is refused.
    pub unsure: &'a [Permit],
    /// What permits a port in the host firewall; None: it is written by hand.
    pub how_to_open: Option<&'a str>,
    /// True if it has been done; false if it would be.
    pub is_done: bool,
}

/// What is closed, what stays open, and how to open one more.
pub fn told(told: &Told<'_>, style: &Style) -> String {
    let Told { backend, account, unsure, how_to_open, is_done } = *told;
    let (head, closed) = if is_done { ("locked", "closed") } else { ("would lock", "would close") };
    let how = match backend {
        Backend::Nftables => "by a table of its own, inet docker_firewall",
        Backend::DockerUser => "by chains of its own, called from DOCKER-USER and INPUT",
    };
    let mut text = format!("{} {how}\n", style.paint(Tone::Strong, head));
    section(&mut text, style.paint(Tone::Good, closed), &account.closed, "nothing that is open");
    section(&mut text, style.paint(Tone::Strong, "open"), &account.open, "nothing");
    beside(&mut text, account, style);
    for permit in unsure {
        let words = permitted(permit);
        let _ = writeln!(
            text,
            "{}: {words}",
            style.paint(Tone::Caution, "refused, since it cannot be told whether the host firewall permits it")
        );
    }
    let how = how_to_open.map(|how| format!(" (`{}`)", visible(how))).unwrap_or_default();
    let _ = writeln!(
        text,
        "to open a port: permit it in the host firewall{how} and lock again, or `docker firewall lock --allow PORT/PROTO`"
    );
    text
}

fn beside(text: &mut String, account: &Account, style: &Style) {
    for container in &account.beside {
        let head = style.paint(Tone::Caution, "out of the reach of any rule of the host");
        let _ = writeln!(text, "{head}: {}", visible(container));
    }
}

fn section(text: &mut String, head: impl std::fmt::Display, lines: &[Line], nothing: &str) {
    if lines.is_empty() {
        let _ = writeln!(text, "{head}: {nothing}");
        return;
    }
    let _ = writeln!(text, "{head}:");
    let names: Vec<String> = lines.iter().map(|line| format!("{}/{}", line.port, line.protocol)).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for (line, name) in lines.iter().zip(names) {
        let place = line.place.as_ref().map(|place| format!(" {place}")).unwrap_or_default();
        let _ = writeln!(text, "  {name:width$}  {}{place}, {}", visible(&line.publisher), visible(&line.whom));
    }
}

/// `80,8000-8010/tcp by eth0, v4, from 10.0.0.0/8`
fn permitted(permit: &Permit) -> String {
    let range = |(first, last): &(u16, u16)| match (first, last) {
        (1, &u16::MAX) => "every port".to_owned(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let ports: Vec<String> = permit.ports.iter().map(range).collect();
    let mut text = format!("{}/{}", ports.join(","), permit.protocol);
    if let Some(interface) = &permit.interface {
        let _ = write!(text, " by {}", visible(interface));
    }
    if let Some(family) = permit.family {
        let _ = write!(text, ", {}", Family::name(family));
    }
    let nets = |nets: &[ipnet::IpNet]| nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match &permit.from {
        From::Everyone => {}
        From::Only(own) => drop(write!(text, ", from {}", nets(own))),
        From::AllBut(others) => drop(write!(text, ", from everyone but {}", nets(others))),
    }
    match permit.to {
        Place::Host(None) => {}
        Place::Host(Some(address)) => drop(write!(text, ", to {address}")),
        Place::Containers(net) => drop(write!(text, ", to containers in {net}")),
    }
    text
}

/// The rules, as their tools read them; `is_shell`: as a script that has them read.
pub fn rules(loads: &[Load], is_shell: bool) -> String {
    let mut text = String::new();
    if is_shell {
        text.push_str("#!/bin/sh\nset -eu\n");
    }
    for load in loads {
        let words = load.words.join(" ");
        if is_shell {
            // The text is made of our own words, addresses, numbers and names of [A-Za-z0-9_.@-] alone.
            let _ = write!(text, "\n{words} <<'RULES'\n{}RULES\n", load.text);
        } else {
            let _ = write!(text, "# {words}\n{}", load.text);
        }
    }
    text
}

/// Whether a lock holds, for people. `now`: seconds since 1970-01-01 UTC.
pub fn status(standing: &Standing, now: u64, style: &Style) -> String {
    let mut text = format!("{} ({})", style.paint(Tone::Strong, "locked"), backends(standing).join(", "));
    match &standing.memory {
        Some(memory) => {
            let _ =
                write!(text, " by docker-firewall {} {} ago", visible(&memory.version), span(now.saturating_sub(memory.since)));
            if let Some(until) = memory.until {
                let _ = write!(text, ", for another {}", span(until.saturating_sub(now)));
            }
        }
        None => text.push_str(", by whom and since when is not known"),
    }
    text.push('\n');
    match &standing.holds {
        Ok(account) => {
            let _ = writeln!(text, "{}: nothing is open that is not permitted", style.paint(Tone::Good, "it holds"));
            section(&mut text, style.paint(Tone::Strong, "open"), &account.open, "nothing");
            beside(&mut text, account, style);
        }
        Err(refusal) => {
            let (tone, word) = if is_judged(refusal) {
                (Tone::Bad, "it does not hold")
            } else {
                (Tone::Caution, "whether it holds cannot be told")
            };
            let _ = writeln!(text, "{}: {}", style.paint(tone, word), visible(&refusal.to_string()));
        }
    }
    if let Some(why) = &standing.stale {
        let _ = writeln!(text, "{}: {}", style.paint(Tone::Caution, "it is stale"), visible(why));
    }
    text
}

/// That there is no lock, and which one there was, where that did not go by `unlock`. `now`: seconds since 1970-01-01 UTC.
pub fn not_locked(lost: Option<&Memory>, now: u64) -> String {
    let made = lost.map(|memory| span(now.saturating_sub(memory.since)));
    made.map_or("not locked\n".to_owned(), |ago| {
        format!("not locked: the rules of the lock that was made {ago} ago are not there; `docker firewall lock` makes it anew\n")
    })
}

/// False if nobody could tell whether a lock holds.
fn is_judged(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::Unread(..) | Refusal::Bereft)
}

fn backends(standing: &Standing) -> Vec<&'static str> {
    standing.backends.iter().map(|backend| backend.name()).collect()
}

/// How a lock stands, as one JSON object: `plugin-metadata/schemas/status.schema.json`. None: there is none.
///
/// # Errors
/// What the writer says.
pub fn write_status(standing: Option<&Standing>, out: &mut dyn Write) -> io::Result<()> {
    let Some(standing) = standing else { return escaped::write(&json!({ "locked": false }), out) };
    let mut object = json!({ "locked": true, "backends": backends(standing) });
    if let Some(memory) = &standing.memory {
        object["version"] = json!(memory.version);
        object["since"] = json!(utc(memory.since));
        object["until"] = json!(memory.until.map(utc));
        object["all"] = json!(memory.refuses_all);
        object["allowed"] = json!(memory.allowed);
    }
    object["stale"] = json!(standing.stale);
    match &standing.holds {
        Ok(account) => {
            object["holds"] = json!(true);
            object["open"] = account.open.iter().map(line).collect();
            object["beside"] = json!(account.beside);
        }
        Err(refusal) => {
            object["holds"] = if is_judged(refusal) { json!(false) } else { Value::Null };
            object["why"] = json!(refusal.to_string());
        }
    }
    escaped::write(&object, out)
}

fn line(line: &Line) -> Value {
    let Line { publisher, port, protocol, place, whom } = line;
    json!({ "publisher": publisher, "port": port, "protocol": protocol.to_string(), "place": place, "whom": whom })
}

/// What is open and closed now and was not before; empty: nothing has changed.
pub fn changed(before: &Account, after: &Account, style: &Style) -> String {
    let new = |old: &[Line], new: &[Line]| -> Vec<Line> { new.iter().filter(|line| !old.contains(line)).cloned().collect() };
    let parts = [
        (style.paint(Tone::Strong, "open now"), new(&before.open, &after.open)),
        (style.paint(Tone::Good, "closed now"), new(&before.closed, &after.closed)),
        ("no longer open".to_owned(), new(&after.open, &before.open)),
    ];
    let mut text = String::new();
    for (head, lines) in parts.iter().filter(|(_, lines)| !lines.is_empty()) {
        section(&mut text, head, lines, "");
    }
    text
}

/// What a lock would let in that the one before does not, and the other way round.
pub fn difference(before: Option<&Memory>, permits: &[Permit]) -> String {
    let Some(before) = before else { return "there is no lock now\n".to_owned() };
    let mut text = String::new();
    for permit in permits.iter().filter(|permit| !before.permits.contains(permit)) {
        let _ = writeln!(text, "+ {}", permitted(permit));
    }
    for permit in before.permits.iter().filter(|permit| !permits.contains(permit)) {
        let _ = writeln!(text, "- {}", permitted(permit));
    }
    if text.is_empty() { "it lets in what the lock of now lets in\n".to_owned() } else { text }
}

/// The connections of this moment that a lock would refuse.
pub fn connections(refused: &[Flow]) -> String {
    match refused {
        [] => "no connection of this moment would be refused\n".to_owned(),
        refused => {
            let mut text =
                "of the connections of this moment it would refuse, if they began now (`--cut` ends them):\n".to_owned();
            for flow in refused {
                let _ = writeln!(text, "  {flow}");
            }
            text
        }
    }
}

/// What became of connections that were to be ended.
pub fn cut(cut: &Cut<'_>) -> String {
    let mut text = String::new();
    let count = |number: usize| if number == 1 { "1 connection".to_owned() } else { format!("{number} connections") };
    let _ = writeln!(text, "cut {}", count(cut.closed + cut.forgotten));
    if cut.forgotten > 0 {
        let _ = writeln!(
            text,
            "{} of them by their packets alone: their sockets were not found, or serve others",
            count(cut.forgotten)
        );
    }
    for (flow, why) in cut.failed {
        let _ = writeln!(text, "not cut: {flow}: {}", visible(why));
    }
    for why in cut.unseen {
        let _ = writeln!(text, "not looked for: {}", visible(why));
    }
    text
}

/// What became of connections that were to be ended.
pub struct Cut<'a> {
    /// How many are at an end.
    pub closed: usize,
    /// How many are forgotten by the kernel, so that their packets are refused.
    pub forgotten: usize,
    /// Those that go on, and why.
    pub failed: &'a [(Flow, String)],
    /// Where nobody could look for sockets, and why.
    pub unseen: &'a [String],
}

/// A time span in its largest unit.
fn span(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
