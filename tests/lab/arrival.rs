//! Did a packet arrive, although no answer came? Where the way back is shut, silence is no proof that the way there is.
//!
//! In: a running host and a probe. Out: whether the counters behind the last hook of anybody but the sender went up while it was sent: of
//! the host, of a container, of a neighbour. TCP and UDP count a packet there once every filter has let it through.
//!
//! It is asked where the program says open and nobody answers; one probe at a time, so that what is counted is the probe.

use anyhow::{Context, Result};

use crate::island::{in_network, output};
use crate::probe::{Outcome, Probe};
use crate::site::Site;

/// Asks once more, and gives the answer, or else whether the packet arrived.
///
/// # Errors
///
/// A network's counters cannot be read.
pub(crate) fn ask(site: &Site, probe: &Probe) -> Result<Outcome> {
    let others = site.networks(&probe.origin)?;
    let before = counted(&others, &probe.proto)?;
    let outcome = site.ask(std::slice::from_ref(probe))?.pop().context("a probe without an answer")?;
    let arrived = counted(&others, &probe.proto)? > before;
    Ok(if outcome.silent() && arrived { Outcome::arrived() } else { outcome })
}

/// How many packets of a protocol these networks took in.
fn counted(networks: &[String], protocol: &str) -> Result<u64> {
    networks.iter().map(|network| taken_in(network, protocol)).sum()
}

/// How many one network took in, in both families.
fn taken_in(network: &str, protocol: &str) -> Result<u64> {
    let text = output(in_network(network, "cat").args(["/proc/net/snmp", "/proc/net/snmp6"]))?;
    if protocol == "tcp" {
        return Ok(named(&text, "Tcp:", &["InSegs"]));
    }
    let six = text.lines().filter_map(|line| line.strip_prefix("Udp6InDatagrams").or_else(|| line.strip_prefix("Udp6NoPorts")));
    Ok(named(&text, "Udp:", &["InDatagrams", "NoPorts"])
        + six.filter_map(|number| number.trim().parse::<u64>().ok()).sum::<u64>())
}

/// The sum of some columns of a pair of lines of `/proc/net/snmp`: names, then numbers.
fn named(text: &str, head: &str, names: &[&str]) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(head));
    let (Some(titles), Some(numbers)) = (lines.next(), lines.next()) else { return 0 };
    let columns = titles.split_whitespace().zip(numbers.split_whitespace());
    columns.filter(|(title, _)| names.contains(title)).filter_map(|(_, number)| number.parse::<u64>().ok()).sum()
}
