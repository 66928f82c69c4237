//! What is kept of the engine's answers.
//!
//! Containers are given passwords by their environment, their command line and their mounts, and proxies have theirs in their address: none
//! of that is needed to judge a port, and a snapshot may be handed to somebody else. So what is kept of containers and services is listed
//! here, and all else is dropped; of what the engine says of itself the proxies and registries are dropped.

use serde_json::Value;

/// What is kept of a value.
pub(super) enum Keep {
    /// All of it.
    All,
    /// Of an object of labels, those that say where the container comes from and what is meant to be open: other programs keep passwords
    /// in theirs.
    Labels,
    /// Of an object, these members.
    Only(Members),
}

/// Members of an object, and what is kept of each.
pub(super) type Members = &'static [(&'static str, Keep)];

use Keep::{All, Labels, Only};

/// `GET /containers/ID/json`
pub(super) const INSPECTED: Members = &[
    ("Id", All),
    ("Name", All),
    ("Created", All),
    ("State", Only(&[("Status", All), ("Running", All), ("Paused", All), ("Restarting", All), ("Pid", All), ("StartedAt", All)])),
    ("Image", All),
    ("Config", Only(&[("Image", All), ("Labels", Labels), ("ExposedPorts", All)])),
    (
        "HostConfig",
        Only(&[
            ("NetworkMode", All),
            ("PortBindings", All),
            ("PublishAllPorts", All),
            ("Privileged", All),
            ("CapAdd", All),
            ("RestartPolicy", All),
        ]),
    ),
    ("NetworkSettings", All),
];

/// `GET /containers/json`
pub(super) const LISTED: Members = &[
    ("Id", All),
    ("Names", All),
    ("Image", All),
    ("ImageID", All),
    ("Created", All),
    ("Ports", All),
    ("Labels", Labels),
    ("State", All),
    ("Status", All),
    ("HostConfig", Only(&[("NetworkMode", All)])),
    ("NetworkSettings", All),
];

/// `GET /services`
pub(super) const SERVICE: Members = &[
    ("ID", All),
    ("CreatedAt", All),
    ("UpdatedAt", All),
    (
        "Spec",
        Only(&[
            ("Name", All),
            ("Labels", Labels),
            ("Mode", All),
            ("EndpointSpec", All),
            ("TaskTemplate", Only(&[("ContainerSpec", Only(&[("Image", All)])), ("Networks", All)])),
        ]),
    ),
    ("Endpoint", All),
];

/// Drops from each object of a list what is not kept.
pub(super) fn of_list(list: &mut Value, members: Members) {
    for value in list.as_array_mut().into_iter().flatten() {
        only(value, members);
    }
}

fn only(value: &mut Value, members: Members) {
    let Some(object) = value.as_object_mut() else {
        *value = Value::Null;
        return;
    };
    object.retain(|key, value| {
        let Some((_, keep)) = members.iter().find(|(name, _)| name == key) else { return false };
        match keep {
            All => {}
            Labels => labels(value),
            Only(members) => only(value, members),
        }
        true
    });
}

fn labels(value: &mut Value) {
    if let Some(labels) = value.as_object_mut() {
        labels.retain(|key, _| key.starts_with("com.docker.") || key.starts_with("docker-firewall."));
    }
}

/// Drops from `GET /info` what may hold passwords.
pub(super) fn of_info(info: &mut Value) {
    if let Some(info) = info.as_object_mut() {
        info.retain(|key, _| !matches!(key.as_str(), "HttpProxy" | "HttpsProxy" | "NoProxy" | "RegistryConfig"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_that_may_hold_a_password_is_kept_of_a_container() {
        let mut list = json!([{
            "Id": "1", "Path": "secret", "Args": ["secret"], "Mounts": ["secret"],
            "Config": {
                "Image": "nginx", "Env": ["PASSWORD=secret"], "Cmd": ["--password=secret"], "Healthcheck": "secret",
                "Labels": {"com.docker.compose.project": "shop", "traefik.basicauth": "me:secret", "docker-firewall.allow": "80"}
            },
            "HostConfig": {"NetworkMode": "shop_default", "LogConfig": "secret", "Binds": ["secret"]},
            "NetworkSettings": {"Ports": {"80/tcp": null}}
        }]);
        of_list(&mut list, INSPECTED);
        let kept = json!([{
            "Id": "1",
            "Config": {"Image": "nginx", "Labels": {"com.docker.compose.project": "shop", "docker-firewall.allow": "80"}},
            "HostConfig": {"NetworkMode": "shop_default"},
            "NetworkSettings": {"Ports": {"80/tcp": null}}
        }]);
        assert_eq!(list, kept);
    }

    #[test]
    fn what_is_no_object_where_one_is_due_is_dropped() {
        let mut list = json!([{"Id": "1", "Config": "secret"}, "secret"]);
        of_list(&mut list, INSPECTED);
        assert_eq!(list, json!([{"Id": "1", "Config": null}, null]));
    }

    #[test]
    fn of_the_engine_itself_proxies_and_registries_are_dropped() {
        let mut info = json!({"Name": "web1", "HttpProxy": "http://me:secret@proxy", "RegistryConfig": {}});
        of_info(&mut info);
        assert_eq!(info, json!({"Name": "web1"}));
    }
}
