//! Marks the changes within a line, and its invisible parts.

use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its text.
    pub text: String,
    /// True if it is what changed within the line.
    pub emphasis: bool,
}

/// The most characters of a line that are shown.
const MOST_CHARACTERS: usize = 400;
/// The length of the text before the first change in a long line.
const LEAD_CHARACTERS: usize = 40;
/// Below this share of common words, emphasis would only speckle the lines.
const LEAST_IN_COMMON: f32 = 0.4;
/// The longest search within one pair of lines.
const PATIENCE: Duration = Duration::from_millis(20);

/// A changed line with its tabs and its blanks at the end made visible.
pub(super) fn shown(line: &str) -> String {
    let body = line.trim_end_matches([' ', '\t']);
    let blanks = &line[body.len()..];
    format!("{body}{}", blanks.replace(' ', "·")).replace('\t', "→")
}

/// A line, or the beginning of a long one, without emphasis.
pub(super) fn plain(line: &str) -> Segment {
    Segment {
        text: window(line, 0),
        emphasis: false,
    }
}

/// Both lines in pieces, those emphasized that the other one lacks.
pub(super) fn between(old: &str, new: &str) -> (Vec<Segment>, Vec<Segment>) {
    let from = common_characters(old, new).saturating_sub(LEAD_CHARACTERS);
    let (old, new) = (window(old, from), window(new, from));
    let (old_words, new_words) = (words(&old), words(&new));
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(PATIENCE)
        .diff_slices(&old_words, &new_words);
    if diff.ratio() < LEAST_IN_COMMON {
        return (vec![plain(&old)], vec![plain(&new)]);
    }
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut removed, change.value(), false);
                push(&mut added, change.value(), false);
            }
            ChangeTag::Delete => push(&mut removed, change.value(), true),
            ChangeTag::Insert => push(&mut added, change.value(), true),
        }
    }
    (removed, added)
}

fn push(segments: &mut Vec<Segment>, word: &str, emphasis: bool) {
    match segments.last_mut() {
        Some(last) if last.emphasis == emphasis => last.text.push_str(word),
        Some(_) | None => segments.push(Segment {
            text: word.to_owned(),
            emphasis,
        }),
    }
}

fn common_characters(old: &str, new: &str) -> usize {
    let pairs = old.chars().zip(new.chars());
    pairs.take_while(|(old, new)| old == new).count()
}

/// The part of a line from this character on, with `…` where something is left out. A line that
/// fits is shown whole.
fn window(line: &str, from: usize) -> String {
    if line.len() <= MOST_CHARACTERS || line.chars().count() <= MOST_CHARACTERS {
        return line.to_owned();
    }
    let mut rest = line.chars().skip(from);
    let mut part: String = rest.by_ref().take(MOST_CHARACTERS - 2).collect();
    if from > 0 {
        part.insert(0, '…');
    }
    if rest.next().is_some() {
        part.push('…');
    }
    part
}

/// Runs of letters and digits, runs of blanks, and everything else character by character.
fn words(line: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        ' ' | '·' => 1,
        '_' => 2,
        _ if character.is_alphanumeric() => 2,
        _ => 0,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, character) in line.char_indices() {
        let this = kind(character);
        let goes_on = last == Some(this) && this != 0;
        if at > 0 && !goes_on {
            words.push(&line[start..at]);
            start = at;
        }
        last = Some(this);
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}
