//! One judged packet, for people and for scripts.

use super::style::{Style, Tone};
use super::visible::{shorten, visible, width};
use super::{escaped, wrap};
use crate::model::packet::Packet;
use crate::model::verdict::{Assessment, Heard, Hop, Trace, Verdict};
use serde_json::{Value, json};
use std::io::{self, Write};

/// With fewer columns than this beside what happened, the rule stands below it.
const BESIDE: usize = 32;
/// What a rule below its hop is indented by.
const BELOW: usize = 6;
/// The columns of a hook's name, its mark and the blanks around them.
const HOOK: usize = 16;

/// What is known of a packet besides its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// The zone of firewalld that it comes from.
    pub zone: Option<String>,
    /// Who is published where it is sent to: `container web`.
    pub publisher: Option<String>,
}

/// Writes what is real, then what is meant, hook by hook; the hop that decides has a mark.
///
/// # Errors
/// What the writer says.
pub fn write(packet: &Packet, scene: &Scene, assessment: &Assessment, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (actual, intended) = (&assessment.actual, &assessment.intended);
    let known = [scene.zone.as_ref().map(|zone| format!("zone {zone}")), scene.publisher.clone()];
    let known: Vec<String> = known.into_iter().flatten().collect();
    let remark = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    for line in wrapped(&format!("{packet}{remark}"), style.room(0)) {
        writeln!(out, "{}", style.paint(Tone::Strong, line))?;
    }
    let tone = |verdict: Verdict| match verdict {
        Verdict::Unsure => Tone::Caution,
        _ if assessment.is_bypass() => Tone::Bad,
        _ if actual.verdict == intended.verdict => Tone::Good,
        _ => Tone::Caution,
    };
    verdict("as it is", actual, tone(actual.verdict), style, out)?;
    hops(actual, style, out)?;
    writeln!(out, "  {}", visible(&heard_words(&assessment.listener)))?;
    let calm = if intended.verdict == Verdict::Unsure { Tone::Caution } else { Tone::Strong };
    verdict("as it is meant", intended, calm, style, out)?;
    hops(intended, style, out)?;
    if assessment.is_bypass() {
        writeln!(out)?;
        for line in wrapped("bypass: the host's own rules mean to refuse this packet, and it gets through", style.room(0)) {
            writeln!(out, "{}", style.paint(Tone::Bad, line))?;
        }
    }
    Ok(())
}

/// The verdict and the way of the packet; where both do not fit into a line, one below the other.
fn verdict(title: &str, trace: &Trace, tone: Tone, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (word, way) = (trace.verdict.name(), way(trace));
    write!(out, "\n{title}: {}", style.paint(tone, word))?;
    if width(title) + 2 + width(word) + 1 + width(&way) <= style.room(0) {
        return writeln!(out, " {way}");
    }
    writeln!(out)?;
    wrapped(&way, style.room(2)).iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn way(trace: &Trace) -> String {
    let to = match trace.delivered {
        Some((address, Some(port))) if address.is_ipv6() => format!(", delivered to [{address}]:{port}"),
        Some((address, Some(port))) => format!(", delivered to {address}:{port}"),
        Some((address, None)) => format!(", delivered to {address}"),
        None => String::new(),
    };
    format!("({}{to})", trace.path.name())
}

/// One line a hop: the hook, what happened, and beside or below it where and by which rule.
fn hops(trace: &Trace, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let effects = trace.hops.iter().map(|hop| width(&hop.effect)).filter(|width| *width <= 32).max().unwrap_or(0);
    let beside = HOOK + effects + 2;
    let is_beside = style.room(beside) >= BESIDE;
    let indent = if is_beside { beside } else { BELOW };
    for (at, hop) in trace.hops.iter().enumerate() {
        let is_decisive = trace.decisive() == Some(at);
        let mark = if is_decisive { '*' } else { ' ' };
        let tone = if is_decisive { Tone::Strong } else { Tone::Faint };
        let texts = [
            (!hop.table.is_empty(), format!("{} {}", hop.table, hop.chain())),
            (!hop.rule.is_empty() && !hop.is_policy(), hop.rule.clone()),
        ];
        let texts = texts.iter().filter(|(is_there, _)| *is_there);
        let mut lines = texts.flat_map(|(_, text)| wrapped(text, style.room(indent))).map(|line| style.paint(tone, line));
        let effect = shorten(&hop.effect, style.room(HOOK));
        let head = format!(
            "{mark} {:<12}  {}",
            hop.hook,
            if is_decisive { style.paint(Tone::Strong, &effect) } else { effect.clone().into_owned() }
        );
        let room = effects.saturating_sub(width(&hop.effect)) + 2;
        let first = if is_beside { lines.next().map(|line| format!("{:room$}{line}", "")) } else { None };
        writeln!(out, "{head}{}", first.unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(out, "{:indent$}{line}", ""))?;
    }
    for doubt in trace.doubts.iter().flat_map(|doubt| wrapped(&format!("not certain: {doubt}"), style.room(2))) {
        writeln!(out, "  {}", style.paint(Tone::Caution, doubt))?;
    }
    Ok(())
}

/// A text made visible, in lines that fit; a word that is longer loses its middle.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let text = visible(text);
    if room == usize::MAX {
        return vec![text.into_owned()];
    }
    wrap::lines(&text, room).iter().map(|line| shorten(line, room).into_owned()).collect()
}

fn heard_words(listener: &Heard) -> String {
    match listener {
        Heard::Yes(Some(program)) => format!("listener: {program}"),
        Heard::Yes(None) => "listener: something listens there".to_owned(),
        Heard::No => "listener: nothing listens there".to_owned(),
        Heard::Unknown => "listener: unknown".to_owned(),
    }
}

fn heard_name(listener: &Heard) -> &'static str {
    match listener {
        Heard::Yes(_) => "yes",
        Heard::No => "no",
        Heard::Unknown => "unknown",
    }
}

/// Writes one JSON object: `plugin-metadata/schemas/trace.schema.json`.
///
/// # Errors
/// What the writer says.
pub fn write_json(packet: &Packet, assessment: &Assessment, out: &mut dyn Write) -> io::Result<()> {
    let mut object = described(&assessment.actual);
    object["listener"] = json!(heard_name(&assessment.listener));
    if let Heard::Yes(Some(program)) = &assessment.listener {
        object["program"] = json!(program);
    }
    object["intended"] = described(&assessment.intended);
    object["bypass"] = json!(assessment.is_bypass());
    object["packet"] = json!({
        "from": packet.source,
        "in": &*packet.interface,
        "to": packet.destination,
        "port": packet.port,
        "protocol": packet.protocol.to_string(),
    });
    escaped::write(&object, out)
}

fn described(trace: &Trace) -> Value {
    let mut object = json!({
        "verdict": trace.verdict.name(),
        "path": trace.path.name(),
        "trace": trace.hops.iter().map(hop).collect::<Vec<_>>(),
    });
    if let Some((address, port)) = trace.delivered {
        object["delivered"] = json!({ "address": address, "port": port });
    }
    if trace.verdict == Verdict::Unsure {
        object["doubts"] = json!(trace.doubts);
    }
    object
}

fn hop(hop: &Hop) -> Value {
    json!({ "hook": hop.hook, "table": hop.table, "chain": hop.chain(), "rule": hop.rule, "effect": hop.effect })
}

#[cfg(test)]
mod tests;
