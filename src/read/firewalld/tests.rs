#![allow(clippy::unwrap_used)]
use super::*;

const ZONES: &str = "\
docker (active)
  target: ACCEPT
  ingress-priority: 0
  interfaces: br-1 docker0
  services: 
public (default, active)
  target: default
  ingress-priority: 0
  interfaces: eth0
  sources: 
  services: dhcpv6-client ssh
  ports: 8084/tcp 9000-9002/udp
  forward-ports: 
\tport=8080:proto=tcp:toport=80:toaddr=172.17.0.2
  rich rules: 
\trule family=\"ipv4\" source address=\"198.51.100.3/32\" port port=\"8085\" protocol=\"tcp\" accept
";

#[test]
fn a_listing_of_zones_is_read_whole() {
    let firewalld = listed("public\n  interfaces: eth0 eth2\n", ZONES, "", "# Old\nDefaultZone=home\nStrictForwardPorts=yes\n");
    let public = &firewalld.zones["public"];
    assert_eq!(public.interfaces, ["eth0", "eth2"]);
    assert_eq!(public.services, ["dhcpv6-client", "ssh"]);
    assert_eq!(public.ports[1], PortWord { ports: "9000-9002".to_owned(), protocol: "udp".to_owned() });
    assert_eq!(public.forward_ports, ["port=8080:proto=tcp:toport=80:toaddr=172.17.0.2"]);
    assert_eq!((public.rich_rules.len(), firewalld.default_zone.as_deref()), (1, Some("public")));
    assert_eq!((firewalld.zones["docker"].target.as_str(), firewalld.is_running, firewalld.is_strict), ("ACCEPT", true, true));
    assert_eq!(firewalld.keeps_others_rules(), Some(true));
}

#[test]
fn a_file_of_settings_alone_is_no_firewalld_that_runs() {
    let firewalld = listed("", "", "", "DefaultZone=public\nFirewallBackend=nftables\n");
    assert_eq!((firewalld.is_running, firewalld.backend.as_deref()), (false, Some("nftables")));
}

#[test]
fn what_firewalld_tells_over_the_bus_has_its_defaults_filled_in() {
    let text = r#"{"running": true, "version": "2.3.1", "default_zone": "public",
        "zones": {"public": {"services": ["web"], "ports": [["8084", "tcp"]], "forward_ports": [["8086", "tcp", "80", "172.30.1.2"]]}},
        "active_zones": {"public": {"interfaces": ["eth0"]}},
        "policies": {"docker-forwarding": {"target": "ACCEPT", "ingress_zones": ["ANY"], "egress_zones": ["docker"]}},
        "services": {"web": {"ports": [["80", "tcp"]], "includes": ["more"]}, "more": {"ports": [["443", "tcp"]], "includes": ["web"]}},
        "direct": {"chains": 1, "rules": 2, "passthroughs": 0}, "config": {"StrictForwardPorts": "yes"},
        "permanent": {"zones": {"public": {"services": ["web"], "ports": []}}}, "unread": {"ipsets": "not authorized"}}"#;
    let firewalld = told(text).unwrap();
    let public = &firewalld.zones["public"];
    assert_eq!((public.target.as_str(), public.interfaces[0].as_str()), ("default", "eth0"));
    assert_eq!(public.differs_from_permanent, Some(true));
    assert_eq!(public.forward_ports, ["port=8086:proto=tcp:toport=80:toaddr=172.30.1.2"]);
    assert_eq!(firewalld.services["web"].len(), 2);
    assert_eq!((firewalld.direct_rules, firewalld.is_strict, firewalld.release()), (Some(3), true, Some((2, 3))));
    assert_eq!(firewalld.unread, ["ipsets: not authorized"]);
    assert!(!told(r#"{"running": false}"#).unwrap().is_running);
    assert!(told("nothing").is_err());
}

#[test]
fn ufw_says_whether_it_is_on() {
    assert_eq!(ufw("Status: active\nLogging: on (low)\n"), Some(Ufw { is_active: true }));
    assert_eq!(ufw("Status: inactive\n"), Some(Ufw { is_active: false }));
    assert_eq!(ufw(""), None);
}
