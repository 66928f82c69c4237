//! Members of an ipset with `nomatch`, worked into plain ranges: of several prefixes that hold an address, the longest counts
//! (ipset(8), "hash:net").

use crate::model::address::{address, number};
use crate::model::packet::Family;
use crate::model::ruleset::{Set, Span};

/// The same set of single addresses without exceptions; as it was where that cannot be done.
pub(super) fn resolved(set: Set) -> Set {
    if set.exceptions.is_empty() {
        return set;
    }
    let ranges = |members: &[Vec<Span>], is_inside: bool| {
        let range = |member: &Vec<Span>| match member.as_slice() {
            [Span::Address(first, last)] => Some((number(*first), number(*last), Family::of(*first), is_inside)),
            _ => None,
        };
        members.iter().map(range).collect::<Option<Vec<_>>>()
    };
    let Some((mut all, exceptions)) = ranges(&set.members, true).zip(ranges(&set.exceptions, false)) else { return set };
    all.extend(exceptions);
    let mut members = Vec::new();
    for family in [Family::V4, Family::V6] {
        let own: Vec<Range> = all
            .iter()
            .filter(|range| range.2 == family)
            .map(|&(first, last, _, is_inside)| Range { first, last, is_inside })
            .collect();
        let Some(found) = inside(own) else { return set };
        let span = |(first, last)| vec![Span::Address(address(first, family), address(last, family))];
        members.extend(found.into_iter().map(span));
    }
    Set { members, exceptions: Vec::new() }
}

/// Addresses as numbers, both ends inclusive.
#[derive(Clone, Copy)]
struct Range {
    first: u128,
    last: u128,
    /// False for an exception.
    is_inside: bool,
}

/// The ranges that are inside, in order. Prefixes lie in each other or apart; the innermost counts. None for ranges that cross.
fn inside(mut ranges: Vec<Range>) -> Option<Vec<(u128, u128)>> {
    ranges.sort_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
    let mut found = Vec::new();
    // What is open at the present place, outermost first.
    let mut open: Vec<Range> = Vec::new();
    let mut from = 0;
    for range in ranges {
        close(&mut open, &mut from, Some(range.first), &mut found);
        if let Some(outer) = open.last() {
            if outer.last < range.last {
                return None;
            }
            if outer.is_inside && from < range.first {
                found.push((from, range.first - 1));
            }
        }
        from = range.first;
        open.push(range);
    }
    close(&mut open, &mut from, None, &mut found);
    Some(found)
}

/// Closes what ends before a place, or everything.
fn close(open: &mut Vec<Range>, from: &mut u128, before: Option<u128>, found: &mut Vec<(u128, u128)>) {
    while let Some(innermost) = open.last().copied().filter(|innermost| before.is_none_or(|place| innermost.last < place)) {
        open.pop();
        if innermost.is_inside && *from <= innermost.last {
            found.push((*from, innermost.last));
        }
        match innermost.last.checked_add(1) {
            Some(next) => *from = next.max(*from),
            None => open.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::read::values;

    fn set(members: &[&str], exceptions: &[&str]) -> Vec<(String, String)> {
        let spans = |nets: &[&str]| nets.iter().map(|net| vec![values::addresses(net).unwrap()]).collect();
        let set = resolved(Set { members: spans(members), exceptions: spans(exceptions) });
        assert!(set.exceptions.is_empty());
        let pair = |member: Vec<Span>| match member[0] {
            Span::Address(first, last) => (first.to_string(), last.to_string()),
            _ => unreachable!("{member:?}"),
        };
        set.members.into_iter().map(pair).collect()
    }

    #[test]
    fn an_exception_is_a_hole_and_what_lies_in_it_is_inside_again() {
        let found = set(&["10.0.0.0/8", "10.1.2.0/24"], &["10.1.0.0/16"]);
        let pairs: Vec<(&str, &str)> = found.iter().map(|(first, last)| (first.as_str(), last.as_str())).collect();
        assert_eq!(pairs, [("10.0.0.0", "10.0.255.255"), ("10.1.2.0", "10.1.2.255"), ("10.2.0.0", "10.255.255.255")]);
    }

    #[test]
    fn an_exception_alone_holds_nothing_and_one_at_an_edge_leaves_one_part() {
        assert!(set(&[], &["10.0.0.0/8"]).is_empty());
        assert_eq!(set(&["10.0.0.0/8"], &["10.0.0.0/9"]), [("10.128.0.0".to_owned(), "10.255.255.255".to_owned())]);
        assert_eq!(set(&["2001:db8::/32"], &["2001:db8::/32"]), []);
        assert_eq!(set(&["::/0"], &["8000::/1"]).len(), 1);
    }
}
