//! Says which known word was probably meant by an unknown one.

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Guesses::default().nearest(word, candidates)
}

/// Says what words of a text were probably meant to be.
///
/// A text may hold any number of words that nobody knows, and of names that they could be. Each is
/// compared with each only until so much was compared that nobody would read all the guesses.
#[derive(Clone, Debug)]
pub struct Guesses {
    /// The comparisons that are left, in pairs of characters.
    left: usize,
}

/// No word that is longer is a slip of the finger.
const LONGEST_WORD: usize = 100;

impl Default for Guesses {
    fn default() -> Self {
        Guesses { left: 10_000_000 }
    }
}

impl Guesses {
    /// The candidate that `word` was probably meant to be, as long as it may be asked for.
    pub fn nearest<'a>(
        &mut self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.left == 0 || word.len() > 4 * LONGEST_WORD {
            return None;
        }
        let word = word.to_lowercase();
        let characters = word.chars().count();
        let allowed = (characters / 3).clamp(1, 3);
        let mut found: Option<(usize, &str)> = None;
        for candidate in candidates {
            let cost = match candidate.len() > 4 * (LONGEST_WORD + allowed)
                || candidate.chars().count().abs_diff(characters) > allowed
            {
                true => 1,
                false => characters * characters + 1,
            };
            self.left = self.left.saturating_sub(cost);
            if self.left == 0 {
                return None;
            }
            if cost == 1 {
                continue;
            }
            let distance = strsim::damerau_levenshtein(&word, candidate);
            let is_near = distance <= allowed && distance < candidate.len();
            if is_near && found.is_none_or(|(least, _)| distance < least) {
                found = Some((distance, candidate));
            }
        }
        found.map(|(_, candidate)| candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_a_slip_of_the_finger_away() {
        assert_eq!(nearest("timout", ["timeout", "until"]), Some("timeout"));
        assert_eq!(nearest("idd", ["id", "on"]), Some("id"));
        assert_eq!(nearest("ID", ["id"]), Some("id"));
        assert_eq!(nearest("colour", ["id", "on"]), None);
    }

    #[test]
    fn many_words_are_guessed_only_until_nobody_would_read_it() {
        let names: Vec<String> = (0..5000).map(|number| format!("name-{number}")).collect();
        let mut guesses = Guesses::default();
        let mut compared = 0;
        let mut guessed = 0;
        for name in &names {
            let known = names.iter().map(String::as_str).inspect(|_| compared += 1);
            guessed += usize::from(guesses.nearest(&format!("{name}x"), known).is_some());
        }
        assert!(guessed > 10, "{guessed}");
        // Each with each would be five times as many.
        assert!(compared < 5_000_000, "{compared}");
        let long = "x".repeat(100_000);
        assert_eq!(nearest(&long, [&*format!("{long}y")]), None);
    }
}
