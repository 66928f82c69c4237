//! What `check` said, held against the packets.
//!
//! In: the JSON of `docker firewall check` and the probes with both their answers. Out: contradictions, one a line: a view that the
//! packets do not bear out, and an exposure that the packets found and no finding tells of.
//!
//! It runs nothing, and knows no rule of the program but by what its findings claim.

use std::net::IpAddr;

use anyhow::{Context, Result};
use ipnet::IpNet;
use serde_json::Value;

use crate::bench::Row;
use crate::commands::target;
use crate::probe::Outcome;

/// The rule that must tell of every bypass.
const BYPASS: &str = "bypasses-host-firewall";
/// The rule of what cannot be told.
const UNSURE: &str = "cannot-tell";

/// What `check` claims that some senders get.
struct View {
    rule: String,
    interface: String,
    /// Empty: everyone but `except`.
    from: Vec<IpNet>,
    except: Vec<IpNet>,
    address: IpAddr,
    port: u16,
    protocol: String,
    /// None: the program is not sure.
    actual: Option<bool>,
    intended: Option<bool>,
}

/// The findings of a run, as far as packets can bear them out.
pub(crate) struct Said {
    views: Vec<View>,
}

impl Said {
    /// Reads the JSON of a run.
    ///
    /// # Errors
    ///
    /// It is not of the form that the program promises.
    pub(crate) fn read(json: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(json).context("check does not print JSON")?;
        let findings = report["findings"].as_array().context("check prints no findings")?;
        let views = findings.iter().flat_map(|finding| {
            let views = finding["host"]["views"].as_array().into_iter().flatten();
            views.map(|view| View::read(finding["rule"].as_str().unwrap_or_default(), view))
        });
        Ok(Self { views: views.collect::<Result<_>>()? })
    }

    /// How many claims were made.
    pub(crate) fn claims(&self) -> usize {
        self.views.len()
    }

    /// Views that the packets contradict, one a line.
    pub(crate) fn contradicted(&self, rows: &[&Row]) -> Vec<String> {
        rows.iter().flat_map(|row| self.borne_out(row)).collect()
    }

    /// Probes that found a bypass of which no finding tells.
    pub(crate) fn untold<'a>(&self, rows: &[&'a Row]) -> impl Iterator<Item = &'a Row> {
        rows.iter().copied().filter(|row| is_bypass(row) && !self.tells_of(row))
    }

    /// The views that are about a probe and say another thing than its answers.
    fn borne_out(&self, row: &Row) -> Vec<String> {
        let about = self.views.iter().filter(|view| view.is_about(row));
        let wrong = about.filter(|view| {
            let actual = view.actual.is_some_and(|open| open != row.actual.open());
            let intended = row.intended.as_ref().zip(view.intended).is_some_and(|(found, open)| open != found.open());
            actual || intended
        });
        let line = |view: &View| {
            let word = |open: Option<bool>| open.map_or("unsure", |open| if open { "open" } else { "closed" });
            format!("{} says {} (meant {}) of {}", view.rule, word(view.actual), word(view.intended), place(row))
        };
        wrong.map(line).collect()
    }

    /// True if a finding tells of a bypass, at this or another address of the host, or says that it cannot tell.
    fn tells_of(&self, row: &Row) -> bool {
        let tells = |view: &&View| view.rule == BYPASS || view.rule == UNSURE;
        let mut views = self.views.iter().filter(tells).filter(|view| view.at(row));
        views.any(|view| view.address.is_ipv4() == row.probe.dst.is_ipv4() && view.names(row.probe.src))
    }
}

impl View {
    fn read(rule: &str, view: &Value) -> Result<Self> {
        let text = |key: &str| view[key].as_str().with_context(|| format!("a view of {rule} without {key}"));
        let verdict = |key: &str| match view[key].as_str() {
            Some("open") => Some(true),
            Some("closed") => Some(false),
            _ => None,
        };
        let prefixes = |key: &str| {
            let texts = view[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::parse).collect::<Result<_, _>>()
        };
        Ok(Self {
            rule: rule.to_owned(),
            interface: text("interface")?.to_owned(),
            from: prefixes("from")?,
            except: prefixes("except")?,
            address: text("address")?.parse()?,
            port: view["port"].as_u64().context("a view without a port")?.try_into()?,
            protocol: text("protocol")?.to_owned(),
            actual: verdict("actual"),
            intended: verdict("intended"),
        })
    }

    /// True if it speaks of the sender and the place of a probe.
    fn is_about(&self, row: &Row) -> bool {
        self.at(row) && self.address == row.probe.dst && self.names(row.probe.src)
    }

    /// True if the sender is one of its own.
    fn names(&self, sender: IpAddr) -> bool {
        let among = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&sender));
        if self.from.is_empty() { !among(&self.except) } else { among(&self.from) }
    }

    /// True for the interface and the port of a probe.
    fn at(&self, row: &Row) -> bool {
        let probe = &row.probe;
        (Some(self.interface.as_str()), self.port, self.protocol.as_str())
            == (probe.interface(), probe.port, probe.proto.as_str())
    }
}

/// True where a container answered somebody outside to whom no ordinary process would have.
fn is_bypass(row: &Row) -> bool {
    let closed = row.intended.as_ref().is_some_and(|intended| !intended.open());
    let by_container = row.actual.open() && !row.actual.by.starts_with("host ");
    row.probe.interface().is_some() && !row.probe.dst.is_loopback() && closed && by_container
}

/// A probe and its answers in words.
pub(crate) fn place(row: &Row) -> String {
    let probe = &row.probe;
    let interface = probe.interface().unwrap_or_default();
    let (meant, found) = (answer(row.intended.as_ref()), answer(Some(&row.actual)));
    format!("{} from {} by {interface}; the packets: {found} (meant {meant})", target(probe), probe.src)
}

/// An answer in words.
fn answer(outcome: Option<&Outcome>) -> &str {
    outcome.map_or("unknown", |outcome| outcome.result.as_str())
}
