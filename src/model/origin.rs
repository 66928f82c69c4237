//! Where a value came from, and the way it took.

use super::source::Place;
use std::ops::Range;

/// How sure a value is, from the file alone; later variants are less sure, and a value made of several parts is as sure as its
/// least sure part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Written out.
    #[default]
    Literal,
    /// A default inside the file (`${IP:-127.0.0.1}`): another environment may change it.
    Default,
    /// A variable that has a value: from the process environment or an env file.
    Env,
    /// A variable that has none: Compose puts an empty string in its place, with a warning only.
    Unset,
}

impl Certainty {
    /// The word used in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Default => "default",
            Self::Env => "env",
            Self::Unset => "unset",
        }
    }
}

/// The place of a value and the hops it took from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The very scalar (or mapping, or list) in the file where it is written.
    pub place: Place,
    /// From the outermost (include, extends) to the innermost (the variable inside the scalar). Empty: written right where it is used.
    pub hops: Vec<Hop>,
}

impl Origin {
    /// A value written at `place` and used right there.
    pub fn direct(place: Place) -> Self {
        Self { place, hops: Vec::new() }
    }

    /// The variables that were put into the value.
    pub fn substitutions(&self) -> impl Iterator<Item = &Substitution> {
        self.hops.iter().filter_map(|hop| match hop {
            Hop::Variable(substitution) => Some(substitution),
            _ => None,
        })
    }

    /// How sure the value is: as sure as the least sure variable in it.
    pub fn certainty(&self) -> Certainty {
        self.substitutions().map(Substitution::certainty).max().unwrap_or_default()
    }

    /// True if changing the bytes at `place` also changes something else than this value: the scalar is written once and used
    /// through an anchor, a merge key or `extends`.
    pub fn is_shared(&self) -> bool {
        self.hops.iter().any(|hop| matches!(hop, Hop::Alias { .. } | Hop::MergeKey { .. } | Hop::Extends { .. }))
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

/// One step between the place where a value is written and the place where it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Another file was included.
    Include {
        /// The path in the `include` list.
        at: Place,
    },
    /// A service was extended: the value was inherited from its base.
    Extends {
        /// The base service's name.
        service: String,
        /// The value of the `extends` key.
        at: Place,
    },
    /// A later file, document or layer replaced or extended what an earlier one had.
    Override {
        /// The place of the value that is replaced.
        replaced: Place,
    },
    /// A YAML merge key.
    MergeKey {
        /// The value of the `<<` key.
        at: Place,
    },
    /// A YAML alias.
    Alias {
        /// The anchor's name, without `*`.
        name: String,
        /// The alias.
        at: Place,
    },
    /// A variable put into a scalar.
    Variable(Substitution),
}

/// One variable expression in a scalar, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitution {
    /// The variable's name.
    pub name: String,
    /// The whole expression as written: `$IP`, `${IP}`, `${IP:-127.0.0.1}`. Where the scalar has escapes or is a block scalar, the
    /// scalar itself.
    pub at: Place,
    /// The operator, if there is one.
    pub operator: Option<Operator>,
    /// The bytes of the finished scalar that came from this expression.
    pub resolved: Range<usize>,
    /// Where the value came from.
    pub value: ValueSource,
}

impl Substitution {
    /// How sure the value is.
    pub fn certainty(&self) -> Certainty {
        match self.value {
            ValueSource::Process | ValueSource::EnvFile(_) | ValueSource::Project => Certainty::Env,
            ValueSource::Default => Certainty::Default,
            ValueSource::Unset => Certainty::Unset,
        }
    }
}

/// The operator of a variable expression (compose-go `template/template.go`; the earliest in the braces counts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `${V:-d}`: the default where the variable is unset or empty.
    DefaultIfEmpty,
    /// `${V-d}`: the default only where the variable is unset.
    DefaultIfUnset,
    /// `${V:+a}`: the alternative where the variable is set and not empty.
    AlternativeIfFull,
    /// `${V+a}`: the alternative where the variable is set.
    AlternativeIfSet,
    /// `${V:?e}`: an error where the variable is unset or empty.
    RequiredFull,
    /// `${V?e}`: an error where the variable is unset.
    Required,
}

/// What gave a variable its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// The environment of the process.
    Process,
    /// A line of an env file.
    EnvFile(Place),
    /// Compose itself: COMPOSE_PROJECT_NAME.
    Project,
    /// The default, or the alternative, in the expression.
    Default,
    /// Nothing: the variable is unset, and the expression came out empty.
    Unset,
}
