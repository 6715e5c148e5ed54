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

/// What is wrong with the parentheses, brackets or braces of an expression.
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

/// Cuts C at the commas that stand in no parentheses, as in a list of what an enum holds.
///
/// ```
/// assert_eq!(tutor_bpf::expand::parts("A, F(b, c)"), ["A", "F(b, c)"]);
/// ```
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut from) = (0_usize, 0);
    for token in tokens(text) {
        let at = token.as_ptr() as usize - text.as_ptr() as usize;
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                parts
                    .last_mut()
                    .expect("there is one")
                    .push_str(text[from..at].trim());
                parts.push(String::new());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts
        .last_mut()
        .expect("there is one")
        .push_str(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
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
}
