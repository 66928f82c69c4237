//! One packet through a host.

use super::{Verdict, host, print};
use crate::cli::job::{Trace, TraceFormat};
use crate::error::Error;
use crate::judge::bypass;
use crate::report::trace;

/// Follows the packet and prints what becomes of it. Every verdict is a success.
pub(super) fn run(job: &Trace) -> Result<Verdict, Error> {
    let host = host::look(&job.eyes)?.host();
    let packet = bypass::packet(&host, job.to, job.from, job.interface.as_deref()).map_err(Error::Packet)?;
    let assessment = bypass::of(&host, &packet);
    let mut text = Vec::new();
    match job.format {
        TraceFormat::Text => trace::write(&packet, &assessment, &mut text),
        TraceFormat::Json => trace::write_json(&packet, &assessment, &mut text),
    }
    .map_err(Error::Print)?;
    print(&text)
}
