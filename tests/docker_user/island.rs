//! A kernel of one's own, as far as networks go: a network namespace, where rules are loaded in either form of iptables.

use docker_firewall::act::tables;
use docker_firewall::model::host::Host;
use docker_firewall::model::lock::Load;
use docker_firewall::model::ruleset::{Ruleset, Table, TableFamily};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::remedy::lock;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// A network of its own, with a `/run` of its own for the lock of iptables.
pub struct Island(Child);

impl Island {
    /// None, with a word, where that takes more than we have.
    pub fn make() -> Option<Self> {
        let script = "mount -t tmpfs none /run && iptables-legacy -V && nft -v && ip link set lo up && echo && echo made && exec sleep 600";
        let child = Command::new("unshare").args(["--net", "--mount", "sh", "-c", script]).stdout(Stdio::piped()).spawn().ok()?;
        let mut island = Self(child);
        let mut said = String::new();
        let mut byte = [0];
        while !said.ends_with("\nmade\n") {
            if island.0.stdout.as_mut()?.read(&mut byte).ok()? == 0 {
                println!("skipped: this takes root, network namespaces, nft and both forms of iptables");
                return None;
            }
            said.push(byte[0].into());
        }
        Some(island)
    }

    pub fn feed(&self, command: &str, text: &str) -> String {
        let mut child = Command::new("nsenter")
            .args(["--target", &self.0.id().to_string(), "--net", "--mount", "sh", "-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command prints.
    pub fn run(&self, command: &str) -> String {
        self.feed(command, "")
    }

    /// The tables of iptables that a host has.
    pub fn build(&self, snapshot: &Snapshot, form: &str) {
        for tool in ["iptables", "ip6tables"] {
            self.feed(&format!("{tool}-{form}-restore"), &snapshot.files[&format!("{tool}-save.txt")]);
        }
        if form == "nft" {
            // The tool makes chains that the engine does not need.
            self.feed("nft -f -", "delete chain ip filter INPUT\ndelete chain ip filter OUTPUT\n");
        }
    }

    /// Loads as a host does whose plain iptables has this form.
    pub fn load(&self, loads: &[Load], form: &str) {
        for Load { words, text } in loads {
            self.feed(&words.join(" ").replacen("tables-restore", &format!("tables-{form}-restore"), 1), text);
        }
    }

    /// Takes a lock away, as a host does.
    pub fn unlock(&self, host: &Host, form: &str) {
        self.load(&lock::removal(host, None), form);
        let namespace = format!("/proc/{}/ns/net", self.0.id());
        for family in lock::made_tables(host, None) {
            tables::remove_empty(family, "filter", Some(namespace.as_ref())).unwrap();
        }
    }

    /// All rules, in everybody's words, without what only counts.
    pub fn saved(&self, form: &str) -> Vec<String> {
        let text = self.run(&format!("iptables-{form}-save; ip6tables-{form}-save; nft list ruleset"));
        let uncounted = |line: &str| {
            let mut words = line.split(" [").next().unwrap_or_default().split(' ');
            let mut kept = Vec::new();
            while let Some(word) = words.next() {
                kept.push(word);
                if word == "counter" {
                    words.nth(3);
                }
            }
            kept.join(" ")
        };
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(uncounted).collect()
    }

    /// A host with these rules.
    pub fn host(&self, snapshot: &Snapshot, form: &str) -> Host {
        let mut seen = snapshot.clone();
        for tool in ["iptables", "ip6tables"] {
            let text = self.run(&format!("{tool}-{form}-save"));
            seen.files.insert(format!("{tool}-save.txt"), text);
        }
        let ours = Snapshot { files: [("nft-ruleset.json".to_owned(), self.run("nft -j list ruleset"))].into() };
        let mut host = seen.host();
        // What others have in nftables is as it was.
        let others: Vec<Table> = host.ruleset.tables.iter().filter(|table| table.family == TableFamily::Inet).cloned().collect();
        seen.files.insert("nft-ruleset.json".to_owned(), ours.files["nft-ruleset.json"].clone());
        host.ruleset = Ruleset { tables: seen.host().ruleset.tables.into_iter().chain(others).collect() };
        assert!(host.unread.is_empty(), "{:?}", host.unread);
        host
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
