//! Folding prose to a number of columns.

use super::visible::width;

/// Breaks a text at its spaces into lines of at most `room` columns; a word that is longer has a line to itself. Never empty.
pub(super) fn lines(text: &str, room: usize) -> Vec<String> {
    hanging(text, room, room)
}

/// The same, with other room in the first line than in the others. The first one may stay empty.
pub(super) fn hanging(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = first;
    let mut used = 0;
    for word in text.split_whitespace() {
        let columns = width(word);
        match lines.last_mut() {
            Some(line) if used == 0 && (columns <= room || first == others) || used > 0 && used + 1 + columns <= room => {
                if used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(word);
                used += columns;
            }
            _ => {
                lines.push(word.to_owned());
                (used, room) = (columns, others);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_breaks_at_spaces_and_a_long_word_is_left_whole() {
        assert_eq!(lines("port 8080 is open", 9), ["port 8080", "is open"]);
        assert_eq!(
            lines("a com.docker.network.bridge.host_binding_ipv4 b", 10),
            ["a", "com.docker.network.bridge.host_binding_ipv4", "b"]
        );
        assert_eq!(lines("日本 語", 5), ["日本", "語"]);
        assert_eq!(lines("", 5), [""]);
        assert_eq!(hanging("port 8080 is open", 4, 12), ["port", "8080 is open"]);
        assert_eq!(hanging("port 8080 is open", 3, 9), ["", "port 8080", "is open"]);
    }
}
