//! A chain that both nft and `iptables-save` show: each rule as the one shows it that shows it whole.
//!
//! nft leaves out the contents of iptables' own expressions. iptables-save leaves out, or prints as something else, whatever iptables itself would not
//! have written (`tcp dport { 80, 443 } drop` as `-p tcp -j DROP`, iptables 1.8.9). Both show the rules of a chain in the kernel's order, one
//! by one. So a rule without such expressions is what nft says, in the words of iptables-save where these say the same; a rule with them is
//! what iptables-save says, if nft's listing agrees as far as it goes. Where the two do not fit together, nothing of the chain is known.

use super::same::{Form, is_rate};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Rule, Step, Test};
use crate::read::iptables::Parts;
use crate::read::nft::{Mixed, Xt};

/// The chain. `mixed` knows the rules of the listing that have expressions of iptables, by their place.
pub(super) fn chain<'m>(listed: Chain, saved: Chain, mixed: impl Fn(usize) -> Option<&'m Mixed>, family: Family) -> Chain {
    if listed.unread.is_some() {
        return listed;
    }
    let unread = |why| Chain { unread: Some(why), rules: Vec::new(), ..listed.clone() };
    if let Some(why) = saved.unread {
        return unread(why);
    }
    let (wanted, there) = (listed.rules.len(), saved.rules.len());
    if wanted != there {
        return unread(format!("nft lists {wanted} of its rules, and iptables-save {there}"));
    }
    let mut rules = Vec::with_capacity(wanted);
    for (at, (own, other)) in listed.rules.iter().zip(saved.rules).enumerate() {
        rules.push(match mixed(at) {
            None if is_same(own, &other, family) => other,
            None => own.clone(),
            // What nft's listing has of it is not understood, so nothing can be held against it.
            Some(mixed) if !is_understood(&mixed.native) => own.clone(),
            Some(mixed) if agrees(mixed, &other, family).unwrap_or(false) => other,
            Some(_) => return unread(format!("iptables-save shows its rule {} otherwise than nft", at + 1)),
        });
    }
    Chain { rules, ..listed }
}

fn is_same(listed: &Rule, saved: &Rule, family: Family) -> bool {
    let forms = Form::of(&listed.steps, family).zip(Form::of(&saved.steps, family));
    forms.is_some_and(|(listed, saved)| listed.is_same(&saved))
}

fn is_understood(steps: &[Step]) -> bool {
    steps.iter().all(|step| match step {
        Step::Test(test) => matches!(test, Test::Fields { .. }) || is_rate(test),
        Step::Act(action) => !matches!(action, Action::Unknown(_)),
    })
}

/// True if a rule of iptables-save has all that nft shows of it, and a match or a target for each expression that nft does not show, and
/// nothing else. None if one of them is no rule of iptables.
fn agrees(mixed: &Mixed, saved: &Rule, family: Family) -> Option<bool> {
    let mut parts = Parts::read(&saved.text, family)?;
    let (native, whole) = (Form::of(&mixed.native, family)?, Form::of(&saved.steps, family)?);
    let is_native = |steps: &[Step]| Form::of(steps, family).is_some_and(|form| native.asks_all(&form.tests));
    if !whole.asks_all(&native.tests) || !is_native(&parts.header) {
        return Some(false);
    }
    let (mut nameless, mut has_target) = (0, false);
    for foreign in &mixed.foreign {
        match foreign {
            Xt::Match(name) => {
                let at = parts.matches.iter().position(|(own, _)| is_named(own, name))?;
                parts.matches.remove(at);
            }
            Xt::Target(name) => {
                has_target = true;
                parts.target.as_ref().filter(|own| is_named(own, name))?;
            }
            Xt::Nameless => nameless += 1,
        }
    }
    // What is left is native, or it is one of those without a name; a match that asks nothing may be either.
    let foreign = parts.matches.iter().filter(|(_, steps)| !is_native(steps)).count();
    let either = parts.matches.iter().filter(|(_, steps)| steps.is_empty()).count();
    let fits = |matches: usize| (foreign..=foreign + either).contains(&matches);
    let may_have_target = native.actions.is_empty() && parts.target.is_some();
    if has_target {
        return Some(may_have_target && fits(nameless));
    }
    let by_target = may_have_target && nameless.checked_sub(1).is_some_and(fits);
    Some(by_target || (native.actions == whole.actions && fits(nameless)))
}

/// True for the name of one of the kernel's expressions, or the name that iptables prints for some of it (extensions/libxt_conntrack.c,
/// libxt_CT.c).
fn is_named(printed: &str, name: &str) -> bool {
    printed == name || matches!((printed, name), ("state", "conntrack") | ("NOTRACK", "CT"))
}

#[cfg(test)]
mod tests;
