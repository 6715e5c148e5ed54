//! The words of C, as far as the preprocessor tells them apart.

/// Cuts text into words and signs; space is left out.
pub(super) fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = length(rest);
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn length(text: &str) -> usize {
    let first = text.chars().next().expect("it is not empty");
    let while_holds = |holds: &dyn Fn(char) -> bool| {
        let end = text.find(|c| !holds(c));
        end.unwrap_or(text.len())
    };
    match first {
        '"' | '\'' => quoted(text, first),
        c if is_word(c) => while_holds(&|c| is_word(c) || (first.is_ascii_digit() && c == '.')),
        c => c.len_utf8(),
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

pub(super) fn is_identifier(token: &str) -> bool {
    token.starts_with(|c: char| is_word(c) && !c.is_ascii_digit())
}

/// Returns what is wrong with the parentheses, brackets or braces of an expression.
pub(super) fn unbalanced(text: &str) -> Option<String> {
    let mut open = Vec::new();
    for token in tokens(text) {
        match token {
            "(" | "[" | "{" => open.push(token),
            ")" | "]" | "}" => {
                let wanted = match token {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                if open.pop() != Some(wanted) {
                    return Some(format!("`{token}` closes what was not opened"));
                }
            }
            _ => {}
        }
    }
    open.pop().map(|token| format!("`{token}` is never closed"))
}

/// Cuts C into the parts of a list: at the commas that stand in no parentheses, as in what an enum holds, and
/// between macros that stand side by side, `F(a) F(b)`, as in a list that leaves commas to `F`.
///
/// ```
/// assert_eq!(tutor_bpf::expand::parts("A, F(b, c)"), ["A", "F(b, c)"]);
/// assert_eq!(tutor_bpf::expand::parts("F(a, 1) F(b, 2)"), ["F(a, 1)", "F(b, 2)"]);
/// ```
pub fn parts(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let called = |at: usize| {
        tokens.get(at).is_some_and(|token| is_identifier(token)) && tokens.get(at + 1) == Some(&"(")
    };
    let mut parts = Vec::new();
    let (mut depth, mut from, mut call) = (0_usize, 0, false);
    for (number, token) in tokens.iter().enumerate() {
        let at = token.as_ptr() as usize - text.as_ptr() as usize;
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && call && called(number + 1) {
                    parts.push(&text[from..=at]);
                    from = at + 1;
                }
            }
            "," if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            call = called(number);
        }
    }
    parts.push(&text[from..]);
    let parts = parts.into_iter().map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_strings_and_signs_are_tokens() {
        assert_eq!(
            tokens(r#"F(a_1, 0x10ULL) ## "x\")" 'y'"#),
            [
                "F",
                "(",
                "a_1",
                ",",
                "0x10ULL",
                ")",
                "#",
                "#",
                r#""x\")""#,
                "'y'"
            ]
        );
        assert_eq!(tokens("  "), Vec::<&str>::new());
        assert_eq!(tokens("\"open"), ["\"open"]);
    }

    #[test]
    fn what_is_not_balanced_is_named() {
        assert_eq!(unbalanced("F(1, (2))"), None);
        assert_eq!(unbalanced("F(1").unwrap(), "`(` is never closed");
        assert_eq!(
            unbalanced("F 1)").unwrap(),
            "`)` closes what was not opened"
        );
        assert_eq!(unbalanced("\"(\""), None);
    }

    #[test]
    fn a_list_is_cut_at_its_own_commas() {
        assert_eq!(parts("a, F(b, c), d,"), ["a", "F(b, c)", "d"]);
        assert_eq!(parts("F(b, c)"), ["F(b, c)"]);
    }

    #[test]
    fn a_list_of_macros_is_cut_between_them() {
        assert_eq!(
            parts("F(a, 0) F(b, (1)) G(c),"),
            ["F(a, 0)", "F(b, (1))", "G(c)"]
        );
        assert_eq!(parts("(u32) F(a)"), ["(u32) F(a)"]);
        assert_eq!(parts("sizeof(a) * F(b)"), ["sizeof(a) * F(b)"]);
        assert_eq!(parts("F(a) b"), ["F(a) b"]);
    }
}
