//! Text that is the same on every run, in the form that snapshots hold.
//!
//! The form is plain output with a few marker lines. insta drops white space at the end of a
//! snapshot, and a missing final newline; markers keep both visible:
//!
//! - `--- stdout ---` opens the first section, only where its first line is empty;
//! - `--- stderr ---` opens the second, if there is one;
//! - `--- no newline at the end ---` follows a line that had none;
//! - `--- end ---` follows a section that ends with white space.
//!
//! A line of the output that reads like a marker or like the marks of a merge conflict gets a
//! `\` in front. Within lines the text is [`exact`](crate::visible::exact), so two outputs that
//! differ have forms that differ.

use crate::visible::{has_marks, readable};
use std::borrow::Cow;

const STDOUT: &str = "--- stdout ---";
const STDERR: &str = "--- stderr ---";
const UNFINISHED: &str = "--- no newline at the end ---";
const END: &str = "--- end ---";

/// Output without what changes from run to run. Only [`crate::normalize`] makes one from bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StableText {
    form: String,
    /// True for the form of an earlier `tutor`, in which a mark may also be text that reads like it.
    is_loose: bool,
}

/// A [`StableText`] taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// The text on standard output.
    pub stdout: StreamText,
    /// The text on standard error.
    pub stderr: StreamText,
}

/// The text of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamText {
    /// Its lines; a last line without newline is one too.
    pub lines: Vec<String>,
    /// True if the last line had no newline.
    pub unfinished: bool,
}

impl StreamText {
    /// True if nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The text as it was printed.
    pub fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        if !self.is_empty() && !self.unfinished {
            text.push('\n');
        }
        text
    }
}

impl StableText {
    /// The form that snapshots hold: no newline at the end, and no marker where none is needed.
    pub fn as_str(&self) -> &str {
        &self.form
    }

    /// True if neither stream had anything.
    pub fn is_empty(&self) -> bool {
        self.form.is_empty()
    }

    /// True if both say the same, as far as the form of an earlier `tutor` tells.
    pub fn is_same(&self, other: &StableText) -> bool {
        let (one, other) = self.alike(other);
        one == other
    }

    /// The two in one form: the looser of both.
    pub(crate) fn alike<'t>(&'t self, other: &'t StableText) -> (Cow<'t, str>, Cow<'t, str>) {
        let is_loose = self.is_loose || other.is_loose;
        let form = |text: &'t StableText| match is_loose && !text.is_loose {
            true => readable(&text.form),
            false => Cow::Borrowed(&*text.form),
        };
        (form(self), form(other))
    }

    /// True if a reader must know that this is exact text: as that of an earlier `tutor` it would be
    /// that of other outputs too.
    pub(crate) fn relies_on_marks(&self) -> bool {
        !self.is_loose && has_marks(&self.form)
    }

    /// The two streams apart, to be read: what was printed and reads like a mark is there as it was
    /// printed.
    pub fn sections(&self) -> Sections {
        let mut sections = Sections::default();
        if self.is_empty() {
            return sections;
        }
        let mut section = &mut sections.stdout;
        for (number, line) in self.form.split('\n').enumerate() {
            match line {
                STDOUT if number == 0 => {}
                STDERR => section = &mut sections.stderr,
                UNFINISHED => section.unfinished = true,
                END => {}
                _ if self.is_loose => section.lines.push(unescaped(line).to_owned()),
                _ => section.lines.push(readable(unescaped(line)).into_owned()),
            }
        }
        sections
    }

    /// The form of two streams' safe and masked text.
    pub(super) fn of(stdout: &str, stderr: &str) -> StableText {
        let mut form = String::with_capacity(stdout.len() + stderr.len() + 32);
        if stdout.starts_with('\n') {
            push_line(STDOUT, &mut form);
        }
        push_section(stdout, &mut form);
        if !stderr.is_empty() {
            push_line(STDERR, &mut form);
            push_section(stderr, &mut form);
        }
        form.pop();
        StableText {
            form,
            is_loose: false,
        }
    }

    /// The text of a snapshot, as [`crate::snapshot`] read it.
    pub(crate) fn recorded(form: &str) -> StableText {
        StableText {
            form: form.trim_end().to_owned(),
            is_loose: false,
        }
    }

    /// The same of a snapshot that an earlier `tutor` wrote.
    pub(crate) fn recorded_loosely(form: &str) -> StableText {
        StableText {
            is_loose: has_marks(form),
            ..StableText::recorded(form)
        }
    }

    /// The bytes of both streams.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        assert!(!self.is_loose);
        // Text that is read as such gives back each line as it is stored.
        let stored = StableText {
            is_loose: true,
            ..self.clone()
        };
        let sections = stored.sections();
        let bytes = |text: String| crate::visible::bytes_of(&text);
        (bytes(sections.stdout.text()), bytes(sections.stderr.text()))
    }
}

fn push_section(text: &str, form: &mut String) {
    if text.is_empty() {
        return;
    }
    let body = text.strip_suffix('\n');
    for line in body.unwrap_or(text).split('\n') {
        if is_marker(line.trim_start_matches('\\')) {
            form.push('\\');
        }
        push_line(line, form);
    }
    if body.is_none() {
        push_line(UNFINISHED, form);
    } else if ends_white(form) {
        push_line(END, form);
    }
}

fn push_line(line: &str, form: &mut String) {
    form.push_str(line);
    form.push('\n');
}

/// True if the last line is empty or ends with white space, the newline of our own left aside.
fn ends_white(form: &str) -> bool {
    let body = form.strip_suffix('\n').unwrap_or(form);
    body.is_empty() || body.ends_with(char::is_whitespace)
}

fn is_marker(line: &str) -> bool {
    [STDOUT, STDERR, UNFINISHED, END].contains(&line)
        || line.starts_with("<<<<<<<")
        || line.starts_with(">>>>>>>")
}

fn unescaped(line: &str) -> &str {
    match line.strip_prefix('\\') {
        Some(rest) if is_marker(rest.trim_start_matches('\\')) => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn form(stdout: &str, stderr: &str) -> String {
        StableText::of(stdout, stderr).as_str().to_owned()
    }

    #[test]
    fn output_that_ends_as_usual_has_no_marker() {
        assert_eq!(form("a\nb\n", ""), "a\nb");
        assert_eq!(form("", ""), "");
    }

    #[test]
    fn a_missing_final_newline_stays_visible() {
        assert_snapshot!(form("a", "b"), @r"
        a
        --- no newline at the end ---
        --- stderr ---
        b
        --- no newline at the end ---
        ");
    }

    #[test]
    fn empty_lines_and_blanks_at_both_ends_stay() {
        assert_snapshot!(form("\n\na \n\n", ""), @r"
        --- stdout ---


        a 

        --- end ---
        ");
        assert_eq!(form("a \n", ""), "a \n--- end ---");
        assert_eq!(form("\n", ""), "--- stdout ---\n\n--- end ---");
    }

    #[test]
    fn output_that_reads_like_a_marker_or_a_conflict_is_escaped() {
        assert_snapshot!(form("--- stderr ---\n\\--- end ---\n<<<<<<< HEAD\n--- a.c\n", ""), @r"
        \--- stderr ---
        \\--- end ---
        \<<<<<<< HEAD
        --- a.c
        ");
    }

    fn stream() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n"),
            Just("a"),
            Just(" "),
            Just("\t"),
            Just("\\"),
            Just("<<<<<<<"),
            Just(STDOUT),
            Just(STDERR),
            Just(UNFINISHED),
            Just(END),
            Just("世\u{a0}"),
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn sections_give_back_both_streams(stdout in stream(), stderr in stream()) {
            let text = StableText::of(&stdout, &stderr);
            let sections = text.sections();
            prop_assert_eq!(sections.stdout.text(), stdout);
            prop_assert_eq!(sections.stderr.text(), stderr);
        }

        #[test]
        fn nothing_is_lost_when_white_space_at_the_end_is(stdout in stream(), stderr in stream()) {
            let text = StableText::of(&stdout, &stderr);
            prop_assert_eq!(StableText::recorded(text.as_str()), text);
        }
    }
}
