//! The line numbers in bash's own messages: bash counts over all that the lesson's shell has read.

use super::mask::Mask;
use super::padding::compiled;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides `12` in `bash: line 12: foo: command not found`, and where something began that bash found
/// no end of. Of what is wrong in a function bash says `main: line 12`.
pub(super) const MASK: Mask = Mask {
    name: "shell-line",
    apply,
};

static LINE: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?m-u)(?<before>^(?:bash|main): (?:[a-z]+: )?line )[0-9]+:"));

static BEGINNING: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?m-u)(?<before>^(?:bash|main): (?:[a-z]+: )?line \[LINE\]: [ -~]*(?:here-document at|command on) line )[0-9]+",
    )
});

fn apply(text: &str) -> Cow<'_, str> {
    // Most output has no such message in it.
    if !text.contains("bash: ") && !text.contains("main: ") {
        return Cow::Borrowed(text);
    }
    let masked = LINE.replace_all(text, "${before}[LINE]:");
    match BEGINNING.replace_all(&masked, "${before}[LINE]") {
        Cow::Owned(both) => Cow::Owned(both),
        Cow::Borrowed(_) => masked,
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
        assert_snapshot!(masked(&MASK, text), @r"
        bash: line [LINE]: nosuch: command not found
        bash: eval: line [LINE]: syntax error
        line 12: kept
        ");
    }

    #[test]
    fn where_something_began_that_has_no_end_is_hidden_too() {
        let text = "bash: line 3: warning: here-document at line 2 delimited by end-of-file (wanted `EOF')\n\
            bash: eval: line 9: syntax error: unexpected end of file from `if' command on line 7\n\
            a command on line 7\n";
        assert_snapshot!(masked(&MASK, text), @r"
        bash: line [LINE]: warning: here-document at line [LINE] delimited by end-of-file (wanted `EOF')
        bash: eval: line [LINE]: syntax error: unexpected end of file from `if' command on line [LINE]
        a command on line 7
        ");
    }

    #[test]
    fn a_function_of_the_shell_is_in_main() {
        let text = "main: line 28: nosuch: command not found\nmain: kept\n";
        assert_snapshot!(masked(&MASK, text), @r"
        main: line [LINE]: nosuch: command not found
        main: kept
        ");
    }
}
