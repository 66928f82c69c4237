#![allow(clippy::unwrap_used)]
use super::*;
use crate::look::snapshot::snapshot;
use crate::model::finding::Summary;
use crate::model::policy::Intent;
use crate::run::inspection;
use serde_json::{Value, json};
use std::cell::RefCell;

fn host() -> Snapshot {
    let hosts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    snapshot(&hosts.join("engine-26.1-iptables-nft-firewalld-2.3")).unwrap()
}

/// Changes what nft lists, rule by rule; one for which false is returned goes.
fn relist(host: &mut Snapshot, keep: impl Fn(&mut Value) -> bool) {
    let text = host.files.get_mut("nft-ruleset.json").unwrap();
    let mut listing: Value = serde_json::from_str(text).unwrap();
    listing["nftables"].as_array_mut().unwrap().retain_mut(|object| object.get_mut("rule").is_none_or(&keep));
    *text = listing.to_string();
}

/// The host with a rule of `DOCKER-USER` that lets nothing through.
fn closed() -> Snapshot {
    let mut host = host();
    let text = host.files.get_mut("iptables-save.txt").unwrap();
    *text = text.replace("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -j DROP");
    relist(&mut host, |rule| {
        if rule["family"] == "ip" && rule["chain"] == "DOCKER-USER" {
            rule["expr"] = json!([{"drop": null}]);
        }
        true
    });
    host
}

/// The host without the container of a name and address, and without what the engine does for it.
fn without(name: &str) -> Snapshot {
    let mut host = host();
    let text = host.files.get_mut("iptables-save.txt").unwrap();
    *text = text.split_inclusive('\n').filter(|line| !line.contains(" 172.17.0.2")).collect();
    // nft does not show where to a port is translated.
    relist(&mut host, |rule| {
        let text = rule.to_string();
        rule["family"] != "ip" || !(text.contains("\"172.17.0.2\"") || text.contains("8080") && text.contains("DNAT"))
    });
    let text = host.files.get_mut("inspect.json").unwrap();
    let mut list: Vec<Value> = serde_json::from_str(text).unwrap();
    list.retain(|container| container["Name"] != format!("/{name}"));
    *text = serde_json::to_string(&list).unwrap();
    host
}

fn blind() -> Snapshot {
    let mut host = host();
    host.files.remove("inspect.json");
    host
}

/// Watches at one and the same second, by the default policy.
fn watch_into(
    out: &mut dyn Write,
    looks: impl Iterator<Item = Result<Snapshot, Error>>,
    format: CheckFormat,
    complain: &dyn Fn(&Error),
) -> Result<Verdict, Error> {
    let seen = Watch {
        format,
        style: Style::default(),
        judge: &|host| {
            let inspection = inspection::inspect_wholly(host, &Intent::default());
            let summary = Summary { host: Some(inspection.summary), ..Summary::default() };
            (Settled { findings: inspection.judged.findings, summary }, inspection.openings)
        },
        now: &|| 1_764_072_000,
        complain,
    };
    watch(looks, &seen, out)
}

/// What is printed, and what is complained of.
fn watched(looks: Vec<Result<Snapshot, Error>>, format: CheckFormat) -> (String, Vec<String>) {
    let complaints = RefCell::new(Vec::new());
    let complain = |error: &Error| complaints.borrow_mut().push(error.to_string());
    let mut out = Vec::new();
    assert_eq!(watch_into(&mut out, looks.into_iter(), format, &complain).unwrap(), Verdict::Clean);
    (String::from_utf8(out).unwrap(), complaints.into_inner())
}

/// The lines that follow the first report.
fn later(looks: Vec<Snapshot>) -> (Vec<String>, Vec<String>) {
    let first = watched(vec![Ok(host())], CheckFormat::Text).0;
    let (text, complaints) = watched(std::iter::once(host()).chain(looks).map(Ok).collect(), CheckFormat::Text);
    (text.strip_prefix(&first).unwrap().lines().map(str::to_owned).collect(), complaints)
}

#[test]
fn the_first_look_is_a_whole_report_and_the_same_again_is_nothing() {
    let (lines, complaints) = later(vec![host(), host()]);
    assert_eq!((lines, complaints), (Vec::new(), Vec::new()));
    let first = watched(vec![Ok(host())], CheckFormat::Text).0;
    assert!(first.contains("--> container web, ") && first.ends_with("bypass the host firewall\n"), "{first}");
}

#[test]
fn a_container_that_stops_takes_its_findings_and_its_ports_with_it_and_brings_them_back() {
    let (lines, complaints) = later(vec![without("web"), host()]);
    let starts: Vec<String> = lines.iter().map(|line| line.chars().skip(21).take(64).collect()).collect();
    let back = starts.iter().position(|start| start.starts_with('+')).unwrap();
    let (gone, again) = starts.split_at(back);
    let ports = ["~ web 0.0.0.0:8080/tcp: published no more", "~ web [::]:8080/tcp: published no more"];
    assert!(gone.contains(&"- error[bypasses-host-firewall] container web, 0.0.0.0:8080->80/".to_owned()), "{starts:#?}");
    assert!(gone.ends_with(&ports.map(str::to_owned)), "{starts:#?}");
    assert!(again.contains(&"+ error[bypasses-host-firewall] container web, 0.0.0.0:8080->80/".to_owned()), "{starts:#?}");
    assert!(starts.iter().all(|start| start.contains(" web")) && gone.len() == again.len(), "{starts:#?}");
    assert!(complaints.is_empty());
}

#[test]
fn a_rule_that_closes_a_port_changes_its_verdict() {
    let (lines, _) = later(vec![closed()]);
    let web: Vec<&String> = lines.iter().filter(|line| line.contains("~ web ")).collect();
    assert_eq!(web.len(), 1, "{lines:#?}");
    assert_eq!(web[0], "2025-11-25T12:00:00Z ~ web 0.0.0.0:8080/tcp: was open, meant to be closed; is closed as meant");
}

#[test]
fn a_look_that_fails_or_misses_something_is_said_once_and_changes_nothing() {
    let failing = || Err(Error::Packet("the engine does not answer".into()));
    let looks = vec![Ok(host()), failing(), failing(), Ok(blind()), Ok(blind()), Ok(host()), Ok(blind())];
    let (text, complaints) = watched(looks, CheckFormat::Text);
    assert_eq!(text, watched(vec![Ok(host())], CheckFormat::Text).0);
    let hidden = "not everything could be looked at: inspect.json is missing";
    assert_eq!(complaints, ["the engine does not answer", hidden, hidden], "said once, and again after a whole look");
}

#[test]
fn what_the_first_look_misses_is_said_and_watched_without() {
    let (_, complaints) = watched(vec![Ok(blind()), Ok(blind())], CheckFormat::Text);
    assert_eq!(complaints, ["not everything could be looked at: inspect.json is missing"]);
}

#[test]
fn what_the_first_look_missed_and_a_later_one_saw_is_said_when_it_is_missed_again() {
    let (text, complaints) = watched(vec![Ok(blind()), Ok(host()), Ok(blind())], CheckFormat::Text);
    let hidden = "not everything could be looked at: inspect.json is missing";
    assert_eq!(complaints, [hidden, hidden]);
    assert!(!text.contains("published no more"), "{text}");
}

#[test]
fn a_first_look_that_fails_is_an_error() {
    let looks = [Err(Error::Packet("no".into()))].into_iter();
    assert_eq!(watch_into(&mut Vec::new(), looks, CheckFormat::Text, &|_| {}).unwrap_err().to_string(), "no");
}

#[test]
fn as_json_each_line_is_an_object() {
    let looks = vec![Ok(host()), Ok(without("web")), Err(Error::Packet("gone".into())), Ok(without("web"))];
    let (text, complaints) = watched(looks, CheckFormat::Json);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    events.dedup();
    assert_eq!(events, ["report", "gone", "unpublished", "blind"]);
    let last = lines.last().unwrap();
    assert_eq!((&lines[1]["finding"]["host"]["container"], &last["message"]), (&"web".into(), &"gone".into()));
    assert!(complaints.is_empty());
}

/// Takes so many bytes, and then nobody reads any more.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn it_ends_well_when_nobody_reads_any_more() {
    let taken = RefCell::new(0);
    let looks = std::iter::repeat_with(|| {
        *taken.borrow_mut() += 1;
        Ok(if *taken.borrow() % 2 == 0 { without("web") } else { host() })
    });
    assert_eq!(watch_into(&mut Closing(100), looks.take(9), CheckFormat::Text, &|_| {}).unwrap(), Verdict::Clean);
    assert_eq!(taken.into_inner(), 1);
}
