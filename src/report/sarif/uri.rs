//! Paths as URI references (RFC 3986).

use std::fmt::Write as _;
use std::path::{Component, Path};

/// A relative path as a relative reference, an absolute one as a `file:` URI. Bytes other than the unreserved ones are percent-encoded,
/// colons too: before the first slash one would end a scheme.
pub(super) fn of(path: &Path) -> String {
    let mut segments = Vec::new();
    let mut root = "";
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::RootDir => root = "file:///",
            Component::ParentDir => segments.push("..".to_owned()),
            Component::Prefix(prefix) => segments.push(prefix.as_os_str().to_string_lossy().replace('\\', "/")),
            Component::Normal(name) => segments.push(encode(name.as_encoded_bytes())),
        }
    }
    format!("{root}{}", segments.join("/"))
}

fn encode(segment: &[u8]) -> String {
    segment.iter().fold(String::with_capacity(segment.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_stays_relative_and_is_encoded() {
        assert_eq!(of(Path::new("./deploy dir/größe#1:a.yml")), "deploy%20dir/gr%C3%B6%C3%9Fe%231%3Aa.yml");
        assert_eq!(of(Path::new("../common.yml")), "../common.yml");
    }

    #[cfg(unix)]
    #[test]
    fn an_absolute_path_is_a_file_uri() {
        assert_eq!(of(Path::new("/srv/100%/compose.yaml")), "file:///srv/100%25/compose.yaml");
    }
}
