//! Units in a temporary folder, with a systemd that only notes what it is asked; and the real one's word on what the units say.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use std::cell::RefCell;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

/// A machine with systemd.
struct Machine {
    folder: tempfile::TempDir,
    asked: RefCell<Vec<String>>,
    /// What it refuses.
    refuses: &'static str,
}

impl Machine {
    fn new(refuses: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("booted")).unwrap();
        let machine = Self { folder, asked: RefCell::default(), refuses };
        Folder::make(&machine.units()).unwrap();
        machine
    }

    fn booted(&self) -> PathBuf {
        self.folder.path().join("booted")
    }

    fn units(&self) -> PathBuf {
        self.folder.path().join("units")
    }

    fn install(&self, executable: &str) -> Result<(), Vec<UnitsError>> {
        let ask = |words: &[&str]| self.answer(words);
        Systemd { folder: &self.units(), booted: &self.booted(), ask: &ask }.install(executable)
    }

    fn remove(&self) -> Result<(), Vec<UnitsError>> {
        let ask = |words: &[&str]| self.answer(words);
        Systemd { folder: &self.units(), booted: &self.booted(), ask: &ask }.remove()
    }

    fn answer(&self, words: &[&str]) -> Said {
        let words = words.join(" ");
        let is_refused = !self.refuses.is_empty() && words.contains(self.refuses);
        self.asked.borrow_mut().push(words.clone());
        if is_refused { Said::Failed(format!("`{words}` fails: no")) } else { Said::Text(String::new()) }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.take()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.units()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

fn told(errors: Result<(), Vec<UnitsError>>) -> Vec<String> {
    errors.unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_units_are_written_enabled_and_started_and_go_as_they_came() {
    let machine = Machine::new("");
    machine.install("\"/opt/our tool\"").unwrap();
    assert_eq!(
        machine.asked(),
        [
            "systemctl daemon-reload",
            "systemctl enable docker-firewall.service docker-firewall-watch.service",
            "systemctl restart --no-block docker-firewall.service docker-firewall-watch.service",
        ]
    );
    assert_eq!(machine.files(), [WATCHER, LOADER]);
    let loader = fs::read_to_string(machine.units().join(LOADER)).unwrap();
    assert!(loader.contains("\nExecStart=\"/opt/our tool\" lock --standing\n") && !loader.contains(EXECUTABLE), "{loader}");
    let watcher = fs::read_to_string(machine.units().join(WATCHER)).unwrap();
    assert!(watcher.contains("\nExecStart=\"/opt/our tool\" lock --watch\n") && !watcher.contains(EXECUTABLE), "{watcher}");
    assert_eq!(fs::metadata(machine.units().join(LOADER)).unwrap().permissions().mode() & 0o777, 0o644);

    machine.install("/opt/newer").unwrap();
    assert!(fs::read_to_string(machine.units().join(LOADER)).unwrap().contains("\nExecStart=/opt/newer lock --standing\n"));
    machine.asked();
    machine.remove().unwrap();
    assert_eq!(
        machine.asked(),
        [
            "systemctl disable --now docker-firewall-watch.service",
            "systemctl disable --now docker-firewall.service",
            "systemctl daemon-reload",
        ]
    );
    assert!(machine.files().is_empty());
    machine.remove().unwrap();
}

#[test]
fn an_installation_that_fails_leaves_nothing() {
    let machine = Machine::new("enable docker-firewall.service");
    let errors = told(machine.install("/opt/tool"));
    assert_eq!(errors, ["`systemctl enable docker-firewall.service docker-firewall-watch.service` fails: no"]);
    assert!(machine.files().is_empty());
    assert_eq!(machine.asked().last().unwrap(), "systemctl daemon-reload");
}

#[test]
fn a_removal_goes_on_after_each_error_and_tells_them_all() {
    let machine = Machine::new("");
    machine.install("/opt/tool").unwrap();
    let refusing = Machine { refuses: "systemctl", ..machine };
    let errors = told(refusing.remove());
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(refusing.files().is_empty());
}

#[test]
fn a_unit_of_somebody_else_and_a_masked_one_stay() {
    let machine = Machine::new("");
    fs::write(machine.units().join(WATCHER), "[Service]\nExecStart=/bin/mine\n").unwrap();
    let errors = told(machine.install("/opt/tool"));
    assert!(matches!(&errors[..], [error] if error.ends_with("watch.service is none of ours, and stays as it is")), "{errors:?}");
    assert_eq!(machine.files(), [WATCHER]);
    assert_eq!(told(machine.remove()), errors);
    assert_eq!(machine.files(), [WATCHER]);

    let masked = Machine::new("");
    symlink("/dev/null", masked.units().join(LOADER)).unwrap();
    let errors = told(masked.install("/opt/tool"));
    assert!(errors[0].ends_with("docker-firewall.service: cannot open it: it is a link"), "{errors:?}");
    assert_eq!(masked.files(), [LOADER]);
    assert!(fs::symlink_metadata(masked.units().join(LOADER)).unwrap().is_symlink());
}

#[test]
fn without_systemd_nothing_is_written() {
    let machine = Machine::new("");
    fs::remove_dir(machine.booted()).unwrap();
    for done in [machine.install("/opt/tool"), machine.remove()] {
        assert!(matches!(done.unwrap_err()[..], [UnitsError::NoSystemd]));
    }
    assert!(machine.files().is_empty() && machine.asked().is_empty());
}

#[test]
fn an_executable_that_others_may_change_is_refused() {
    let why = |path: &Path| sound(path).unwrap_err().to_string();
    assert_eq!(
        why(Path::new("docker-firewall")),
        "docker-firewall cannot be started by systemd: its path does not begin at the root"
    );
    assert!(why(Path::new("/no/such/file")).ends_with("no such file or directory"));
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(why(&file).ends_with(" cannot be started by systemd: others than root may change it"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o757)).unwrap();
    assert!(why(&file).starts_with(&format!("{} cannot", file.display())));
    let link = folder.path().join("link");
    symlink("/usr/bin/env", &link).unwrap();
    assert!(sound(&link).unwrap().starts_with("/usr/bin/"), "what the link leads to is what is started");
    assert!(why(Path::new("/usr/bin")).ends_with("it is no file"));
}

#[test]
fn a_name_that_a_unit_cannot_hold_is_refused() {
    assert_eq!(quoted(Path::new("/opt/a-b_c.d+e")).as_deref(), Some("/opt/a-b_c.d+e"));
    for name in ["/opt/a\nb", "/opt/$HOME", "/opt/a\tb", "/opt/a\"b", "/opt/a'b", "/opt/a\\b"] {
        assert_eq!(quoted(Path::new(name)), None);
    }
}

/// What systemd says of the units with an executable; None, with a word, where it is not there.
fn verified(executable: &str) -> Option<String> {
    if tool::find("systemd-analyze").is_none() {
        println!("skipped: there is no systemd-analyze here");
        return None;
    }
    let machine = Machine::new("");
    machine.install(executable).unwrap();
    let files = [LOADER, WATCHER].map(|name| machine.units().join(name));
    let said = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(files).output().unwrap();
    Some(format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr)))
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let Some(said) = verified("/usr/bin/env") else { return };
    assert_eq!(said, "");
}

#[test]
fn a_quoted_path_is_the_path_that_systemd_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a b%n;#c@\u{e4}");
    fs::copy("/usr/bin/env", &file).unwrap();
    let Some(said) = verified(&quoted(&file).unwrap()) else { return };
    assert_eq!(said, "");
    let unquoted = verified(&file.display().to_string()).unwrap();
    assert!(unquoted.contains("docker-firewall"), "without quotes it is another path: {unquoted}");
}
