//! Root folders: Debian suites unpacked once, and kept outside the checkout.
//!
//! In: a suite's name. Out: a folder with engine, firewalls and tools from that suite's packages, and their versions. The
//! mirror is the one that this machine's own apt uses. A root is built beside its place and renamed into it, under a lock, so
//! that a broken or doubled build leaves nothing half done. The answering process for containers is built here too.
//!
//! Nothing runs in a root but its packages' own installation.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::island::output;

/// What every root holds, by package name; `docker-cli` is part of `docker.io` before Debian 13.
const PACKAGES: &[&str] =
    &["docker.io", "iptables", "nftables", "ipset", "firewalld", "ufw", "dbus-daemon", "iproute2", "procps", "conntrack"];
/// What dpkg leaves out, and that it need not be safe against a power cut: a root is built anew sooner than repaired.
const LEAN: &[&str] =
    &["path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/locale/*", "force-unsafe-io"];
/// What apt does without: recommended packages, translations. A mirror that stands still has lists past their date.
const SPARE: &[&str] =
    &["APT::Install-Recommends \"false\"", "Acquire::Languages \"none\"", "Acquire::Check-Valid-Until \"false\""];
/// The packages whose versions are told.
const TOLD: &[&str] = &["docker.io", "firewalld", "iptables", "nftables", "ufw"];

/// A suite, unpacked.
pub(crate) struct Root {
    pub(crate) folder: PathBuf,
    /// `package version`, one a line's worth, in one line.
    pub(crate) versions: String,
}

/// The folder that outlives a run.
fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| PathBuf::from("/var/cache"), PathBuf::from);
    let folder = base.join("docker-firewall-lab");
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

/// Gives a suite's root, and builds it if it is not there.
///
/// # Errors
///
/// mmdebstrap is missing or fails; the cache cannot be written.
pub(crate) fn root(suite: &str) -> Result<Root> {
    let cache = cache()?;
    let folder = cache.join(suite);
    let lock = File::create(cache.join(format!("{suite}.lock")))?;
    lock.lock().context("the root's lock")?;
    if !folder.exists() {
        build(suite, &cache, &folder)?;
    }
    let mut ask = Command::new("dpkg-query");
    ask.arg(format!("--admindir={}/var/lib/dpkg", folder.display())).args(["-W", "-f", "${Package} ${Version}\n"]);
    let versions = output(ask.args(TOLD))?.lines().collect::<Vec<_>>().join(", ");
    Ok(Root { folder, versions })
}

/// Builds the roots of these suites that are not there, all at once.
///
/// # Errors
///
/// As [`root`].
pub(crate) fn unpack(suites: &[&str]) -> Result<()> {
    thread::scope(|scope| {
        let under_way: Vec<_> = suites.iter().map(|suite| scope.spawn(|| root(suite))).collect();
        under_way.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("an unpacking crashed"))?.map(drop))
    })
}

/// Unpacks a suite, beside its place first.
fn build(suite: &str, cache: &Path, folder: &Path) -> Result<()> {
    eprintln!("lab: unpacking {suite}; this is done once and takes a minute");
    let start = Instant::now();
    let beside = cache.join(format!("{suite}.new"));
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    let mut packages = PACKAGES.join(",");
    if suite != "bookworm" {
        packages.push_str(",docker-cli");
    }
    let made = Command::new("mmdebstrap")
        .args(["--quiet", "--mode=root", "--variant=apt", "--skip=check/qemu"])
        .args(SPARE.iter().map(|option| format!("--aptopt={option}")))
        .args(LEAN.iter().map(|option| format!("--dpkgopt={option}")))
        .arg(format!("--include={packages}"))
        .args([suite, &beside.to_string_lossy(), &format!("deb {} {suite} main", mirror()?)])
        .status()
        .context("mmdebstrap does not start: apt-get install mmdebstrap")?;
    ensure!(made.success(), "mmdebstrap of {suite} failed");
    fs::rename(&beside, folder)?;
    eprintln!("lab: {suite} unpacked in {} s", start.elapsed().as_secs());
    Ok(())
}

/// Where this machine's apt gets Debian's `main` from.
fn mirror() -> Result<String> {
    let format = "$(RELEASE) $(COMPONENT) $(REPO_URI)";
    let targets = output(Command::new("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    let mut plain = targets.lines().filter_map(|line| {
        let (release, rest) = line.split_once(' ')?;
        rest.strip_prefix("main ").filter(|_| !release.contains(['-', '/']))
    });
    plain.next().map(str::to_owned).context("apt of this machine knows no suite of Debian")
}

/// The answering process as an image: a tar of one static binary, built once for each version of its source.
pub(crate) fn image() -> Result<PathBuf> {
    let cache = cache()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/answer.rs");
    let tar = cache.join("answer.tar");
    let lock = File::create(cache.join("answer.lock"))?;
    lock.lock().context("the image's lock")?;
    let older = |made: &fs::Metadata| Some(made.modified().ok()? < fs::metadata(&source).ok()?.modified().ok()?);
    if fs::metadata(&tar).ok().is_some_and(|made| older(&made) == Some(false)) {
        return Ok(tar);
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compile = Command::new(rustc);
    compile.args(["--edition", "2024", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"]);
    output(compile.arg(cache.join("answer")).arg(&source))?;
    output(Command::new("tar").arg("-C").arg(&cache).arg("-cf").arg(&tar).arg("answer"))?;
    Ok(tar)
}
