//! Compose files against the saved hosts, before anything is started. What each port must come to was measured on these very engines
//! with other containers in the same modes.

use crate::saved::{Saved, saved};
use docker_firewall::judge::bypass;
use docker_firewall::judge::planned::{self, About, HostPort, Place, Planned, Programmed};
use docker_firewall::model::engine::{ComposeOrigin, Seat};
use docker_firewall::model::packet::{Protocol, Target};
use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::model::verdict::Verdict::{Closed, Open};
use docker_firewall::model::verdict::{Assessment, Verdict};
use docker_firewall::read::compose::{Request, Texts, load};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One file, whatever is asked for.
struct One(String);

impl Texts for One {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        if path.ends_with("compose.yaml") { Ok(Source::new(path, self.0.clone())) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn exists(&self, path: &Path) -> bool {
        path.ends_with("compose.yaml")
    }

    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}

fn project(text: &str) -> Project {
    let files = vec![PathBuf::from("/srv/shop/compose.yaml")];
    load(&Request { files, working_directory: "/srv/shop".into(), ..Request::default() }, &One(text.to_owned()))
}

fn programmed(saved: &Saved, text: &str) -> Programmed {
    let planned = planned::of(&project(text), &saved.host);
    planned::on(&saved.host, &planned)
}

/// True if the engine is of this major version or a later one. The build without a number is newer than all.
fn since(saved: &Saved, major: u32) -> bool {
    saved.host.engine.as_ref().unwrap().release.is_none_or(|release| release.0 >= major)
}

/// A stranger's packet by eth0, to the host's own address there or to another.
fn judge(saved: &Saved, done: &Programmed, to: Option<IpAddr>, is_v6: bool, port: u16) -> Assessment {
    let link = saved.host.link("eth0").unwrap();
    let is_it = |address: &IpAddr| address.is_ipv6() == is_v6 && !address.to_string().starts_with("fe80");
    let own = link.addresses.iter().map(|own| own.net).find(|net| is_it(&net.addr())).unwrap();
    let neighbour = own.hosts().find(|address| *address != own.addr() && *address != own.network()).unwrap();
    let target = Target { address: to.unwrap_or(own.addr()), port, protocol: Protocol::TCP };
    let packet = bypass::packet(&done.host, target, Some(neighbour), Some("eth0")).unwrap();
    bypass::of(&done.host, &packet)
}

fn verdicts(assessment: &Assessment) -> (Verdict, Verdict) {
    (assessment.actual.verdict, assessment.intended.verdict)
}

/// The planned container's address.
fn address(done: &Programmed, container: &str, is_v6: bool) -> IpAddr {
    let endpoint = done.host.endpoints.iter().find(|endpoint| endpoint.container == container).unwrap();
    *endpoint.addresses.iter().find(|address| address.is_ipv6() == is_v6).unwrap()
}

#[test]
fn a_port_of_a_new_network_gets_past_firewalld_in_v4_and_not_in_v6() {
    for saved in saved() {
        let done = programmed(&saved, "services:\n  db:\n    ports: ['7432:5432']\n");
        assert_eq!(done.doubts, [], "{}", saved.name);
        let opened: Vec<_> =
            done.opened.iter().map(|it| (it.container.as_str(), it.publication, it.binding.address.is_ipv6())).collect();
        assert_eq!(opened, [("shop-db-1", 0, false), ("shop-db-1", 0, true)]);
        let v4 = judge(&saved, &done, None, false, 7432);
        assert_eq!(verdicts(&v4), (Open, Closed), "{}: {:#?}", saved.name, v4.actual.hops);
        assert_eq!(v4.actual.delivered, Some((address(&done, "shop-db-1", false), Some(5432))));
        let v6 = judge(&saved, &done, None, true, 7432);
        assert_eq!(verdicts(&v6), (Closed, Closed), "{}: {:#?}", saved.name, v6.actual.hops);
    }
}

#[test]
fn a_network_with_v6_opens_the_port_in_v6_from_27_on() {
    for saved in saved() {
        let text = "services:\n  db:\n    ports: ['7432:5432']\nnetworks:\n  default:\n    enable_ipv6: true\n";
        let done = programmed(&saved, text);
        let v6 = judge(&saved, &done, None, true, 7432);
        let wanted = if since(&saved, 27) { (Open, Closed) } else { (Closed, Closed) };
        assert_eq!(verdicts(&v6), wanted, "{}: {:#?}", saved.name, v6.actual.hops);
    }
}

#[test]
fn a_port_on_loopback_is_open_to_neighbours_before_28() {
    for saved in saved() {
        let done = programmed(&saved, "services:\n  db:\n    ports: ['127.0.0.1:7432:5432']\n");
        let there = judge(&saved, &done, Some("127.0.0.1".parse().unwrap()), false, 7432);
        let wanted = if since(&saved, 28) { Closed } else { Open };
        assert_eq!(there.actual.verdict, wanted, "{}: {:#?}", saved.name, there.actual.hops);
        assert_eq!(judge(&saved, &done, None, false, 7432).actual.verdict, Closed, "{}", saved.name);
    }
}

#[test]
fn a_containers_own_address_is_open_as_its_gateway_mode_says() {
    for saved in saved().iter().filter(|saved| since(saved, 28)) {
        for (mode, port, wanted) in
            [("nat", 5432, Closed), ("routed", 5432, Open), ("routed", 22, Closed), ("nat-unprotected", 22, Open)]
        {
            let text = format!(
                "services:\n  db:\n    ports: ['7432:5432']\nnetworks:\n  default:\n    driver_opts:\n      \
                 com.docker.network.bridge.gateway_mode_ipv4: {mode}\n"
            );
            let done = programmed(saved, &text);
            let direct = judge(saved, &done, Some(address(&done, "shop-db-1", false)), false, port);
            assert_eq!(direct.actual.verdict, wanted, "{}: {mode} {port}: {:#?}", saved.name, direct.actual.hops);
        }
    }
}

#[test]
fn before_28_firewalld_refuses_packets_to_a_containers_own_address() {
    for saved in saved().iter().filter(|saved| !since(saved, 27)) {
        let done = programmed(saved, "services:\n  db:\n    ports: ['7432:5432']\n");
        let direct = judge(saved, &done, Some(address(&done, "shop-db-1", false)), false, 5432);
        assert_eq!(direct.actual.verdict, Closed, "{}: {:#?}", saved.name, direct.actual.hops);
    }
}

#[test]
fn an_engine_that_knows_no_gateway_modes_translates_on_a_routed_network() {
    for saved in saved().iter().filter(|saved| !since(saved, 27)) {
        let text = "services:\n  db:\n    ports: ['7432:5432']\nnetworks:\n  default:\n    driver_opts:\n      \
                    com.docker.network.bridge.gateway_mode_ipv4: routed\n";
        let done = programmed(saved, text);
        assert_eq!(judge(saved, &done, None, false, 7432).actual.verdict, Open, "{}", saved.name);
    }
}

#[test]
fn an_internal_network_publishes_nothing() {
    for saved in saved() {
        let done = programmed(&saved, "services:\n  db:\n    ports: ['7432:5432']\nnetworks:\n  default:\n    internal: true\n");
        assert_eq!(done.opened, []);
        let publisher = done.host.publishers.iter().find(|it| it.name == "shop-db-1").unwrap();
        assert_eq!(publisher.unopened, [(5432, Protocol::TCP)]);
        assert_eq!(judge(&saved, &done, None, false, 7432).actual.verdict, Closed, "{}", saved.name);
        let direct = judge(&saved, &done, Some(address(&done, "shop-db-1", false)), false, 5432);
        assert_eq!(direct.actual.verdict, Closed, "{}: {:#?}", saved.name, direct.actual.hops);
    }
}

#[test]
fn a_service_on_the_hosts_network_listens_where_the_firewall_sees_it() {
    for saved in saved() {
        let done = programmed(&saved, "services:\n  db:\n    network_mode: host\n    ports: ['7432:5432']\n");
        assert_eq!(done.opened, []);
        assert!(done.host.listeners.iter().any(|listener| listener.port == 5432));
        assert_eq!(verdicts(&judge(&saved, &done, None, false, 5432)), (Closed, Closed), "{}", saved.name);
    }
}

#[test]
fn a_service_on_a_macvlan_network_is_past_the_firewall() {
    for saved in saved() {
        let text = "services:\n  db:\n    ports: ['7432:5432']\n    networks: [lan]\nnetworks:\n  lan: {external: true}\n";
        let done = programmed(&saved, text);
        assert_eq!(done.opened, []);
        let direct = judge(&saved, &done, Some(address(&done, "shop-db-1", false)), false, 5432);
        assert_eq!(direct.actual.verdict, Open, "{}", saved.name);
    }
}

#[test]
fn a_service_that_runs_already_is_replaced_not_added() {
    for mut saved in saved() {
        let web = saved.host.publishers.iter_mut().find(|publisher| publisher.name == "web").unwrap();
        web.compose = Some(ComposeOrigin { project: "shop".to_owned(), service: "web".to_owned(), ..ComposeOrigin::default() });
        let done = programmed(&saved, "services:\n  web:\n    ports: ['127.0.0.1:8080:80']\n");
        assert_eq!(done.doubts, [], "{}", saved.name);
        assert!(!done.host.publishers.iter().any(|publisher| publisher.name == "web"));
        let now = judge(&saved, &done, None, false, 8080);
        assert_eq!(now.actual.verdict, Closed, "{}: {:#?}", saved.name, now.actual.hops);
        // Of another project, it keeps the port, and the engine will not give it twice.
        let other = saved.host.publishers.iter_mut().find(|publisher| publisher.name == "web").unwrap();
        other.compose = None;
        let done = programmed(&saved, "services:\n  web:\n    ports: ['8080:80']\n");
        assert!(done.doubts[0].reason.contains("host port 8080/tcp is held by docker-proxy"), "{:?}", done.doubts);
    }
}

#[test]
fn a_port_that_the_engine_chooses_is_judged_where_no_rule_tells_it_from_the_others() {
    for saved in saved() {
        let done = programmed(&saved, "services:\n  db:\n    ports: ['5432', '7000-7010:80']\n");
        assert_eq!(done.doubts, [], "{}", saved.name);
        let port = |publication| done.opened.iter().find(|it| it.publication == publication).unwrap().binding.port.unwrap();
        assert_eq!(port(1), 7000);
        assert!((32768..=60999).contains(&port(0)));
        assert_eq!(verdicts(&judge(&saved, &done, None, false, port(0))), (Open, Closed), "{}", saved.name);
        // firewalld lets 8084 in on these hosts.
        let done = programmed(&saved, "services:\n  db:\n    ports: ['8083-8089:80']\n");
        let doubt = &done.doubts[0];
        assert_eq!((doubt.publication, doubt.about), (Some(0), About::Everything));
        assert!(doubt.concerns("db", 0) && !doubt.concerns("db", 1) && !doubt.concerns("web", 0));
        assert!(doubt.reason.contains("8083-8089"), "{}", doubt.reason);
    }
}

#[test]
fn what_will_not_be_started_is_said_and_opens_nothing() {
    for saved in saved() {
        let text = "services:\n  db:\n    ports: ['7432:5432']\n    networks: [gone]\nnetworks:\n  gone: {external: true}\n";
        let done = programmed(&saved, text);
        assert!(done.doubts[0].reason.contains("the network gone does not exist"), "{:?}", done.doubts);
        assert_eq!(done.opened, []);
        if since(&saved, 28) {
            let text = "services:\n  db:\n    ports: ['7432:5432']\nnetworks:\n  default:\n    driver_opts:\n      \
                        com.docker.network.bridge.gateway_mode_ipv4: open\n";
            let done = programmed(&saved, text);
            assert!(done.doubts[0].reason.contains("refuses the gateway mode open"), "{:?}", done.doubts);
        }
    }
}

#[test]
fn an_engine_that_is_not_seen_or_writes_no_rules_is_doubted() {
    let mut saved = saved().into_iter().next().unwrap();
    saved.host.engine = None;
    let done = programmed(&saved, "services:\n  db:\n    ports: ['7432:5432']\n");
    assert!(done.doubts[0].reason.starts_with("the engine is not seen"), "{:?}", done.doubts);
    assert!(done.doubts[0].concerns("db", 0) && done.doubts[0].concerns("any", 7));
}

#[test]
fn a_rootless_engine_opens_its_ports_as_an_ordinary_process() {
    for mut saved in saved() {
        saved.host.engine.as_mut().unwrap().seat = Seat::Rootless;
        let done = programmed(&saved, "services:\n  db:\n    ports: ['7432:5432']\n");
        assert_eq!(done.doubts, [], "{}", saved.name);
        assert_eq!(verdicts(&judge(&saved, &done, None, false, 7432)), (Closed, Closed), "{}", saved.name);
        assert!(done.host.listeners.iter().any(|it| it.port == 7432 && it.program.as_deref() == Some("rootlesskit")));
    }
}

#[test]
fn services_that_do_not_start_or_have_no_network_of_their_own_are_left_out() {
    let saved = saved().into_iter().next().unwrap();
    let text = "services:\n  a: {ports: ['1:1'], profiles: [p]}\n  b: {ports: ['2:2'], network_mode: none}\n  \
                c: {ports: ['3:3'], network_mode: 'service:d'}\n  d: {ports: ['[::1]:4-5:4-5/UDP'], network_mode: bridge}\n";
    let planned: Vec<Planned> = planned::of(&project(text), &saved.host);
    assert_eq!(planned.len(), 1);
    let ports: Vec<_> = planned[0].ports.iter().map(|port| (port.host, port.port, port.target, port.protocol)).collect();
    let host: Option<IpAddr> = "::1".parse().ok();
    assert_eq!(ports, [(host, HostPort::Exactly(4), 4, Protocol::UDP), (host, HostPort::Exactly(5), 5, Protocol::UDP)]);
    let Place::Networks(joined) = &planned[0].place else { panic!("it is on a network") };
    assert_eq!((joined[0].network.name.as_str(), joined[0].network.is_external), ("bridge", true));
}
