//! What may answer a question, and when two answers are the same.

use super::number::Number;

/// An answer longer than this is none that anybody types.
pub const ANSWER_CHARACTERS: usize = 200;

/// What begins a line that is no answer, but a command to whoever asks.
pub const COMMAND_MARK: char = ':';

/// True if two answers are the same: the same number however it is written, or the same words in
/// letters of either case.
pub fn is_same_answer(one: &str, other: &str) -> bool {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.to_lowercase() == other.to_lowercase(),
    }
}

/// True for a text that reads as a number: `16`, `1.5`, `0x10`.
pub fn is_number(text: &str) -> bool {
    number(text).is_some()
}

/// The choices, each with the letter by which it may be chosen.
pub fn lettered(choices: &[String]) -> impl Iterator<Item = (char, &String)> {
    ('a'..='z').zip(choices)
}

/// The choice that is meant by its words, or else by its letter.
pub fn chosen<'c>(said: &str, choices: &'c [String]) -> Option<&'c String> {
    let is_letter = |letter: char| said.eq_ignore_ascii_case(&letter.to_string());
    let by_words = choices.iter().find(|choice| is_same_answer(choice, said));
    by_words.or_else(|| {
        let mut lettered = lettered(choices);
        lettered.find_map(|(letter, choice)| is_letter(letter).then_some(choice))
    })
}

fn number(text: &str) -> Option<Number> {
    let whole = |radix| i128::from_str_radix(&text[2..], radix).ok();
    let prefixed = match text.get(..2) {
        Some("0x" | "0X") => whole(16),
        Some("0o" | "0O") => whole(8),
        Some("0b" | "0B") => whole(2),
        Some(_) | None => None,
    };
    prefixed.map(Number::Whole).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_word_is_the_same_however_it_is_written() {
        for same in ["16", "16.0", "0x10", "0X10", "0b10000", "0o20", "+16"] {
            assert!(is_same_answer("16", same), "{same}");
        }
        assert!(is_same_answer("The Kernel", "the kernel"));
        for other in ["10", "0x", "0x-10", "sixteen", ""] {
            assert!(!is_same_answer("16", other), "{other}");
        }
    }

    #[test]
    fn the_words_of_a_choice_come_before_its_letter() {
        let choices = ["2", "3", "a"].map(str::to_owned);
        let chosen = |said| chosen(said, &choices).map(String::as_str);
        assert_eq!(chosen("3"), Some("3"));
        assert_eq!(chosen("0x2"), Some("2"));
        assert_eq!(chosen("B"), Some("3"));
        assert_eq!(chosen("a"), Some("a"));
        assert_eq!(chosen("d"), None);
        assert_eq!(chosen(""), None);
    }
}
