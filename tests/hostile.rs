//! Texts that nobody should write: reading them ends, says what is wrong, and never points outside of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use docker_firewall::judge;
use docker_firewall::model::origin::{Hop, Origin};
use docker_firewall::model::project::Project;
use docker_firewall::model::publication::Form;
use docker_firewall::model::source::{Place, Source};
use docker_firewall::read::compose::{Request, Texts, load};
use docker_firewall::read::policy;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Far more than any of the texts here takes, on any machine: a text that grows while it is read takes minutes.
const LONG: Duration = Duration::from_secs(20);

/// Files in memory.
#[derive(Clone, Default)]
struct Files(BTreeMap<PathBuf, Arc<Source>>);

impl Files {
    fn of(files: &[(&str, String)]) -> Self {
        let source = |name: &str, text: &String| (PathBuf::from(name), Source::new(name, text.as_str()));
        Self(files.iter().map(|(name, text)| source(&format!("/project/{name}"), text)).collect())
    }
}

impl Texts for Files {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.0.keys().any(|known| known.parent() == Some(path))
    }
}

fn load_file(files: &Files, file: &Path) -> Project {
    let working_directory = file.parent().unwrap().to_owned();
    let request = Request { files: vec![file.to_owned()], working_directory, ..Request::default() };
    let began = Instant::now();
    let project = load(&request, files);
    assert!(began.elapsed() < LONG, "{} took {:?}", file.display(), began.elapsed());
    project
}

fn load_text(text: String) -> Project {
    load_file(&Files::of(&[("compose.yaml", text)]), Path::new("/project/compose.yaml"))
}

fn publications(project: &Project, service: &str) -> Vec<String> {
    let service = project.services.iter().find(|known| *known.name == *service);
    service.map(|service| service.publications.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// A sequence of numbers that is the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// What is put into a text: words that mean something to YAML, to Compose or to us.
const WORDS: [&str; 36] = [
    "*a",
    "&a ",
    "*base",
    "<<: ",
    "<<: *a\n",
    "!reset ",
    "!override ",
    "!!str ",
    "${",
    "}",
    "$$",
    "${A:-",
    "\t",
    "- ",
    "-\n",
    "'",
    "\"",
    ": ",
    "[",
    "]",
    "{",
    "}",
    "|\n",
    ">-\n",
    "\n---\n",
    "\n...\n",
    "# docker-firewall: allow ",
    "\u{feff}",
    "ä",
    "\u{2028}",
    "\0",
    "\r",
    "\r\n",
    "65536",
    "0-",
    "ports:",
];

/// The text with one to four changes: a stretch taken out, doubled, or moved, or a word put in.
fn mutated(text: &str, numbers: &mut Numbers) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let start = numbers.below(characters.len() + 1);
        let end = (start + numbers.below(40)).min(characters.len());
        let stretch = characters[start..end].to_vec();
        match numbers.below(4) {
            0 => drop(characters.drain(start..end)),
            1 => drop(characters.splice(start..start, stretch)),
            2 => {
                characters.drain(start..end);
                let at = numbers.below(characters.len() + 1);
                characters.splice(at..at, stretch);
            }
            _ => drop(characters.splice(start..start, WORDS[numbers.below(WORDS.len())].chars())),
        }
    }
    characters.into_iter().collect()
}

/// Every place that a project holds.
fn places(project: &Project) -> Vec<&Place> {
    fn of(origin: &Origin) -> impl Iterator<Item = &Place> {
        let hops = origin.hops.iter().map(|hop| match hop {
            Hop::Include { at } | Hop::Extends { at, .. } | Hop::MergeKey { at } | Hop::Alias { at, .. } => at,
            Hop::Override { replaced } => replaced,
            Hop::Variable(substitution) => &substitution.at,
        });
        hops.chain([&origin.place])
    }
    let mut places = Vec::new();
    for service in &project.services {
        places.extend(of(&service.origin));
        for publication in &service.publications {
            let entry = &publication.entry;
            let parts = [&entry.host_ip, &entry.published, &entry.target];
            places.extend(of(&entry.origin).chain(parts.into_iter().flatten().flat_map(of)));
        }
    }
    places.extend(project.problems.iter().filter_map(|problem| problem.place.as_ref()));
    places.extend(project.pragmas.iter().map(|pragma| &pragma.place));
    places.extend(project.ineffective.iter().map(|ineffective| &ineffective.at));
    places
}

fn assert_inside(place: &Place, text: &str) {
    let range = place.span.range();
    assert!(place.source.text().get(range.clone()).is_some(), "{range:?} is no range of {text:?}");
    assert!(place.line() >= 1 && place.column() >= 1);
}

/// A short entry whose bytes are its value, as its form promises, reads so in the file.
fn assert_reads_back(project: &Project) {
    for publication in project.services.iter().flat_map(|service| &service.publications) {
        let entry = &publication.entry;
        let is_changed = entry.origin.substitutions().next().is_some() || entry.origin.place.text().contains('$');
        let written = entry.origin.place.text();
        match entry.form {
            Form::Plain if !is_changed => assert_eq!(written, entry.text),
            Form::Quoted if !is_changed => assert_eq!(&written[1..written.len() - 1], entry.text),
            _ => {}
        }
    }
}

#[test]
fn no_mutation_of_a_fixture_makes_us_stumble_or_point_outside_of_a_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/compose/reference");
    let mut numbers = Numbers(2);
    let mut count = 0;
    for folder in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let files = texts_below(&folder);
        for file in files.0.keys().filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml")) {
            for _ in 0..10 {
                let text = mutated(files.0[file].text(), &mut numbers);
                let mut files = files.clone();
                files.0.insert(file.clone(), Source::new(file, text.as_str()));
                let project = load_file(&files, file);
                for place in places(&project) {
                    assert_inside(place, &text);
                }
                assert_reads_back(&project);
                let findings = judge::judge(&project, &policy::intent(&project, None)).findings;
                findings.iter().filter_map(|finding| finding.place.as_ref()).for_each(|place| assert_inside(place, &text));
                count += 1;
            }
        }
    }
    assert!(count > 2_000, "only {count} mutations");
}

fn texts_below(folder: &Path) -> Files {
    let mut files = Files::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.0.append(&mut texts_below(&path).0);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.0.insert(path.clone(), Source::new(&path, text));
        }
    }
    files
}

#[test]
fn aliases_of_aliases_that_nothing_uses_cost_nothing_and_hide_nothing() {
    let project = load_text(format!("{}services:\n  web: {{image: nginx, ports: [\"80:80\"]}}\n", bomb(9)));
    assert_eq!(publications(&project, "web"), ["*:80->80/tcp"]);
}

#[test]
fn aliases_of_aliases_under_ports_are_bounded_and_said() {
    let project = load_text(format!("{}services:\n  web: {{image: nginx, ports: *a9}}\n", bomb(9)));
    assert!(project.problems.iter().any(|problem| problem.message.contains("too large to expand")), "{:?}", project.problems);
}

/// Ten aliases to ten aliases to ten aliases …
fn bomb(levels: usize) -> String {
    let mut text = "x-0: &a0 [\"1:1\"]\n".to_owned();
    for level in 1..=levels {
        let _ = writeln!(text, "x-{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    text
}

#[test]
fn merge_keys_of_merge_keys_are_bounded_and_said() {
    let mut text = "x-0: &a0 {image: nginx}\n".to_owned();
    for level in 1..9 {
        let _ = writeln!(text, "x-{level}: &a{level} {{<<: [{}]}}", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    let project = load_text(text + "services:\n  web: {<<: *a8, ports: [\"80:80\"]}\n");
    assert!(project.problems.iter().any(|problem| problem.message.contains("too large to expand")), "{:?}", project.problems);
    assert_eq!(publications(&project, "web"), ["*:80->80/tcp"]);
}

#[test]
fn ranges_beyond_four_times_all_ports_are_bounded_and_said() {
    let mut text = "services:\n  web:\n    image: nginx\n    ports:\n      - \"8080:80\"\n".to_owned();
    for host in 0..1_000 {
        let _ = writeln!(text, "      - \"127.0.{}.{}:1-65535:1-65535\"", host / 250, host % 250);
    }
    let project = load_text(text);
    assert_eq!(publications(&project, "web")[..2], ["*:8080->80/tcp", "127.0.0.0:1-65535->1-65535/tcp"]);
    assert!(project.problems.iter().any(|problem| problem.message.contains("more than 262144 ports")));
    assert!(project.services[0].bindings.len() <= 262_144);
}

#[test]
fn services_that_extend_a_long_one_again_and_again_are_bounded_and_said() {
    let mut text = "services:\n  base:\n    image: nginx\n    ports:\n".to_owned();
    (1..1_000).for_each(|port| writeln!(text, "      - \"{port}:80\"").unwrap());
    (0..5_000).for_each(|child| writeln!(text, "  child-{child}: {{extends: base, ports: [\"9:9\"]}}").unwrap());
    let project = load_text(text);
    assert!(project.problems.iter().any(|problem| problem.message.contains("inherits more")), "{:?}", project.problems.first());
    assert_eq!(publications(&project, "base").len(), 999);
}

#[test]
fn files_that_include_one_another_twice_over_are_bounded_and_said() {
    let level = |number: usize| {
        let next = number + 1;
        let services = format!("services:\n  web-{number}: {{image: nginx, ports: [\"{next}:80\"]}}\n");
        format!("include: [{next}.yaml, ./{next}.yaml]\n{services}")
    };
    let files: Vec<(String, String)> = (0..40).map(|number| (format!("{number}.yaml"), level(number))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let project = load_file(&Files::of(&files), Path::new("/project/0.yaml"));
    assert!(!project.problems.is_empty());
    assert_eq!(publications(&project, "web-0"), ["*:1->80/tcp"]);
}

#[test]
fn deep_nesting_ends_the_reading_of_a_file_with_a_reason() {
    for opening in ["[", "{a: ", "- "] {
        let project =
            load_text(format!("services: {{web: {{image: nginx, ports: [\"80:80\"]}}}}\nx-deep: {}", opening.repeat(100_000)));
        assert!(!project.problems.is_empty(), "{opening}");
    }
}
