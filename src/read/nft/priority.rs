//! When a base chain is called: nft's JSON has a number, people write names (nft(8), CHAINS, "standard priority names").

use crate::model::ruleset::{Hook, TableFamily};
use serde_json::Value;

/// The priority of a chain; None if it is not understood.
pub(super) fn read(value: &Value, family: TableFamily, hook: Hook) -> Option<i32> {
    match value {
        Value::Number(number) => i32::try_from(number.as_i64()?).ok(),
        Value::String(text) => named(text, family, hook),
        _ => None,
    }
}

/// `-5`, `filter`, `dstnat + 10`, `raw-1`
fn named(text: &str, family: TableFamily, hook: Hook) -> Option<i32> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let end = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = text.split_at(end);
    let offset: String = offset.split_whitespace().collect();
    let offset: i32 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
    standard(name.trim(), family, hook)?.checked_add(offset)
}

fn standard(name: &str, family: TableFamily, hook: Hook) -> Option<i32> {
    let is_ip = matches!(family, TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet);
    Some(match (name, family) {
        ("filter", TableFamily::Bridge) => -200,
        ("filter", _) => 0,
        ("raw", _) if is_ip => -300,
        ("mangle", _) if is_ip => -150,
        ("security", _) if is_ip => 50,
        ("dstnat", TableFamily::Bridge) if hook == Hook::Prerouting => -300,
        ("out", TableFamily::Bridge) if hook == Hook::Output => 100,
        ("srcnat", TableFamily::Bridge) if hook == Hook::Postrouting => 300,
        ("dstnat", _) if is_ip && matches!(hook, Hook::Prerouting | Hook::Output) => -100,
        ("srcnat", _) if is_ip && matches!(hook, Hook::Postrouting | Hook::Input) => 100,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_priority_is_a_number_or_a_name_with_an_offset() {
        let ip = |value: Value| read(&value, TableFamily::Ip, Hook::Prerouting);
        assert_eq!(ip(json!(-150)), Some(-150));
        assert_eq!(ip(json!("-10")), Some(-10));
        assert_eq!(ip(json!("dstnat + 10")), Some(-90));
        assert_eq!(ip(json!("raw-1")), Some(-301));
        assert_eq!(ip(json!("srcnat")), None, "not at this hook");
        assert_eq!(ip(json!("filter - many")), None);
        assert_eq!(ip(json!("filter - 2147483649")), None);
        assert_eq!(read(&json!("filter"), TableFamily::Bridge, Hook::Forward), Some(-200));
    }
}
