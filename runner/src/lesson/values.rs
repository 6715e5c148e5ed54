//! Reads the values of a fence's attributes.

use super::answer::{COMMAND_MARK, is_same_answer, lettered};
use super::attributes::Word;
use super::model::{Background, Compare, Expectation, ExpectedExit, Need, Place, SKIP_REST};
use super::number::Number;
use crate::diagnostic::{Complaint, nearest};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Reads a length of time as fences have it: `500ms`, `30s`, `2m`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    duration(text).ok()
}

/// True for a text that can name a step, a check or a lesson: `[a-z0-9-]+`.
pub fn is_name(text: &str) -> bool {
    name(text).is_ok()
}

fn complaint<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Complaint> {
    Err(Complaint::new(message, help))
}

/// A name that can be part of a file's name and of a link: `[a-z0-9-]+`.
pub(crate) fn name(text: &str) -> Result<String, Complaint> {
    if text.is_empty() {
        return complaint("an empty name", "use lower-case letters, digits and `-`");
    }
    match text
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
    {
        None => Ok(text.to_owned()),
        Some(bad) => complaint(
            match bad {
                // Among backticks one could not be told.
                '`' => "a backtick may not stand in a name".to_owned(),
                bad => format!("`{bad}` may not stand in the name `{text}`"),
            },
            match mended_name(text) {
                Some(mended) => format!("use lower-case letters, digits and `-`: `{mended}`"),
                None => "use lower-case letters, digits and `-`".to_owned(),
            },
        ),
    }
}

/// The permanent name of a lesson and the id of a step: `sections/slot-10`.
pub(crate) fn lesson_and_step(text: &str) -> Result<(String, String), Complaint> {
    match text.split_once('/') {
        Some((lesson, step)) => Ok((name(lesson)?, name(step)?)),
        None => complaint(
            format!("`{text}` does not say which lesson that was"),
            format!("write the lesson's `name`, `/` and the step: `was=hello/{text}`"),
        ),
    }
}

fn mended_name(text: &str) -> Option<String> {
    let mended: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let mended = mended.trim_matches('-').to_owned();
    (!mended.is_empty()).then_some(mended)
}

/// `30s`, `2m` or `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, Complaint> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        _ => None,
    };
    let read = number.parse::<u64>().ok().zip(milliseconds);
    match read.and_then(|(number, unit)| number.checked_mul(unit)) {
        None => complaint(
            format!("`{text}` is no length of time"),
            "write `500ms`, `30s` or `2m`",
        ),
        Some(0) => complaint(
            "a step cannot end within no time",
            "write `500ms`, `30s` or `2m`",
        ),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
    }
}

/// `0` to `255`, or `nonzero`.
pub(crate) fn exit(text: &str) -> Result<ExpectedExit, Complaint> {
    if text == "nonzero" {
        return Ok(ExpectedExit::NonZero);
    }
    match text.parse::<u8>().map(i32::from) {
        Ok(SKIP_REST) => complaint(
            format!("status {SKIP_REST} cannot be expected: it skips the rest of the lesson"),
            "let the step end with another status",
        ),
        Ok(code) => Ok(ExpectedExit::Code(code)),
        Err(_) => complaint(
            format!("`{text}` is no exit status"),
            "write a number from 0 to 255, or `nonzero`",
        ),
    }
}

/// `host` or `kernel`.
pub(crate) fn place(text: &str) -> Result<Place, Complaint> {
    match one_of(text, "place", &["host", "kernel"])? {
        "kernel" => Ok(Place::Kernel),
        _ => Ok(Place::Host),
    }
}

/// `snapshot` or `none`.
pub(crate) fn compare(text: &str) -> Result<Compare, Complaint> {
    match one_of(text, "way to compare", &["snapshot", "none"])? {
        "none" => Ok(Compare::None),
        _ => Ok(Compare::Snapshot),
    }
}

/// The answers to choose from: `compiler|loader|kernel`.
pub(crate) fn choices(text: &str) -> Result<Vec<String>, Complaint> {
    let choices: Vec<String> = text.split('|').map(|one| one.trim().to_owned()).collect();
    let help = "write two or more answers with `|` between them: `compiler|loader|kernel`";
    if choices.len() < 2 || choices.iter().any(String::is_empty) {
        return complaint("that is no choice of answers", help);
    }
    for (index, one) in choices.iter().enumerate() {
        let same = choices[..index]
            .iter()
            .find(|same| is_same_answer(same, one));
        match same {
            Some(same) if same == one => {
                return complaint(format!("the answer `{one}` is given twice"), help);
            }
            Some(same) => {
                let message = format!("the answers `{same}` and `{one}` are the same");
                return complaint(message, help);
            }
            None if one.starts_with(COMMAND_MARK) => {
                return complaint(
                    format!("the answer `{one}` begins with `{COMMAND_MARK}`"),
                    "what begins so is a command to `tutor study`: write it without",
                );
            }
            None => {}
        }
    }
    if lettered(&choices).count() < choices.len() {
        return complaint(
            "there are more answers than letters to choose them by",
            help,
        );
    }
    let clash = lettered(&choices).find_map(|(letter, choice)| {
        let letter = letter.to_string();
        let other = choices
            .iter()
            .find(|other| is_same_answer(other, &letter))?;
        (other != choice).then_some((other, choice))
    });
    match clash {
        None => Ok(choices),
        Some((other, choice)) => complaint(
            format!("the answer `{other}` is the letter of `{choice}` too"),
            "answers are chosen by the letters `a`, `b`, `c` as well: give it more letters, or the place that it names",
        ),
    }
}

fn one_of<'a>(text: &str, what: &str, values: &[&'a str]) -> Result<&'a str, Complaint> {
    if let Some(value) = values.iter().find(|value| **value == text) {
        return Ok(value);
    }
    let help = match nearest(text, values.iter().copied()) {
        Some(value) => format!("did you mean `{value}`?"),
        None => format!("write {}", listed(values, "or")),
    };
    complaint(format!("`{text}` is no {what}"), help)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn listed(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// `line:REGEX`, `file:PATH` or `port:N`.
pub(crate) fn until(text: &str) -> Result<Background, Complaint> {
    let help = "write `until=line:REGEX`, `until=file:PATH` or `until=port:NUMBER`";
    match text.split_once(':') {
        Some(("line", pattern)) => Ok(Background::Line(regex(pattern)?)),
        Some(("file", "")) => complaint("`until=file:` names no file", help),
        Some(("file", path)) => Ok(Background::File(PathBuf::from(path))),
        Some(("port", port)) => match port.parse::<u16>() {
            Ok(port @ 1..) => Ok(Background::Port(port)),
            Ok(0) | Err(_) => complaint(
                format!("`{port}` is no port"),
                "write a number from 1 to 65535",
            ),
        },
        Some(_) | None => complaint(format!("`{text}` says nothing to wait for"), help),
    }
}

/// A regular expression that can be read. Compiling it is left to `tutor check` and to whoever
/// uses it: that takes longer than reading the rest of the page.
pub(crate) fn regex(pattern: &str) -> Result<String, Complaint> {
    if pattern.is_empty() {
        return complaint(
            "an empty regular expression matches everything",
            "say what must be there",
        );
    }
    match regex_syntax::parse(pattern) {
        Ok(_) => Ok(pattern.to_owned()),
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let reason = last.trim().trim_start_matches("error: ").to_owned();
            complaint(
                format!("the regular expression does not compile: {reason}"),
                "put `\\` before a character that stands for itself; there is no look-around",
            )
        }
    }
}

/// `1..5`, `1..` or `..5`: numbers, both ends included.
pub(crate) fn range(text: &str) -> Result<Expectation, Complaint> {
    let help = "write two numbers, as in `range=1..5`; `1..` and `..5` are open";
    let ends: Option<(Option<Number>, Option<Number>)> =
        text.split_once("..").and_then(|(low, high)| {
            let end = |text: &str| match text {
                "" => Some(None),
                text => text.parse().ok().map(Some),
            };
            Some((end(low)?, end(high)?))
        });
    match ends {
        None => complaint(format!("`{text}` is no range"), help),
        Some((None, None)) => complaint("a range without ends holds every number", help),
        Some((Some(low), Some(high))) if low > high => complaint(
            format!("no number lies in `{text}`"),
            "write the smaller number first",
        ),
        Some((low, high)) => Ok(Expectation::Range(low, high)),
    }
}

/// Linux takes paths of 4096 bytes, and the workspace stands before this one.
const LONGEST_PATH_BYTES: usize = 1024;

/// A path that stays inside the workspace.
pub(crate) fn workspace_path(text: &str) -> Result<PathBuf, Complaint> {
    if text.is_empty() || text.ends_with('/') || text.contains(char::is_control) {
        return complaint(
            format!("`{text}` names no file"),
            "name a file in the workspace: `hello.bpf.c`",
        );
    }
    if text.len() > LONGEST_PATH_BYTES {
        return complaint(
            "this path is too long for a file",
            format!("keep it within {LONGEST_PATH_BYTES} bytes"),
        );
    }
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => {
                return complaint(
                    format!("`{text}` is an absolute path"),
                    "a lesson writes into its workspace only: name the file relative to it",
                );
            }
            Component::ParentDir => {
                return complaint(
                    format!("`{text}` leaves the workspace"),
                    "a lesson writes into its workspace only: take the `..` away",
                );
            }
        }
    }
    match path.as_os_str().is_empty() {
        true => complaint(
            format!("`{text}` names no file"),
            "name a file in the workspace: `hello.bpf.c`",
        ),
        false => Ok(path),
    }
}

/// The names of a list `a,b`, each with its place.
pub(crate) fn names(word: &Word) -> Vec<Word> {
    let mut at = 0;
    let mut names = Vec::new();
    for piece in word.text.split(',') {
        let blanks = piece.len() - piece.trim_start().len();
        let text = piece.trim();
        let span: Range<usize> = at + blanks..at + blanks + text.len();
        names.push(Word {
            text: text.to_owned(),
            span: word.part(span),
        });
        at += piece.len() + 1;
    }
    names
}

/// `kprobe` or `clang>=14`.
pub(crate) fn need(text: &str) -> Result<Need, Complaint> {
    let Some((left, version)) = text.split_once(">=") else {
        if text.contains(['<', '>', '=']) {
            return complaint(
                format!("`{text}` asks for a version in a way that is not known"),
                "write `clang>=14`: only the oldest version can be asked for",
            );
        }
        return Ok(Need {
            name: name(text)?,
            at_least: None,
        });
    };
    let numbers: Option<Vec<u64>> = version
        .trim()
        .split('.')
        .map(|part| part.parse().ok())
        .collect();
    match numbers {
        Some(numbers) => Ok(Need {
            name: name(left.trim())?,
            at_least: Some(numbers),
        }),
        None => complaint(
            format!("`{version}` is no version"),
            "write numbers with dots: `clang>=14.0`",
        ),
    }
}
