#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

fn canonical(text: &str) -> String {
    text.parse::<Allowance>().unwrap_or_else(|misread| panic!("{text}: {misread}")).to_string()
}

fn refusal(text: &str) -> (Range<usize>, String) {
    let misread = text.parse::<Allowance>().expect_err(text);
    (misread.span, format!("{} / {}", misread.message, misread.help.unwrap_or_default()))
}

#[test]
fn every_spelling_reads_as_its_plain_form() {
    for (written, plain) in [
        ("443/tcp", "443/tcp"),
        ("443", "443/tcp"),
        ("any", "any"),
        ("8000-8010/udp", "8000-8010/udp"),
        ("80-80/sctp", "80/sctp"),
        ("  443/tcp\t", "443/tcp"),
        ("8080/tcp from 10.0.0.0/8", "8080/tcp from 10.0.0.0/8"),
        ("8080/tcp@10.0.0.0/8", "8080/tcp from 10.0.0.0/8"),
        ("53/udp@wg0", "53/udp in wg0"),
        ("53/udp@eth0.100@192.0.2.7", "53/udp from 192.0.2.7/32 in eth0.100"),
        ("any from 2001:db8::/32,192.0.2.7 , 10.0.0.0/8", "any from 2001:db8::/32, 192.0.2.7/32, 10.0.0.0/8"),
        ("8080 in eth1 from 2001:db8::1", "8080/tcp from 2001:db8::1/128 in eth1"),
    ] {
        assert_eq!(canonical(written), plain, "{written}");
    }
}

#[test]
fn a_mistake_is_named_with_its_bytes_and_the_way_out() {
    for (written, span, message, help) in [
        ("", 0..0, "names no port", "`443/tcp`"),
        ("0", 0..1, "1 to 65535", ""),
        ("65536/tcp", 0..5, "1 to 65535", ""),
        ("0443", 0..4, "starts with a zero", "octal"),
        ("8010-8000/tcp", 0..9, "runs backwards", "`8000-8010`"),
        ("80-/tcp", 3..3, "`` is no port", ""),
        ("8080:80/tcp", 0..11, "is a mapping", "host port alone"),
        ("443/TCP", 4..7, "`TCP` is no protocol", "lower case: `tcp`"),
        ("53/tcp+udp", 3..10, "is no protocol", "`53/tcp; 53/udp`"),
        ("53/", 3..3, "is no protocol", "`sctp`"),
        ("https", 0..5, "`https` is no port", ""),
        ("allow", 0..5, "names no port", ""),
        ("from 10.0.0.0/8", 0..4, "names no port", ""),
        ("80,443", 2..6, "one port or one range", "`;`"),
        ("80 to wg0", 3..5, "`to` is not understood", "`from ADDRESS`"),
        ("80 from 10.0.0.1/8", 8..18, "host bits", "the network is `10.0.0.0/8`, the one address is `10.0.0.1`"),
        ("80 from 10.0.0.0/33", 17..19, "`33` is no prefix length: here they are 0 to 32", ""),
        ("80 from 10.0.0.0/+8", 17..19, "no prefix length", ""),
        ("80 from 10.0.0.0/255.0.0.0", 17..26, "no prefix length", ""),
        ("80 from 10.0", 8..12, "`10.0` is no address", ""),
        ("80@10.0", 3..7, "`10.0` is no address", ""),
        ("80 from example.org", 8..19, "is no address", "not looked up"),
        ("80 from ::ffff:10.0.0.1", 8..23, "v4 address in v6 form", "`10.0.0.1`"),
        ("80 from fe80::1%eth0", 8..20, "is no address", "`in eth0`"),
        ("80 from", 7..7, "address is missing", ""),
        ("80 from 10.0.0.0/8,", 19..19, "address is missing", ""),
        ("80 from 10.0.0.0/8 from 192.0.2.7", 23..33, "sources are given twice", "between commas"),
        ("80 in", 5..5, "interface is missing", ""),
        ("80 in wg+", 6..9, "wildcard", "exactly"),
        ("80 in wg0, wg1", 9..14, "one interface", "semicolons"),
        ("80 in wg0 in wg1", 12..16, "interfaces are given twice", ""),
        ("80 in sixteen-bytes-xx", 6..22, "longer than the 15 bytes", ""),
        ("80 in ..", 6..8, "is no interface name", ""),
        ("80 in a/b", 6..9, "is no interface name", ""),
        ("80 in wg\u{1b}", 6..9, "is no interface name", ""),
    ] {
        let (at, said) = refusal(written);
        assert_eq!(at, span, "{written}: {said}");
        assert!(said.contains(message) && said.contains(help), "{written}: {said}");
    }
}

#[test]
fn a_list_keeps_the_bytes_of_each_allowance_and_a_mistake_spoils_only_its_own() {
    let found = list("443/tcp;; 80/tcp\n  99999/udp ;", About::Ports);
    let spans: Vec<_> = found.iter().map(|(span, _)| span.clone()).collect();
    assert_eq!(spans, [0..7, 10..16, 19..28]);
    assert_eq!(found[1].1.as_ref().unwrap().to_string(), "80/tcp");
    assert_eq!(found[2].1.as_ref().unwrap_err().span, 19..24);
}

#[test]
fn in_a_port_mapping_the_port_may_go_unsaid() {
    for (written, plain) in [
        ("allow", "any"),
        ("any", "any"),
        ("from 10.0.0.0/8", "any from 10.0.0.0/8"),
        ("in wg0", "any in wg0"),
        ("@wg0", "any in wg0"),
        ("allow from 192.0.2.7 in wg0", "any from 192.0.2.7/32 in wg0"),
        ("8080/tcp", "8080/tcp"),
    ] {
        assert_eq!(allowance(written, About::Publication).unwrap().to_string(), plain, "{written}");
    }
}

#[test]
fn a_misread_says_its_column_counted_from_one() {
    assert_eq!("443/TCP".parse::<Allowance>().unwrap_err().to_string(), "`TCP` is no protocol (column 5)");
}

fn any_allowance() -> impl Strategy<Value = Allowance> {
    let range = (1u32..=65535, 0u32..3000).prop_map(|(first, more)| PortRange { first, last: (first + more).min(65535) });
    let numbered = (range, prop::sample::select(vec!["tcp", "udp", "sctp"]))
        .prop_map(|(ports, protocol)| PortSelector::Ports { ports, protocol: protocol.to_owned() });
    let ports = prop_oneof![1 => Just(PortSelector::Any), 4 => numbered];
    let v4 = (any::<u32>(), 0u8..=32).prop_map(|(bits, length)| IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc());
    let v6 = (any::<u128>(), 0u8..=128)
        .prop_map(|(bits, length)| IpNet::new(IpAddr::V6(bits.into()), length).unwrap().trunc())
        .prop_filter("v4 in v6 form", |net| net.addr().to_canonical().is_ipv6());
    let from = prop::collection::vec(prop_oneof![v4, v6], 0..4);
    let name = "[a-zA-Z0-9._-]{0,14}[a-z]";
    (ports, from, prop::option::of(name)).prop_map(|(ports, from, interface)| Allowance { ports, from, interface })
}

proptest! {
    #[test]
    fn what_an_allowance_shows_reads_back_as_the_same(allowance in any_allowance()) {
        prop_assert_eq!(allowance.to_string().parse::<Allowance>(), Ok(allowance));
    }

    #[test]
    fn no_text_breaks_the_reader_and_a_misread_points_into_the_text(text in "[0-9a-z/@,;: .%\\-\n\u{e9}+*]{0,24}") {
        for (span, read) in list(&text, About::Publication) {
            prop_assert!(text.get(span).is_some());
            if let Err(misread) = read {
                prop_assert!(text.get(misread.span).is_some());
            }
        }
    }
}
