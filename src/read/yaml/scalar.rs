//! What a plain scalar means to Compose.
//!
//! The table is go-yaml's (`resolve.go` of go.yaml.in/yaml/v4, which compose-go 2.10 uses), not YAML 1.2's: `010` is 8, `0x50` is 80,
//! `1_000` is 1000, `yes` is a string, and `22:22` is a string too.

use super::{Style, Tag};

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Null: empty, `~`, `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or an exponent, or one that is too large; its value never matters here.
    Float,
    /// A point in time; its value never matters here.
    Timestamp,
    /// A text.
    Text,
}

/// What `text` means, written in `style` under `tag`.
pub fn resolve(text: &str, style: Style, tag: Option<Tag>) -> Scalar {
    match tag {
        Some(Tag::Null) => return Scalar::Null,
        Some(Tag::String) => return Scalar::Text,
        Some(Tag::Integer) => return integer(text).map_or(Scalar::Text, Scalar::Integer),
        Some(Tag::Float) => return Scalar::Float,
        Some(Tag::Boolean) => {}
        _ if style != Style::Plain => return Scalar::Text,
        _ => {}
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Boolean(true),
        "false" | "False" | "FALSE" => return Scalar::Boolean(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return Scalar::Float;
        }
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Scalar::Text;
    }
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    match integer(text) {
        Some(number) => Scalar::Integer(number),
        None if is_float(&text.replace('_', "")) => Scalar::Float,
        None => Scalar::Text,
    }
}

/// True if a text may stand under a tag: go-yaml refuses the whole file otherwise.
pub fn fits(text: &str, tag: Tag) -> bool {
    let value = resolve(text, Style::Plain, None);
    match tag {
        Tag::Integer => matches!(value, Scalar::Integer(_)),
        Tag::Float => matches!(value, Scalar::Float | Scalar::Integer(_)),
        Tag::Boolean => matches!(value, Scalar::Boolean(_)),
        Tag::Null => value == Scalar::Null,
        Tag::Reset | Tag::Override | Tag::String | Tag::Other => true,
    }
}

/// Go's `strconv.ParseInt(text without underscores, 0, 64)`: a sign, then `0x`, `0o`, `0b`, or `0` for octal.
fn integer(text: &str) -> Option<i64> {
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && (fraction.is_empty() || all_digits(fraction)),
        None => all_digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|digits| all_digits(digits.strip_prefix(['-', '+']).unwrap_or(digits)))
}

/// The start of go-yaml's allowed timestamps: `YYYY-M-D` alone, or followed by a time.
fn is_timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (year, month, rest) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let day = rest.find(['T', 't', ' ']).map_or(rest, |at| &rest[..at]);
    number(year, 4..=4) && number(month, 1..=2) && number(Some(day), 1..=2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_go_yaml_makes_of_them() {
        let plain = |text| resolve(text, Style::Plain, None);
        let integers = [
            ("0120", 80),
            ("0o120", 80),
            ("0x50", 80),
            ("0b11", 3),
            ("1_000", 1000),
            ("+80", 80),
            ("-80", -80),
            ("0", 0),
            ("022", 18),
        ];
        for (text, number) in integers {
            assert_eq!(plain(text), Scalar::Integer(number), "{text}");
        }
        for text in ["080", "80.5", "8e1", ".5", "99999999999999999999", ".inf"] {
            assert_eq!(plain(text), Scalar::Float, "{text}");
        }
        for text in ["22:22", "yes", "on", "80/tcp", "1.2.3.4", "0xg", "-", "+", "80-90", "0x", "--5", "0o", "0-0"] {
            assert_eq!(plain(text), Scalar::Text, "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(plain(text), Scalar::Null, "{text}");
        }
        assert_eq!(plain("2024-01-01"), Scalar::Timestamp);
        assert_eq!(plain("True"), Scalar::Boolean(true));
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text_does() {
        assert_eq!(resolve("80", Style::Quoted, None), Scalar::Text);
        assert_eq!(resolve("81", Style::Quoted, Some(Tag::Integer)), Scalar::Integer(81));
        assert_eq!(resolve("80", Style::Plain, Some(Tag::String)), Scalar::Text);
        assert_eq!(resolve("80", Style::Plain, Some(Tag::Null)), Scalar::Null);
    }
}
