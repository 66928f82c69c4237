//! `check`: what is done with the findings of a survey.

use super::survey::{Survey, survey, survey_host};
use super::watch::{self, Watch};
use super::world::World;
use super::{Verdict, complain, host, print, publish, put, style_for};
use crate::act::write;
use crate::cli::job::{self, Check, CheckFormat, Purpose};
use crate::error::Error;
use crate::judge::baseline::{self, Ground};
use crate::judge::rules::TABLE;
use crate::look::clock;
use crate::model::baseline::Baseline;
use crate::model::finding::{Edit, Finding, Fix, Level, Summary};
use crate::model::host::Host;
use crate::model::source::Source;
use crate::model::system::reason;
use crate::read;
use crate::read::compose::Texts;
use crate::remedy::edit::{self, Change};
use crate::report::style::Style;
use crate::report::visible::visible;
use crate::report::{Format, Report, Tool, diff};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The rules that speak about what could not be seen. Their findings make a run fail for another reason than the others.
const BLIND: [&str; 2] = ["cannot-tell", "coverage-gap"];

/// A fix may clear the way for another one, and a second run is to have nothing to do: so often is looked again, at most.
const MOST_PASSES: usize = 8;

/// Checks, and does with the findings what the job is for.
pub(super) fn check(job: &Check) -> Result<Verdict, Error> {
    let world = World::look()?;
    let policy = job.policy.as_deref().map(|path| read_own(path, &world)).transpose()?;
    let accepted = accepted(job, &world)?;
    let settle = |found| settle(found, accepted.as_ref(), &world);
    if let (Purpose::Watch, Some(eyes)) = (&job.purpose, &job.host) {
        let (format, style) = (job.format, style_for(job.color, job.quiet, None));
        let judge = |host: &Host| {
            let (found, openings) = survey_host(job, &world, policy.as_ref(), host);
            (settle(found), openings)
        };
        let watch = Watch { format, style, judge: &judge, now: &clock::seconds, complain: &complain };
        return watch::watch(host::looks(eyes), &watch, &mut BufWriter::new(io::stdout().lock()));
    }
    // What is fixed are files: the host stays the same.
    let host = job.host.as_ref().map(host::look).transpose()?.map(|seen| seen.host());
    let look = || survey(job, &world, policy.as_ref(), host.as_ref());
    let found = look()?;
    let seen = name_empty_folders(&found);
    let done = match &job.purpose {
        Purpose::Report | Purpose::Watch => report(job, &settle(found))?,
        Purpose::Accept(path) => accept(path, &found, &world)?,
        Purpose::Diff => show_changes(job, &settle(found))?,
        Purpose::Fix => {
            let (mut written, mut settled) = (Verdict::Clean, settle(found));
            for _ in 0..MOST_PASSES {
                if written != Verdict::Clean || changes(&settled.findings).is_empty() {
                    break;
                }
                written = write_changes(job, &settled);
                settled = settle(look()?);
            }
            written.max(report(job, &settled)?)
        }
    };
    Ok(done.max(seen))
}

/// A folder without compose files is probably not the one that was meant.
fn name_empty_folders(found: &Survey) -> Verdict {
    for folder in &found.empty {
        complain(&Error::EmptyFolder(folder.clone()));
    }
    if found.empty.is_empty() { Verdict::Clean } else { Verdict::Blind }
}

/// A file of ours that the command line names.
fn read_own(path: &Path, world: &World) -> Result<Arc<Source>, Error> {
    let failed = |error: io::Error| Error::Read { path: path.to_owned(), reason: reason(&error) };
    world.disk.read(&world.working_directory.join(path)).map_err(failed)
}

/// A baseline and where it lies.
struct Accepted {
    file: PathBuf,
    baseline: Baseline,
}

/// The baseline that the job asks for. The one of this folder need not be there, and is not read where it is written.
fn accepted(job: &Check, world: &World) -> Result<Option<Accepted>, Error> {
    let file = match &job.baseline {
        job::Baseline::At(path) => path.clone(),
        job::Baseline::Here if world.disk.exists(&world.working_directory.join(baseline::FILE_NAME)) => {
            baseline::FILE_NAME.into()
        }
        job::Baseline::Here | job::Baseline::Nothing => return Ok(None),
    };
    let is_written = matches!(job.purpose, Purpose::Accept(_));
    if is_written { Ok(None) } else { Ok(Some(Accepted { baseline: read_baseline(&file, world)?, file })) }
}

fn read_baseline(path: &Path, world: &World) -> Result<Baseline, Error> {
    let failed = |error: read::baseline::Unreadable| Error::Read {
        path: path.to_owned(),
        reason: format!("{}, in line {}", error.message, error.place.line()),
    };
    read::baseline::read(&read_own(path, world)?).map_err(failed)
}

/// What is left to say when the baseline is taken away, with all the numbers.
pub(super) struct Settled {
    pub(super) findings: Vec<Finding>,
    pub(super) summary: Summary,
}

fn settle(found: Survey, accepted: Option<&Accepted>, world: &World) -> Settled {
    let Survey { mut findings, mut summary, read, .. } = found;
    if let Some(Accepted { file, baseline }) = accepted {
        let ground = Ground { working_directory: &world.working_directory, file };
        let applied = baseline::apply(baseline, findings, ground, &looked_at(&read, ground));
        summary.baselined = applied.baselined.len();
        findings = applied.left;
        findings.extend(applied.stale);
    }
    let of_level = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    summary.errors = of_level(Level::Error);
    summary.warnings = of_level(Level::Warn);
    summary.notes = of_level(Level::Note);
    summary.fixable = findings.iter().filter(|finding| matches!(finding.fix, Some(Ok(_)))).count();
    Settled { findings, summary }
}

/// Answers for a file by its name in the baseline: true if this run read it, or if it is gone.
fn looked_at<'a>(read: &HashSet<PathBuf>, ground: Ground<'a>) -> impl Fn(&str) -> bool + 'a {
    let names: HashSet<String> = read.iter().map(|path| baseline::name_of(path, ground)).collect();
    let folder = ground.working_directory.join(ground.file).parent().map(Path::to_owned).unwrap_or_default();
    move |name| names.contains(name) || !folder.join(name).exists()
}

/// Accepts the findings of today.
fn accept(path: &Path, found: &Survey, world: &World) -> Result<Verdict, Error> {
    let ground = Ground { working_directory: &world.working_directory, file: path };
    let place = world.working_directory.join(path);
    let earlier = if world.disk.exists(&place) { read_baseline(path, world)? } else { Baseline::default() };
    let accepted = baseline::accept(&found.findings, ground);
    let accepted = baseline::keep_others(accepted, earlier, &looked_at(&found.read, ground));
    put(path, &|out| out.write_all(baseline::to_json(&accepted).as_bytes()))?;
    let count = match found.findings.len() {
        1 => "1 finding is".to_owned(),
        count => format!("{count} findings are"),
    };
    let name = visible(&path.to_string_lossy()).into_owned();
    let is_default = world.working_directory.join(path) == world.working_directory.join(baseline::FILE_NAME);
    let how =
        if is_default { "`check` reads it in this folder".to_owned() } else { format!("`check --baseline {name}` reads it") };
    print(format!("{count} accepted in {name}; {how}\n").as_bytes())
}

fn report(job: &Check, settled: &Settled) -> Result<Verdict, Error> {
    let report = Report::new(&settled.findings, settled.summary, Tool::this(), TABLE);
    let look = look_of(job);
    publish(job.output.as_deref(), &|out| report.write(format(job.format), &look, out))?;
    Ok(verdict(job, &settled.findings))
}

fn verdict(job: &Check, findings: &[Finding]) -> Verdict {
    if findings.iter().any(|finding| BLIND.contains(&finding.rule)) {
        return Verdict::Blind;
    }
    let matters = |finding: &Finding| job.fail_on.is_some_and(|lowest| finding.level >= lowest);
    if findings.iter().any(matters) { Verdict::Found } else { Verdict::Clean }
}

/// Shows the fixes as a patch.
fn show_changes(job: &Check, settled: &Settled) -> Result<Verdict, Error> {
    let (look, changes) = (look_of(job), changes(&settled.findings));
    let show = |(path, change): (&PathBuf, &Change), out: &mut dyn Write| {
        diff::write(path, change.before.text(), change.after.text(), &look, out)
    };
    publish(job.output.as_deref(), &|out| changes.iter().try_for_each(|change| show(change, out)))?;
    Ok(verdict(job, &settled.findings))
}

/// Writes the fixes. One file that cannot be written does not keep the others from it.
fn write_changes(job: &Check, settled: &Settled) -> Verdict {
    let mut verdict = Verdict::Clean;
    for (path, change) in changes(&settled.findings) {
        match write::replace(&tree_of(&path), &path, change.before.text(), change.after.text()) {
            Ok(()) if job.quiet => {}
            Ok(()) => drop(writeln!(io::stderr(), "fixed {}", visible(&path.to_string_lossy()))),
            Err(error) => {
                complain(&Error::Replace(error));
                verdict = Verdict::Blind;
            }
        }
    }
    verdict
}

/// The tree that a fix may not leave through a link: the working directory, or, for a file outside it, the file's folder.
fn tree_of(path: &Path) -> PathBuf {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let folder = path.parent().filter(|folder| !is_below && !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// The changed texts. Each project's fixes hold together; where those of two projects want the same bytes, the first has them.
fn changes(findings: &[Finding]) -> BTreeMap<PathBuf, Change> {
    let fixes: Vec<&Fix> = findings.iter().filter_map(|finding| finding.fix.as_ref()?.as_ref().ok()).collect();
    let edits = |fixes: &[&Fix]| -> Vec<Edit> { fixes.iter().flat_map(|fix| fix.edits.iter().cloned()).collect() };
    if let Ok(changes) = edit::apply_all(&edits(&fixes)) {
        return changes;
    }
    let mut kept: Vec<&Fix> = Vec::new();
    for fix in fixes {
        kept.push(fix);
        if edit::apply_all(&edits(&kept)).is_err() {
            kept.pop();
        }
    }
    edit::apply_all(&edits(&kept)).unwrap_or_default()
}

fn look_of(job: &Check) -> Style {
    style_for(job.color, job.quiet, job.output.as_deref())
}

fn format(format: CheckFormat) -> Format {
    match format {
        CheckFormat::Text => Format::Text,
        CheckFormat::Json => Format::Json,
        CheckFormat::Sarif => Format::Sarif,
        CheckFormat::Github => Format::Github,
        CheckFormat::Gitlab => Format::Gitlab,
        CheckFormat::Junit => Format::Junit,
    }
}
