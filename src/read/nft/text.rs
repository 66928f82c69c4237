//! Rules in nft's own words, for people: JSON back to what `nft list ruleset` would show, shortened.

use serde_json::Value;

/// A whole rule.
pub(super) fn rule(expressions: &[Value], comment: Option<&str>) -> String {
    let mut parts: Vec<String> = expressions.iter().filter(|part| part.get("counter").is_none()).map(expression).collect();
    if let Some(comment) = comment {
        parts.push(format!("comment \"{comment}\""));
    }
    parts.join(" ")
}

/// One statement.
pub(super) fn expression(expression: &Value) -> String {
    let Some((name, content)) = expression.as_object().and_then(|object| object.iter().next()) else { return scalar(expression) };
    match name.as_str() {
        "match" => comparison(content),
        "jump" | "goto" => format!("{name} {}", scalar(&content["target"])),
        "vmap" => format!("{} vmap {}", operand(&content["key"]), operand(&content["data"])),
        "dnat" | "snat" | "redirect" | "masquerade" => translation(name, content),
        "mangle" => format!("{} set {}", operand(&content["key"]), operand(&content["value"])),
        "reject" => match (content.get("type"), content.get("expr")) {
            (Some(kind), Some(answer)) => format!("reject with {} {}", scalar(kind), scalar(answer)),
            (Some(kind), None) => format!("reject with {}", scalar(kind)),
            (None, _) => name.clone(),
        },
        "log" => name.clone(),
        "set" | "map" if content.get("op").is_some() => {
            format!("{} {} {{ {} }}", scalar(&content["op"]), operand(&content[name]), operand(&content["elem"]))
        }
        "limit" | "quota" | "counter" if content.is_string() => format!("{name} name \"{}\"", scalar(content)),
        "ct count" => format!("ct count {}{}", if content["inv"] == true { "over " } else { "" }, scalar(&content["val"])),
        "quota" => {
            let over = if content["inv"] == true { "over " } else { "" };
            format!("quota {over}{} {}", scalar(&content["val"]), scalar(&content["val_unit"]))
        }
        "limit" => limit(content),
        "ct helper" | "ct timeout" => format!("{name} set {}", scalar(content)),
        "xt" => format!("xt {} {}", scalar(&content["type"]), scalar(&content["name"])),
        _ if content.is_null() => name.clone(),
        _ => format!("{name} {}", operand(content)),
    }
}

/// A `match`.
pub(super) fn comparison(content: &Value) -> String {
    let operator = match content["op"].as_str() {
        Some("==" | "in") | None => String::new(),
        Some(operator) => format!("{operator} "),
    };
    format!("{} {operator}{}", operand(&content["left"]), operand(&content["right"]))
}

/// `limit rate over 5 mbytes/second`; packets are not named.
fn limit(content: &Value) -> String {
    let over = if content["inv"] == true { "over " } else { "" };
    let unit = content["rate_unit"].as_str().filter(|unit| *unit != "packets").map(|unit| format!(" {unit}"));
    format!("limit rate {over}{}{}/{}", scalar(&content["rate"]), unit.unwrap_or_default(), scalar(&content["per"]))
}

fn translation(name: &str, content: &Value) -> String {
    let family = content.get("family").map(|family| format!(" {}", scalar(family))).unwrap_or_default();
    let address = content.get("addr").map(operand);
    let port = content.get("port").map(operand);
    match (address, port) {
        (Some(address), Some(port)) if address.contains(':') => format!("{name}{family} to [{address}]:{port}"),
        (Some(address), Some(port)) => format!("{name}{family} to {address}:{port}"),
        (Some(address), None) => format!("{name}{family} to {address}"),
        (None, Some(port)) => format!("{name}{family} to :{port}"),
        (None, None) => name.to_owned(),
    }
}

fn operand(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(operand).collect::<Vec<_>>().join(","),
        Value::Object(object) => match object.iter().next() {
            Some((name, content)) => named(name, content),
            None => String::new(),
        },
        _ => scalar(value),
    }
}

fn named(name: &str, content: &Value) -> String {
    let list = |separator: &str| content.as_array().map(|parts| parts.iter().map(operand).collect::<Vec<_>>().join(separator));
    let text = match name {
        "meta" => Some(meta(content.get("key").unwrap_or(content))),
        "payload" if content.get("base").is_some() => {
            Some(format!("@{},{},{}", scalar(&content["base"]), scalar(&content["offset"]), scalar(&content["len"])))
        }
        "payload" => Some(words(&[content.get("tunnel"), content.get("protocol"), content.get("field")])),
        "tcp option" | "ip option" | "sctp chunk" | "exthdr" => {
            Some(format!("{name} {}", words(&[content.get("name"), content.get("field")])))
        }
        "ipsec" | "rt" | "socket" | "osf" => {
            Some(format!("{name} {}", words(&[content.get("dir"), content.get("family"), content.get("key")])))
        }
        "numgen" => Some(format!("numgen {} mod {}", scalar(&content["mode"]), scalar(&content["mod"]))),
        "jhash" => Some(format!("jhash {} mod {}", operand(&content["expr"]), scalar(&content["mod"]))),
        "ct" => {
            let direction = content.get("dir").map(|direction| format!("{} ", scalar(direction))).unwrap_or_default();
            Some(format!("ct {direction}{}", scalar(&content["key"])))
        }
        "fib" => {
            let flags = content["flags"].as_array().map(|flags| flags.iter().map(scalar).collect::<Vec<_>>().join(" . "));
            Some(format!("fib {} {}", flags.unwrap_or_default(), scalar(&content["result"])))
        }
        "prefix" => Some(format!("{}/{}", scalar(&content["addr"]), scalar(&content["len"]))),
        "range" => list("-"),
        "concat" => list(" . "),
        "set" => members(content),
        "elem" => Some(operand(&content["val"])),
        "map" => Some(format!("{} map {}", operand(&content["key"]), operand(&content["data"]))),
        "&" | "|" | "^" | "<<" | ">>" => list(&format!(" {name} ")),
        "jump" | "goto" => Some(format!("{name} {}", scalar(&content["target"]))),
        _ if content.is_null() => Some(name.to_owned()),
        _ => None,
    };
    text.unwrap_or_else(|| format!("{name} {content}"))
}

/// What is there of these, in one line.
fn words(parts: &[Option<&Value>]) -> String {
    parts.iter().flatten().map(|part| scalar(part)).collect::<Vec<_>>().join(" ")
}

/// nft leaves `meta` away before most of its keys.
fn meta(key: &Value) -> String {
    let key = scalar(key);
    let short = ["iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "iifgroup", "oifgroup"].contains(&key.as_str());
    if short { key } else { format!("meta {key}") }
}

/// At most eight members are shown.
fn members(content: &Value) -> Option<String> {
    let members = content.as_array()?;
    let mut shown: Vec<String> = members.iter().take(8).map(member).collect();
    if members.len() > shown.len() {
        shown.push("…".to_owned());
    }
    Some(format!("{{ {} }}", shown.join(", ")))
}

fn member(member: &Value) -> String {
    match member.as_array().map(Vec::as_slice) {
        Some([key, value]) => format!("{} : {}", operand(key), operand(value)),
        _ => operand(member),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        _ => value.to_string(),
    }
}
