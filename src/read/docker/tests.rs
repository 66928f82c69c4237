#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::packet::Protocol;

#[test]
fn a_bridge_is_named_by_its_option_or_by_its_identifier() {
    let text = r#"[{"Id":"0123456789abcdef","Name":"net","Driver":"bridge","Options":{},"IPAM":{"Config":[{"Subnet":"172.30.0.0/16"}]}},
        {"Id":"f","Name":"bridge","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"},"IPAM":{"Config":null}},
        {"Id":"e","Name":"lan","Driver":"macvlan","Options":{"parent":"eth0"}}]"#;
    let networks = networks(text).unwrap();
    assert_eq!(networks[0].bridge.as_deref(), Some("br-0123456789ab"));
    assert_eq!(networks[0].subnets.len(), 1);
    assert_eq!(networks[1].bridge.as_deref(), Some("docker0"));
    assert_eq!((networks[2].bridge.as_deref(), networks[2].parent.as_deref()), (None, Some("eth0")));
}

#[test]
fn a_container_without_an_address_has_none() {
    let text = r#"[{"Name":"/web","NetworkSettings":{"Networks":{"a":{"NetworkID":"1","IPAddress":"172.17.0.2","GlobalIPv6Address":""}}}}]"#;
    let endpoints = endpoints(text).unwrap();
    assert_eq!((endpoints[0].container.as_str(), endpoints[0].addresses.len()), ("web", 1));
}

#[test]
fn what_counts_is_what_the_engine_opened() {
    let text = r#"[{"Id":"1","Name":"/web","Config":{"Image":"nginx","ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Labels":{
        "com.docker.compose.project":"shop","com.docker.compose.service":"web","com.docker.compose.project.working_dir":"/srv/shop",
        "com.docker.compose.project.config_files":"/srv/shop/compose.yaml,extra.yaml"}},
        "HostConfig":{"NetworkMode":"shop_default","PortBindings":{"80/tcp":[{"HostPort":"8080"}],"443/tcp":[{"HostPort":"443"}]}},
        "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}],"443/tcp":null,
        "53/udp":[{"HostIp":"","HostPort":"0"}],"nonsense":[{"HostIp":"x","HostPort":"1"}]}}}]"#;
    let web = &containers(text).unwrap()[0];
    let bindings: Vec<String> =
        web.bindings.iter().map(|it| format!("{} {:?} {}/{}", it.address, it.port, it.target, it.protocol)).collect();
    assert_eq!(bindings, ["0.0.0.0 Some(8080) 80/tcp", ":: Some(8080) 80/tcp", "0.0.0.0 None 53/udp"]);
    assert_eq!(web.unopened, [(443, Protocol::TCP)]);
    let compose = web.compose.as_ref().unwrap();
    assert_eq!((compose.project.as_str(), compose.service.as_str()), ("shop", "web"));
    assert_eq!(compose.files[1].to_str(), Some("/srv/shop/extra.yaml"));
}

#[test]
fn a_swarm_service_publishes_what_is_not_in_host_mode() {
    let text = r#"[{"ID":"s","Spec":{"Name":"api","Labels":{}},"Endpoint":{"Ports":[
        {"Protocol":"tcp","TargetPort":80,"PublishedPort":8080,"PublishMode":"ingress"},
        {"Protocol":"tcp","TargetPort":81,"PublishedPort":8081,"PublishMode":"host"}]}},{"ID":"t","Spec":{"Name":"quiet"}}]"#;
    let services = services(text).unwrap();
    assert_eq!(services.len(), 1);
    assert_eq!(services[0].bindings.iter().map(|it| it.port).collect::<Vec<_>>(), [Some(8080)]);
}
