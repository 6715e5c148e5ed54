//! Which characters are hidden: they take no room, fill it with nothing, or turn the reading direction.
//!
//! The list is Unicode's: `Default_Ignorable_Code_Point` of DerivedCoreProperties.txt, which holds
//! `Bidi_Control` but for nothing, and besides these the separators of lines and paragraphs, the marks
//! of annotations, the controls of Egyptian and musical notation, and the blank Braille pattern. A
//! test holds it against the tables of the crate `regex-syntax`.
//!
//! Some of them are a part of what is written in real languages: the joiners within Arabic and Indic
//! words, what makes one emoji of several, the one selector behind a character that has more than one
//! shape. There they stay.

use std::borrow::Cow;

/// True for characters that nobody sees, wherever they stand.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// True for a character that can be shown as it is between its neighbors.
pub(super) fn is_plain(before: Option<char>, character: char, after: Option<char>) -> bool {
    match character {
        '\n' | '\t' | ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        '\u{a0}'..='\u{ac}' => true,
        _ => !is_hidden(character) || belongs(before, character, after),
    }
}

/// True for a character whose neighbor behind it decides.
pub(super) fn needs_next(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe0f}')
}

/// True for a hidden character that is a part of what stands beside it.
fn belongs(before: Option<char>, character: char, after: Option<char>) -> bool {
    let Some(before) = before else {
        return false;
    };
    match character {
        // `1` as a key.
        '\u{fe0f}' if after == Some('\u{20e3}') => matches!(before, '0'..='9' | '#' | '*'),
        '\u{fe0e}' | '\u{fe0f}' => is_symbol(before),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_ideograph(before),
        '\u{200c}' | '\u{200d}' if is_joined(before) => after.is_some_and(is_joined),
        '\u{200d}' => {
            let is_emoji = is_symbol(before) || before == '\u{fe0f}';
            is_emoji && after.is_some_and(is_symbol)
        }
        _ => false,
    }
}

/// True for signs and pictures, of which many are emoji; not for those that stand for controls.
fn is_symbol(character: char) -> bool {
    matches!(character,
        '©' | '®' | '\u{203c}' | '\u{2049}' | '\u{2100}'..='\u{23ff}' | '\u{2422}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// True for letters of scripts whose words have joiners in them: Arabic, Indic, and their neighbors.
fn is_joined(character: char) -> bool {
    let is_of_such_a_script = matches!(character,
        '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}' | '\u{1820}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}');
    is_of_such_a_script && !is_hidden(character)
}

/// The characters of a text that are not shown as they are, each with its place: hidden ones and controls.
pub fn hidden(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, character) = characters.next()?;
            let after = characters.peek().map(|(_, after)| *after);
            let is_plain = is_plain(before, character, after);
            before = Some(character);
            if !is_plain {
                return Some((at, character));
            }
        }
    })
}

/// The name of a character that nobody sees, as Unicode has it, for a message: `U+200B ZERO WIDTH SPACE`.
pub fn name(character: char) -> String {
    let number = u32::from(character);
    let name: Cow<'static, str> = match character {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "a control character".into(),
        '\u{ad}' => "SOFT HYPHEN".into(),
        '\u{34f}' => "COMBINING GRAPHEME JOINER".into(),
        '\u{61c}' => "ARABIC LETTER MARK".into(),
        '\u{115f}' => "HANGUL CHOSEONG FILLER".into(),
        '\u{1160}' => "HANGUL JUNGSEONG FILLER".into(),
        '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR".into(),
        '\u{200b}' => "ZERO WIDTH SPACE".into(),
        '\u{200c}' => "ZERO WIDTH NON-JOINER".into(),
        '\u{200d}' => "ZERO WIDTH JOINER".into(),
        '\u{200e}' => "LEFT-TO-RIGHT MARK".into(),
        '\u{200f}' => "RIGHT-TO-LEFT MARK".into(),
        '\u{2028}' => "LINE SEPARATOR".into(),
        '\u{2029}' => "PARAGRAPH SEPARATOR".into(),
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING".into(),
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING".into(),
        '\u{202c}' => "POP DIRECTIONAL FORMATTING".into(),
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE".into(),
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE".into(),
        '\u{2060}' => "WORD JOINER".into(),
        '\u{2061}' => "FUNCTION APPLICATION".into(),
        '\u{2062}' => "INVISIBLE TIMES".into(),
        '\u{2063}' => "INVISIBLE SEPARATOR".into(),
        '\u{2064}' => "INVISIBLE PLUS".into(),
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE".into(),
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE".into(),
        '\u{2068}' => "FIRST STRONG ISOLATE".into(),
        '\u{2069}' => "POP DIRECTIONAL ISOLATE".into(),
        '\u{2800}' => "BRAILLE PATTERN BLANK".into(),
        '\u{3164}' => "HANGUL FILLER".into(),
        '\u{fe00}'..='\u{fe0f}' => format!("VARIATION SELECTOR-{}", number - 0xfdff).into(),
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE".into(),
        '\u{ffa0}' => "HALFWIDTH HANGUL FILLER".into(),
        '\u{e0100}'..='\u{e01ef}' => format!("VARIATION SELECTOR-{}", number - 0xe00ef).into(),
        '\u{e0020}'..='\u{e007e}' => {
            let hidden = char::from_u32(number - 0xe0000).unwrap_or(' ');
            format!("TAG `{hidden}`").into()
        }
        _ => "a character without a shape".into(),
    };
    format!("U+{number:04X} {name}")
}

/// JSON as text in which nothing is hidden: each control and hidden character is written as `\u….`.
/// Such stand in strings only, and whoever parses it gets the same strings.
pub fn visible_json(json: String) -> String {
    let is_hidden = |character| matches!(character, '\u{7f}'..='\u{9f}') || is_hidden(character);
    if !json.contains(is_hidden) {
        return json;
    }
    let mut visible = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if !is_hidden(character) {
            visible.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            visible.push_str(&format!("\\u{unit:04x}"));
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, HirKind};

    /// The characters that have a property, by the tables of `regex-syntax`.
    fn having(property: &str) -> Vec<char> {
        let hir = regex_syntax::parse(&format!(r"\p{{{property}}}")).unwrap();
        let HirKind::Class(Class::Unicode(class)) = hir.kind() else {
            panic!("{hir:?}");
        };
        let ranges = class.iter().map(|range| range.start()..=range.end());
        ranges.flatten().collect()
    }

    #[test]
    fn what_unicode_says_is_ignorable_or_turns_the_direction_is_hidden() {
        for property in ["Default_Ignorable_Code_Point", "Bidi_Control"] {
            let characters = having(property);
            assert!(characters.len() > 10, "{property}");
            let seen: Vec<String> = characters
                .into_iter()
                .filter(|character| !is_hidden(*character))
                .map(|character| format!("{:x}", u32::from(character)))
                .collect();
            assert_eq!(seen, Vec::<String>::new(), "{property}");
        }
    }

    #[test]
    fn letters_digits_and_emoji_are_not_hidden() {
        for property in ["Alphabetic", "White_Space", "Emoji"] {
            let hidden = having(property).into_iter().filter(|character| {
                // Separators and the fillers are blank and nothing else.
                let is_blank = matches!(
                    character,
                    '\u{2028}'
                        | '\u{2029}'
                        | '\u{115f}'
                        | '\u{1160}'
                        | '\u{3164}'
                        | '\u{ffa0}'
                        | '\u{13441}'..='\u{13446}'
                );
                is_hidden(*character) && !is_blank
            });
            assert_eq!(hidden.collect::<String>(), "", "{property}");
        }
    }

    #[test]
    fn what_real_languages_write_stays() {
        for text in [
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "☎\u{fe0e}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "葛\u{e0100}",
            "验证器",
        ] {
            assert_eq!(hidden(text).next(), None, "{text}");
        }
        for text in [
            "a\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "葛\u{e0100}\u{e0101}",
            "a\u{200d}b",
            "👨\u{200d}",
            "\u{200d}👩",
            "🏴\u{e0067}",
            "م\u{200c}a",
            "a\u{200c}\u{200d}م",
        ] {
            assert!(hidden(text).next().is_some(), "{text:?}");
        }
    }

    #[test]
    fn json_says_the_same_without_hiding_anything() {
        let text =
            "a\u{1b}\u{7f}\u{85}\u{200b}\u{202e}\u{feff}\u{fe0f}\u{e0041}👨\u{200d}👩 验证 \\u0041";
        let value = serde_json::json!({ text: [text] });
        let json = visible_json(format!("{value:#}"));
        assert!(!json.contains(is_hidden) && !json.contains(|c: char| c.is_control() && c != '\n'));
        assert!(
            json.contains(r"\udb40\udc41") && json.contains("验证"),
            "{json}"
        );
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, value);
    }
}
