//! `ip -j route` and `ip -j rule`, in either family.

use super::objects;
use crate::model::host::{PolicyAction, PolicyRule, Route};
use crate::model::packet::Family;
use crate::read::values;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;
use std::sync::Arc;

/// The routes of a listing; without a table's name they are of `main`. Routes of dead links are left out.
///
/// # Errors
/// The text is no JSON list.
pub(in crate::read) fn routes(text: &str, family: Family) -> Result<Vec<Route>, String> {
    Ok(objects(text)?.iter().filter_map(|route| read_route(route, family)).collect())
}

fn read_route(route: &Value, family: Family) -> Option<Route> {
    let destination = match route["dst"].as_str()? {
        "default" | "all" => everything(family),
        text => values::net(text)?,
    };
    let table = text_of(&route["table"]).unwrap_or_else(|| "main".to_owned());
    let kind = route["type"].as_str().unwrap_or("unicast").to_owned();
    let hops = route["nexthops"].as_array().map_or(std::slice::from_ref(route), Vec::as_slice);
    let is_dead = |hop: &&Value| hop["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "dead"));
    let devices: Vec<Arc<str>> =
        hops.iter().filter(|hop| !is_dead(hop)).filter_map(|hop| hop["dev"].as_str().map(Arc::from)).collect();
    if kind == "unicast" && devices.is_empty() {
        return None;
    }
    let metric = route["metric"].as_u64().and_then(|metric| u32::try_from(metric).ok()).unwrap_or(0);
    Some(Route { table, destination, devices, metric, kind })
}

/// Every address of a family.
fn everything(family: Family) -> IpNet {
    match family {
        Family::V4 => Ipv4Net::default().into(),
        Family::V6 => Ipv6Net::default().into(),
    }
}

/// A name, or a number as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The policy rules of a listing.
///
/// # Errors
/// The text is no JSON list.
pub(in crate::read) fn policy(text: &str, family: Family) -> Result<Vec<PolicyRule>, String> {
    Ok(objects(text)?.iter().map(|rule| read_rule(rule, family)).collect())
}

/// The keys of a policy rule that are understood.
const KNOWN: [&str; 14] = [
    "priority",
    "src",
    "srclen",
    "dst",
    "dstlen",
    "iif",
    "fwmark",
    "fwmask",
    "table",
    "not",
    "protocol",
    "suppress_prefixlen",
    "suppress_prefixlength",
    "action",
];

fn read_rule(rule: &Value, family: Family) -> PolicyRule {
    let unknown = rule.as_object().is_none_or(|rule| rule.keys().any(|key| !KNOWN.contains(&key.as_str())));
    let net = |address: &str, length: &str| {
        let address = rule[address].as_str().filter(|text| *text != "all")?;
        match rule[length].as_u64() {
            Some(length) => values::net(&format!("{address}/{length}")),
            None => values::net(address),
        }
    };
    let value = |key: &str| text_of(&rule[key]).and_then(|text| values::number(&text));
    let action = match (rule["action"].as_str(), text_of(&rule["table"])) {
        (None | Some("lookup" | "to_tbl" | "table"), Some(table)) => PolicyAction::Table(table),
        (Some("unreachable" | "prohibit" | "blackhole"), _) => PolicyAction::Refuse,
        _ => PolicyAction::Unknown(rule.to_string()),
    };
    PolicyRule {
        family,
        priority: value("priority").unwrap_or(0),
        from: net("src", "srclen"),
        to: net("dst", "dstlen"),
        interface: rule["iif"].as_str().map(str::to_owned),
        mark: value("fwmark").map(|mark| (mark, value("fwmask").unwrap_or(u32::MAX))),
        suppress: value("suppress_prefixlen")
            .or_else(|| value("suppress_prefixlength"))
            .and_then(|length| u8::try_from(length).ok()),
        negated: rule.get("not").is_some(),
        action,
        unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_route_names_its_devices_and_its_table() {
        let text = r#"[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","metric":100},{"dst":"10.0.0.0/8","table":"52","dev":"wg0"},
            {"dst":"203.0.113.0/24","nexthops":[{"dev":"a","flags":[]},{"dev":"b","flags":["dead"]},{"dev":"c","flags":[]}]},
            {"dst":"198.18.0.0/15","dev":"d","flags":["dead","linkdown"]},{"type":"unreachable","dst":"100.64.0.0/10"}]"#;
        let routes = routes(text, Family::V4).unwrap();
        assert_eq!(routes.len(), 4);
        assert_eq!((routes[0].destination.to_string().as_str(), routes[0].metric), ("0.0.0.0/0", 100));
        assert_eq!(routes[1].table, "52");
        assert_eq!(routes[2].devices.len(), 2);
        assert_eq!(routes[3].kind, "unreachable");
    }

    #[test]
    fn a_policy_rule_with_a_condition_that_is_not_known_is_uncertain() {
        let text = r#"[{"priority":100,"src":"10.0.0.0","srclen":8,"table":"main"},{"priority":5,"not":null,"src":"all","fwmark":"0xca6c",
            "table":"51820"},{"priority":7,"src":"all","uid_start":0,"table":"9"},{"priority":9,"src":"all","action":"prohibit"}]"#;
        let rules = policy(text, Family::V4).unwrap();
        assert_eq!(rules[0].from.unwrap().to_string(), "10.0.0.0/8");
        assert!(rules[1].negated && rules[1].mark == Some((0xca6c, u32::MAX)));
        assert!(rules[2].unknown && !rules[0].unknown);
        assert_eq!(rules[3].action, PolicyAction::Refuse);
    }
}
