//! What a rule found, and what would mend it.

use super::source::Place;
use std::path::PathBuf;
use std::sync::Arc;

/// How much a finding matters; later variants matter more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know; needs no change.
    Note,
    /// Probably not what was meant.
    Warn,
    /// Open to others although it should not be, or refused by Compose.
    Error,
}

impl Level {
    /// The word used on the command line and in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One finding of one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it matters here; the rule's own level is only where it starts from.
    pub level: Level,
    /// The file.
    pub path: PathBuf,
    /// The very scalar; None where a file could not be read.
    pub place: Option<Place>,
    /// The service.
    pub service: Option<Arc<str>>,
    /// The publication: the service's entry that the finding is about.
    pub subject: Option<Subject>,
    /// One sentence, lower case, subject first; it stands alone.
    pub message: String,
    /// What stands under the caret: what is open to whom. May be empty.
    pub label: String,
    /// Other places that matter: the anchor, the `extends`, the .env line.
    pub related: Vec<Related>,
    /// One fact or way out a line.
    pub help: Vec<String>,
    /// What would mend it, proven; or why nothing is offered. Filled by the remedy stage; None: the rule has no fix.
    pub fix: Option<Result<Fix, Refusal>>,
    /// What the rule asks the remedy stage for.
    pub remedy: Option<Remedy>,
}

/// The publication that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The service's name.
    pub service: Arc<str>,
    /// Its index in [`super::project::Service::publications`].
    pub publication: usize,
    /// `127.0.0.1:8080->80/tcp`
    pub text: String,
}

/// Another place that matters to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub place: Place,
    /// What is there; one line, lower case.
    pub message: String,
}

/// A change that a rule would like to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Bind the publication to loopback.
    BindToLoopback,
    /// Give the variable in the address slot a safe default.
    DefaultToLoopback,
    /// Put `!override` before the list at this place, so that it replaces the earlier one.
    OverrideList(Place),
}

/// A proven change of one or more files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative: `bind to 127.0.0.1`.
    pub title: String,
    /// The replacements; they do not overlap.
    pub edits: Vec<Edit>,
}

/// The replacement of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub place: Place,
    /// What stands there afterwards.
    pub replacement: String,
}

/// Why no fix is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One sentence, lower case.
    pub reason: String,
}

/// What a run saw, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Compose files that were given or found, read or not.
    pub files: usize,
    /// Services, dormant ones included.
    pub services: usize,
    /// Publications: entries of `ports` lists.
    pub publications: usize,
    /// Findings of level error.
    pub errors: usize,
    /// Findings of level warn.
    pub warnings: usize,
    /// Findings of level note.
    pub notes: usize,
    /// Findings that an allowance or an exception took away.
    pub allowed: usize,
    /// Findings that the baseline accepts.
    pub baselined: usize,
    /// Findings with a proven fix.
    pub fixable: usize,
    /// Files, or parts of a project, that could not be read.
    pub unread: usize,
}
