//! Matches on the clock, as far as they are about dates alone.

use super::super::words::Opt;
use super::{known, single};
use crate::model::moment;
use crate::model::ruleset::Step;

/// How far a date must be from the moment of the look, in seconds: which side of it the kernel's clock was on when the rules were shown
/// is not known closer.
const NEAR: u64 = 1;

/// `-m time --datestart 2030-01-01T00:00:00 --datestop 2038-01-19T03:14:07` at one moment. Both ends are inclusive, in UTC
/// (net/netfilter/xt_time.c, `time_mt`); iptables-save shows the second one always. Times of day, days of the week or month, and the
/// kernel's own time zone are left to the unknown.
pub(super) fn dates(options: &[Opt], now: u64) -> Option<Vec<Step>> {
    let (mut first, mut last) = (None, None);
    for option in options {
        let (name, arguments) = option.plain()?;
        let date = moment::read(single(&arguments)?)?;
        let end = match name {
            "--datestart" => &mut first,
            "--datestop" => &mut last,
            _ => return None,
        };
        if end.replace(date).is_some() || date.abs_diff(now) <= NEAR {
            return None;
        }
    }
    if first.is_none() && last.is_none() {
        return None;
    }
    Some(known(first.is_none_or(|first| first < now) && last.is_none_or(|last| now < last)))
}
