//! The line number in bash's own messages: bash counts over all that the lesson's shell has read.

use super::Mask;
use super::padding::compiled;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides `12` in `bash: line 12: foo: command not found`.
#[derive(Clone, Copy, Debug)]
pub struct ShellLine;

static LINE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?m-u)(?<before>^bash: (?:[a-z]+: )?line )[0-9]+:"));

impl Mask for ShellLine {
    fn name(&self) -> &'static str {
        "shell-line"
    }

    fn token(&self) -> &'static str {
        "[LINE]"
    }

    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // Most output has no such message in it.
        if !text.contains("bash: ") {
            return Cow::Borrowed(text);
        }
        LINE.replace_all(text, "${before}[LINE]:")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn bashs_own_line_numbers_are_hidden_and_no_others() {
        let text = "bash: line 12: nosuch: command not found\nbash: eval: line 7: syntax error\nline 12: kept\n";
        assert_snapshot!(masked(&ShellLine, text), @r"
        bash: line [LINE]: nosuch: command not found
        bash: eval: line [LINE]: syntax error
        line 12: kept
        ");
    }
}
