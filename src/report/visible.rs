//! Text of the input, made fit to be looked at.
//!
//! A path, a service name or a source line can hold characters that steer a terminal (ESC, CR), reverse the reading order or take no
//! room at all. Each is shown as one visible character one column wide, so that columns and carets stay right.
//! Not here: the escapes of the machine formats; they keep every character, in their own notation.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// True for a character that must not reach a terminal as it is: the controls (C0, DEL, C1), the line and paragraph separators, and
/// whatever is drawn as nothing or changes the order of its neighbours (Unicode's `Default_Ignorable_Code_Point`, which has the
/// bidirectional controls, zero-width spaces and joiners, variation selectors and tags; and the interlinear annotation marks).
pub fn is_hidden(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return false;
    }
    character.is_control()
        || matches!(u32::from(character),
            0xAD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E
            | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// What is shown for a character: itself, or a stand-in one column wide (a control picture, else U+FFFD).
pub fn shown(character: char) -> char {
    if !is_hidden(character) {
        return character;
    }
    match u32::from(character) {
        0x7F => '\u{2421}',
        control @ 0..0x20 => char::from_u32(0x2400 + control).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// A text with every hidden character shown.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(is_hidden) { text.chars().map(shown).collect::<String>().into() } else { text.into() }
}

/// The columns that a text takes once it is [`visible`].
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The columns that a character takes once it is [`shown`].
pub fn char_width(character: char) -> usize {
    shown(character).width().unwrap_or(0)
}

/// Shortens a text to at most `room` columns, with `…` in place of its middle: of a path both ends tell something, the last one more.
pub fn shorten(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return visible(text);
    }
    let room = room.saturating_sub(1);
    let head = room / 3;
    let front: String = take_columns(text.chars(), head);
    let back: String = take_columns(text.chars().rev(), room - head).chars().rev().collect();
    format!("{front}…{back}").into()
}

/// The first characters that fit into `room` columns, shown.
fn take_columns(characters: impl Iterator<Item = char>, room: usize) -> String {
    let mut left = room;
    characters
        .map_while(|character| {
            left = left.checked_sub(char_width(character))?;
            Some(shown(character))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_become_pictures_and_tricks_become_replacement_marks() {
        assert_eq!(visible("a\u{1b}[31mb\r\n\u{7f}"), "a␛[31mb␍␊␡");
        assert_eq!(
            visible("\u{9b}2J \u{202e}gpj \u{2066}x\u{2069} a\u{200b}b\u{feff}"),
            "\u{fffd}2J \u{fffd}gpj \u{fffd}x\u{fffd} a\u{fffd}b\u{fffd}"
        );
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        let text = "größe 日本語 e\u{301} 🐳 → –";
        assert!(matches!(visible(text), Cow::Borrowed(_)));
        assert_eq!(visible(text), text);
    }

    #[test]
    fn a_long_path_keeps_both_ends() {
        assert_eq!(shorten("deploy/production/compose.yaml", 15), "depl…mpose.yaml");
        assert_eq!(shorten("short", 15), "short");
        assert_eq!(width(&shorten("日本語日本語日本語", 8)), 7);
    }

    proptest! {
        #[test]
        fn nothing_visible_is_hidden_and_the_width_is_kept(text in any::<String>()) {
            let seen = visible(&text).into_owned();
            prop_assert!(!seen.contains(is_hidden));
            prop_assert_eq!(seen.chars().count(), text.chars().count());
            prop_assert_eq!(width(&seen), width(&text));
        }

        #[test]
        fn a_shortened_text_fits(text in any::<String>(), room in 1_usize..40) {
            prop_assert!(width(&shorten(&text, room)) <= room);
        }
    }
}
