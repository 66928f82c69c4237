//! One packet through a host.

use super::{Verdict, host, publish, style};
use crate::cli::job::{Trace, TraceFormat};
use crate::error::Error;
use crate::judge::bypass;
use crate::model::host::Host;
use crate::model::packet::Packet;
use crate::report::trace::{self, Scene};

/// Follows the packet and prints what becomes of it. Every verdict is a success.
pub(super) fn run(job: &Trace) -> Result<Verdict, Error> {
    let host = host::look(&job.eyes)?.host();
    let packet = bypass::packet(&host, job.to, job.from, job.interface.as_deref()).map_err(Error::Packet)?;
    let assessment = bypass::of(&host, &packet);
    let style = style(job.color, false);
    publish(None, &|out| match job.format {
        TraceFormat::Text => trace::write(&packet, &scene(&host, &packet), &assessment, &style, out),
        TraceFormat::Json => trace::write_json(&packet, &assessment, out),
    })?;
    Ok(Verdict::Clean)
}

/// What the host's firewall and its engine say of the packet.
fn scene(host: &Host, packet: &Packet) -> Scene {
    let zone = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running);
    let zone = zone.and_then(|firewalld| firewalld.zone_for(&packet.interface, packet.source)).map(|(name, _)| name.to_owned());
    let publisher = host.publisher_at(packet.destination, packet.port, packet.protocol);
    Scene { zone, publisher: publisher.map(|it| format!("{} {}", it.kind.name(), it.name)) }
}
