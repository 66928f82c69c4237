//! The rules of a host as a walk wants them: chains found by number, thousands of rules and members found by what they are about.
//!
//! What enters: a [`Ruleset`]. What leaves: the same rules, none left out, none changed. Not here: what they do to a packet.

pub(crate) mod addresses;
mod asked;
mod compile;
mod effect;
mod finder;
mod index;
mod members;
mod order;

use crate::model::ruleset::{Base, Ruleset, Selector, SetMark, TableFamily};
pub(crate) use effect::Effect;
pub(crate) use finder::{Exact, Finder};
pub(crate) use index::{About, Index};
use ipnet::IpNet;
pub(crate) use members::{Inside, Library, Member, Members, Part};
pub(crate) use order::{Called, Idle, Moment, Orders};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Every rule of a host.
pub(crate) struct Plan {
    pub(crate) tables: Vec<Table>,
    /// Which base chains are called when.
    pub(crate) orders: Orders,
}

/// A table: chains that can jump to each other.
pub(crate) struct Table {
    /// `inet firewalld`, `legacy ip filter`
    pub(crate) title: String,
    pub(crate) family: TableFamily,
    pub(crate) chains: Vec<Chain>,
}

/// A chain of rules.
pub(crate) struct Chain {
    pub(crate) name: Arc<str>,
    /// Where the kernel calls it; None where only other chains do.
    pub(crate) base: Option<Base>,
    pub(crate) rules: Vec<Rule>,
    /// Why the rules are not known, where they are not.
    pub(crate) unread: Option<String>,
    /// Finds the rules that may fit a packet.
    pub(crate) index: Index,
    /// All that it can do to a packet, with the chains that it calls.
    pub(crate) effect: Effect,
}

/// One rule.
pub(crate) struct Rule {
    /// As its tool writes it.
    pub(crate) text: Arc<str>,
    pub(crate) steps: Vec<Step>,
}

/// One part of a rule.
pub(crate) enum Step {
    Test(Test),
    Act(Action),
}

/// A condition.
pub(crate) enum Test {
    /// The selected fields are among the members, or, negated, are not.
    Fields { selectors: Box<[Selector]>, among: Arc<Members>, negated: bool },
    /// Not understood.
    Unknown,
}

/// What a rule does.
pub(crate) enum Action {
    Decide(Decision),
    Lookup {
        selectors: Box<[Selector]>,
        map: Map,
    },
    Translate(Translation),
    SetMark(SetMark),
    Untrack,
    /// Not understood: it may do anything.
    Unknown(Arc<str>),
}

/// Values and their decisions; the first that fits counts.
pub(crate) struct Map {
    pub(crate) entries: Vec<(Member, Decision)>,
    pub(crate) finder: Option<Finder>,
}

/// A decision about the packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Drop,
    Reject,
    Return,
    Continue,
    /// Walks another chain of the table, by its number, then goes on. None: there is no such chain.
    Jump(Option<usize>),
    /// Walks another chain in place of the rest of this one.
    Goto(Option<usize>),
}

/// A translation of addresses.
pub(crate) enum Translation {
    /// Another destination; of the possible ones the first whose parts fit is taken.
    Destination(Vec<Target>),
    /// To the host itself, at these ports.
    Redirect(Option<(u16, u16)>),
    /// The same place in another prefix: of the destination before the route is chosen, of the source after it.
    Prefix(IpNet),
    /// Another source.
    Source,
}

/// A new destination.
pub(crate) struct Target {
    /// The fields that must fit for it to be taken.
    pub(crate) when: Vec<(Selector, Part)>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) ports: Option<(u16, u16)>,
}

impl Plan {
    /// Prepares rules. `library` keeps what several plans share.
    pub(crate) fn of(ruleset: &Ruleset, library: &mut Library) -> Self {
        let mut tables: Vec<Table> = ruleset.tables.iter().map(|table| compile::table(table, library)).collect();
        for table in &mut tables {
            effect::fill(&mut table.chains);
        }
        let orders = Orders::of(&tables);
        Self { tables, orders }
    }

    /// A base chain and its table.
    pub(crate) fn called(&self, called: Called) -> (&Table, &Chain) {
        let table = &self.tables[called.table];
        (table, &table.chains[called.chain])
    }

    /// Where the kernel calls a base chain.
    pub(crate) fn base(&self, called: Called) -> Option<&Base> {
        self.called(called).1.base.as_ref()
    }

    /// These base chains by the moments of their calls; they are in order.
    pub(crate) fn moments(&self, chains: &[Called]) -> Vec<Moment> {
        order::moments(&self.tables, chains)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Return => "return",
            Self::Continue => "continue",
            Self::Jump(_) => "jump",
            Self::Goto(_) => "goto",
        })
    }
}
