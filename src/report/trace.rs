//! One judged packet, for people and for scripts.

use super::visible::{visible, width};
use crate::model::packet::Packet;
use crate::model::verdict::{Assessment, Heard, Hop, Trace, Verdict};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes what is real, then what is meant, hook by hook.
///
/// # Errors
/// What the writer says.
pub fn write(packet: &Packet, assessment: &Assessment, out: &mut dyn Write) -> io::Result<()> {
    let (actual, intended) = (&assessment.actual, &assessment.intended);
    writeln!(out, "{}", visible(&packet.to_string()))?;
    writeln!(out, "\nas it is: {}{}", actual.verdict.name(), way(actual))?;
    hops(actual, out)?;
    writeln!(out, "  listener: {}", visible(&heard_words(&assessment.listener)))?;
    writeln!(out, "\nas it is meant: {}{}", intended.verdict.name(), way(intended))?;
    hops(intended, out)?;
    if assessment.is_bypass() {
        writeln!(out, "\nthe host's own rules mean to refuse this packet, and it gets through")?;
    }
    Ok(())
}

fn way(trace: &Trace) -> String {
    let to = match trace.delivered {
        Some((address, Some(port))) if address.is_ipv6() => format!(", delivered to [{address}]:{port}"),
        Some((address, Some(port))) => format!(", delivered to {address}:{port}"),
        Some((address, None)) => format!(", delivered to {address}"),
        None => String::new(),
    };
    format!(" ({}{to})", trace.path.name())
}

/// One line a hop: the hook, what happened, and below it where and by which rule.
fn hops(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let effects = trace.hops.iter().map(|hop| width(&hop.effect)).filter(|width| *width <= 32).max().unwrap_or(0);
    for hop in &trace.hops {
        let place = if hop.table.is_empty() { String::new() } else { format!("{} {}", hop.table, hop.chain) };
        let effect = visible(&hop.effect);
        let room = effects.saturating_sub(width(&hop.effect));
        let line = format!("  {:<12} {effect}{:room$}  {}", hop.hook, "", visible(&place));
        writeln!(out, "{}", line.trim_end())?;
        if !hop.rule.is_empty() && hop.rule != "policy" {
            writeln!(out, "  {:<12} {:effects$}  {}", "", "", visible(&hop.rule))?;
        }
    }
    for doubt in &trace.doubts {
        writeln!(out, "  not certain: {}", visible(doubt))?;
    }
    Ok(())
}

fn heard_words(listener: &Heard) -> String {
    match listener {
        Heard::Yes(Some(program)) => format!("yes, {program}"),
        other => heard_name(other).to_owned(),
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
    serde_json::to_writer_pretty(&mut *out, &object)?;
    writeln!(out)
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
    json!({ "hook": hop.hook, "table": hop.table, "chain": hop.chain, "rule": hop.rule, "effect": hop.effect })
}
