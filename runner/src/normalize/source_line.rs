//! The line of a header that a tool names: headers grow from version to version, a program's own file does not.

use super::mask::Mask;
use super::padding::compiled;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Hides `368` in `include/linux/filter.h:368`.
pub(super) const MASK: Mask = Mask {
    name: "source-line",
    apply,
};

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"(?-u)(?<file>[A-Za-z0-9_/-]\.h:)[0-9]+(?<again>, which line )?(?:[0-9]+)?")
});

fn apply(text: &str) -> Cow<'_, str> {
    LINE.replace_all(text, |found: &regex::Captures| {
        let again = found.name("again");
        let again = again.map_or(String::new(), |word| format!("{}[LINE]", word.as_str()));
        format!("{}[LINE]{again}", &found["file"])
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::masked;
    use super::*;
    use insta::assert_snapshot;

    #[test]
    fn lines_of_headers_are_hidden_and_those_of_a_program_stay() {
        let text = "opening F from include/linux/filter.h:368\nopening E from bpf.h:5694, which line 5699 undefines again\nat 12:30, port localhost:8080, hello.bpf.c:11:1\n";
        assert_snapshot!(masked(&MASK, text), @r"
        opening F from include/linux/filter.h:[LINE]
        opening E from bpf.h:[LINE], which line [LINE] undefines again
        at 12:30, port localhost:8080, hello.bpf.c:11:1
        ");
    }
}
