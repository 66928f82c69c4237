//! `ports --host`: what a host publishes, and what becomes of those who ask for it.

use super::{Verdict, complain, host, inspection, publish, style_for};
use crate::cli::job::{Eyes, HostPorts, PortsFormat};
use crate::error::Error;
use crate::judge::court::Court;
use crate::judge::hosts::HostCase;
use crate::judge::rules::TABLE;
use crate::judge::{self, openings};
use crate::look::clock;
use crate::model::host::Host;
use crate::report::{host_ports, prometheus};
use std::io::Write;

/// Lists the ports that a host publishes; what could not be looked at is named on stderr.
pub(super) fn ports(job: &HostPorts) -> Result<Verdict, Error> {
    let host = match look(&job.eyes) {
        Ok(host) => host,
        Err(error) => {
            // A collector that reads the file has to see that nothing is known any more.
            if job.format == PortsFormat::Prometheus {
                let nothing =
                    prometheus::Look { openings: &[], findings: &[], rules: &[], seconds: clock::seconds(), is_whole: false };
                publish(job.output.as_deref(), &|out| prometheus::write(&nothing, out))?;
            }
            return Err(error);
        }
    };
    let court = Court::of(&host);
    let case = HostCase::new(&court, inspection::sights(&court));
    let findings = judge::judge_host(&case);
    let openings = [openings::of(&case), openings::unmanaged(&case, &findings)].concat();
    let gaps: Vec<Error> = host.gaps().map(Error::from).collect();
    let style = style_for(job.color, false, job.output.as_deref());
    publish(job.output.as_deref(), &|out: &mut dyn Write| match job.format {
        PortsFormat::Table => host_ports::write(&openings, &style, out),
        PortsFormat::Json => host_ports::write_json(&openings, out),
        PortsFormat::Prometheus => {
            let (seconds, is_whole) = (clock::seconds(), gaps.is_empty());
            prometheus::write(
                &prometheus::Look { openings: &openings, findings: &findings, rules: TABLE, seconds, is_whole },
                out,
            )
        }
    })?;
    for gap in &gaps {
        complain(gap);
    }
    Ok(if gaps.is_empty() { Verdict::Clean } else { Verdict::Blind })
}

fn look(eyes: &Eyes) -> Result<Host, Error> {
    Ok(host::look(eyes)?.host())
}
