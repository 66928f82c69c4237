//! How compose files are known: by their names, and by their looks.

use std::path::Path;

/// The base files that Compose looks for, in its order (compose-go `cli/options.go`, `DefaultFileNames`).
const BASES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The override files that Compose loads unasked beside a base file, in its order (`DefaultOverrideFileNames`).
const OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// The keys of a compose file's top level (compose-spec `schema/compose-spec.json`), beside those that begin with `x-`.
const TOP_LEVEL: [&str; 9] = ["configs", "include", "models", "name", "networks", "secrets", "services", "version", "volumes"];

/// How sure a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A file that Compose loads unasked: a compose file, whatever is in it.
    Default,
    /// A word of it is `compose`: a compose file, unless it has no services. Compose's own documentation has
    /// `docker_compose_up.yaml`, and parts such as `compose.networks.yml` are loaded together with others only.
    Compose,
    /// A word of it is `stack`: a compose file if it can be read and has services; `stack.yml` is also a file of Haskell's builder.
    Stack,
    /// YAML: a compose file if it looks like one.
    Yaml,
    /// Something else.
    Other,
}

/// What a file's name says. Case is ignored.
pub(super) fn kind(path: &Path) -> Name {
    let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_ascii_lowercase) else { return Name::Other };
    let Some(stem) = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")) else { return Name::Other };
    let mut words = stem.split(['.', '-', '_']);
    if BASES.contains(&name.as_str()) || OVERRIDES.contains(&name.as_str()) {
        Name::Default
    } else if words.clone().any(|word| word == "compose") || stem.starts_with("docker-compose") {
        Name::Compose
    } else if words.any(|word| word == "stack") {
        Name::Stack
    } else {
        Name::Yaml
    }
}

/// The first of Compose's base file names for which `exists` says yes.
pub(super) fn base(exists: impl Fn(&str) -> bool) -> Option<&'static str> {
    BASES.into_iter().find(|name| exists(name))
}

/// The first of Compose's override file names for which `exists` says yes.
pub(super) fn automatic_override(exists: impl Fn(&str) -> bool) -> Option<&'static str> {
    OVERRIDES.into_iter().find(|name| exists(name))
}

/// True if a text looks like a compose file: nothing but Compose's keys at the top level, and a service with an image or a build.
/// The text is not parsed: only lines and their indentation are looked at, so that a tree full of other YAML costs little.
pub(super) fn looks_like_compose(text: &str) -> bool {
    let mut section = "";
    let mut service_indent = None;
    let mut found = false;
    for line in lines(text) {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        if indent == 0 {
            section = key(line).unwrap_or_default();
            if !TOP_LEVEL.contains(&section) && !section.starts_with("x-") && !is_document_mark(line) {
                return false;
            }
            service_indent = None;
            found |= section == "services" && line.contains('{') && (line.contains("image") || line.contains("build"));
        } else if section == "services" {
            let service = *service_indent.get_or_insert(indent);
            found |= indent > service && matches!(key(body), Some("image" | "build"));
        }
    }
    found
}

/// True if a text has services at its top level, of its own or from included files. The text is not parsed, and may be broken.
pub(super) fn has_services(text: &str) -> bool {
    let is_flow = lines(text).find(|line| !is_document_mark(line)).is_some_and(|line| line.starts_with('{'));
    (is_flow && text.contains("services")) || lines(text).any(|line| matches!(key(line), Some("services" | "include")))
}

/// The lines that are neither empty nor comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    lines.filter(|line| !matches!(line.trim_start().as_bytes().first(), None | Some(b'#')))
}

/// The key that a line begins with, without quotes.
fn key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let is_key = rest.is_empty() || rest.starts_with([' ', '\t']);
    is_key.then(|| key.trim_end().trim_matches(['"', '\'']))
}

/// `---`, `...`, `%YAML 1.2`.
fn is_document_mark(line: &str) -> bool {
    ["---", "...", "%"].iter().any(|mark| line.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compose_files_are_known_by_name() {
        for name in ["compose.yaml", "Docker-Compose.YML", "compose.override.yml"] {
            assert_eq!(kind(Path::new(name)), Name::Default, "{name}");
        }
        for name in ["docker-compose.prod.yml", "dev-compose.yaml", "compose_dev.yml", "web.compose.yml", "docker-compose2.yml"] {
            assert_eq!(kind(Path::new(name)), Name::Compose, "{name}");
        }
        for name in ["stack.yml", "docker-stack.prod.yaml", "my-stack.yml"] {
            assert_eq!(kind(Path::new(name)), Name::Stack, "{name}");
        }
        for (name, expected) in
            [("values.yaml", Name::Yaml), ("composer.yml", Name::Yaml), ("compose.json", Name::Other), ("compose", Name::Other)]
        {
            assert_eq!(kind(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn services_are_seen_in_a_broken_file_too() {
        for text in ["a: [\nservices:\n\tx", "---\n{\"services\": {}}", "include:\n  - a.yml\n", "\"services\" : {}\n"] {
            assert!(has_services(text), "{text}");
        }
        for text in ["command: docker compose up\nlong: |-\n    services:\n", "networks:\n  services: {}\n", "# services:\n", ""]
        {
            assert!(!has_services(text), "{text}");
        }
    }

    #[test]
    fn compose_files_are_known_by_their_looks() {
        assert!(looks_like_compose("services:\n  web:\n    image: nginx\n"));
        assert!(looks_like_compose(
            "\u{feff}# note\r\n---\r\nx-a: &a\r\n  b: 1\r\n\"services\":\r\n    web:\r\n        build: .\r\nvolumes: {}\r\n"
        ));
        assert!(looks_like_compose("services: {web: {image: nginx}}\n"));
        assert!(looks_like_compose("services: # all of them\n  image:\n    image: nginx\n"));
    }

    #[test]
    fn other_yaml_with_services_in_it_is_not_a_compose_file() {
        let workflow = "on: push\njobs:\n  test:\n    services:\n      redis:\n        image: redis\n";
        let gitlab = "image: rust\nservices:\n  - name: docker:dind\n    image: x\n";
        let woodpecker = "steps:\n  - image: rust\nservices:\n  db:\n    image: postgres\n";
        let symfony = "services:\n  App\\Mailer:\n    arguments: [a]\n";
        let kubernetes = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: nginx\n";
        for text in [workflow, gitlab, woodpecker, symfony, kubernetes, "", "services:\n  image: x\n", "a plain text\n"] {
            assert!(!looks_like_compose(text), "{text}");
        }
    }
}
