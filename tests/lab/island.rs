//! Namespaces that live exactly as long as this process, and commands inside them.
//!
//! In: which namespaces, and a root folder to lay a throw-away layer over. Out: an [`Island`] (a whole host) or a [`Wire`]
//! (a neighbour's network alone), and [`Command`]s that run inside.
//!
//! The life of a namespace hangs on a pipe: its holder, first process of the process namespace, reads it and ends when it is
//! closed. However the lab ends (well, by an error, by Ctrl-C, by SIGKILL), the kernel closes the pipe, ends every process
//! of the namespace, and with the last of them mounts, links and rules are gone. Only the empty cgroup folders of the
//! engine stay; [`sweep`] takes those of this run, and of runs that are no more.
//!
//! It does not know what runs on a host.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Where a host's own files lie in its mount namespace: a folder that every machine has, covered there by a tmpfs.
const SEAT: &str = "/mnt";
/// What a cgroup folder of ours is called, before the process id of the lab that made it.
const CGROUP: &str = "docker-firewall-lab-";
/// How long a daemon may take to come up or to end.
const PATIENCE: Duration = Duration::from_secs(90);
/// What the log of systemd is called.
const SYSTEMD: &str = "systemd";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The pipes that keep holders alive, by the holder's process id: one place, so that a signal can close them all.
static LIVES: Mutex<Vec<(u32, ChildStdin)>> = Mutex::new(Vec::new());

/// Ends every namespace of this lab, and waits a moment for the kernel to take them down.
pub(crate) fn end_all() {
    LIVES.lock().unwrap_or_else(PoisonError::into_inner).clear();
    std::thread::sleep(Duration::from_millis(500));
    sweep();
}

/// A process that holds namespaces open.
struct Holder {
    process: Child,
    /// Its process id as this machine counts.
    pid: u32,
}

impl Holder {
    /// Starts a holder in new namespaces, named as `unshare` names them.
    fn start(namespaces: &[&str]) -> Result<Self> {
        let mut process = Command::new("unshare")
            .args(namespaces)
            // Nobody waits for the orphans of a host but its first process: let the kernel do it.
            .args(["env", "--ignore-signal=CHLD"])
            .arg(std::env::current_exe()?)
            .arg("--hold")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("unshare does not start")?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let pid = line.trim().parse().context("no namespaces: root is needed")?;
        if let Some(life) = process.stdin.take() {
            LIVES.lock().unwrap_or_else(PoisonError::into_inner).push((pid, life));
        }
        Ok(Self { process, pid })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        LIVES.lock().unwrap_or_else(PoisonError::into_inner).retain(|(pid, _)| *pid != self.pid);
        self.process.wait().ok();
    }
}

/// What a holder does: says its process id as the machine counts (its `/proc` is still the machine's), and waits for the
/// end of its input.
pub(crate) fn hold() -> Result<()> {
    println!("{}", fs::read_link("/proc/self")?.display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A neighbour: a network namespace and nothing else.
pub(crate) struct Wire {
    holder: Holder,
}

impl Wire {
    /// A new network, empty.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { holder: Holder::start(&["--net"])? })
    }

    /// The process whose network it is.
    pub(crate) fn pid(&self) -> u32 {
        self.holder.pid
    }

    /// The file that stands for it.
    pub(crate) fn network(&self) -> String {
        format!("/proc/{}/ns/net", self.pid())
    }

    /// A command of this machine in that network.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        in_network(&self.network(), program)
    }
}

/// A command of this machine in the network that a file stands for.
pub(crate) fn in_network(network: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={network}")).arg(program);
    command
}

/// A host: network, mounts, processes, host name and IPC of its own, and a root of its own.
pub(crate) struct Island {
    /// Daemons started inside; they end with the holder, and are waited for after it.
    daemons: Vec<(String, Child)>,
    holder: Option<Holder>,
    pid: u32,
    /// The process id of its systemd, as this machine counts, where one runs there.
    systemd: Option<u32>,
}

impl Island {
    /// Boots an empty host over a root folder, which stays as it is: all writing goes to memory.
    pub(crate) fn boot(name: &str, root: &Path) -> Result<Self> {
        let holder = Holder::start(&["--pid", "--fork", "--kill-child", "--mount", "--net", "--uts", "--ipc"])?;
        let island = Self { daemons: Vec::new(), pid: holder.pid, holder: Some(holder), systemd: None };
        island.mount(root)?;
        island.run(&["hostname", name])?;
        island.run(&["ip", "link", "set", "lo", "up"])?;
        Ok(island)
    }

    /// Lays the root, and what a system mounts over it.
    fn mount(&self, root: &Path) -> Result<()> {
        let at = |inside: &str| format!("{SEAT}/root{inside}");
        let over = format!("lowerdir={},upperdir={SEAT}/upper,workdir={SEAT}/work", root.display());
        let steps: &[&[&str]] = &[
            &["mount", "-t", "tmpfs", "lab", SEAT],
            &["mkdir", &format!("{SEAT}/upper"), &format!("{SEAT}/work"), &at("")],
            // A mount point of its own: runc's pivot_root refuses a root that is only a folder.
            &["mount", "-t", "overlay", "-o", &over, "lab", &at("")],
            &["mount", "-t", "proc", "proc", &at("/proc")],
            &["mount", "-t", "sysfs", "sysfs", &at("/sys")],
            // The machine's cgroups, whole: a bare sysfs hides them and the engine finds no controllers.
            &["mount", "--rbind", "/sys/fs/cgroup", &at("/sys/fs/cgroup")],
            &["mount", "--rbind", "/dev", &at("/dev")],
            &["mount", "-t", "tmpfs", "lab", &at("/run")],
            &["mount", "-t", "tmpfs", "lab", &at("/tmp")],
            &["mkdir", "-p", &at("/var/lib/docker"), &at("/run/dbus"), &at("/run/lock")],
            &["mount", "-t", "tmpfs", "lab", &at("/var/lib/docker")],
        ];
        for step in steps {
            output(self.outside(step[0]).args(&step[1..]))?;
        }
        Ok(())
    }

    /// Lays memory of a size over a folder of the host, by the machine's own tool: a root need not have one.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub(crate) fn lay(&self, folder: &str, options: &str) -> Result<()> {
        let at = format!("{SEAT}/root{folder}");
        output(self.outside("mount").args(["-t", "tmpfs", "-o", options, "lab", &at])).map(drop)
    }

    /// Takes it away again.
    ///
    /// # Errors
    ///
    /// There is none, or it is in use.
    pub(crate) fn lift(&self, folder: &str) -> Result<()> {
        output(self.outside("umount").arg(format!("{SEAT}/root{folder}"))).map(drop)
    }

    /// The process whose network it is.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// A command of this machine, in the host's namespaces but with the machine's files.
    pub(crate) fn outside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        with(self.pid, program)
    }

    /// A command of the host, with its own files; beside its systemd, if there is one, which takes no word from a changed root.
    pub(crate) fn command(&self, argv: &[&str]) -> Command {
        if let Some((pid, (program, rest))) = self.systemd.zip(argv.split_first()) {
            let mut command = with(pid, program);
            command.args(rest);
            return command;
        }
        let mut command = self.outside("chroot");
        command.arg(format!("{SEAT}/root")).args(argv);
        command
    }

    /// Runs a command of the host to its end, and gives what it printed.
    ///
    /// # Errors
    ///
    /// It cannot be started or ends badly; with what it said.
    pub(crate) fn run(&self, argv: &[&str]) -> Result<String> {
        output(&mut self.command(argv))
    }

    /// Boots systemd on the host's root, in a process namespace of its own; what it says goes to `/tmp/systemd.log` there.
    pub(crate) fn boot_systemd(&mut self) -> Result<()> {
        let (script, number) = ("/boot.sh", self.path("/systemd.pid"));
        self.write(script, include_str!("files/systemd.sh"))?;
        fs::remove_file(&number).ok();
        let root = format!("{SEAT}/root");
        let mut command = self.outside("sh");
        command.args([&format!("{root}{script}"), &root, cgroup().trim_start_matches('/')]);
        self.begin(SYSTEMD, command)?;
        let end = Instant::now() + PATIENCE;
        while self.systemd.is_none() {
            ensure!(Instant::now() < end, "{SYSTEMD} does not start:\n{}", self.log(SYSTEMD));
            std::thread::sleep(Duration::from_millis(100));
            self.systemd = fs::read_to_string(&number).ok().and_then(|text| text.trim().parse().ok());
        }
        Ok(())
    }

    /// Waits until systemd has ended by itself.
    ///
    /// # Errors
    ///
    /// It does not.
    pub(crate) fn await_end_of_systemd(&mut self) -> Result<()> {
        let place = self.daemons.iter().position(|(name, _)| name == SYSTEMD).context("systemd was not started")?;
        let end = Instant::now() + PATIENCE;
        while self.daemons[place].1.try_wait()?.is_none() {
            ensure!(Instant::now() < end, "{SYSTEMD} does not end:\n{}", self.log(SYSTEMD));
            std::thread::sleep(Duration::from_millis(100));
        }
        self.daemons.remove(place);
        self.systemd = None;
        Ok(())
    }

    /// Starts a daemon of the host; what it says goes to `/tmp/NAME.log` there.
    pub(crate) fn start(&mut self, name: &str, argv: &[&str]) -> Result<()> {
        self.begin(name, self.command(argv))
    }

    fn begin(&mut self, name: &str, mut command: Command) -> Result<()> {
        let log = fs::File::create(self.path(&format!("/tmp/{name}.log")))?;
        let errors = log.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn()?;
        self.daemons.push((name.to_owned(), child));
        Ok(())
    }

    /// Ends the daemon that wrote this file with its process id, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// There is no such file or process, or it does not end.
    pub(crate) fn stop(&self, pid_file: &str) -> Result<()> {
        let pid = fs::read_to_string(self.path(pid_file)).with_context(|| format!("{pid_file} cannot be read"))?;
        self.run(&["kill", "-TERM", pid.trim()])?;
        let end = Instant::now() + PATIENCE;
        while self.run(&["kill", "-0", pid.trim()]).is_ok() {
            ensure!(Instant::now() < end, "the process of {pid_file} does not end");
            std::thread::sleep(Duration::from_millis(100));
        }
        // Killed or not, the next one must not take it for running.
        fs::remove_file(self.path(pid_file)).or_else(|_| Ok(()))
    }

    /// Lets stopped daemons go on. What started one stops with it, and nobody but we may wake that.
    ///
    /// # Errors
    ///
    /// `kill` does not start.
    pub(crate) fn resume(&self) -> Result<()> {
        let ids = self.daemons.iter().map(|(_, daemon)| daemon.id().to_string());
        // One that has ended since is no matter.
        Command::new("kill").arg("-CONT").args(ids).output().map(drop).context("kill does not start")
    }

    /// Waits until a command of the host ends well.
    ///
    /// # Errors
    ///
    /// It did not in time; with the last lines that the daemon of this name wrote.
    pub(crate) fn await_success(&self, daemon: &str, argv: &[&str]) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.run(argv).is_err() {
            if Instant::now() > end {
                bail!("{daemon} does not come up:\n{}", self.log(daemon));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// The last lines that a daemon wrote.
    pub(crate) fn log(&self, daemon: &str) -> String {
        let text = fs::read_to_string(self.path(&format!("/tmp/{daemon}.log"))).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Where a file of the host lies for this process.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        if let Some(pid) = self.systemd {
            return PathBuf::from(format!("/proc/{pid}/root{inside}"));
        }
        PathBuf::from(format!("/proc/{}/root{SEAT}/root{inside}", self.pid))
    }

    /// Writes a file of the host, with the folders above it.
    pub(crate) fn write(&self, inside: &str, content: &str) -> Result<()> {
        let path = self.path(inside);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content).with_context(|| format!("{inside} cannot be written"))
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        drop(self.holder.take());
        for (_, daemon) in &mut self.daemons {
            daemon.wait().ok();
        }
        sweep();
    }
}

/// A command in the namespaces of a process.
fn with(pid: u32, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &pid.to_string(), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]).arg(program);
    command.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").env("HOME", "/root");
    command
}

/// Runs a command to its end, and gives what it printed.
///
/// # Errors
///
/// It cannot be started or ends badly; with what it said.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} does not start"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{command:?}: {}: {}", done.status, said.trim());
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// The cgroup under which this lab's engines put their containers.
pub(crate) fn cgroup() -> String {
    format!("/{CGROUP}{}", std::process::id())
}

/// Removes the empty cgroup folders of this lab, and of labs whose process is no more.
pub(crate) fn sweep() {
    let mut tops = vec![PathBuf::from("/sys/fs/cgroup")];
    tops.extend(folders(Path::new("/sys/fs/cgroup")));
    for folder in tops.iter().flat_map(|top| folders(top)) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(CGROUP) else { continue };
        if pid == std::process::id().to_string() || !Path::new("/proc").join(pid).exists() {
            remove_empty(&folder);
        }
    }
}

/// Removes a tree of cgroup folders from the leaves; one that still holds processes stays.
fn remove_empty(folder: &Path) {
    for inner in folders(folder) {
        remove_empty(&inner);
    }
    fs::remove_dir(folder).ok();
}

/// The folders in a folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}
