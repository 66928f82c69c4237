//! A change has a proof: the edited texts are loaded and judged again before anybody is shown the change.
//!
//! In: plans. Out: for each, whether the loader and the rules agree that it does what it should and nothing else. Not here: what the
//! plans are, and how it is judged.

use super::edit::{self, Change};
use super::facts::{self, Outcome, Outcomes, Which};
use super::overlay::Overlay;
use super::refuse;
use crate::model::finding::{Edit, Finding, Level, Refusal};
use crate::model::project::Project;
use crate::read::compose::{Request, Texts, load};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// A project may be loaded again this often, whatever its size: enough to single out a few changes that do not hold.
const LOADS: usize = 32;

/// Beyond [`LOADS`], a project may be loaded again until this many bytes are read: small files are cheap to try often.
const BYTES: usize = 4 << 20;

/// A change, and what it is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// What it does, in the imperative.
    pub(super) title: String,
    /// What changes.
    pub(super) edits: Vec<Edit>,
    /// What becomes of publications.
    pub(super) outcomes: Outcomes,
    /// The findings that it mends, by their index in [`Ground::findings`].
    pub(super) mends: Vec<usize>,
}

/// What makes a finding the same before and after a change: the rule, the service, and the publication in words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    rule: &'static str,
    service: Option<Arc<str>>,
    publication: Option<String>,
}

/// The ground that plans are proven on.
pub(super) struct Ground<'a> {
    pub(super) project: &'a Project,
    pub(super) request: &'a Request,
    pub(super) texts: &'a dyn Texts,
    pub(super) judge: &'a dyn Fn(&Project) -> Vec<Finding>,
    /// What the judge says of the project as it is.
    pub(super) findings: &'a [Finding],
    /// How often the project was loaded again.
    pub(super) loads: Cell<usize>,
}

/// Tries all plans together; where that fails, halves the pile until the ones that do not hold are alone. What is accepted holds
/// together.
pub(super) fn settle(ground: &Ground, plans: &[Plan]) -> Vec<Result<(), Refusal>> {
    // Law: fixed-once
    let mut verdicts = vec![Ok(()); plans.len()];
    let mut accepted: Vec<&Plan> = Vec::new();
    let mut open = vec![plans.iter().enumerate().collect::<Vec<_>>()];
    while let Some(pile) = open.pop() {
        let together: Vec<&Plan> = accepted.iter().copied().chain(pile.iter().map(|(_, plan)| *plan)).collect();
        match (ground.prove(&together), &pile[..]) {
            (_, []) => {}
            (Ok(()), _) => accepted = together,
            (Err(refusal), [(index, _)]) => verdicts[*index] = Err(refusal),
            (Err(_), _) => {
                let (front, back) = pile.split_at(pile.len() / 2);
                open.extend([back.to_vec(), front.to_vec()]);
            }
        }
    }
    verdicts
}

impl Ground<'_> {
    /// Proves that the plans together do what each of them should, and nothing else.
    fn prove(&self, plans: &[&Plan]) -> Result<(), Refusal> {
        // Law: only-the-subject
        let loads = self.loads.get();
        self.loads.set(loads + 1);
        if loads >= self.most_loads() {
            return refuse("not proven: too many changes of this project do not hold");
        }
        let changes = edit::apply_all(plans.iter().flat_map(|plan| &plan.edits)).or_else(|misfit| refuse(misfit.to_string()))?;
        let outcomes = union(plans);
        let after = self.load(changes);
        same_facts(&facts::of(self.project, &outcomes), &facts::of(&after, &Outcomes::new()))?;
        self.no_new_findings(plans, &outcomes, &after)
    }

    fn most_loads(&self) -> usize {
        let bytes: usize = self.project.sources.iter().map(|source| source.text().len()).sum();
        LOADS.max(BYTES / bytes.max(1))
    }

    fn load(&self, changes: BTreeMap<PathBuf, Change>) -> Project {
        load(self.request, &Overlay::new(self.texts, changes))
    }

    /// Checks that the findings that the plans mend are gone, and that no others have come or grown worse.
    fn no_new_findings(&self, plans: &[&Plan], outcomes: &Outcomes, after: &Project) -> Result<(), Refusal> {
        let mut known: HashMap<Key, (usize, Level)> = HashMap::new();
        for finding in self.findings {
            let Some(key) = Key::of(finding, self.project, outcomes) else { continue };
            let seen = known.entry(key).or_insert((0, finding.level));
            *seen = (seen.0 + 1, seen.1.max(finding.level));
        }
        for mended in plans.iter().flat_map(|plan| &plan.mends) {
            let key = Key::of(&self.findings[*mended], self.project, outcomes);
            if let Some((count, _)) = key.and_then(|key| known.get_mut(&key)) {
                *count = count.saturating_sub(1);
            }
        }
        for finding in (self.judge)(after) {
            let key = Key::of(&finding, after, &Outcomes::new());
            match key.and_then(|key| known.get_mut(&key)) {
                Some((count, level)) if *count > 0 && finding.level <= *level => *count -= 1,
                _ => return refuse(format!("after the change there would still be {}: {}", finding.rule, finding.message)),
            }
        }
        Ok(())
    }
}

impl Key {
    /// The key of a finding; None if its publication goes.
    fn of(finding: &Finding, project: &Project, outcomes: &Outcomes) -> Option<Self> {
        let publication = match &finding.subject {
            None => None,
            Some(subject) => {
                let which: Which = (Arc::clone(&subject.service), subject.publication);
                let publication = project.service(&subject.service)?.publications.get(subject.publication)?;
                Some(facts::shown(publication, outcomes.get(&which).copied())?)
            }
        };
        Some(Self { rule: finding.rule, service: finding.service.clone(), publication })
    }
}

/// The outcomes of several plans. A publication that one of them drops is gone, whatever the others do to it.
fn union(plans: &[&Plan]) -> Outcomes {
    let mut all = Outcomes::new();
    for (which, outcome) in plans.iter().flat_map(|plan| &plan.outcomes) {
        if all.get(which) != Some(&Outcome::Dropped) {
            all.insert(which.clone(), *outcome);
        }
    }
    all
}

/// Refuses with the first facts that differ. Both lists are in order.
fn same_facts(expected: &[String], found: &[String]) -> Result<(), Refusal> {
    let only_in = |these: &[String], others: &[String]| {
        let mut others = others.iter().peekable();
        these
            .iter()
            .find(|fact| {
                while others.next_if(|other| other < fact).is_some() {}
                others.next_if(|other| other == fact).is_none()
            })
            .cloned()
    };
    match (only_in(expected, found), only_in(found, expected)) {
        (None, None) => Ok(()),
        (None, Some(gained)) => refuse(format!("the change would bring something else too: {gained}")),
        (Some(lost), None) => refuse(format!("the change would take something else away: {lost}")),
        (Some(lost), Some(gained)) => refuse(format!("the change would not do what it should: {gained}, and not {lost}")),
    }
}
